"""The last products of a model: scores over a vocabulary that it also reads, or over classes."""

from collections.abc import Mapping

from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.roles import Role

_HEAVY = frozenset({"product", "contraction", "scores", "weighted_sum", "convolution"})
_MIXING = frozenset({"residual", "norm", "add", "concat", "multiply", "lookup"})
_MOST_STEPS = 60


def tied_roles(graph: Graph, given_roles: Mapping[int, Role]) -> Mapping[int, Role]:
    """The products with a table that ids look rows up in."""
    tables = {ref.value for draft in graph.drafts if draft.kind == "lookup" for ref in draft.operands[1:]}
    return {
        draft.key: Role.UNEMBED
        for draft in graph.drafts
        if draft.kind == "product" and draft.key not in given_roles and draft.weight.value in tables
    }


def sure_roles(
    given_roles: Mapping[int, Role],
    output_roles: Mapping[int, Role],
    latent_roles: Mapping[int, Role],
    tied_roles: Mapping[int, Role],
) -> Mapping[int, Role]:
    """Roles that do not depend on what else a product could be."""
    return {**given_roles, **output_roles, **latent_roles, **tied_roles}


def end_roles(
    flow: Flow, graph: Graph, sure_roles: Mapping[int, Role], mlp_roles: Mapping[int, Role]
) -> Mapping[int, Role]:
    """The products from which nothing but small steps leads out of a model that reads ids or patches."""
    known = {*sure_roles, *mlp_roles}
    rows = {ref.shape[0] for draft in graph.drafts if draft.kind == "lookup" for ref in draft.operands[1:]}
    begins = any(draft.kind in ("lookup", "convolution") for draft in graph.drafts)
    found = {}
    for draft in graph.drafts:
        if draft.kind == "product" and draft.key not in known and _leaves(flow, graph, draft):
            if draft.result.columns in rows:
                found[draft.key] = Role.UNEMBED
            elif begins:
                found[draft.key] = Role.HEAD
    return found


def _leaves(flow: Flow, graph: Graph, draft: Draft) -> bool:
    """Whether a model gives a result back, and nothing is multiplied with it or added to a stream on the way."""
    reached = list(graph.onward(draft.result.value, most=_MOST_STEPS))
    if any(after.kind in _HEAVY or after.kind in _MIXING for after in reached):
        return False
    results = {draft.result.value, *(ref.value for after in reached for ref in after.results)}
    foreign = any(_joins(flow, after, results) for after in reached if after.role is not Role.LOSS)
    return not foreign and bool(results & flow.outputs)


def _joins(flow: Flow, draft: Draft, results: set[int]) -> bool:
    """Whether a step puts other data together with what came from a product."""
    others = [ref.value for ref in draft.operands if ref.origin == "data" and ref.value not in results]
    return any(value >= 0 and flow.is_floating(value) for value in others)


def roles(
    sure_roles: Mapping[int, Role],
    mlp_roles: Mapping[int, Role],
    end_roles: Mapping[int, Role],
    combine_roles: Mapping[int, Role],
) -> Mapping[int, Role]:
    """All roles; no step is in two of the mappings but those that combine experts."""
    return {**sure_roles, **mlp_roles, **end_roles, **combine_roles}
