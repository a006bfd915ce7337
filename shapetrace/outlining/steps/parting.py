"""A run of element-wise operations cut where a norm in it ends, or begins."""

from collections.abc import Iterator, Sequence

from shapetrace.ir import Op
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.functions import named
from shapetrace.outlining.recognise.rotations import rotates


def parted(flow: Flow, members: list[int]) -> Iterator[list[int]]:
    """A norm, and apart from it what was done before and after: neither a mean over positions nor a rotation."""
    ops = [flow.trace.ops[member] for member in members]
    norm, *_ = named(flow, ops) if len(ops) > 1 else ("",)
    turns = rotates(flow, ops)
    end = _end_of_norm(flow, ops, turns=turns) if turns or not norm else 0
    if end:
        yield members[:end]
        yield from parted(flow, members[end:])
        return
    starts = (n for n in range(len(ops) - 1, 0, -1) if norm and len(_read_from_outside(flow, ops[n:])) == 1)
    start = next((n for n in starts if named(flow, ops[n:])[0] == norm), 0)
    if start:
        yield members[:start]
    yield members[start:]


def read_by(flow: Flow, op: int) -> set[int]:
    """Values that an operation reads, behind all edges."""
    return {flow.root(value) for value in flow.trace.ops[op].inputs}


def _end_of_norm(flow: Flow, ops: Sequence[Op], *, turns: bool) -> int:
    """How many operations at the beginning are a norm whose result alone the others read or turn; 0 if none."""
    if not {flow.kinds[op.id] for op in ops[:-1]} & {"norm", "reduce"}:
        return 0
    for end in reversed([*_ends(flow, ops)]):
        if (not turns or rotates(flow, ops[end:])) and named(flow, ops[:end])[0]:
            return end
    return 0


def _ends(flow: Flow, ops: Sequence[Op]) -> Iterator[int]:
    """How many operations at the beginning read one value, and of theirs one result alone is read by the others."""
    made = {value: place for place, op in enumerate(ops) for value in op.outputs}
    reads = [read_by(flow, op.id) for op in ops]
    last_reader = [0] * len(ops)
    for place, values in enumerate(reads):
        for value in values & made.keys():
            last_reader[made[value]] = place
    outside, farthest = set[int](), 0
    for end in range(1, len(ops)):
        outside |= {value for value in reads[end - 1] - made.keys() if flow.is_data(value)}
        farthest = max([farthest, *last_reader[max(end - 2, 0) : end - 1]])
        if len(outside) == 1 and farthest < end:
            yield end


def _read_from_outside(flow: Flow, ops: Sequence[Op]) -> set[int]:
    """Data that operations read and did not make."""
    made = {value for op in ops for value in op.outputs}
    return {root for op in ops for root in read_by(flow, op.id) if root not in made and flow.is_data(root)}
