"""Operands as they are and as they could be: a shape, and for each axis which atoms it is made of."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from shapetrace.ir import Op, Role
from shapetrace.ops.atoms import Atoms, Axes

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor, recorded or proposed.

    Attributes:
        atoms: What is known of all axes of the pass.
        axes: Atoms of each axis.
        dtype: torch's name without the prefix.
        role: data, weight or constant.
        largest: Its smallest and largest integer, where it was looked into.
        names: Names of its sizes where they were proved, "" elsewhere; () if none was.
    """

    atoms: Atoms = field(repr=False, compare=False)
    axes: Axes
    dtype: str
    role: Role = "data"
    largest: tuple[int, int] | None = None
    names: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """Sizes of its axes."""
        return self.atoms.shape(self.axes)

    def size(self, axis: int) -> str:
        """A size for people, with its name: ``768 (d_model)``."""
        name = self.names[axis] if self.names else ""
        return f"{self.shape[axis]} ({name})" if name else str(self.shape[axis])

    def with_axes(self, axes: Sequence[tuple[int, ...]]) -> "Operand":
        """The same values with other axes."""
        return replace(self, axes=tuple(axes), names=())

    def resized(self, axis: int, size: int) -> "Operand":
        """With another size in one axis, which is then another axis."""
        axis %= len(self.axes)
        return self.with_axes((*self.axes[:axis], self.atoms.fresh(size), *self.axes[axis + 1 :]))


def called(
    operand: Operand, method: str, args: Sequence[Any], named: Mapping[str, Any] = MappingProxyType({})
) -> Operand | None:
    """What a method of tensors makes of an operand; None if it cannot be called so, or is not known."""
    if method in _TYPES:
        return replace(operand, dtype=_TYPES[method])
    if method == "to":
        return replace(operand, dtype=str(args[0]).removeprefix("torch."))
    try:
        return operand if method in SAME_SHAPE else METHODS[method](operand, *args, **named)
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return None


def called_all(operand: Operand | None, steps: Sequence[tuple[str, Sequence[Any]]]) -> Operand | None:
    """What methods make of an operand, one after the other; None if one of them cannot be called so."""
    for method, args in steps:
        operand = None if operand is None else called(operand, method, args)
    return operand


_TYPES = {"bool": "bool", "long": "int64", "float": "float32", "half": "float16", "double": "float64",
          "bfloat16": "bfloat16", "int": "int32"}  # fmt: skip

SAME_SHAPE = frozenset(
    """contiguous detach clone relu gelu silu sigmoid tanh dropout softmax log_softmax leaky_relu elu exp sqrt neg abs
    clamp log layer_norm rms_norm batch_norm group_norm instance_norm masked_fill hardtanh relu6 hardswish mish
    softplus dropout1d dropout2d dropout3d alpha_dropout normalize""".split()
)
"""Functions whose result has the shape of their first operand."""


def _ints(args: Sequence[Any]) -> list[int]:
    given = args[0] if len(args) == 1 and isinstance(args[0], list | tuple) else args
    return [int(arg) for arg in given]


def _axis(n_axes: int, axis: int) -> int:
    if not -n_axes <= axis < n_axes:
        raise IndexError(axis)
    return axis % n_axes


def _transpose(operand: Operand, dim0: int, dim1: int) -> Operand:
    axes = list(operand.axes)
    axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
    return operand.with_axes(axes)


def _permute(operand: Operand, *order: Any) -> Operand:
    places = [_axis(len(operand.axes), place) for place in _ints(order)]
    if sorted(places) != list(range(len(operand.axes))):
        raise ValueError(order)
    return operand.with_axes([operand.axes[place] for place in places])


def _unsqueeze(operand: Operand, dim: int) -> Operand:
    place = _axis(len(operand.axes) + 1, dim)
    return operand.with_axes((*operand.axes[:place], (), *operand.axes[place:]))


def _squeeze(operand: Operand, dim: int | None = None) -> Operand:
    if dim is not None:
        place = _axis(len(operand.axes), dim)
        return (
            operand if operand.axes[place] else operand.with_axes((*operand.axes[:place], *operand.axes[place + 1 :]))
        )
    return operand.with_axes([axis for axis in operand.axes if axis])


def _flatten(operand: Operand, start_dim: int = 0, end_dim: int = -1) -> Operand:
    start, end = (_axis(len(operand.axes), dim) for dim in (start_dim, end_dim))
    merged = tuple(atom for axis in operand.axes[start : end + 1] for atom in axis)
    return operand.with_axes((*operand.axes[:start], merged, *operand.axes[end + 1 :]))


def _view(operand: Operand, *sizes: Any) -> Operand:
    wanted, n = _ints(sizes), math.prod(operand.shape)
    if -1 in wanted:
        rest = math.prod(size for size in wanted if size != -1)
        wanted[wanted.index(-1)] = n // rest
    if math.prod(wanted) != n or not n:
        raise ValueError(sizes)
    return operand.with_axes(operand.atoms.regroup(operand.axes, wanted))


def _expand(operand: Operand, *sizes: Any) -> Operand:
    wanted = _ints(sizes)
    n_new = len(wanted) - len(operand.axes)
    if n_new < 0:
        raise ValueError(sizes)
    axes = [()] * n_new + list(operand.axes)
    if any(axis and size not in (-1, operand.atoms.size(axis)) for axis, size in zip(axes, wanted, strict=True)):
        raise ValueError(sizes)
    return operand.with_axes([
        axis if axis or size == -1 else operand.atoms.fresh(size) for axis, size in zip(axes, wanted, strict=True)
    ])  # fmt: skip


def _repeat_interleave(operand: Operand, n: int, dim: int) -> Operand:
    place = _axis(len(operand.axes), dim)
    repeated = (*operand.axes[place], *operand.atoms.fresh(n))
    return operand.with_axes((*operand.axes[:place], repeated, *operand.axes[place + 1 :]))


def _repeat(operand: Operand, *times: Any) -> Operand:
    wanted = _ints(times)
    n_new = len(wanted) - len(operand.axes)
    if n_new < 0:
        raise ValueError(times)
    axes = [()] * n_new + list(operand.axes)
    return operand.with_axes([operand.atoms.fresh(n) + axis for n, axis in zip(wanted, axes, strict=True)])


def _narrow(operand: Operand, dim: int, start: int, length: int) -> Operand:
    place = _axis(len(operand.axes), dim)
    part = operand.atoms.part(operand.axes[place], start, length)
    return operand.with_axes((*operand.axes[:place], part, *operand.axes[place + 1 :]))


def _reduced(operand: Operand, dim: Any = None, keepdim: bool = False) -> Operand:
    dims = range(len(operand.axes)) if dim is None else dim if isinstance(dim, list | tuple) else [dim]
    gone = {_axis(len(operand.axes), place) for place in dims}
    if keepdim:
        return operand.with_axes([() if i in gone else axis for i, axis in enumerate(operand.axes)])
    return operand.with_axes([axis for i, axis in enumerate(operand.axes) if i not in gone])


def _turned(operand: Operand) -> Operand:
    return _transpose(operand, -2, -1) if len(operand.axes) > 1 else operand


METHODS: dict[str, Callable[..., Operand]] = {
    "transpose": _transpose, "swapaxes": _transpose, "permute": _permute, "unsqueeze": _unsqueeze,
    "squeeze": _squeeze, "flatten": _flatten, "view": _view, "reshape": _view, "expand": _expand,
    "repeat": _repeat, "repeat_interleave": _repeat_interleave, "narrow": _narrow,
    "mean": _reduced, "sum": _reduced, "amax": _reduced, "amin": _reduced,
    "T": _turned, "t": _turned, "mT": _turned,
}  # fmt: skip
"""Methods of tensors of which it is known what they do to axes."""

REDUCING = frozenset({"mean", "sum", "amax", "amin"})


@dataclass(frozen=True)
class Made:
    """One function on the way to an operand.

    Attributes:
        op: The function.
        operands: What it was given.
        follows: Which of them is on the way.
    """

    op: Op
    operands: tuple[Operand, ...]
    follows: int
