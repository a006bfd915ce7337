"""The last products of a model: scores over a vocabulary that it also reads, or over classes."""

from collections.abc import Iterator, Mapping

from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.losses import OF_CLASSES
from shapetrace.outlining.roles import Role

_HEAVY = frozenset({"product", "contraction", "scores", "weighted_sum", "convolution"})
_MIXING = frozenset({"residual", "norm", "add", "multiply", "lookup"})
_MOST_STEPS = 60


def vocabulary_roles(flow: Flow, graph: Graph, given_roles: Mapping[int, Role]) -> Mapping[int, Role]:
    """The products that end a pass with a table that ids look rows up in, or make a column for each word of one."""
    lookups = [draft for draft in graph.drafts if draft.kind == "lookup"]
    tables = {ref.value: ref.shape for draft in lookups for ref in draft.operands[1:]}
    words = {ref.shape[0] for draft in lookups if draft.role is Role.LOOKUP_TOKENS for ref in draft.operands[1:]}
    found = {}
    for draft in graph.drafts:
        if draft.kind != "product" or draft.key in given_roles:
            continue
        is_turned = draft.weight.shape[::-1] in tables.values()
        is_vocabulary = (is_turned or draft.result.columns in words) and _leaves(flow, graph, draft)
        if is_vocabulary or (draft.weight.value in tables and not _is_of_a_distance(flow, graph, draft)):
            found[draft.key] = Role.UNEMBED
        elif any(after.role is Role.LOSS and _scores_classes(graph, draft, after) for after in _small(graph, draft)):
            found[draft.key] = Role.HEAD
    return found


def _is_of_a_distance(flow: Flow, graph: Graph, draft: Draft) -> bool:
    """Whether other data is added to a product at once: to x·e the squares of x and e, for the nearest code."""
    result = draft.result.value
    return any(_joins(flow, after, {result}) for after in graph.readers(result) if after.role is not Role.LOSS)


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
    flow: Flow, graph: Graph, sure_roles: Mapping[int, Role], mlp_roles: Mapping[int, Role]
) -> Mapping[int, Role]:
    """The products from which nothing but small steps leads out of a model that reads ids or patches.

    The last stage of a model has rows instead, which another one sent.
    """
    known = {*sure_roles, *mlp_roles}
    begins = flow.talk.receives or any(_reads_input(flow, draft) for draft in graph.drafts)
    return {
        draft.key: Role.HEAD
        for draft in graph.drafts
        if begins and draft.kind == "product" and draft.key not in known and _leaves(flow, graph, draft)
    }


def _reads_input(flow: Flow, draft: Draft) -> bool:
    """Whether a step is how a whole model begins: ids looked up, an image or a signal cut into pieces or convolved."""
    value = draft.operands[0].value if draft.operands else -1
    given = value >= 0 and flow.facts.tensor(value).origin == "input"
    return draft.kind == "lookup" or draft.role is Role.PATCHES or (draft.kind == "convolution" and given)


def _leaves(flow: Flow, graph: Graph, draft: Draft) -> bool:
    """Whether a model gives a result back, and nothing is multiplied with it or added to a stream on the way.

    Results of products of the same data may stand beside it: a head for each codebook.
    """
    reached, results, chooses = _reached(flow, graph, draft.result.value)
    if any(after.kind in _HEAVY or after.kind in _MIXING for after in reached):
        return False
    beside = {
        other.result.value
        for other in graph.readers(draft.data.value)
        if other.kind == "product" and other.data.value == draft.data.value
    }
    foreign = any(_joins(flow, after, results | beside) for after in reached if after.role is not Role.LOSS)
    return not foreign and (chooses or bool(results & flow.outputs))


def _reached(flow: Flow, graph: Graph, value: int) -> tuple[list[Draft], set[int], bool]:
    """The steps that real numbers made of a value reach, their results, and whether something is chosen by them."""
    reached: list[Draft] = []
    results, chooses = {value}, _is_chosen_by(flow, value)
    queue = list(graph.readers(value))
    for after in queue:
        if len(reached) > _MOST_STEPS:
            break
        reached.append(after)
        for ref in after.results:
            chooses = chooses or _is_chosen_by(flow, ref.value)
            if ref.value >= 0 and not flow.is_floating(ref.value):
                chooses = True
            elif ref.value not in results:
                results.add(ref.value)
                queue += [later for later in graph.readers(ref.value) if later not in queue]
    return reached, results, chooses


def _is_chosen_by(flow: Flow, value: int) -> bool:
    """Whether an operation makes whole numbers of a value: the largest, a sample."""
    readers = (flow.trace.ops[reader] for reader in flow.readers.get(value, ()))
    return any(op.outputs and not any(map(flow.is_floating, op.outputs)) for op in readers)


def _joins(flow: Flow, draft: Draft, results: set[int]) -> bool:
    """Whether a step puts other data together with what came from a product."""
    others = [ref.value for ref in draft.operands if ref.origin == "data" and ref.value not in results]
    return any(value >= 0 and flow.is_floating(value) for value in others)


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
