"""Turns a trace's operations into drafts: every operation goes to one step, or is elided with a reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from shapetrace.ir import Op
from shapetrace.outlining.adapting import mark_adapters
from shapetrace.outlining.attending import attention_drafts, example_axis, head_leaves
from shapetrace.outlining.attention import Attention, find_attentions
from shapetrace.outlining.biases import fold_biases
from shapetrace.outlining.columns import Columns, letter_of, split_columns
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.elementwise import group_draft, lookup_draft, plain_draft, residual_draft
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.grouping import Groups, residual_of
from shapetrace.outlining.multiplying import one_more, product_drafts


@dataclass(slots=True)
class Plan:
    """All drafts of a trace.

    Attributes:
        drafts: In the order of execution.
        elided: Why an operation is in no draft, by id.
        attentions: What attention was found.
        module_of: Module call of every operation.
    """

    drafts: list[Draft] = field(default_factory=list)
    elided: dict[int, str] = field(default_factory=dict)
    attentions: list[Attention] = field(default_factory=list)
    module_of: list[int] = field(default_factory=list)


def plan(flow: Flow, *, fused: bool = False) -> Plan:
    """Assign every operation.

    Args:
        flow: Values and operations of a trace.
        fused: True to draw products as the code runs them, not head by head.
    """
    found = Plan(attentions=find_attentions(flow), module_of=[_module_of(flow, op) for op in flow.trace.ops])
    columns = split_columns(flow, found.attentions)
    flow.letters = partial(letter_of, flow, columns=columns)
    flow.example_axis = example_axis(flow, found.attentions)
    flow.head_leaves = head_leaves(flow, found.attentions)
    _draw_products(flow, found, columns, fused)
    fold_biases(flow, found.drafts)
    taken = {op for draft in found.drafts for op in draft.ops}
    _draw_lookups(flow, found, taken)
    _draw_residuals(flow, found, taken)
    leaves = _leaves(flow, found, taken)
    for members in Groups(flow, taken, found.module_of, leaves).all():
        taken.update(members)
        found.drafts.append(group_draft(flow, members, found.module_of[members[-1]]))
    _draw_the_rest(flow, found, taken)
    mark_adapters(found.drafts)
    for draft in found.drafts:
        draft.call = found.module_of[draft.ops[0]] if draft.ops else _nearest_module(flow, draft.call)
    _attach_weight_preparation(flow, found)
    _collect_weights(flow, found)
    found.drafts.sort(key=lambda draft: draft.order)
    return found


def _draw_products(flow: Flow, found: Plan, columns: dict[int, list[Columns]], fused: bool) -> None:
    in_attention = {p for a in found.attentions for p in (a.scores, a.weighted) if p is not None}
    for attention in found.attentions:
        found.drafts += attention_drafts(flow, attention, columns)
    seen: set[int] = set()
    drawn: set[int] = set()
    first_of: dict[tuple[int, ...], Draft] = {}
    for position, product in enumerate(flow.facts.products):
        if position in in_attention:
            continue
        drafts = product_drafts(flow, position, columns.get(position, ()), fused)
        if len(flow.facts.of_op[product.op]) > 1 and len(drafts) == 1:
            same = (product.op, flow.root(product.right), product.flops, *drafts[0].results[0].shape)
            first = first_of.setdefault(same, drafts[0])
            if first is not drafts[0]:
                one_more(first, product.flops)
                continue
            first.weights = []  # what no other product of the operation claims
        if product.op in seen:  # an operation with several products is drawn by its first step
            for draft in drafts:
                draft.ops = []
                draft.weights = [flow.root(v) for v in (product.right, product.bias) if v is not None]
        for draft in drafts[1:]:
            draft.ops = []
        for draft in drafts[:1]:
            draft.ops = [op for op in draft.ops if op not in drawn]
            drawn.update(draft.ops)
        found.drafts += drafts
        seen.add(product.op)


def _draw_lookups(flow: Flow, found: Plan, taken: set[int]) -> None:
    for op in flow.trace.ops:
        if op.id not in taken and _is_lookup(flow, op) and flow.is_data(op.outputs[0]):
            found.drafts.append(lookup_draft(flow, op))
            taken.add(op.id)


def _is_lookup(flow: Flow, op: Op) -> bool:
    """Whether ids choose rows of a table: ``embedding``, or a parameter that is indexed."""
    if flow.kinds[op.id] != "index" or len(op.inputs) != 2:
        return flow.kinds[op.id] == "lookup"
    table, ids = (flow.facts.tensor(value) for value in op.inputs)
    by_rows = len(table.shape) == 2 and flow.facts.tensor(op.outputs[0]).shape == (*ids.shape, table.shape[1])
    return by_rows and table.role == "weight" and ids.dtype.startswith("int")


def _draw_residuals(flow: Flow, found: Plan, taken: set[int]) -> None:
    streams: dict[int, int] = {}
    for op in flow.trace.ops:
        if flow.kinds[op.id] != "pointwise" or op.id in taken or flow.edges[op.id]:
            continue
        pair = residual_of(flow, op, streams)
        if pair is not None:
            streams[flow.root(op.outputs[0])] = pair[0]
            found.drafts.append(residual_draft(flow, op, *pair))
            taken.add(op.id)


def _leaves(flow: Flow, found: Plan, taken: set[int]) -> set[int]:
    """Module calls inside which nothing but element-wise work is done."""
    busy: set[int] = set()
    for op in flow.trace.ops:
        if op.id in taken or flow.kinds[op.id] in ("product", "lookup", "softmax"):
            call: int | None = found.module_of[op.id]
            while call is not None and call not in busy:
                busy.add(call)
                call = flow.trace.calls[call].parent
    return {call.id for call in flow.trace.calls if call.id not in busy and call.kind == "module"}


def _draw_the_rest(flow: Flow, found: Plan, taken: set[int]) -> None:
    for op in flow.trace.ops:
        if op.id in taken:
            continue
        reason = _reason(flow, op)
        if reason:
            found.elided[op.id] = reason
        else:
            found.drafts.append(plain_draft(flow, op))
            taken.add(op.id)


def _reason(flow: Flow, op: Op) -> str:
    if flow.edges[op.id]:
        return flow.edges[op.id]
    roles = {flow.facts.tensor(value).role for value in op.outputs}
    if roles == {"constant"}:
        return "constants"
    if "data" not in roles:
        return "weights"
    if all(not flow.is_floating(value) for value in (*op.inputs, *op.outputs)):
        return "routing indices" if flow.kinds[op.id] == "route" else "positions and masks"
    if all(not flow.is_floating(value) for value in op.outputs) and flow.kinds[op.id] not in ("route", "unknown"):
        return "positions and masks"
    return ""


def _attach_weight_preparation(flow: Flow, found: Plan) -> None:
    """What only prepares weights (a lookup of positions, a reparametrised matrix) belongs to the step that reads it."""
    by_op = {op: draft for draft in found.drafts for op in draft.ops}
    prepared = [i for i, reason in found.elided.items() if reason == "weights"]
    for op in sorted(prepared, reverse=True):
        readers = {
            reader
            for value in flow.trace.ops[op].outputs
            for reader in flow.readers[flow.root(value)]
            if reader in by_op
        }
        if readers:
            draft = by_op[min(readers)]
            draft.ops.append(op)
            by_op[op] = draft
            del found.elided[op]


def _collect_weights(flow: Flow, found: Plan) -> None:
    """The weights that a step's operations read; steps that share an operation know their own already."""
    claimed = {value for draft in found.drafts if not draft.ops for value in draft.weights}
    for draft in found.drafts:
        inputs = [value for op in draft.ops for value in flow.trace.ops[op].inputs if flow.root(value) not in claimed]
        read = [*draft.weights, *inputs]
        draft.weights = [value for value in dict.fromkeys(read) if flow.facts.tensor(value).role == "weight"]


def _module_of(flow: Flow, op: Op) -> int:
    return _nearest_module(flow, op.call)


def _nearest_module(flow: Flow, call: int) -> int:
    while flow.trace.calls and flow.trace.calls[call].kind == "function":
        call = flow.trace.calls[call].parent or 0
    return call


def count_reasons(elided: Iterable[str]) -> dict[str, int]:
    """Elided operations by reason, most frequent first."""
    return dict(Counter(elided).most_common())
