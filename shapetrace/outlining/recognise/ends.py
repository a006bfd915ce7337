"""The last products of a model: scores over a vocabulary that it also reads, or over classes."""

from collections.abc import Iterator, Mapping

from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.leaving import Leaving, Words
from shapetrace.outlining.recognise.losses import OF_CLASSES
from shapetrace.outlining.roles import Role


def vocabulary_roles(
    flow: Flow, graph: Graph, given_roles: Mapping[int, Role], loss_roles: Mapping[int, Role]
) -> Mapping[int, Role]:
    """The products that end a pass with a table that ids look rows up in, or make a column for each word of one."""
    words = Words(flow, graph, loss_roles)
    found = {}
    for draft in graph.drafts:
        if draft.kind != "product" or draft.key in given_roles:
            continue
        if words.are_scored_by(draft):
            found[draft.key] = Role.UNEMBED
        elif any(after.role is Role.LOSS and _scores_classes(graph, draft, after) for after in _small(graph, draft)):
            found[draft.key] = Role.HEAD
    return found


def _small(graph: Graph, draft: Draft) -> Iterator[Draft]:
    """The steps that a result reaches by selections and softmaxes alone."""
    return graph.onward(draft.result.value, ("select", "softmax", "pointwise"))


def _scores_classes(graph: Graph, draft: Draft, loss: Draft) -> bool:
    """Whether a loss takes a result as scores of classes, not as targets."""
    if loss.function not in OF_CLASSES:
        return False
    reached = {draft.result.value, *(ref.value for after in _small(graph, draft) for ref in after.results)}
    return loss.operands[0].value in reached


def sure_roles(
    given_roles: Mapping[int, Role],
    output_roles: Mapping[int, Role],
    latent_roles: Mapping[int, Role],
    vocabulary_roles: Mapping[int, Role],
    block_roles: Mapping[int, Role],
    gate_roles: Mapping[int, Role],
) -> Mapping[int, Role]:
    """Roles that do not depend on what else a product could be."""
    return {**gate_roles, **output_roles, **latent_roles, **vocabulary_roles, **given_roles, **block_roles}


def end_roles(
    flow: Flow,
    graph: Graph,
    sure_roles: Mapping[int, Role],
    mlp_roles: Mapping[int, Role],
    loss_roles: Mapping[int, Role],
) -> Mapping[int, Role]:
    """The products from which nothing but small steps leads out of a model that reads ids or patches.

    The last stage of a model has rows instead, which another one sent.
    """
    known = {*sure_roles, *mlp_roles}
    leaves, words = Leaving(flow, graph, loss_roles), Words(flow, graph, loss_roles)
    if not flow.talk.receives and not any(_reads_input(flow, draft) for draft in graph.drafts):
        return {}
    products = (draft for draft in graph.drafts if draft.kind == "product" and draft.key not in known)
    return {d.key: Role.HEAD for d in products if leaves(d) and not words.are_codes_for(d)}


def _reads_input(flow: Flow, draft: Draft) -> bool:
    """Whether a step is how a whole model begins: ids looked up, an image or a signal cut into pieces or convolved."""
    value = draft.operands[0].value if draft.operands else -1
    given = value >= 0 and flow.facts.tensor(value).origin == "input"
    looks_up = draft.kind == "lookup" and value not in flow.multiplied
    return looks_up or draft.role is Role.PATCHES or (draft.kind == "convolution" and given)


def roles(
    sure_roles: Mapping[int, Role],
    mlp_roles: Mapping[int, Role],
    end_roles: Mapping[int, Role],
    combine_roles: Mapping[int, Role],
    loss_roles: Mapping[int, Role],
    choice_roles: Mapping[int, Role],
) -> Mapping[int, Role]:
    """All roles; no step is in two of the mappings but those that combine experts."""
    return {**sure_roles, **mlp_roles, **end_roles, **combine_roles, **loss_roles, **choice_roles}
