"""Where the results of experts are put together again: rows go back to the places that they were taken from."""

from collections.abc import Mapping

from shapetrace.ops.kinds import has, names_of
from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.experts import marked_by
from shapetrace.outlining.roles import Role

_KINDS = frozenset({"pointwise", "multiply", "reduce", "route"})
_PLACING = frozenset({"index_add", "scatter_add", "scatter_reduce", "index_put", "_index_put_impl_", "index_copy"})
_WORK = frozenset({"pointwise", "multiply", "activation", "add", "select", "norm", "concat", "route"})
_MOST_VALUES = 400


def combine_roles(flow: Flow, graph: Graph, router_roles: Mapping[int, Role]) -> Mapping[int, Role]:
    """The steps that add up what several experts made of each row, or put it back where the row was taken from."""
    routers = [draft for draft in graph.drafts if draft.key in router_roles]
    sent, marks = _places(flow, routers), _marks(flow, routers)
    weights = {*marks, *(value for router in routers for value in _scores(flow, router))}
    return {
        draft.key: Role.COMBINE_EXPERTS
        for draft in graph.drafts
        if (draft.kind in _KINDS and (_combines(flow, graph, draft) or _places_rows(flow, graph, draft, sent)))
        or (draft.kind in _KINDS and _weighs(flow, graph, draft, weights))
        or (draft.kind == "contraction" and _unmarks(graph, draft, marks))
    }


def _combines(flow: Flow, graph: Graph, draft: Draft) -> bool:
    for operand in draft.operands:
        maker = graph.maker(operand.value)
        if maker is not None and maker.chosen is not None:
            return any(has(flow.trace.ops[op], "sums") for op in draft.ops)
    return False


def _weighs(flow: Flow, graph: Graph, draft: Draft, weights: set[int]) -> bool:
    """Whether a step adds up what products made, each weighed by how good a router found it."""
    others = [ref.value for ref in draft.operands if ref.value not in weights]
    names = {name for op in draft.ops for name in names_of(flow.trace.ops[op].kernels)}
    sums = {"sum"} <= names or ("add" in names and len(others) > 1)
    return "mul" in names and sums and 0 < len(others) < len(draft.operands) and all(
        _is_multiplied(graph, value) for value in others
    )  # fmt: skip


def _scores(flow: Flow, router: Draft) -> list[int]:
    """What the scores of a router are through small operations: real numbers."""
    values = [router.result.value]
    for value in values:
        for op in (flow.trace.ops[reader] for reader in flow.readers[value]):
            if flow.kinds[op.id] in ("pointwise", "softmax", "reduce", "cast", "route") and len(values) < _MOST_VALUES:
                values += [v for v in map(flow.root, op.outputs) if flow.is_floating(v) and v not in values]
    return values


def _chosen(flow: Flow, routers: list[Draft]) -> list[int]:
    """Whole numbers that say which experts have the best scores."""
    readers = {reader for router in routers for value in _scores(flow, router) for reader in flow.readers[value]}
    choices = [op for op in (flow.trace.ops[i] for i in sorted(readers)) if has(op, "picks") or has(op, "best")]
    return [root for op in choices for root in map(flow.root, op.outputs) if not flow.is_floating(root)]


def _places(flow: Flow, routers: list[Draft]) -> set[int]:
    """Whole numbers that follow from which experts were chosen: their numbers, the rows that each of them gets."""
    queue = _chosen(flow, routers)
    found = set(queue)
    for value in queue:
        for op in (flow.trace.ops[reader] for reader in flow.readers[value]):
            made = [root for root in map(flow.root, op.outputs) if not flow.is_floating(root) and root not in found]
            found.update(made)
            queue += made
    return found


def _places_rows(flow: Flow, graph: Graph, draft: Draft, sent: set[int]) -> bool:
    """Whether a step writes rows that a product made, or adds them, to the places that a choice of experts names."""
    for op in (flow.trace.ops[i] for i in draft.ops):
        if set(names_of(op.kernels)) & _PLACING and any(flow.root(value) in sent for value in op.inputs):
            return any(_is_multiplied(graph, ref.value) for ref in draft.operands)
    return False


def _is_multiplied(graph: Graph, value: int) -> bool:
    """Whether a product made rows that since then were at most scaled, summed or picked."""
    queue = [value]
    for current in queue:
        maker = graph.maker(current)
        if maker is not None and maker.kind == "product":
            return True
        if maker is not None and maker.kind in _WORK and len(queue) < _MOST_VALUES:
            queue += [ref.value for ref in maker.operands if ref.value not in queue]
    return False


def _marks(flow: Flow, routers: list[Draft]) -> set[int]:
    """Zeros and ones, also weighted, that say which expert a row goes to."""
    places = _chosen(flow, routers)
    written = {root for place in places for root in _written_at(flow, place)}
    return written.union(mark for place in places for mark in marked_by(flow, place))


def _written_at(flow: Flow, place: int) -> list[int]:
    """Tables of zeros in which the scores of the chosen stand in their places."""
    ops = (flow.trace.ops[reader] for reader in flow.readers[place])
    return [flow.root(op.outputs[0]) for op in ops if names_of(op.kernels)[-1:] == ["scatter"] and op.outputs]


def _unmarks(graph: Graph, draft: Draft, marks: set[int]) -> bool:
    """Whether a product of such marks with what a product made brings rows back from their experts."""
    marked = [ref.value in marks for ref in draft.operands]
    others = [ref.value for ref, is_mark in zip(draft.operands, marked, strict=True) if not is_mark]
    return sum(marked) == 1 and any(_is_multiplied(graph, value) for value in others)
