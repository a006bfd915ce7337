"""Two traces of one model at different sizes: which value of one is which of the other, by structure alone."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from shapetrace.ir import Kernel, Op, Trace

_LONGEST_TURN = 200
"""Operations of one turn of a loop in a forward."""

_NUMBER = re.compile(r"\d+")

Calls: TypeAlias = "dict[tuple[str, str, int], list[Op]]"
"""Operations by the call that they ran in: its path, its type, and which of its calls it is."""


@dataclass(slots=True)
class Alignment:
    """What is the same in two traces.

    Attributes:
        tensors: Ids of the other trace by ids of the first.
        apart: Paths of the modules in which the two do not run the same operations, with how many each ran.
        missing: In how many calls the first has operations that the other has not.
        alone: Operations that one of the two has alone, or makes more often.
    """

    tensors: dict[int, int] = field(default_factory=dict)
    apart: dict[str, tuple[int, int]] = field(default_factory=dict)
    missing: int = 0
    alone: list[tuple[Trace, Op]] = field(default_factory=list)


def align(one: Trace, other: Trace) -> Alignment:
    """Match values by the operations that made them: the same place in the same module call.

    Calls are matched by their path and by how often that path ran before. In calls that do not run the same
    operations, what they share at their beginning and at their end is matched; the middle is not.
    """
    if _same_wiring(one, other):
        return Alignment({tensor.id: tensor.id for tensor in one.tensors})
    found = Alignment()
    _inputs(one, other, found)
    mine, theirs = _by_call(one), _by_call(other)
    found.apart = {key[0]: (0, len(ops)) for key, ops in theirs.items() if key not in mine}
    found.alone = [(other, op) for key, ops in theirs.items() if key not in mine for op in ops]
    theirs |= _by_layer(one, mine, other, theirs)
    for key, ops in mine.items():
        others = theirs.get(key, [])
        pairs = _matched([_kind(op) for op in ops], [_kind(op) for op in others])
        if len(pairs) < max(len(ops), len(others)):
            found.apart[key[0]] = (len(ops), len(others))
            found.missing += len(pairs) < len(ops)
            lefts, rights = {left for left, _ in pairs}, {right for _, right in pairs}
            found.alone += [(one, op) for i, op in enumerate(ops) if i not in lefts]
            found.alone += [(other, op) for i, op in enumerate(others) if i not in rights]
        for left, right in pairs:
            _pair_op(ops[left], others[right], found)
        for left, right in _repeated(one, ops, len(others), pairs):
            _pair_op(ops[left], others[right], found)
    if one.failure is not None and other.failure is not None:
        _pair_values(one.failure.inputs, other.failure.inputs, found)
    return found


def _by_layer(one: Trace, mine: Calls, other: Trace, theirs: Calls) -> Calls:
    """Operations for calls that a pass with fewer layers does not make: those of a layer that is the same here.

    Layers are the same if their paths are but for the numbers, and they run the same operations on the same shapes.
    Where such layers of the other pass differ, there is none.
    """
    kept: dict[object, set[tuple[str, str, int]]] = defaultdict(set)
    alike = {key: (numberless(key[0]), key[1:], _signature(one, ops)) for key, ops in mine.items()}
    for key, form in alike.items():
        if key in theirs:
            kept[form].add(key)
    found: Calls = {}
    for key in mine.keys() - theirs.keys():
        options = [theirs[option] for option in kept[alike[key]]]
        if len({_signature(other, ops) for ops in options}) == 1:
            found[key] = options[0]
    return found


def numberless(path: str) -> str:
    """A path without the numbers of its layers."""
    return _NUMBER.sub("#", path)


def _signature(trace: Trace, ops: Sequence[Op]) -> tuple[object, ...]:
    return tuple((op.name, *(trace.tensors[value].shape for value in (*op.inputs, *op.outputs))) for op in ops)


def _repeated(one: Trace, ops: Sequence[Op], n_others: int, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Turns of a loop that the other pass does not make, by the last turn that both make: they have its sizes."""
    start = next((i for i, (left, right) in enumerate(pairs) if (left, right) != (i, i)), len(pairs))
    missing = len(ops) - n_others
    if start == 0 or missing <= 0:
        return []
    kinds = [(*_kind(op), [one.tensors[value].shape for value in op.outputs]) for op in ops]
    for turn in range(1, min(start, missing, _LONGEST_TURN) + 1):
        if missing % turn == 0 and all(kinds[i] == kinds[i - turn] for i in range(start, start + missing)):
            return [(i, i - turn * ((i - start) // turn + 1)) for i in range(start, start + missing)]
    return []


def aligned(one: Trace, others: Sequence[Trace]) -> list[Alignment]:
    """The alignment of each; others that are wired as the first of them share its."""
    found: list[Alignment] = []
    for other in others:
        found.append(found[0] if found and _same_wiring(others[0], other) else align(one, other))
    return found


def _same_wiring(one: Trace, other: Trace) -> bool:
    """Whether two traces are the same but for sizes: the ids of one are those of the other."""
    return (
        len(one.ops) == len(other.ops)
        and len(one.tensors) == len(other.tensors)
        and one.inputs == other.inputs
        and _read_last(one) == _read_last(other)
        and all(
            a.name == b.name and a.inputs == b.inputs and a.outputs == b.outputs and a.call == b.call
            and [(k.name, k.inputs, k.outputs) for k in a.kernels] == [(k.name, k.inputs, k.outputs) for k in b.kernels]
            for a, b in zip(one.ops, other.ops, strict=True)
        )
    )  # fmt: skip


def _read_last(trace: Trace) -> tuple[int, ...]:
    """What the operation read at which a pass failed."""
    return trace.failure.inputs if trace.failure else ()


def _inputs(one: Trace, other: Trace, found: Alignment) -> None:
    """Values that nothing made, by name."""
    named = {(t.origin, t.name): t.id for t in other.tensors if t.name and t.origin != "made"}
    for tensor in one.tensors:
        same = named.get((tensor.origin, tensor.name)) if tensor.name and tensor.origin != "made" else None
        if same is not None:
            found.tensors[tensor.id] = same


def _by_call(trace: Trace) -> Calls:
    seen: dict[tuple[str, str], int] = defaultdict(int)
    keys: list[tuple[str, str, int]] = []
    for call in trace.calls:
        keys.append((call.path, call.type, seen[call.path, call.type]))
        seen[call.path, call.type] += 1
    found: Calls = {}
    for op in trace.ops:
        found.setdefault(keys[op.call] if keys else ("", "", 0), []).append(op)
    return found


def _kind(op: Op) -> tuple[object, ...]:
    return op.name, len(op.inputs), len(op.outputs)


def _matched(mine: Sequence[object], theirs: Sequence[object]) -> list[tuple[int, int]]:
    """Places that correspond: all of them, or what two lists share at their beginnings and at their ends."""
    shorter = min(len(mine), len(theirs))
    start = 0
    while start < shorter and mine[start] == theirs[start]:
        start += 1
    end = 0
    while end < shorter - start and mine[-1 - end] == theirs[-1 - end]:
        end += 1
    last = [(len(mine) - 1 - i, len(theirs) - 1 - i) for i in reversed(range(end))]
    return [*((i, i) for i in range(start)), *last]


def _pair_op(one: Op, other: Op, found: Alignment) -> None:
    _pair(one, other, found)
    mine, theirs = _essential(one.kernels), _essential(other.kernels)
    for i, j in _matched([_name(kernel) for kernel in mine], [_name(kernel) for kernel in theirs]):
        _pair(mine[i], theirs[j], found)


def _essential(kernels: Sequence[Kernel]) -> list[Kernel]:
    """Kernels but copies, which depend on how a value lies in memory."""
    return [kernel for kernel in kernels if kernel.name != "aten.clone.default"]


def _name(kernel: Kernel) -> str:
    return "aten.view.default" if kernel.name == "aten._unsafe_view.default" else kernel.name


def _pair(one: Op | Kernel, other: Op | Kernel, found: Alignment) -> None:
    _pair_values(one.inputs, other.inputs, found)
    _pair_values(one.outputs, other.outputs, found)


def _pair_values(mine: Sequence[int], theirs: Sequence[int], found: Alignment) -> None:
    if len(mine) == len(theirs):
        for left, right in zip(mine, theirs, strict=True):
            found.tensors.setdefault(left, right)
