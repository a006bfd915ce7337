"""Results of element-wise kernels on meta: the common shape, dense, in the operands' own order of axes."""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def same(*args: Any, alpha: Any = 1) -> Tensor | None:  # noqa: ARG001 - the kernels' signature
    """A result of the operands' common dtype."""
    operands = _tensors(args)
    if any(t.dtype == torch.bool for t in operands[:1]) or not _plain(args):
        return None
    return _made(operands, _promoted(args))


def floating(*args: Any, approximate: str = "none") -> Tensor | None:  # noqa: ARG001 - gelu's
    """The same of a kernel that takes floats alone."""
    operands = _tensors(args)
    dtype = _promoted(args)
    return _made(operands, dtype) if dtype is not None and dtype.is_floating_point and _plain(args) else None


def comparing(*args: Any) -> Tensor | None:
    """A result of True and False."""
    return _made(_tensors(args), torch.bool) if _plain(args) else None


def _promoted(args: Sequence[Any]) -> torch.dtype | None:
    """Dtype of an element-wise result; None if a mask takes part that does not count."""
    operands = [value for value in args[:2] if isinstance(value, Tensor | int | float) and not _is_mask(value)]
    if len(operands) == 2:
        return torch.result_type(operands[0], operands[1])
    first = operands[0]
    return first.dtype if isinstance(first, Tensor) else None


def _is_mask(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.bool


def _plain(args: Sequence[Any]) -> bool:
    return all(value is None or isinstance(value, Tensor | int | float) for value in args)


def _tensors(args: Sequence[Any]) -> list[Tensor]:
    return [value for value in args if isinstance(value, Tensor)]


def _made(operands: Sequence[Tensor], dtype: torch.dtype | None) -> Tensor | None:
    """An element-wise result: dense, its axes in the order in which the operands have them in memory."""
    if not operands or dtype is None or not all(type(t) in (Tensor, torch.nn.Parameter) for t in operands):
        return None
    shape = broadcast([t.shape for t in operands])
    if shape is None:
        return None
    if all(t.is_contiguous() for t in operands):
        return torch.empty(shape, dtype=dtype, device="meta")
    place = next((i for i, t in enumerate(operands) if t.shape == shape), None)
    if place is None or 0 in operands[place].stride():
        return None
    whole = operands[place]
    strides = whole.stride()
    order = sorted(range(len(shape)), key=lambda axis: -strides[axis])
    if not all(_in_order(t, order) for t in operands[:place]):  # the first that has two axes orders them
        return None
    return torch.empty_strided(shape, _dense(shape, order), dtype=dtype, device="meta")


def broadcast(shapes: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    """The common shape, or None if PyTorch must say what does not fit; torch.broadcast_shapes would load sympy."""
    rank = max(len(shape) for shape in shapes)
    common = [1] * rank
    for shape in shapes:
        for axis, size in enumerate(shape, rank - len(shape)):
            if size != 1 and common[axis] not in (1, size):
                return None
            common[axis] = common[axis] if size == 1 else size
    return tuple(common)


def _in_order(tensor: Tensor, order: Sequence[int]) -> bool:
    """Whether the axes of an operand lie in memory in this order, as far as it has them."""
    offset = len(order) - tensor.dim()
    strides = [tensor.stride(axis - offset) for axis in order if axis >= offset and tensor.shape[axis - offset] > 1]
    return all(one > other > 0 for one, other in itertools.pairwise(strides)) and 0 not in strides


def _dense(shape: Sequence[int], order: Sequence[int]) -> list[int]:
    strides, step = [0] * len(shape), 1
    for axis in reversed(order):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return strides
