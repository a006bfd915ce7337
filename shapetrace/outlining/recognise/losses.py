"""Losses: the functions that PyTorch has for them, the same written out, and sums of them."""

from collections.abc import Container, Mapping
from math import prod

from shapetrace.ir import Op
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft, Graph, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.roles import Part, Role

FUNCTIONS: Mapping[str, str] = {
    "cross_entropy": "cross-entropy", "nll_loss": "negative log-likelihood", "nll_loss_nd": "negative log-likelihood",
    "binary_cross_entropy": "binary cross-entropy", "binary_cross_entropy_with_logits": "binary cross-entropy",
    "mse_loss": "squared error", "l1_loss": "absolute error", "smooth_l1_loss": "smooth absolute error",
    "huber_loss": "Huber", "kl_div": "KL divergence", "ctc_loss": "CTC", "cosine_embedding_loss": "cosine embedding",
    "triplet_margin_loss": "triplet margin", "triplet_margin_with_distance_loss": "triplet margin",
    "margin_ranking_loss": "margin ranking", "hinge_embedding_loss": "hinge embedding",
    "gaussian_nll_loss": "Gaussian likelihood", "poisson_nll_loss": "Poisson likelihood",
    "soft_margin_loss": "soft margin", "multi_margin_loss": "multi-margin",
    "multilabel_margin_loss": "multi-label margin", "multilabel_soft_margin_loss": "multi-label soft margin",
    "linear_cross_entropy": "cross-entropy",
}  # fmt: skip
"""What PyTorch's functions for losses compute."""

OF_CLASSES = frozenset({"cross-entropy", "negative log-likelihood", "binary cross-entropy", "CTC"})
"""Losses whose first operand is scores of classes."""

_TARGETS = {"cosine embedding": 2, "margin ranking": 2, "triplet margin": None}
"""Which operand holds the targets, where it is not the second."""

_MEASURING = frozenset(
    "_log_softmax log logsumexp log_sigmoid log_sigmoid_forward softplus log1p nll_loss_forward nll_loss2d_forward"
    " mse_loss smooth_l1_loss huber_loss binary_cross_entropy xlogy".split()
)
_DISTANCES = frozenset({"pow", "square", "abs", "linalg_vector_norm", "norm"})
_MEETING = frozenset({"mul", "dist", "_cdist_forward", "_euclidean_dist"})
_DIFFERING = frozenset({"sub", "rsub", "gather"})
_BENDING = frozenset({"mul", "relu", "clamp", "clamp_min", "maximum", "where"})
_SMALL = frozenset({"softmax", "activation", "add", "multiply", "pointwise", "reduce", "select", "route", "norm"})
_MOST_STEPS = 12
_MOST_VALUES = 16


def loss_steps(flow: Flow, axis_roles: AxisRoles) -> tuple[Draft, ...]:
    """The calls of PyTorch's losses: what is scored, and the targets."""
    return tuple(_step(flow, axis_roles, op) for op in flow.trace.ops if _is_loss(flow, op))


def _is_loss(flow: Flow, op: Op) -> bool:
    return op.name in FUNCTIONS and bool(op.outputs) and flow.is_data(op.outputs[0])


def _step(flow: Flow, axis_roles: AxisRoles, op: Op) -> Draft:
    operands = []
    for place, value in enumerate(dict.fromkeys(op.inputs[:3])):
        root = flow.root(value)
        part = Part.TARGETS if place == _TARGETS.get(FUNCTIONS[op.name], 1) else Part.OTHER
        operands.append(Ref(root, axis_roles.readable(value), flow.facts.tensor(root).role, part=part))
    result = Ref(flow.root(op.outputs[0]), flow.facts.tensor(op.outputs[0]).shape, part=Part.LOSS)
    return Draft((op.id,), "reduce", tuple(operands), (result,), Role.LOSS, FUNCTIONS[op.name], call=op.call,
                 order=op.id)  # fmt: skip


def loss_roles(flow: Flow, graph: Graph) -> Mapping[int, Role]:
    """Sums of losses, means of them, and losses written out: one number that a pass gives back."""
    found: dict[int, Role] = {}
    losses = {draft.result.value for draft in graph.drafts if draft.role is Role.LOSS}
    for draft in graph.drafts:
        if draft.role is Role.LOSS or draft.kind not in _SMALL or not draft.results:
            continue
        data = {ref.value for ref in draft.operands if ref.origin == "data"}
        one_number = not draft.result.shape and draft.result.origin == "data"
        if one_number and (data & losses or _is_written_out(flow, graph, draft)):
            found[draft.key] = Role.LOSS
            losses.add(draft.result.value)
    return found


def _is_written_out(flow: Flow, graph: Graph, draft: Draft) -> bool:
    """Whether a number that a pass ends in measures an error.

    It is the logarithm of likelihoods, the size of a difference, or made of what a model says times what it is told.
    """
    if not _ends(flow, graph, draft):
        return False
    ops = [flow.trace.ops[op] for step in _small_steps(graph, draft) for op in step.ops]
    names = {name for op in ops for name in names_of(op.kernels)}
    if names & _MEASURING or (names & _DISTANCES and names & {"sub", "rsub"}):
        return True
    inside = {op.id for op in ops}
    met = {name for op in ops if _meets_targets(flow, op, inside) for name in names_of(op.kernels)}
    return bool(met & _MEETING) or bool(met & _DIFFERING and names & _BENDING)


def _small_steps(graph: Graph, draft: Draft) -> list[Draft]:
    """A step and the small ones before it, some of them."""
    queue = [draft]
    for step in queue:
        makers = (graph.maker(ref.value) for ref in step.operands)
        queue += [m for m in makers if m is not None and m.kind in _SMALL and m not in queue][:_MOST_STEPS]
        if len(queue) > _MOST_STEPS:
            break
    return queue


def _meets_targets(flow: Flow, op: Op, inside: Container[int]) -> bool:
    """Whether an operation puts what a model made and what was given together, number by number or by index."""
    given = [value for value in op.inputs if _is_target(flow, value, inside)]
    made = [value for value in op.inputs if value not in given and flow.is_data(value)]
    if len(given) != 1 or len(made) != 1:
        return False
    one, other = (flow.facts.tensor(value) for value in (given[0], made[0]))
    return not flow.is_floating(one.id) or prod(one.shape) == prod(other.shape) > 1


def _is_target(flow: Flow, value: int, inside: Container[int]) -> bool:
    """Whether a value is made of inputs alone, no weight had a part in it, and nothing else reads those."""
    queue, ways = [flow.root(value)], set[int]()
    for current in queue:
        op = flow.op_of(current)
        if flow.is_weight(current) or len(queue) > _MOST_VALUES:
            return False
        if op is not None:
            ways.add(op.id)
            queue += [root for root in map(flow.root, op.inputs) if root not in queue]
    alone = all(reader in inside or reader in ways for current in queue for reader in flow.readers.get(current, ()))
    return alone and flow.is_data(value)


def _ends(flow: Flow, graph: Graph, draft: Draft) -> bool:
    """Whether a number is given back, by itself or in sums."""
    reached = {draft.result.value}
    for after in graph.onward(draft.result.value):
        if after.result.shape:
            return False
        reached.add(after.result.value)
    return bool(reached & flow.outputs)
