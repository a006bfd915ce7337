"""What each ATen kernel does to the axes of its operands: one small rule a kernel, registered by name.

A rule gets the operands' axes and gives the results'. It needs no torch: it works on recorded arguments.
A kernel without a rule is read as element-wise if its shapes say so, else its results have fresh axes
where sizes changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shapetrace.ir import Kernel
from shapetrace.ops.atoms import Atoms, Axes, Axis


@dataclass(frozen=True, slots=True)
class Cut:
    """That a result holds only a part of an axis.

    Attributes:
        whole: The axis that was cut.
        start: First index of the part.
        length: Size of the part.
        part: The part as an axis; () if one index was taken.
    """

    whole: Axis
    start: int
    length: int
    part: Axis


@dataclass(frozen=True, slots=True)
class Outcome:
    """Axes of each result, and what each holds only a part of."""

    axes: tuple[Axes, ...]
    cuts: tuple[Cut | None, ...] = ()


@dataclass(frozen=True, slots=True)
class KernelView:
    """One kernel with the axes of its operands.

    Attributes:
        atoms: The algebra that knows which atoms are equal.
        kernel: The recorded kernel.
        ins: Axes of the operands.
        out_shapes: Shapes of the results.
    """

    atoms: Atoms
    kernel: Kernel
    ins: tuple[Axes, ...]
    out_shapes: tuple[tuple[int, ...], ...]

    def arg(self, name: str, default: Any = None) -> Any:
        """A plain argument by its schema name."""
        return self.kernel.args.get(name, default)

    def dim(self, name: str = "dim", default: int = 0, rank: int | None = None) -> int:
        """An axis argument, counted from the front."""
        value = int(self.arg(name, default))
        rank = len(self.ins[0]) if rank is None else rank
        return value + rank if value < 0 else value


Rule = Callable[[KernelView], Outcome]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for kernels of these names (without namespace and overload); twice is an error."""

    def register(function: Rule) -> Rule:
        for name in names:
            if name in RULES:
                raise ValueError(f"two axis rules for {name}")
            RULES[name] = function
        return function

    return register


def base_name(kernel: str) -> str:
    """``aten.add_.Tensor`` is ``add_``; the in-place form has the rule of ``add``."""
    name = kernel.split(".")
    return name[1] if len(name) > 1 else name[0]


def outcome(view: KernelView) -> Outcome:
    """Axes of a kernel's results; never fails: what does not fit gets fresh axes."""
    name = base_name(view.kernel.name)
    found = RULES.get(name) or RULES.get(name.removesuffix("_")) or elementwise
    result = found(view) if view.ins or found is not elementwise else fresh(view)
    return _checked(view, result)


def _checked(view: KernelView, result: Outcome) -> Outcome:
    """Replace axes whose sizes are not the recorded ones: a rule was wrong or a kernel is new."""
    axes = list(result.axes[: len(view.out_shapes)])
    axes += [()] * (len(view.out_shapes) - len(axes))
    for index, shape in enumerate(view.out_shapes):
        if view.atoms.shape(axes[index]) != shape:
            axes[index] = kept_or_fresh(view, shape)
    return Outcome(tuple(axes), result.cuts)


def fresh(view: KernelView) -> Outcome:
    """Results that share no axis with the operands."""
    return Outcome(tuple(view.atoms.fresh_axes(shape) for shape in view.out_shapes))


def kept_or_fresh(view: KernelView, shape: Sequence[int]) -> Axes:
    """Axes of equal size at the same position of the first operand of the same rank; fresh ones elsewhere."""
    for axes in view.ins:
        if len(axes) == len(shape):
            return tuple(
                axis if view.atoms.size(axis) == size else view.atoms.fresh(size)
                for axis, size in zip(axes, shape, strict=True)
            )
    return view.atoms.fresh_axes(shape)


def elementwise(view: KernelView) -> Outcome:
    """Align operands from the right, unify what they align; only those that fit the result take part."""
    atoms = view.atoms
    results = []
    for shape in view.out_shapes:
        axes: list[Axis] = [()] * len(shape)
        for operand in view.ins:
            sizes = atoms.shape(operand)
            if len(sizes) > len(shape):
                continue
            offset = len(shape) - len(sizes)
            if any(size not in (1, shape[offset + i]) for i, size in enumerate(sizes)):
                continue
            for i, axis in enumerate(operand):
                axes[offset + i] = atoms.unify_broadcast(axes[offset + i], axis)
        results.append(tuple(axes))
    return Outcome(tuple(results))


def keep_first(view: KernelView) -> Outcome:
    """Results with the axes of the first operand."""
    return Outcome(tuple(view.ins[0] for _ in view.out_shapes))


for _name in (
    "_softmax", "_safe_softmax", "_log_softmax", "native_layer_norm", "native_group_norm", "native_batch_norm",
    "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "clone", "_to_copy", "detach", "alias",
    "lift_fresh", "flip", "roll", "tril", "triu", "cumsum", "cumprod", "scatter", "scatter_add",
    "index_put", "_index_put_impl_", "index_fill", "index_copy", "index_add", "fill", "zero", "uniform", "normal",
    "slice_scatter", "select_scatter", "masked_scatter", "fft_c2c", "_fused_rms_norm", "bernoulli", "native_dropout", "logcumsumexp",
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


@rule("view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy", "_reshape_copy")
def _view(view: KernelView) -> Outcome:
    return Outcome((view.atoms.regroup(view.ins[0], view.out_shapes[0]),))


@rule("t", "numpy_T", "adjoint", "mT", "matrix_H", "t_copy")
def _t(view: KernelView) -> Outcome:
    axes = view.ins[0]
    return Outcome((axes if len(axes) < 2 else (*axes[:-2], axes[-1], axes[-2]),))


@rule("transpose", "swapaxes", "swapdims")
def _transpose(view: KernelView) -> Outcome:
    axes = list(view.ins[0])
    if axes:
        one, other = view.dim("dim0"), view.dim("dim1")
        axes[one], axes[other] = axes[other], axes[one]
    return Outcome((tuple(axes),))


@rule("permute", "permute_copy")
def _permute(view: KernelView) -> Outcome:
    axes = view.ins[0]
    return Outcome((tuple(axes[dim] for dim in view.arg("dims", ())),))


@rule("unsqueeze")
def _unsqueeze(view: KernelView) -> Outcome:
    axes = list(view.ins[0])
    axes.insert(view.dim(rank=len(axes) + 1), ())
    return Outcome((tuple(axes),))


@rule("squeeze")
def _squeeze(view: KernelView) -> Outcome:
    return Outcome((view.atoms.regroup(view.ins[0], view.out_shapes[0]),))


@rule("expand")
def _expand(view: KernelView) -> Outcome:
    shape, axes = view.out_shapes[0], view.ins[0]
    offset = len(shape) - len(axes)
    expanded = [
        axes[i - offset] if i >= offset and view.atoms.size(axes[i - offset]) == size else view.atoms.fresh(size)
        for i, size in enumerate(shape)
    ]
    return Outcome((tuple(expanded),))


@rule("repeat")
def _repeat(view: KernelView) -> Outcome:
    repeats = list(view.arg("repeats", ()))
    axes = [()] * (len(repeats) - len(view.ins[0])) + list(view.ins[0])
    repeated = [
        axis if n == 1 else view.atoms.fresh(int(n)) + axis for axis, n in zip(axes, repeats, strict=False)
    ]
    return Outcome((tuple(repeated),))


@rule("select")
def _select(view: KernelView) -> Outcome:
    dim = view.dim()
    axes = list(view.ins[0])
    whole = axes.pop(dim)
    index = int(view.arg("index", 0))
    return Outcome((tuple(axes),), (Cut(whole, index % max(view.atoms.size(whole), 1), 1, ()),))


@rule("slice", "narrow")
def _slice(view: KernelView) -> Outcome:
    dim = view.dim()
    axes = list(view.ins[0])
    length = view.out_shapes[0][dim]
    size = view.atoms.size(axes[dim])
    start = int(view.arg("start", 0) or 0)
    start = max(0, start + size) if start < 0 else min(start, size)
    if int(view.arg("step", 1)) != 1:
        axes[dim] = view.atoms.fresh(length)
        return Outcome((tuple(axes),))
    cut = None
    if length != size:
        whole, axes[dim] = axes[dim], view.atoms.part(axes[dim], start, length)
        cut = Cut(whole, start, length, axes[dim])
    return Outcome((tuple(axes),), (cut,))


@rule("split", "split_with_sizes", "chunk", "tensor_split", "split_copy", "split_with_sizes_copy")
def _split(view: KernelView) -> Outcome:
    """Equal parts split the atom, and each part takes one index of the outer one; unequal parts are slices."""
    dim = view.dim()
    axes, atoms = view.ins[0], view.atoms
    lengths = [shape[dim] for shape in view.out_shapes]
    if len(lengths) > 1 and len(set(lengths)) == 1 and lengths[0] > 0:
        outer, inner = atoms.regroup((axes[dim],), (len(lengths), lengths[0]))
        if atoms.size(atoms.leaves(axes[dim])) == atoms.size(outer) * atoms.size(inner):
            part = (*axes[:dim], inner, *axes[dim + 1 :])
            cuts = tuple(Cut(outer, index, 1, ()) for index in range(len(lengths)))
            return Outcome(tuple(part for _ in lengths), cuts)
    results, sliced, start = [], [], 0
    for length in lengths:
        part_axis = atoms.part(axes[dim], start, length)
        results.append((*axes[:dim], part_axis, *axes[dim + 1 :]))
        sliced.append(Cut(axes[dim], start, length, part_axis) if length != atoms.size(axes[dim]) else None)
        start += length
    return Outcome(tuple(results), tuple(sliced))


@rule("unbind")
def _unbind(view: KernelView) -> Outcome:
    dim = view.dim()
    axes = view.ins[0]
    rest = (*axes[:dim], *axes[dim + 1 :])
    cuts = tuple(Cut(axes[dim], index, 1, ()) for index in range(len(view.out_shapes)))
    return Outcome(tuple(rest for _ in view.out_shapes), cuts)


@rule("cat", "concat")
def _cat(view: KernelView) -> Outcome:
    rank = len(view.out_shapes[0])
    dim = view.dim(rank=rank)
    parts = [axes for axes in view.ins if len(axes) == rank]
    if not parts:
        return fresh(view)
    axes = list(parts[0])
    for i in range(rank):
        if i == dim:
            axes[i] = view.atoms.join(tuple(part[i] for part in parts))
            continue
        for part in parts[1:]:
            axes[i] = view.atoms.unify_broadcast(axes[i], part[i])
    return Outcome((tuple(axes),))


@rule("stack")
def _stack(view: KernelView) -> Outcome:
    rank = len(view.out_shapes[0])
    dim = view.dim(rank=rank)
    axes = list(view.ins[0])
    for other in view.ins[1:]:
        for i, axis in enumerate(other[: len(axes)]):
            axes[i] = view.atoms.unify_broadcast(axes[i], axis)
    axes.insert(dim, view.atoms.fresh(len(view.ins)))
    return Outcome((tuple(axes),))


@rule("sum", "mean", "amax", "amin", "max", "min", "var", "std", "var_mean", "prod", "any", "all", "argmax", "argmin",
      "logsumexp", "linalg_vector_norm", "norm", "median", "mode", "topk", "kthvalue", "nansum", "std_mean")  # fmt: skip
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


@rule("mm", "_int_mm", "_scaled_mm")
def _mm(view: KernelView) -> Outcome:
    left, right = view.ins[0], view.ins[1]
    view.atoms.unify(left[1], right[0])
    return Outcome(((left[0], right[1]),))


@rule("addmm", "_addmm_activation")
def _addmm(view: KernelView) -> Outcome:
    bias, left, right = view.ins[:3]
    view.atoms.unify(left[1], right[0])
    result = (left[0], right[1])
    for axis, other in zip(reversed(result), reversed(bias), strict=False):
        view.atoms.unify_broadcast(axis, other)
    return Outcome((result,))


@rule("bmm")
def _bmm(view: KernelView) -> Outcome:
    return Outcome((_batched(view.atoms, view.ins[0], view.ins[1]),))


@rule("baddbmm")
def _baddbmm(view: KernelView) -> Outcome:
    return Outcome((_batched(view.atoms, view.ins[1], view.ins[2]),))


def _batched(atoms: Atoms, left: Axes, right: Axes) -> Axes:
    atoms.unify(left[2], right[1])
    atoms.unify(left[0], right[0])
    return (left[0] or right[0], left[1], right[2])


@rule("mv")
def _mv(view: KernelView) -> Outcome:
    left, right = view.ins[0], view.ins[1]
    view.atoms.unify(left[1], right[0])
    return Outcome(((left[0],),))


@rule("addmv")
def _addmv(view: KernelView) -> Outcome:
    left, right = view.ins[1], view.ins[2]
    view.atoms.unify(left[1], right[0])
    return Outcome(((left[0],),))


@rule("dot", "vdot")
def _dot(view: KernelView) -> Outcome:
    view.atoms.unify(view.ins[0][0], view.ins[1][0])
    return Outcome(((),))


@rule("_grouped_mm")
def _grouped_mm(view: KernelView) -> Outcome:
    left, right = view.ins[0], view.ins[1]
    view.atoms.unify(left[-1], right[-2])
    if len(left) == 3 and len(right) == 3:
        return Outcome((_batched(view.atoms, left, right),))
    if len(left) == 2 and len(right) == 3:
        return Outcome(((left[0], right[2]),))
    return fresh(view)


@rule("convolution", "_convolution", "mkldnn_convolution", "convolution_overrideable")
def _convolution(view: KernelView) -> Outcome:
    data, weight = view.ins[0], view.ins[1]
    shape = view.out_shapes[0]
    channels = weight[0] if view.atoms.size(weight[0]) == shape[1] else view.atoms.fresh(shape[1])
    if view.atoms.size(data[1]) == view.atoms.size(weight[1]):
        view.atoms.unify(data[1], weight[1])
    space = tuple(
        axis if view.atoms.size(axis) == size else view.atoms.fresh(size)
        for axis, size in zip(data[2:], shape[2:], strict=False)
    )
    return Outcome(((data[0], channels, *space),))


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


def attention(view: KernelView) -> Outcome:
    """Scaled dot-product attention as one call: (..., T, d), (..., S, d), (..., S, e) give (..., T, e).

    Query heads may be a multiple of key heads (grouped queries): their atom is split.
    """
    query, key, value = view.ins[:3]
    atoms = view.atoms
    atoms.unify(query[-1], key[-1])
    atoms.unify(key[-2], value[-2])
    for one, other, third in zip(query[:-2], key[:-2], value[:-2], strict=False):
        atoms.unify(other, third)
        unify_groups(atoms, one, other)
    mask = view.ins[3] if len(view.ins) > 3 else ()
    for axis, score in zip(reversed(mask), (key[-2], query[-2]), strict=False):
        if atoms.size(axis) == atoms.size(score):
            atoms.unify(score, axis)
    return Outcome(((*query[:-1], value[-1]),))


def unify_groups(atoms: Atoms, queries: Axis, keys: Axis) -> None:
    """Unify the outer part of the query heads with the key heads: 32 query heads are 8 groups of 4."""
    many, few = atoms.size(queries), atoms.size(keys)
    if few > 1 and many % few == 0:
        outer, _ = atoms.regroup((queries,), (few, many // few))
        if atoms.size(outer) == few:
            atoms.unify(outer, keys)


ATTENTION = (
    "scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention", "_scaled_dot_product_fused_attention_overrideable",
)  # fmt: skip
for _name in ATTENTION:
    RULES[_name] = attention
