"""A bias that the code adds after a product belongs to the product: ``x @ W + b``, or the b of each row's expert."""

from collections import defaultdict
from math import prod

from msgspec.structs import replace

from shapetrace.ir import Op
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.flow import Flow


def biased_steps(
    flow: Flow,
    attention_steps: tuple[Draft, ...],
    additive_steps: tuple[Draft, ...],
    append_steps: tuple[Draft, ...],
    loss_steps: tuple[Draft, ...],
    dispatch_steps: tuple[Draft, ...],
) -> tuple[Draft, ...]:
    """All steps that multiply, and those of caches, losses and experts; each product with what adds its bias."""
    makers: dict[int, list[int]] = defaultdict(list)
    for place, draft in enumerate(additive_steps):
        value = draft.result.value
        if draft.kind == "product" and value >= 0 and value not in flow.outputs:
            makers[value].append(place)
    found = list(additive_steps)
    for value, places in makers.items():
        readers = flow.readers[value]
        addition = flow.trace.ops[readers[0]] if len(readers) == 1 else None
        if addition is None or names_of(addition.kernels) != ["add"] or len(addition.inputs) != 2:
            continue
        bias = next((v for v in addition.inputs if flow.root(v) != value), value)
        if not _is_summed_first(flow, addition, value) and _is_bias(flow, bias, value):
            owner = next((place for place in places if found[place].ops), places[0])
            for place in places:
                found[place] = _with_bias(flow, found[place], addition, bias, owner=place == owner)
    return (*attention_steps, *append_steps, *loss_steps, *dispatch_steps, *found)


def _is_summed_first(flow: Flow, addition: Op, value: int) -> bool:
    """Whether ranks add up their parts of a product before a bias is added, once."""
    forms = [form for v in addition.inputs if flow.root(v) == value for form in flow.forms(v)]
    producers = (flow.facts.producer.get(form) for form in forms)
    return any(producer is not None and flow.kinds[producer] == "collective" for producer in producers)


def _is_bias(flow: Flow, bias: int, value: int) -> bool:
    """Whether what is added is one row of weights, for all rows or for each expert's."""
    tensor, columns = flow.facts.tensor(bias), flow.facts.tensor(value).shape[-1:]
    if tensor.shape[-1:] != columns:
        return False
    if tensor.role == "weight" and flow.op_of(bias) is None:
        stacked = len(tensor.shape) > 2 and tensor.shape[-2] == 1
        return prod(tensor.shape) == columns[0] or stacked
    return _gathered(flow, bias) is not None


def _gathered(flow: Flow, bias: int) -> Op | None:
    """The operation that took rows of biases out of a table by computed indices."""
    op = flow.op_of(bias)
    if op is None or flow.kinds[op.id] not in ("index", "lookup") or len(flow.readers[flow.root(bias)]) != 1:
        return None
    tables = [v for v in op.inputs if flow.facts.tensor(v).role == "weight" and len(flow.facts.tensor(v).shape) == 2]
    return op if tables and not any(flow.root(v) in flow.trace.inputs for v in op.inputs) else None


def _with_bias(flow: Flow, draft: Draft, addition: Op, bias: int, *, owner: bool) -> Draft:
    gathered = _gathered(flow, bias) if flow.is_data(bias) else None
    ops = (addition.id,) if gathered is None else (gathered.id, addition.id)
    weights = (*draft.weights, *(v for op in ops for v in flow.trace.ops[op].inputs))
    result = replace(draft.result, value=flow.root(addition.outputs[0]))
    return replace(
        draft, ops=(*draft.ops, *ops) if owner else draft.ops, results=(result, *draft.results[1:]), weights=weights
    )
