"""All steps of a trace together: what is elided and why, what prepares weights, and which weights a step reads."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from msgspec.structs import replace

from shapetrace.ir import Op
from shapetrace.outlining.drafts import Draft, drawn_by
from shapetrace.outlining.flow import Flow


@dataclass(frozen=True, slots=True)
class Collected:
    """Every operation is in one of the two.

    Attributes:
        drafts: All steps in the order of execution, numbered.
        elided: Why an operation is in no step, by its id.
    """

    drafts: tuple[Draft, ...]
    elided: Mapping[int, str]


def early_steps(
    biased_steps: tuple[Draft, ...], lookup_steps: tuple[Draft, ...], residual_steps: tuple[Draft, ...]
) -> tuple[Draft, ...]:
    """The steps that are found one by one, before what is left is gathered in runs."""
    return (*biased_steps, *lookup_steps, *residual_steps)


def drawn(
    early_steps: tuple[Draft, ...], element_steps: tuple[Draft, ...], collective_steps: tuple[Draft, ...]
) -> tuple[Draft, ...]:
    """The steps that some recogniser made."""
    return (*early_steps, *element_steps, *collective_steps)


def elided(flow: Flow, drawn: tuple[Draft, ...]) -> Mapping[int, str]:
    """Why an operation that nothing draws needs no step: it moves, casts or prepares values."""
    taken = drawn_by(drawn)
    reasons = {op.id: _reason(flow, op) for op in flow.trace.ops if op.id not in taken}
    return {op: reason for op, reason in reasons.items() if reason}


def _reason(flow: Flow, op: Op) -> str:
    if flow.edges[op.id]:
        return flow.edges[op.id]
    if op.id in flow.unread or _gives_a_shape(flow, op):
        return "not read"
    origins = {flow.facts.tensor(value).role for value in op.outputs}
    if origins == {"constant"}:
        return "constants"
    if "data" not in origins:
        return "weights"
    if all(not flow.is_floating(value) for value in (*op.inputs, *op.outputs)):
        return "routing indices" if flow.kinds[op.id] == "route" else "positions and masks"
    if all(not flow.is_floating(value) for value in op.outputs) and flow.kinds[op.id] not in ("route", "unknown"):
        return "" if _chooses(flow, op) else "positions and masks"
    return ""


def _gives_a_shape(flow: Flow, op: Op) -> bool:
    """Whether all that is read of what an operation cut out is its shape: ``zeros_like(x[:, :1])``."""
    is_read = any(flow.readers[value] or value in flow.outputs for value in map(flow.root, op.outputs))
    return flow.kinds[op.id] == "layout" and not is_read


def _chooses(flow: Flow, op: Op) -> bool:
    """Whether an operation gives the place of a number among others: the nearest code, the next word."""
    numbers = any(flow.is_data(value) and flow.is_floating(value) for value in op.inputs)
    counts = any("int" in flow.facts.tensor(value).dtype for value in op.outputs)
    return flow.kinds[op.id] == "reduce" and numbers and counts


def collected(
    flow: Flow, drawn: tuple[Draft, ...], lone_steps: tuple[Draft, ...], elided: Mapping[int, str]
) -> Collected:
    """Sort and number all steps, and give each the operations that only prepare its weights."""
    drafts = _in_order(flow, (*drawn, *lone_steps))
    owner = {op: place for place, draft in enumerate(drafts) for op in draft.ops}
    prepared = {place: list(draft.ops) for place, draft in enumerate(drafts)}
    left = dict(elided)
    for op in sorted((op for op, reason in elided.items() if reason == "weights"), reverse=True):
        outputs = flow.trace.ops[op].outputs
        readers = {r for value in outputs for r in flow.readers[flow.root(value)] if r in owner}
        if readers:
            owner[op] = owner[min(readers)]
            prepared[owner[op]].append(op)
            del left[op]
    claimed = {value for draft in drafts if not draft.ops for value in draft.weights}
    numbered = tuple(
        replace(
            draft,
            key=place,
            call=flow.module_of[_place(draft)] if draft.ops else flow.nearest_module(draft.call),
            ops=tuple(prepared[place]),
            weights=_weights(flow, draft, prepared[place], claimed),
        )
        for place, draft in enumerate(drafts)
    )
    return Collected(numbered, left)


def _place(draft: Draft) -> int:
    """The operation in whose module a step stands: of a sum, the sum itself, whatever scaled what it adds before."""
    return max(draft.ops) if draft.kind in {"add", "residual"} else draft.ops[0]


def _in_order(flow: Flow, drafts: Sequence[Draft]) -> list[Draft]:
    """Steps in the order of execution; what is written piece by piece stands where it is read: behind the loop."""
    read: dict[int, float] = {}
    for draft in drafts:
        for value in (*(ref.value for ref in draft.operands), *draft.also):
            read[value] = min(draft.order, read.get(value, inf))

    def place(draft: Draft) -> float:
        is_written = len(draft.ops) > 1 and all(flow.kinds[op] in ("cat", "layout") for op in draft.ops)
        reader = min((read.get(ref.value, inf) for ref in draft.results), default=inf)
        return reader - 0.5 if is_written and reader > draft.order else draft.order

    return sorted(drafts, key=place)


def _weights(flow: Flow, draft: Draft, ops: Iterable[int], claimed: set[int]) -> tuple[int, ...]:
    """The weights that a step's operations read; steps that share an operation know their own already."""
    inputs = [value for op in ops for value in flow.trace.ops[op].inputs if flow.root(value) not in claimed]
    read = dict.fromkeys((*draft.weights, *inputs))
    return tuple(value for value in read if flow.facts.tensor(value).role == "weight")


def count_reasons(elided: Iterable[str]) -> dict[str, int]:
    """Elided operations by reason, most frequent first."""
    return dict(Counter(elided).most_common())
