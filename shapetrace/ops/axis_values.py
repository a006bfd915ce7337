"""Axis rules of kernels that keep, reduce, sort or look up: norms, softmax, sums, indexing."""

from collections.abc import Sequence

from shapetrace.ops.atoms import Atoms, Axes, Axis
from shapetrace.ops.axis_rules import RULES, KernelView, Outcome, base_name, elementwise, fresh, keep_first, rule

for _name in (
    "_softmax", "_safe_softmax", "_log_softmax", "native_layer_norm", "native_group_norm", "native_batch_norm",
    "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "clone", "_to_copy", "detach", "alias",
    "lift_fresh", "flip", "roll", "tril", "triu", "cumsum", "cumprod", "scatter", "scatter_add",
    "index_put", "_index_put_impl_", "index_fill", "index_copy", "index_add", "fill", "zero", "uniform", "normal",
    "slice_scatter", "select_scatter", "masked_scatter", "fft_c2c", "_fused_rms_norm", "bernoulli",
    "native_dropout", "logcumsumexp",
    "_conj", "_neg_view", "contiguous", "set_data", "cummax", "cummin",
):  # fmt: skip
    RULES[_name] = keep_first


@rule("zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like")
def _like(view: KernelView) -> Outcome:
    """Made to a pattern: as large as its operand, but what it will hold may be counted along other axes."""
    return fresh(view)


@rule("sort", "argsort")
def _sort(view: KernelView) -> Outcome:
    """A sorted axis is an axis of its own: its order is no longer the operand's."""
    dim = view.dim(default=-1)
    sorted_axes = []
    for shape in view.out_shapes:
        fresh_axis = view.atoms.fresh(shape[dim]) if shape else ()
        sorted_axes.append(tuple(fresh_axis if i == dim else axis for i, axis in enumerate(view.ins[0])))
    return Outcome(tuple(sorted_axes[:1] * len(sorted_axes)))


@rule("copy")
def _copy(view: KernelView) -> Outcome:
    target, source = view.ins[0], view.ins[1] if len(view.ins) > 1 else ()
    for one, other in zip(reversed(target), reversed(source), strict=False):
        if view.atoms.size(one) == view.atoms.size(other):
            view.atoms.unify(one, other)
    return Outcome((target,))


@rule("sum", "mean", "amax", "amin", "max", "min", "var", "std", "var_mean", "prod", "any", "all", "argmax",
      "argmin", "logsumexp", "linalg_vector_norm", "norm", "median", "mode", "topk", "kthvalue",
      "nansum", "std_mean")  # fmt: skip
def _reduce(view: KernelView) -> Outcome:
    """Reduced axes vanish or become 1; top-k leaves a fresh axis of k."""
    axes = view.ins[0]
    dims = view.arg("dim", view.arg("dims"))
    named = [dims] if isinstance(dims, int) else list(dims or [])
    if not named and base_name(view.kernel.name) in ("topk", "kthvalue", "median", "mode"):
        named = [-1]
    gone = {dim % max(len(axes), 1) for dim in named} or set(range(len(axes)))
    kept = tuple(axis for i, axis in enumerate(axes) if i not in gone)
    return Outcome(tuple(_reduced(view, shape, axes, gone, kept) for shape in view.out_shapes))


def _reduced(view: KernelView, shape: Sequence[int], axes: Axes, gone: set[int], kept: Axes) -> Axes:
    if len(shape) == len(kept) < len(axes):
        return kept
    if len(shape) != len(axes):
        return view.atoms.fresh_axes(shape)
    return tuple(view.atoms.fresh(shape[i]) if i in gone else axis for i, axis in enumerate(axes))


@rule("embedding")
def _embedding(view: KernelView) -> Outcome:
    weight, ids = view.ins[0], view.ins[1]
    return Outcome(((*ids, weight[1]),))


@rule("index", "_unsafe_index")
def _index(view: KernelView) -> Outcome:
    """Advanced indexing: the indices' axes stand where the first indexed axis was, if the indexed ones are adjacent."""
    data, indices = view.ins[0], list(view.ins[1:])
    marks = view.arg("indices") or ["tensor"] * len(indices)
    indexed = [i for i, mark in enumerate(marks) if mark is not None]
    picked = view.atoms.fresh_axes(()) if not indices else _aligned(view.atoms, indices)
    rest = [axis for i, axis in enumerate(data) if i not in indexed]
    adjacent = indexed == list(range(indexed[0], indexed[0] + len(indexed))) if indexed else False
    place = indexed[0] if adjacent else 0
    return Outcome(((*rest[:place], *picked, *rest[place:]),))


def _aligned(atoms: Atoms, operands: Sequence[Axes]) -> Axes:
    rank = max(len(axes) for axes in operands)
    aligned: list[Axis] = [()] * rank
    for axes in operands:
        for i, axis in enumerate(axes, rank - len(axes)):
            aligned[i] = atoms.unify_broadcast(aligned[i], axis)
    return tuple(aligned)


@rule("index_select")
def _index_select(view: KernelView) -> Outcome:
    axes, dim = list(view.ins[0]), view.dim()
    if len(view.ins) > 1 and axes:
        axes[dim] = view.ins[1][0] if view.ins[1] else ()
    return Outcome((tuple(axes),))


@rule("gather", "take_along_dim")
def _gather(view: KernelView) -> Outcome:
    return Outcome((view.ins[1] if len(view.ins) > 1 else view.ins[0],))


@rule("where")
def _where(view: KernelView) -> Outcome:
    return elementwise(view) if len(view.ins) > 1 else fresh(view)
