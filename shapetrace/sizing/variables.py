"""What is varied, and the values that it gets: generic ones that keep what the model may rely on.

Of two entries the smaller stays the smaller (experts and those chosen), what divides another goes on dividing it (heads
and widths), and what holds a length goes on holding it, so that the pass takes the same branches.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import gcd, lcm, prod
from random import Random
from typing import Literal

_EVEN = 8
"""A size keeps what it has in common with this: widths that are cut in halves or quarters."""

_QUOTIENT = 4
"""So does the quotient of two sizes: the width of one head is cut in halves too, which are more than one column."""

_LARGEST_STEP = 64
"""A common multiple larger than so many times a size asks for too much."""

_SPREAD = 7
"""Multiples from which a value is drawn."""

_LONG = 128
"""Lengths above are varied to an eighth or a quarter, shorter ones to a half or all of them."""

_OF_A_HEAD = frozenset({"d_head", "d_v", "d_qk", "d_rope"})
"""Widths of one head, which no number of heads divides but by chance."""

_DOUBLINGS = 3
"""Times that a power of two may be doubled further than it must."""

_MOST_DRAWS = 40
_STEPS = (1, 2, 4, 7, 8, 14, 16, 32, 64, 128)
"""What lengths may have to be multiples of."""

_SMALL = (3, 2, 5, 7)
"""Sizes for what is 1."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One size that can be chosen.

    Attributes:
        key: How it is chosen: an entry of the configuration, or axes of inputs.
        symbol: What it is called.
        base: Its value in the pass that is named.
        kind: Whether it is of the input or of the model.
        step: What its values are multiples of.
        also: Further entries that get the same value.
        least: Its smallest value: one more than the ids that it holds.
        below: Whether it must stay below the lengths that it is below: a window.
        doubled: Whether it is so often doubled: heads that are a power of two.
        longer: Whether a length is varied upwards: rows that indices point to.
        measured: The input and its axis that it is: what an input really has counts, not what was asked for.
    """

    key: str
    symbol: str
    base: int
    kind: Literal["input", "entry"]
    step: int = 1
    also: tuple[str, ...] = ()
    least: int = 1
    below: bool = False
    doubled: bool = False
    longer: bool = False
    measured: tuple[str, int] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """All entries that it is."""
        return (self.key, *self.also)


def draws(
    variables: Sequence[Variable], count: int, fixed: Sequence[int] = (), *, more: int = 0
) -> list[dict[Variable, int]]:
    """Values of all variables for some passes; no product of two is in proportion to another one at all of them.

    Args:
        variables: What is varied.
        count: How many passes.
        fixed: Entries that stay as they are.
        more: How many further ones stand behind them.
    """
    fewest, best, chosen = None, [], 0
    for draw in range(_MOST_DRAWS):
        found = [_draw(variables, fixed, 1000 * draw + sample) for sample in range(count)]
        clashes = _clashes(variables, found)
        if fewest is None or clashes < fewest:
            fewest, best, chosen = clashes, found, draw
        if clashes == 0:
            break
    return best + [_draw(variables, fixed, 1000 * chosen + count + sample) for sample in range(more)]


def _draw(variables: Sequence[Variable], fixed: Sequence[int], seed: int) -> dict[Variable, int]:
    random = Random(seed)  # noqa: S311 - numbers, no secrets
    found: dict[Variable, int] = {}
    inputs = [each for each in variables if each.kind == "input"]
    for place, each in enumerate(inputs):
        found[each] = _length(each, random) if each.base > 1 else _SMALL[(seed + place) % len(_SMALL)]
    heads = list[tuple[int, int]]()  # what divides widths for sure stands before what may do so by chance
    relations = [(number, number) for number in fixed]
    largest = {True: 1, False: 1}  # of what is as wide as a head, and of all others
    for each in sorted((each for each in variables if each.kind == "entry"), key=lambda each: each.base):
        step = _step(each, [*(heads if each.symbol not in _OF_A_HEAD else ()), *relations])
        known = heads if each.symbol.partition("_")[0] == "h" else relations
        if each.below:
            room = min((found[length] for length in inputs if length.base > each.base), default=each.base)
            found[each] = step * (1 + random.randrange(max(1, room // step)))
            if known is heads:
                known.append((each.base, found[each]))
            continue
        is_narrow = each.symbol in _OF_A_HEAD
        lengths = (found[length] for length in inputs if length.base <= each.base)
        least = max([largest[is_narrow], each.least, *(() if is_narrow else lengths)])
        further = 1 + random.randrange(_SPREAD)
        found[each] = step * (least // step + further) if not each.doubled else _doubled(each, least, further)
        largest[is_narrow] = found[each]
        known.append((each.base, found[each]))
    return found


def _doubled(variable: Variable, least: int, further: int) -> int:
    """A value that is so often doubled, past the least."""
    times = max(0, (least // variable.base).bit_length()) + further % _DOUBLINGS
    return variable.base << times


def _length(variable: Variable, random: Random) -> int:
    """A length: shorter than the pass that is named, which is quick, unless that is refused."""
    steps = variable.base // variable.step
    few = max(min(5, steps), steps // (8 if steps > _LONG else 2))
    least = steps + 1 if variable.longer else few
    return variable.step * (least + random.randrange(max(4, few)))


def _step(variable: Variable, relations: Sequence[tuple[int, int]]) -> int:
    """What a new value must be a multiple of: those that divide it, times what their quotients have in common with 4.

    Args:
        variable: What gets a value.
        relations: Smaller entries as they were and as they are; those that ask for too much are passed over.
    """
    found = gcd(variable.base, _EVEN)
    for before, now in relations:
        if 1 < before < variable.base and variable.base % before == 0:
            both = lcm(found, now * gcd(variable.base // before, _QUOTIENT))
            found = both if both <= _LARGEST_STEP * variable.base else found
    return found


def alone(variable: Variable) -> Iterator[tuple[int, int]]:
    """Values for one variable while the others stay, with the step that they are multiples of.

    Those of an entry are multiples first, which all that divided it still divides.
    """
    base = variable.base
    if variable.kind == "input":
        steps = [step for step in _STEPS if base % step == 0]
        yield from ((max(1, base // 2 // step) * step + step, step) for step in steps)
        yield from ((base + step, step) for step in steps[:2])
        return
    values = (base * 3, base * 2, base // 2 if base % 2 == 0 else 1, base + gcd(base, _EVEN), max(1, base - 1))
    yield from ((value, 1) for value in dict.fromkeys(values) if value != base)


def _clashes(variables: Sequence[Variable], samples: Sequence[Mapping[Variable, int]]) -> int:
    """Products of up to two variables that are in proportion to another one."""
    points = [{each: each.base for each in variables}, *samples]
    columns = [tuple(point[each] for point in points) for each in variables]
    seen: set[tuple[int, ...]] = set()
    count = 0
    for degree in (1, 2):
        for chosen in combinations_with_replacement(columns, degree):
            values = tuple(map(prod, zip(*chosen, strict=True)))
            divisor = gcd(*values)
            reduced = tuple(value // divisor for value in values)
            count += reduced in seen
            seen.add(reduced)
    return count
