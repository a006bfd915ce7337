"""What a kernel does to the axes of its operands: the rule of its entry, applied and checked.

A rule gets the operands' axes and gives the results'. It needs no torch: it works on recorded arguments.
A kernel without a rule is read as element-wise if its shapes say so, else its results have fresh axes
where sizes changed.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from shapetrace.ir import Kernel
from shapetrace.ops.atoms import Atoms, Axes, Axis
from shapetrace.ops.registry import base_name, find

__all__ = ["Cut", "KernelView", "Outcome", "base_name", "elementwise", "fresh", "keep_first", "outcome"]


class Cut(msgspec.Struct, frozen=True, gc=False):
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


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """Axes of each result, and what each holds only a part of."""

    axes: tuple[Axes, ...]
    cuts: tuple[Cut | None, ...] = ()


class KernelView(msgspec.Struct, frozen=True, gc=False):
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
_CONTRADICTIONS = (LookupError, TypeError, ValueError, ArithmeticError)
"""What a rule raises on arguments that no kernel takes: a file that was changed by hand."""


def outcome(view: KernelView) -> Outcome:
    """Axes of a kernel's results; never fails: what does not fit gets fresh axes."""
    found = find(view.kernel.name).axes or elementwise
    try:
        result = found(view) if view.ins or found is not elementwise else fresh(view)
    except _CONTRADICTIONS:
        result = fresh(view)
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

    def fits(sizes: Sequence[int], shape: Sequence[int]) -> bool:
        ends = zip(reversed(sizes), reversed(shape), strict=False)
        return len(sizes) <= len(shape) and all(size in (1, whole) for size, whole in ends)

    atoms = view.atoms
    operands = [(axes, atoms.shape(axes)) for axes in view.ins]
    return Outcome(tuple(
        aligned(atoms, [axes for axes, sizes in operands if fits(sizes, shape)], len(shape))
        for shape in view.out_shapes
    ))  # fmt: skip


def aligned(atoms: Atoms, operands: Sequence[Axes], rank: int = 0) -> Axes:
    """Operands aligned from the right, each axis unified with those that it meets."""
    axes: list[Axis] = [()] * max([rank, *map(len, operands)])
    for operand in operands:
        for i, axis in enumerate(operand, len(axes) - len(operand)):
            axes[i] = atoms.unify_broadcast(axes[i], axis)
    return tuple(axes)


def keep_first(view: KernelView) -> Outcome:
    """Results with the axes of the first operand."""
    return Outcome(tuple(view.ins[0] for _ in view.out_shapes))
