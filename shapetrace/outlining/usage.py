"""What single operations do for the others: which work row by row, which nothing reads, which write numbers."""

from collections import defaultdict
from collections.abc import Sequence

from shapetrace.ir import Op
from shapetrace.ops.kinds import OpKind, has
from shapetrace.outlining.analysis import Facts

_BY_ROW: frozenset[OpKind] = frozenset(
    {"pointwise", "cast", "layout", "dropout", "index", "norm", "cat", "product", "route"}
)


def work_by_row(facts: Facts, kinds: Sequence[OpKind]) -> frozenset[int]:
    """Operations that work row by row; one with a mean in it does if it is a norm, as its shapes say."""
    found = {op.id for op in facts.trace.ops if kinds[op.id] in _BY_ROW}
    for op in facts.trace.ops:
        if kinds[op.id] == "reduce" and len({facts.tensor(v).shape for v in (*op.inputs[:1], *op.outputs[:1])}) == 1:
            found.add(op.id)
    return frozenset(found)


def left_unread(facts: Facts, kinds: Sequence[OpKind]) -> frozenset[int]:
    """Operations of PyTorch's own functions that no product is among and that nothing reads: of no use here."""
    trace = facts.trace
    calls, outputs = trace.calls, {*trace.outputs}
    inside = [op for op in trace.ops if calls and calls[op.call].kind == "function"]
    readers: dict[int, list[int]] = defaultdict(list)
    for op in trace.ops if inside else ():
        for value in op.inputs:
            readers[value].append(op.id)
    found: set[int] = set()
    for op in reversed(inside if not trace.failure else []):
        weighs = any(facts.tensor(value).role == "weight" for value in op.inputs)
        is_work = kinds[op.id] in ("product", "lookup") or has(op, "writes") or weighs
        if not is_work and all(v not in outputs and found.issuperset(readers[v]) for v in op.outputs):
            found.add(op.id)
    return frozenset(found)


def writes_numbers(facts: Facts, op: Op) -> bool:
    """Whether fixed numbers are written over some results of a product: ``scores[hidden] = -inf``."""
    return bool(op.inputs) and bool(facts.sources.get(op.inputs[0])) and _writes_constants(facts, op)


def is_masking(facts: Facts, op: Op) -> bool:
    """Whether a fixed number is written where something is true: ``rows[~mine] = 0``, as ``masked_fill`` does."""
    places = [facts.tensor(value).dtype for value in op.inputs[1:] if not facts.is_floating(value)]
    return places == ["bool"] and _writes_constants(facts, op)


def _writes_constants(facts: Facts, op: Op) -> bool:
    written = [value for value in op.inputs[1:] if facts.is_floating(value)]
    return has(op, "writes") and all(facts.tensor(value).role == "constant" for value in written)
