"""Turns of a loop: what a module makes each time that it is called."""

from collections import defaultdict

from shapetrace.outlining.flow import Flow


def kept_in_other_turns(flow: Flow) -> frozenset[int]:
    """Operations whose twin in another call of the same module made what is read after it: the state of a cell.

    In the last turn of a loop nothing reads it again, and the turn is the same.
    """
    ops_of: dict[int, list[int]] = defaultdict(list)
    for op in flow.trace.ops:
        ops_of[flow.module_of[op.id]].append(op.id)
    turns: dict[tuple[str, int], list[list[int]]] = defaultdict(list)
    for call, members in ops_of.items():
        if call:
            turns[flow.trace.calls[call].path, len(members)].append(members)
    found = set[int]()
    for calls in (calls for calls in turns.values() if len(calls) > 1):
        for twins in zip(*calls, strict=True):
            read = {_is_read_after(flow, op, members[-1]) for op, members in zip(twins, calls, strict=True)}
            if len(read) > 1:
                found.update(twins)
    return frozenset(found)


def _is_read_after(flow: Flow, op: int, last: int) -> bool:
    return any(max(flow.readers.get(value, ()), default=0) > last for value in flow.trace.ops[op].outputs)
