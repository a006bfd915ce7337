"""What an operation asks of its operands: eight kinds of constraint, each of which holds or says what is wrong."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from shapetrace.failing.case import Operation
from shapetrace.failing.structure import axes_clash
from shapetrace.language import Text
from shapetrace.ops.atoms import Axis

Kind = Literal["equal", "broadcast", "sum", "multiple", "below", "rank", "dtype", "device"]
"""equal: two axes, or an axis and a size. broadcast: equal, or one of them 1. sum: pieces of an axis. multiple: an axis
of groups. below: an index or a count. rank: a number of axes. dtype: a type. device: where tensors are."""

Place = tuple[int, int]
"""An operand and one of its axes."""


@dataclass(frozen=True)
class Constraint:
    """One thing that must hold for an operation to run.

    Attributes:
        kind: What sort of thing.
        holds: Whether it does.
        says: What is wrong where it does not: a phrase with the fields below.
        values: Fields of the phrase; ``first`` and ``second`` are operands.
        clash: The numbers that do not fit: ``768 ≠ 512``.
        places: Axes that it is about; those that clash, where it does not hold.
        pairs: Axes that it takes as the same, as atoms.
        summed: Whether they are summed over.
        of: Operands that it is about.
        again: What is wrong, shorter, after another constraint that says the same of another axis.
    """

    kind: Kind
    holds: bool
    says: str
    values: dict[str, Any] = field(default_factory=dict)
    clash: Text = ""
    places: tuple[Place, ...] = ()
    pairs: tuple[tuple[Axis, Axis], ...] = ()
    summed: bool = False
    of: tuple[int, ...] = ()
    again: str = ""


def equal(
    op: Operation, left: Place, right: Place | int, says: str, *, summed: bool = False, sign: str = "≠", **values: Any
) -> Constraint:
    """Two axes of one size, or an axis of a size that is known."""
    first = (left[0], left[1] % len(op.shapes[left[0]]))
    got = op.shapes[first[0]][first[1]]
    told = {"got": got, "a": first[1], **values}
    if isinstance(right, int):
        clash = f"{_size(op, first)} {sign} {right}"
        return Constraint("equal", got == right, says, {"expected": right, **told}, clash, (first,), of=(first[0],))
    second = (right[0], right[1] % len(op.shapes[right[0]]))
    size = op.shapes[second[0]][second[1]]
    clash = f"{_size(op, first)} {sign} {_size(op, second)}"
    return Constraint(
        "equal", got == size, says, {"expected": size, "b": second[1], **told}, clash, (first, second),
        ((_atoms(op, first), _atoms(op, second)),), summed, (first[0], second[0]),
    )  # fmt: skip


def broadcast(
    op: Operation, i: int, j: int, says: str, *, many: str = "", without: int = 0, **values: Any
) -> Constraint:
    """Axes counted from the last, but for ``without`` of them, that are equal or of which one is 1."""
    shapes = op.shapes[i], op.shapes[j]
    backs = range(1 + without, min(map(len, shapes)) + 1)
    pairs = [((i, len(shapes[0]) - back), (j, len(shapes[1]) - back)) for back in backs]
    sizes = {pair: (op.shapes[i][pair[0][1]], op.shapes[j][pair[1][1]]) for pair in pairs}
    wrong = [pair for pair in pairs if sizes[pair][0] != sizes[pair][1] and 1 not in sizes[pair]]
    same = tuple((_atoms(op, left), _atoms(op, right)) for left, right in pairs)
    if not wrong:
        return Constraint("broadcast", True, says, pairs=same, of=(i, j))
    says = many if many and len(wrong) > 1 else says
    told = {
        "a": listed([pair[0][1] for pair in wrong]), "b": listed([pair[1][1] for pair in wrong]),
        "got": listed([sizes[pair][0] for pair in wrong]), "expected": listed([sizes[pair][1] for pair in wrong]),
    }  # fmt: skip
    clash = ", ".join(dict.fromkeys(f"{_size(op, left)} ≠ {_size(op, right)}" for left, right in reversed(wrong)))
    return Constraint(
        "broadcast", False, says, {**told, **values}, clash, tuple(place for pair in wrong for place in pair),
        same, of=(i, j),
    )  # fmt: skip


def _size(op: Operation, place: Place) -> str:
    return op.operands[place[0]].size(place[1])


def _atoms(op: Operation, place: Place) -> Axis:
    return op.operands[place[0]].axes[place[1]]


def listed(numbers: Sequence[int]) -> str:
    """Numbers of several axes from the outside in: ``2, 3``."""
    return ", ".join(map(str, reversed(numbers)))


def rank(op: Operation, i: int, allowed: int | Iterable[int], says: str, /, **values: Any) -> Constraint:
    """A number of axes."""
    n, ranks = len(op.shapes[i]), (allowed,) if isinstance(allowed, int) else tuple(allowed)
    told = {"n": n, "m": ranks[-1], **values}
    clash = axes_clash(n, ranks[-1])
    return Constraint("rank", n in ranks, says, told, clash, tuple((i, axis) for axis in range(n)), of=(i,))


def same_rank(op: Operation, i: int, j: int, says: str) -> Constraint:
    """As many axes as another operand."""
    n, m = len(op.shapes[i]), len(op.shapes[j])
    clash = axes_clash(n, m)
    return Constraint("rank", n == m, says, {"n": n, "m": m}, clash, of=(i, j))


def below(
    op: Operation, place: Place, number: int, n: int, says: str, /, *, most: bool = False, **values: Any
) -> Constraint:
    """An index smaller than a size, or a count of at most a size."""
    holds = 0 <= number < n + most
    i, axis = place
    size = _size(op, place) if axis >= 0 else n
    clash = f"{number} < 0" if number < 0 else f"{number} {'>' if most else '≥'} {size}"
    told = {"index": number, "n": n, "last": n - 1, "axis": axis, **values}
    return Constraint("below", holds, says, told, clash, (place,) if axis >= 0 else (), of=(i,))


def multiple(op: Operation, axis: int, of: int, says: str, /, **values: Any) -> Constraint:
    """A size of the first operand that a number divides."""
    n = op.shapes[0][axis]
    return Constraint("multiple", of > 0 and n % of == 0, says, {"n": n, **values}, "", ((0, axis),), of=(0,))


def total(
    i: int, places: Iterable[int], got: int, expected: int, says: str, /, *, clash: str, **values: Any
) -> Constraint:
    """Sizes that add or multiply up to another."""
    return Constraint("sum", got == expected, says, values, clash, tuple((i, axis) for axis in places), of=(i,))


def typed(op: Operation, i: int, allowed: Sequence[str], says: str, /, **values: Any) -> Constraint:
    """A type out of some; the first is what is proposed."""
    dtype = op.operands[i].dtype
    told = {"dtype": dtype, "expected": allowed[0], **values}
    return Constraint("dtype", dtype in allowed, says, told, f"{dtype} ≠ {allowed[0]}", of=(i,))


def same_type(op: Operation, j: int = 1) -> Constraint:
    """One type for the first operand and another."""
    one, other = op.operands[0].dtype, op.operands[j].dtype
    told = {"first_dtype": one, "second_dtype": other}
    return Constraint("dtype", one == other, TYPES, told, f"{one} ≠ {other}", of=(0, j))


def merged(broken: Sequence[Constraint]) -> Constraint:
    """All that is wrong with the same two operands, as one: every axis that clashes is marked."""
    first = broken[0]
    also = [each for each in broken[1:] if set(each.of) == set(first.of) and each.kind in ("equal", "broadcast")]
    if first.kind not in ("equal", "broadcast") or not also:
        return first
    clash = ", ".join(dict.fromkeys(str(each.clash) for each in (first, *also)))
    places = tuple(dict.fromkeys(place for each in (first, *also) for place in each.places))
    return replace(first, clash=clash, places=places)


Asks = Iterator[Constraint]
"""What an operation asks, in the order in which it is read."""

UNREAD = Constraint("rank", holds=False, says="")
"""That a rule does not read such operands: nothing is said, and nothing proposed."""

TYPES = "{first} is {first_dtype}, {second} is {second_dtype}"
