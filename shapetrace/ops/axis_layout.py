"""Axis rules of kernels that rearrange, cut and join: views, permutes, slices, concatenation."""

from shapetrace.ops.axis_rules import Cut, KernelView, Outcome, fresh


def regroup(view: KernelView) -> Outcome:
    """The same elements in memory order under another shape."""
    return Outcome((view.atoms.regroup(view.ins[0], view.out_shapes[0]),))


def turn(view: KernelView) -> Outcome:
    """The last two axes change places."""
    axes = view.ins[0]
    return Outcome((axes if len(axes) < 2 else (*axes[:-2], axes[-1], axes[-2]),))


def swap(view: KernelView) -> Outcome:
    """Two axes change places."""
    axes = list(view.ins[0])
    if axes:
        one, other = view.dim("dim0"), view.dim("dim1")
        axes[one], axes[other] = axes[other], axes[one]
    return Outcome((tuple(axes),))


def permute(view: KernelView) -> Outcome:
    """All axes in another order."""
    axes = view.ins[0]
    return Outcome((tuple(axes[dim] for dim in view.arg("dims", ())),))


def unsqueeze(view: KernelView) -> Outcome:
    """A new axis of size 1."""
    axes = list(view.ins[0])
    axes.insert(view.dim(rank=len(axes) + 1), ())
    return Outcome((tuple(axes),))


def pair(view: KernelView) -> Outcome:
    """The last axis, of 2, becomes one complex number."""
    return Outcome((view.ins[0][:-1],))


def unpair(view: KernelView) -> Outcome:
    """A complex number becomes an axis of 2."""
    return Outcome(((*view.ins[0], view.atoms.fresh(2)),))


def expand(view: KernelView) -> Outcome:
    """Axes of size 1 are repeated."""
    shape, axes = view.out_shapes[0], view.ins[0]
    offset = len(shape) - len(axes)
    expanded = [
        axes[i - offset] if i >= offset and view.atoms.size(axes[i - offset]) == size else view.atoms.fresh(size)
        for i, size in enumerate(shape)
    ]
    return Outcome((tuple(expanded),))


def repeat(view: KernelView) -> Outcome:
    """Axes are repeated: the copies are counted by an atom of their own."""
    repeats = list(view.arg("repeats", ()))
    axes = [()] * (len(repeats) - len(view.ins[0])) + list(view.ins[0])
    repeated = [axis if n == 1 else view.atoms.fresh(int(n)) + axis for axis, n in zip(axes, repeats, strict=False)]
    return Outcome((tuple(repeated),))


def select(view: KernelView) -> Outcome:
    """One index of an axis is taken."""
    dim = view.dim()
    axes = list(view.ins[0])
    whole = axes.pop(dim)
    index = int(view.arg("index", 0))
    return Outcome((tuple(axes),), (Cut(whole, index % max(view.atoms.size(whole), 1), 1, ()),))


def cut(view: KernelView) -> Outcome:
    """A part of an axis is taken."""
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


def split(view: KernelView) -> Outcome:
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


def unbind(view: KernelView) -> Outcome:
    """Each index of an axis is a result."""
    dim = view.dim()
    axes = view.ins[0]
    rest = (*axes[:dim], *axes[dim + 1 :])
    cuts = tuple(Cut(axes[dim], index, 1, ()) for index in range(len(view.out_shapes)))
    return Outcome(tuple(rest for _ in view.out_shapes), cuts)


def cat(view: KernelView) -> Outcome:
    """Operands are put side by side along an axis."""
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


def stack(view: KernelView) -> Outcome:
    """Operands are put side by side along a new axis."""
    rank = len(view.out_shapes[0])
    dim = view.dim(rank=rank)
    axes = list(view.ins[0])
    for other in view.ins[1:]:
        for i, axis in enumerate(other[: len(axes)]):
            axes[i] = view.atoms.unify_broadcast(axes[i], axis)
    axes.insert(dim, view.atoms.join(((),) * len(view.ins)))
    return Outcome((tuple(axes),))
