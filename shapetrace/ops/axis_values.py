"""Axis rules of kernels that keep, reduce, sort or look up: norms, softmax, sums, indexing."""

from collections.abc import Sequence

from shapetrace.ops.atoms import Axes
from shapetrace.ops.axis_rules import KernelView, Outcome, aligned, elementwise, fresh


def sort(view: KernelView) -> Outcome:
    """A sorted axis is an axis of its own: its order is no longer the operand's."""
    dim = view.dim(default=-1)
    shape, axes = view.out_shapes[0], list(view.ins[0])
    if axes:
        axes[dim] = view.atoms.fresh(shape[dim])
    return Outcome((tuple(axes),) * len(view.out_shapes))


def copy(view: KernelView) -> Outcome:
    """The target keeps its axes; the source's, where they are as large, are the same."""
    target, source = view.ins[0], view.ins[1] if len(view.ins) > 1 else ()
    for one, other in zip(reversed(target), reversed(source), strict=False):
        if view.atoms.size(one) == view.atoms.size(other):
            view.atoms.unify(one, other)
    return Outcome((target,))


def reduce(view: KernelView) -> Outcome:
    """Reduced axes vanish or become 1; without a name all are reduced."""
    dims = view.arg("dim", view.arg("dims"))
    return _without(view, [dims] if isinstance(dims, int) else list(dims or range(len(view.ins[0]))))


def pick(view: KernelView) -> Outcome:
    """The best along one axis, the last if none is named: a new axis of k, or none."""
    return _without(view, [view.arg("dim", -1)])


def _without(view: KernelView, dims: Sequence[int]) -> Outcome:
    axes = view.ins[0]
    gone = {dim % max(len(axes), 1) for dim in dims}
    kept = tuple(axis for i, axis in enumerate(axes) if i not in gone)

    def reduced(shape: Sequence[int]) -> Axes:
        if len(shape) == len(kept) < len(axes):
            return kept
        if len(shape) != len(axes):
            return view.atoms.fresh_axes(shape)
        return tuple(view.atoms.fresh(shape[i]) if i in gone else axis for i, axis in enumerate(axes))

    return Outcome(tuple(reduced(shape) for shape in view.out_shapes))


def embedding(view: KernelView) -> Outcome:
    """A row of the table for each id."""
    weight, ids = view.ins[0], view.ins[1]
    return Outcome(((*ids, weight[1]),))


def index(view: KernelView) -> Outcome:
    """Advanced indexing: the indices' axes stand where the first indexed axis was, if the indexed ones are adjacent."""
    data, indices = view.ins[0], list(view.ins[1:])
    marks = view.arg("indices") or ["tensor"] * len(indices)
    indexed = [i for i, mark in enumerate(marks) if mark is not None]
    picked = aligned(view.atoms, indices)
    rest = [axis for i, axis in enumerate(data) if i not in indexed]
    adjacent = indexed == list(range(indexed[0], indexed[0] + len(indexed))) if indexed else False
    place = indexed[0] if adjacent else 0
    return Outcome(((*rest[:place], *picked, *rest[place:]),))


def index_select(view: KernelView) -> Outcome:
    """Rows along one axis: its atoms are the index's."""
    axes, dim = list(view.ins[0]), view.dim()
    if len(view.ins) > 1 and axes:
        axes[dim] = view.ins[1][0] if view.ins[1] else ()
    return Outcome((tuple(axes),))


def gather(view: KernelView) -> Outcome:
    """As large as the index."""
    return Outcome((view.ins[1] if len(view.ins) > 1 else view.ins[0],))


def where(view: KernelView) -> Outcome:
    """Element-wise with operands to choose from; alone, the places of what is true."""
    return elementwise(view) if len(view.ins) > 1 else fresh(view)
