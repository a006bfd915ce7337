"""Axis rules of kernels that rearrange, cut and join: views, permutes, slices, concatenation."""

from shapetrace.ops.axis_rules import Cut, KernelView, Outcome, fresh, rule


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


@rule("view_as_complex")
def _view_as_complex(view: KernelView) -> Outcome:
    return Outcome((view.ins[0][:-1],))


@rule("view_as_real")
def _view_as_real(view: KernelView) -> Outcome:
    return Outcome(((*view.ins[0], view.atoms.fresh(2)),))


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
    repeated = [axis if n == 1 else view.atoms.fresh(int(n)) + axis for axis, n in zip(axes, repeats, strict=False)]
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
