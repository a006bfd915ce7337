"""Steps that change a state element by element, S ← decay · S + k ⊗ v, and those that ask it."""

from collections.abc import Container, Mapping, Sequence

from msgspec.structs import replace

from shapetrace.ops.kinds import work_of
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.recurrences import Recurrence
from shapetrace.outlining.roles import Part, Role

_MULTIPLYING = frozenset({"mul", "sum", "add", "addcmul", "cumsum", "exp", "sub", "relu", "elu"})
"""Kernels of a step that changes a state, or asks it: decays are exponentials, keys and queries are positive."""


def as_state(flow: Flow, draft: Draft, ends: Mapping[int, Sequence[Recurrence]]) -> Draft:
    """A step with its role and the state that it reads or makes, where it changes one or asks it.

    Args:
        flow: Values and operations.
        draft: The step.
        ends: The readings of states, by the operations that read and by those that changed what is read.
    """
    found = [(op, each) for op in draft.ops for each in ends.get(op, ())]
    work = {name for op in draft.ops for name in work_of(flow.trace.ops[op])} if found else {""}
    if draft.function or not work <= _MULTIPLYING:
        return draft
    asks = any(op == each.reading for op, each in found)
    kept = {value for op, each in found for value in (each.before if op == each.update else {flow.root(each.state)})}
    operands = (_told(ref, kept, None if asks else draft.result) for ref in draft.operands)
    results = (replace(ref, part=Part.HEADS if asks else Part.STATE) for ref in draft.results)
    role = Role.READ_STATE if asks else Role.STATE
    return replace(draft, role=role, operands=tuple(operands), results=tuple(results))


def _told(ref: Ref, kept: Container[int], made: Ref | None) -> Ref:
    """A state as one: what it was before has the shape of what it becomes, and what scales it has none."""
    is_state = ref.value in kept and (made is None or (ref.shape, ref.stack) == (made.shape, made.stack))
    return replace(ref, part=Part.STATE) if is_state else ref
