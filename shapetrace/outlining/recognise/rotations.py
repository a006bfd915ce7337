"""Rotations of pairs of columns by angles that no product made: positions, wherever their sines come from."""

from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations

from shapetrace.ir import Op
from shapetrace.ops.kinds import kernel_kind, names_of, work_of
from shapetrace.outlining.flow import Flow

_MOST_FORMS = 12
_Products = tuple[tuple[int, int], tuple[int, int]]
"""The factors of two products."""


def rotates(flow: Flow, ops: Sequence[Op]) -> bool:
    """Whether a run of operations turns pairs of columns: (a, b) becomes (a·c − b·s, a·s + b·c).

    Pairs may be columns next to each other, two halves, or complex numbers. That c and s were made by no product makes
    them angles of positions; which of them is the cosine, nothing asks. Complex numbers may be multiplied with learned
    ones, which are no angles; a whole value beside its turned halves may not.
    """
    own = {value: op for op in ops for value in op.outputs}
    sums = [found for op in ops for found in _sums_of_products(flow, op, own)]
    if any(_turns_halves(flow, found, own) for _, found in sums):
        return True
    pairs = combinations(sums, 2)
    if any(minus != other and _turns_pairs(flow, one, two) for (minus, one), (other, two) in pairs):
        return True
    return any(_turns_complex(flow, op) for op in ops)


def _sums_of_products(flow: Flow, op: Op, own: dict[int, Op]) -> Iterator[tuple[bool, _Products]]:
    """The factors of both products of ``p·q + r·s`` or ``p·q − r·s``, and whether the two have different signs.

    A sign may be a factor's too: ``p·q + r·(−s)``.
    """
    if work_of(op) not in (["add"], ["sub"]) or len(op.inputs) != 2:
        return
    makers = [own.get(flow.root(value)) for value in op.inputs]
    factors = [tuple(m.inputs) for m in makers if m is not None and work_of(m) == ["mul"]]
    if len(factors) == 2 and all(len(each) == 2 for each in factors):
        signs, ((a, b), (c, d)) = zip(*(_unsigned(flow, pair) for pair in factors), strict=True)
        yield (work_of(op) == ["sub"]) ^ signs[0] ^ signs[1], ((a, b), (c, d))


def _unsigned(flow: Flow, factors: Sequence[int]) -> tuple[bool, list[int]]:
    """Factors without their signs, and whether those make the product negative."""
    makers = [flow.facts.producer.get(value) for value in factors]
    ops = [None if maker is None else flow.trace.ops[maker] for maker in makers]
    negative = [op is not None and work_of(op) == ["neg"] for op in ops]
    bare = [op.inputs[0] if op and minus else v for op, minus, v in zip(ops, negative, factors, strict=True)]
    return sum(negative) % 2 == 1, bare


def _turns_pairs(flow: Flow, one: _Products, two: _Products) -> bool:
    """Whether a·c − b·s stands beside a·s + b·c, where a and b are parts of one value."""
    first, second = ([frozenset(_form(flow, v) for v in pair) for pair in each] for each in (one, two))
    crossed = all(len(pair & other) == 1 for pair in first for other in second)
    if not crossed or first[0] & first[1]:
        return False
    angles = [value for pair in one for value in pair if _is_angle(flow, value)]
    parts = [value for pair in one for value in pair if not _is_angle(flow, value)]
    return len(angles) == len(parts) == 2 and _base(flow, parts[0]) == _base(flow, parts[1])


def _turns_halves(flow: Flow, factors: _Products, own: dict[int, Op]) -> bool:
    """Whether x·c + r·s has two parts of x in r, their order changed and one of them negative."""
    turned = []
    for pair in factors:
        angles = [value for value in pair if not flow.facts.sources.get(value)]
        turned += [value for value in pair if value not in angles] if len(angles) == 1 else []
    if len(turned) != 2:
        return False
    for whole, other in (turned, turned[::-1]):
        op = own.get(flow.root(other))
        if op is None or work_of(op) not in (["cat"], ["stack"]) or len(op.inputs) != 2:
            continue
        makers = [own.get(flow.root(value)) for value in op.inputs]
        negative = [m.inputs[0] for m in makers if m is not None and work_of(m) == ["neg"]]
        plain = [v for v, m in zip(op.inputs, makers, strict=True) if m is None or work_of(m) != ["neg"]]
        parts = [*negative, *plain]
        if len(negative) == len(plain) == 1 and all(_base(flow, part) == _base(flow, whole) for part in parts):
            return True
    return False


def _turns_complex(flow: Flow, op: Op) -> bool:
    """Whether complex numbers made of columns are multiplied with given ones."""
    complexes = [value for value in op.inputs if flow.facts.tensor(value).dtype.startswith("complex")]
    if work_of(op) != ["mul"] or len(complexes) != 2:
        return False
    angles = [value for value in complexes if _is_angle(flow, value)]
    columns = [maker for maker in map(flow.op_of, complexes) if maker is not None]
    return len(angles) == 1 and any("view_as_complex" in names_of(maker.kernels) for maker in columns)


def _is_angle(flow: Flow, value: int) -> bool:
    """Whether no weight and no product had a part in a value."""
    return not flow.facts.sources.get(value) and not flow.is_weight(value) and not _is_made_of_weights(flow, value)


def _is_made_of_weights(flow: Flow, value: int) -> bool:
    ops = flow.ancestors(value, since=flow.facts.producer.get(flow.root(value), 0) - 1)
    return any(flow.is_weight(read) for op in ops for read in flow.trace.ops[op].inputs)


def _form(flow: Flow, value: int) -> Hashable:
    """What a value is, whichever view of it the code took: its base, and what was laid out or cut on the way."""
    taken: list[Hashable] = []
    for _ in range(_MOST_FORMS):
        op = _layout_of(flow, value)
        if op is None:
            break
        taken.append((tuple((k.name, repr(k.args)) for k in op.kernels), op.outputs.index(value)))
        value = op.inputs[0]
    return value, tuple(taken)


def _base(flow: Flow, value: int) -> int:
    """The value that views and cuts lead back to."""
    for _ in range(_MOST_FORMS):
        op = _layout_of(flow, value)
        if op is None:
            break
        value = op.inputs[0]
    return value


def _layout_of(flow: Flow, value: int) -> Op | None:
    """The operation that took a value out of another one, or laid it out."""
    producer = flow.facts.producer.get(value)
    op = None if producer is None else flow.trace.ops[producer]
    is_layout = op is not None and all(kernel_kind(kernel.name) in ("layout", "cast") for kernel in op.kernels)
    return op if is_layout and op is not None and len(op.inputs) == 1 else None
