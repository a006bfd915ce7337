"""Losses: the functions that PyTorch has for them, the same written out, and sums of them."""

from collections.abc import Mapping

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
_SMALL = frozenset({"softmax", "activation", "add", "multiply", "pointwise", "reduce", "select", "route", "norm"})
_MOST_STEPS = 12


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
    """Whether a number that a pass ends in measures an error: a logarithm of likelihoods, the size of a difference."""
    if not _ends(flow, graph, draft):
        return False
    names: set[str] = set()
    queue = [draft]
    for step in queue:
        names |= {name for op in step.ops for name in names_of(flow.trace.ops[op].kernels)}
        makers = (graph.maker(ref.value) for ref in step.operands)
        queue += [m for m in makers if m is not None and m.kind in _SMALL and m not in queue][:_MOST_STEPS]
        if len(queue) > _MOST_STEPS:
            break
    return bool(names & _MEASURING) or (bool(names & _DISTANCES) and bool(names & {"sub", "rsub"}))


def _ends(flow: Flow, graph: Graph, draft: Draft) -> bool:
    """Whether a number is given back, by itself or in sums."""
    reached = {draft.result.value}
    for after in graph.onward(draft.result.value):
        if after.result.shape:
            return False
        reached.add(after.result.value)
    return bool(reached & flow.outputs)
