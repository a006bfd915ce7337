"""Turns of a loop: what a module makes each time that it is called, or code that runs again and again in one call."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from shapetrace.ops.kinds import has, kernel_kind
from shapetrace.ops.registry import find
from shapetrace.outlining.flow import Flow

_LONGEST = 64
_FEWEST_TURNS = 3


def kept_in_other_turns(flow: Flow) -> frozenset[int]:
    """Operations whose twin in another turn made what is read after it: the state of a cell.

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
    for members in ops_of.values():
        found.update(_kept_in_one_call(flow, members))
    return frozenset(found)


def is_cell(flow: Flow, op: int) -> bool:
    """Whether one call multiplies several times and bends and mixes what comes out: gates of a state, no layer."""
    kinds = {kernel_kind(kernel.name) for kernel in flow.trace.ops[op].kernels}
    whole = not kinds & {"softmax", "norm"} and not has(flow.trace.ops[op], "attention")
    bends = any(find(kernel.name).activation for kernel in flow.trace.ops[op].kernels)
    return whole and bends and len(flow.facts.of_op.get(op, ())) > 1


def _is_read_after(flow: Flow, op: int, last: int) -> bool:
    return any(max(flow.readers.get(value, ()), default=0) > last for value in flow.trace.ops[op].outputs)


def _kept_in_one_call(flow: Flow, members: Sequence[int]) -> Iterator[int]:
    """The same of a loop in one call: of what some turns read twice, others, the last one mostly, read less."""
    start, period, count = _loop([(flow.trace.ops[op].name, len(flow.trace.ops[op].inputs)) for op in members])
    if count < _FEWEST_TURNS:
        return
    length = members[start + period] - members[start]
    for place in range(start, start + period):
        twins = members[place : place + period * count : period]
        counts = {sum(reader - op < 2 * length for reader in _readers(flow, op)) for op in twins}
        if len(counts) > 1 < max(counts):
            yield from twins


def _readers(flow: Flow, op: int) -> set[int]:
    return {reader for value in flow.trace.ops[op].outputs for reader in flow.readers.get(flow.root(value), ())}


def _loop(forms: Sequence[tuple[str, int]]) -> tuple[int, int, int]:
    """Start, length of a turn and number of turns of what repeats furthest, the shortest turns of several."""
    best = (0, 1, 1)
    for period in range(2, min(_LONGEST, len(forms) // _FEWEST_TURNS) + 1):
        run = 0
        for i in range(len(forms) - period):
            run = run + 1 if forms[i] == forms[i + period] else 0
            turns = run // period + 1
            if turns > 1 and turns * period > best[1] * best[2] and run % period == 0:
                best = (i + 1 - run, period, turns)
    return best
