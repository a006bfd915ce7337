"""From a trace that failed to its explanation: which rule speaks for which operation."""

from collections.abc import Callable

from shapetrace.failing.arguments import argument
from shapetrace.failing.attending import attention
from shapetrace.failing.broadcasting import elementwise, expand, repeat, written_part
from shapetrace.failing.cases import Case, Finding
from shapetrace.failing.convolving import convolution, pooling
from shapetrace.failing.devices import devices
from shapetrace.failing.dtypes import dtypes
from shapetrace.failing.indexing import index, picked, topk
from shapetrace.failing.joining import cat, split, stack
from shapetrace.failing.loading import checkpoint
from shapetrace.failing.losing import labels
from shapetrace.failing.multiplying import added, linear, matmul
from shapetrace.failing.norming import channel_norm, layer_norm
from shapetrace.failing.regrouping import axes, reshape, unflatten
from shapetrace.failing.said import said
from shapetrace.failing.structure import Explanation, Part
from shapetrace.failing.summing import einsum
from shapetrace.ir import Trace
from shapetrace.language import say

Rule = Callable[[Case], Finding | None]

_RULES: dict[Rule, str] = {
    linear: "linear",
    matmul: "matmul rmatmul mm bmm mv dot",
    added: "addmm baddbmm addbmm addmv",
    einsum: "einsum",
    convolution: "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d",
    pooling: "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d",
    cat: "cat concat concatenate hstack vstack",
    stack: "stack",
    split: "split_with_sizes split",
    reshape: "view reshape",
    unflatten: "unflatten",
    axes: "transpose permute swapaxes movedim",
    expand: "expand broadcast_to",
    repeat: "repeat",
    written_part: "setitem copy",
    index: "embedding embedding_bag index_select one_hot",
    picked: "gather getitem take_along_dim scatter scatter_add",
    topk: "topk kthvalue",
    labels: "cross_entropy_loss nll_loss nll_loss_nd cross_entropy",
    attention: "scaled_dot_product_attention",
    layer_norm: "layer_norm rms_norm",
    channel_norm: "batch_norm group_norm instance_norm",
}
"""Adding a rule is a function and a line here: the rule, and the functions it speaks for."""

_BY_NAME = {name: rule for rule, names in _RULES.items() for name in names.split()}


def explanation(trace: Trace) -> Explanation | None:
    """Explain why a pass ended early; None if it did not.

    An error that no rule knows is told as what it is: its own type, message and place.
    """
    if trace.failure is None:
        return None
    case = Case(trace, trace.failure)
    return _written(case, _finding(case))


def _finding(case: Case) -> Finding | None:
    rule = _BY_NAME.get(case.op)
    rules: tuple[Rule, ...] = (argument, devices, checkpoint)
    if case.failure.op:
        rules = (*rules, dtypes, *((rule,) if rule is not None else (index, elementwise)))
    if case.tensors:
        rules = (*rules, said)
    return next((found for each in rules if (found := each(case)) is not None), None)


def _written(case: Case, found: Finding | None) -> Explanation:
    failure = case.failure
    known = found or Finding("", kind="other")
    positions = known.shown if known.shown is not None else tuple(range(len(case.tensors)))
    return Explanation(
        kind=known.kind,
        type=failure.type,
        message=failure.message,
        model=case.trace.model.name,
        op=case.op,
        operator=known.operator,
        parts=known.parts or tuple(_part(case, known, position) for position in positions),
        clash=known.clash,
        reason=known.reason,
        fits=known.fits,
        path=case.path,
        module=case.module,
        line=failure.line,
    )


def _part(case: Case, found: Finding, position: int) -> Part:
    tensor = case.tensors[position]
    turned = position in found.turned
    shape = tensor.shape[::-1] if turned else tensor.shape
    told = case.origins.told(tensor.id)
    origin = say("{origin}, turned", origin=told) if turned else told
    return Part(case.name(position), tensor.role, shape, tensor.dtype, origin, found.marks.get(position, ()))
