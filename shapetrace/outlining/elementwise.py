"""Operands of steps that multiply no matrices: norms, activations, adds, RoPE, lookups, slices."""

from collections import defaultdict
from collections.abc import Sequence
from math import prod

from shapetrace.ir import Op
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.drafts import Draft, Ref, trimmed
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.multiplying import readable_shape
from shapetrace.outlining.recognising import named, plain_kind
from shapetrace.outlining.structure import Note

_MOST_OPERANDS = 5


def ref(flow: Flow, value: int, letter: str = "") -> Ref:
    """A value as it is read; heads as an axis of their own are a stack; pairs (RoPE) are as wide as both halves."""
    root = flow.root(value)
    role = flow.facts.tensor(root).role
    shape = flow.facts.tensor(value).shape
    letter = letter or flow.letters(value)
    heads = [bool(set(flow.facts.atoms.leaves(axis)) & flow.head_leaves) for axis in flow.facts.axes_of(value)]
    pairs = len(shape) == 5 and shape[4] == 2 and (heads[1:] == [True, False, False, False] or shape[1] == 1)
    if heads == [False, True, False, False] or pairs:
        stack = tuple(size for size in shape[:2] if size > 1)
        return Ref(root, (shape[2], prod(shape[3:])), role, stack, letter)
    if heads == [False, False, True, False]:  # positions before heads: one head's rows are apart
        stack = tuple(size for size in (shape[0], shape[2]) if size > 1)
        return Ref(root, (shape[1], shape[3]), role, stack, letter)
    return Ref(root, readable_shape(flow, value), role, letter=letter)


def lookup_draft(flow: Flow, op: Op) -> Draft:
    """Rows of a table, one for each id."""
    table, ids = op.inputs[:2] if flow.is_floating(op.inputs[0]) else (op.inputs[1], op.inputs[0])
    ids_ref = ref(flow, ids, "ids")
    ids_ref.shape = trimmed(ids_ref.shape, 1)
    operands, results = [ids_ref, ref(flow, table)], [ref(flow, op.outputs[0])]
    return Draft([op.id], "lookup", _lookup_title(flow, ids), "→", operands, results, op.call, order=op.id)


def _lookup_title(flow: Flow, ids: int) -> str:
    """What is looked up, by the name of the input that chooses the rows."""
    name = flow.facts.tensor(flow.root(ids)).name
    for word, title in (("position", "Position lookup"), ("type", "Type lookup")):
        if word in name:
            return title
    return "Token lookup" if flow.facts.tensor(flow.root(ids)).origin == "input" else "Lookup"


def residual_draft(flow: Flow, op: Op, older: int, newer: int) -> Draft:
    """Data plus what was computed from it."""
    shape = op.outputs[0]
    operands = [ref(flow, older), ref(flow, newer)]
    for operand in operands:
        operand.shape = readable_shape(flow, shape)
    return Draft([op.id], "residual", "Residual", "+", operands, [ref(flow, shape)], op.call, order=op.id)


def group_draft(flow: Flow, members: Sequence[int], call: int) -> Draft:
    """One step for a run of element-wise operations."""
    ops = [flow.trace.ops[i] for i in members]
    kernels = [name for op in ops for name in names_of(op.kernels)]
    inside = {value for op in ops for value in op.outputs}
    read = {flow.root(v) for op in ops for v in op.inputs if flow.root(v) not in inside}
    external = list(dict.fromkeys(flow.root(v) for op in ops for v in op.inputs if flow.root(v) in read))
    data = [v for v in external if flow.is_data(v)] or external
    constants = [v for v in external if not flow.is_data(v)]
    results = _results(flow, ops)
    kind, title = named(flow, ops, kernels, data, constants)
    operator = {"add": "+", "multiply": "⊙", "concat": "concat"}.get(kind, title)
    forms: dict[int, list[int]] = defaultdict(list)
    for value in dict.fromkeys(v for op in ops for v in op.inputs):
        forms[flow.root(value)].append(value)
    shown = data
    if kind == "concat":
        shown = [v for v in external if v in data or flow.facts.tensor(v).role == "weight"]
    elif kind in ("add", "multiply") and len(constants) < _MOST_OPERANDS:
        shown = [*data, *constants]
    operands = [ref(flow, _whole(flow, forms[value])) for value in dict.fromkeys(shown)]
    if kind == "activation" and len(data) == 2 and "mul" in kernels and "add" not in kernels:
        operator = "⊙"
    spare = 0 if kind == "concat" else len(operands) - _MOST_OPERANDS
    draft = Draft([*members], kind, title, operator, operands, [ref(flow, v) for v in results], call, order=members[-1])
    if spare > 0:
        draft.operands = operands[:_MOST_OPERANDS]
        draft.notes = [Note("{n} more operands", {"n": spare})]
    if kind == "concat":
        _collapse_equal(draft)
    return draft


def _whole(flow: Flow, forms: Sequence[int]) -> int:
    """The last form of a value that holds all that a group reads of it: the query, not the halves that are rotated."""
    chains = [flow.forms(value) for value in forms]
    return next(value for value in chains[0] if all(value in chain for chain in chains))


def _results(flow: Flow, ops: Sequence[Op]) -> list[int]:
    """What is read outside of the group; the last value if nothing is."""
    members = {op.id for op in ops}
    found = [
        value
        for op in ops
        for value in op.outputs
        if flow.root(value) == value and (value in flow.outputs or set(flow.readers[value]) - members)
    ]
    return found or [ops[-1].outputs[0]]


def _collapse_equal(draft: Draft) -> None:
    """Pieces of equal shape side by side are one stack."""
    shapes = {operand.shape for operand in draft.operands}
    if len(shapes) == 1 and len(draft.operands) > 2:
        count = len(draft.operands)
        first = draft.operands[0]
        draft.operands = [Ref(first.value, first.shape, first.role, (count,))]
        draft.results[0].pattern, draft.results[0].slices = "slices", count


def plain_draft(flow: Flow, op: Op) -> Draft:
    """Anything else, with its shapes: softmax outside attention, slices, routing, and what nobody knows."""
    kind, title = plain_kind(flow, op)
    data = [value for value in op.inputs if flow.is_data(value)] or list(op.inputs)
    operands = [ref(flow, value) for value in dict.fromkeys(data)][:4]
    results = [ref(flow, value) for value in dict.fromkeys(op.outputs)][:4]
    for operand in (*operands, *results):
        operand.shape = trimmed(operand.shape, 1) if len(operand.shape) > 2 else operand.shape
    draft = Draft([op.id], kind, title, title.lower() if kind == "softmax" else title, operands, results, op.call,
                  order=op.id)  # fmt: skip
    if kind == "unknown":
        draft.notes = [Note("an operation that shapetrace does not know")]
    return draft
