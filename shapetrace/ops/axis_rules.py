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


_CONTRADICTIONS = (LookupError, TypeError, ValueError, ArithmeticError)
"""What a rule raises on arguments that no kernel takes: a file that was changed by hand."""


def outcome(view: KernelView) -> Outcome:
    """Axes of a kernel's results; never fails: what does not fit gets fresh axes."""
    name = base_name(view.kernel.name)
    found = RULES.get(name) or RULES.get(name.removesuffix("_")) or elementwise
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
