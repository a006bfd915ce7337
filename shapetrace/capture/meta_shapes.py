"""Results of common kernels on meta, made without PyTorch's own meta kernels.

Those of element-wise kernels are written in Python and load torch's compiler (a second) at the first call. Where
the result is plain to see (dense operands) it is made here; everything else, and every error, is left to PyTorch.
An entry of the registry names the rule for its kernel.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from shapetrace.capture.meta_elementwise import broadcast, comparing, floating, same
from shapetrace.ops.registry import find

Shaped = Callable[..., Any]
"""Takes a kernel's arguments; gives its result on meta, or None where PyTorch must decide."""


def result(func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The result of a kernel whose operands are on meta, or None if PyTorch must make it."""
    shaped = _shaped(*_names(func))
    if shaped is None or kwargs.get("out") is not None:
        return None
    return shaped(*args, **kwargs)


def _shaped(name: str, overload: str) -> Shaped | None:
    rule = find(name).shape
    if rule in _ELEMENTWISE:
        return None if "mode" in overload else RULES[rule]
    return RULES[rule] if rule and overload in _OVERLOADS.get(rule, ("default",)) else None


@functools.cache
def _names(func: OpOverload) -> tuple[str, str]:
    return func._schema.name.partition("::")[2], func._overloadname


def _fits(small: Sequence[int], large: Sequence[int]) -> bool:
    """Whether a shape broadcasts to the larger one without enlarging it."""
    offset = len(large) - len(small)
    return all(size in (1, large[offset + i]) for i, size in enumerate(small))


def _layer_norm(
    data: Tensor, shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float  # noqa: ARG001
) -> tuple[Tensor, Tensor, Tensor] | None:  # fmt: skip
    kept = data.dim() - len(shape)
    if not data.is_contiguous() or data.dtype != torch.float32 or tuple(data.shape[kept:]) != tuple(shape):
        return None
    if any(t is not None and (tuple(t.shape) != tuple(shape) or t.dtype != data.dtype) for t in (weight, bias)):
        return None
    statistics = (*data.shape[:kept], *(1 for _ in shape))
    return (torch.empty(data.shape, device="meta"), torch.empty(statistics, device="meta"),
            torch.empty(statistics, device="meta"))  # fmt: skip


def _embedding(
    weight: Tensor, ids: Tensor, padding_idx: int = -1, scale: bool = False, sparse: bool = False  # noqa: ARG001
) -> Tensor | None:  # fmt: skip
    if weight.dim() != 2 or ids.dtype not in (torch.int64, torch.int32):
        return None
    return torch.empty((*ids.shape, weight.shape[1]), dtype=weight.dtype, device="meta")


def _arange(*numbers: int | float, dtype: torch.dtype | None = None, **_where: Any) -> Tensor | None:
    if not all(type(number) is int for number in numbers) or (len(numbers) == 3 and numbers[2] == 0):
        return None
    count = len(range(*(int(number) for number in numbers)))
    return torch.empty(count, dtype=dtype or torch.int64, device="meta")


def _mean(data: Tensor, dim: Sequence[int] | None, keepdim: bool = False, *, dtype: Any = None) -> Tensor | None:
    if dtype is not None or not data.is_contiguous() or not data.is_floating_point() or dim is None or len(dim) != 1:
        return None
    gone = dim[0] % max(data.dim(), 1)
    if data.dim() == 0 or not -data.dim() <= dim[0] < data.dim():
        return None
    shape = [1 if i == gone else size for i, size in enumerate(data.shape) if keepdim or i != gone]
    return torch.empty(shape, dtype=data.dtype, device="meta")


def _cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor | None:
    first = next((t for t in tensors if t.shape != (0,)), tensors[0])
    same = all(_rows_last(t) and t.dtype == first.dtype and t.dim() in (1, first.dim()) for t in tensors)
    tensors = [t for t in tensors if t.shape != (0,)] or tensors  # a cache that is empty may have any number of axes
    if not same or first.dim() == 0 or not -first.dim() <= dim < first.dim():
        return None
    dim %= first.dim()
    if any(a != b for t in tensors for i, (a, b) in enumerate(zip(t.shape, first.shape, strict=True)) if i != dim):
        return None
    shape = list(first.shape)
    shape[dim] = sum(t.shape[dim] for t in tensors)
    return torch.empty(shape, dtype=first.dtype, device="meta")


def _rows_last(tensor: Tensor) -> bool:
    """Whether a tensor is not one of those images whose channels lie innermost: results keep that order."""
    if tensor.is_contiguous() or tensor.dim() not in (4, 5):
        return True
    return tensor.stride(1) != 1 or tensor.stride(-1) < tensor.size(1)


def _stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor | None:
    first = tensors[0]
    if any(not t.is_contiguous() or t.dtype != first.dtype or t.shape != first.shape for t in tensors):
        return None
    if not -first.dim() - 1 <= dim <= first.dim():
        return None
    shape = list(first.shape)
    shape.insert(dim % (first.dim() + 1), len(tensors))
    return torch.empty(shape, dtype=first.dtype, device="meta")


def _softmax(data: Tensor, dim: int, other_type: Any = None) -> Tensor | None:
    if other_type or not data.is_contiguous() or not data.is_floating_point() or not -data.dim() <= dim < data.dim():
        return None
    return torch.empty(data.shape, dtype=data.dtype, device="meta")


def _topk(
    data: Tensor,
    k: int,
    dim: int = -1,
    largest: bool = True,  # noqa: ARG001 - the kernel's signature
    sorted: bool = True,  # noqa: A002, ARG001
) -> tuple[Tensor, Tensor] | None:
    if not data.dim() or not -data.dim() <= dim < data.dim() or not 0 <= k <= data.size(dim):
        return None
    shape = list(data.shape)
    shape[dim] = k
    return (torch.empty(shape, dtype=data.dtype, device="meta"), torch.empty(shape, dtype=torch.int64, device="meta"))


def _like(data: Tensor, *, dtype: Any = None, device: Any = None, **others: Any) -> Tensor | None:
    if not data.is_contiguous() or device not in (None, data.device) or any(value for value in others.values()):
        return None
    return torch.empty(data.shape, dtype=dtype or data.dtype, device="meta")


def _index(data: Tensor, indices: Sequence[Tensor | None]) -> Tensor | None:
    index = indices[0] if len(indices) == 1 else None
    if index is None or index.dtype != torch.int64 or not data.dim() or not data.is_contiguous():
        return None
    return torch.empty((*index.shape, *data.shape[1:]), dtype=data.dtype, device="meta")


def _gather(data: Tensor, dim: int, index: Tensor, sparse_grad: bool = False) -> Tensor | None:
    if sparse_grad or not 0 < data.dim() == index.dim() or not -data.dim() <= dim < data.dim():
        return None
    others = [i for i in range(data.dim()) if i != dim % data.dim()]
    if index.dtype != torch.int64 or not index.is_contiguous() or any(index.size(i) > data.size(i) for i in others):
        return None
    return torch.empty(index.shape, dtype=data.dtype, device="meta")


def _scatter(data: Tensor, dim: int, index: Tensor, value: Any) -> Tensor | None:
    fits = _gather(data, dim, index)
    if fits is None or not data.is_contiguous() or isinstance(value, Tensor | complex):
        return None
    whole = index.size(dim) <= data.size(dim)
    return torch.empty(data.shape, dtype=data.dtype, device="meta") if whole else None


def _where(mask: Tensor, one: Tensor, other: Tensor) -> Tensor | None:
    operands = (mask, one, other)
    shape = broadcast([t.shape for t in operands])
    if shape is None or mask.dtype != torch.bool or not all(t.is_contiguous() for t in operands):
        return None
    return torch.empty(shape, dtype=torch.result_type(one, other), device="meta")


def _clone(data: Tensor, *, memory_format: torch.memory_format | None = None) -> Tensor | None:
    if not data.is_contiguous() and memory_format is not torch.contiguous_format:
        return None
    return torch.empty(data.shape, dtype=data.dtype, device="meta") if _rows_last(data) else None


def _scalar(_: float, *, dtype: torch.dtype | None = None, **_others: Any) -> Tensor:
    return torch.empty((), dtype=dtype or torch.get_default_dtype(), device="meta")


def _masked_fill(data: Tensor, mask: Tensor, value: Any) -> Tensor | None:
    shape = broadcast([data.shape, mask.shape])
    if shape is None or mask.dtype != torch.bool or isinstance(value, Tensor):
        return None
    return torch.empty(shape, dtype=data.dtype, device="meta")


def _triangle(data: Tensor, diagonal: int = 0) -> Tensor | None:  # noqa: ARG001 - the kernel's signature
    return torch.empty(data.shape, dtype=data.dtype, device="meta") if data.is_contiguous() and data.dim() > 1 else None


def _flip(data: Tensor, dims: Sequence[int]) -> Tensor | None:
    fits = data.is_contiguous() and all(-data.dim() <= dim < data.dim() for dim in dims)
    return torch.empty(data.shape, dtype=data.dtype, device="meta") if fits and len(set(dims)) == len(dims) else None


def _mm(left: Tensor, right: Tensor) -> Tensor | None:
    if left.dim() != right.dim() or left.shape[-1] != right.shape[-2] or left.dtype != right.dtype:
        return None
    if left.shape[:-2] != right.shape[:-2]:
        return None
    return torch.empty((*left.shape[:-1], right.shape[-1]), dtype=left.dtype, device="meta")


def _addmm(bias: Tensor, left: Tensor, right: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor | None:  # noqa: ARG001
    if left.dim() != 2 or right.dim() != 2 or left.shape[1] != right.shape[0]:
        return None
    shape = (left.shape[0], right.shape[1])
    if {bias.dtype, left.dtype, right.dtype} != {left.dtype} or bias.dim() > 2 or not _fits(bias.shape, shape):
        return None
    return torch.empty(shape, dtype=left.dtype, device="meta")


def _grouped_mm(
    left: Tensor, right: Tensor, offs: Tensor | None = None, bias: Tensor | None = None, out_dtype: Any = None  # noqa: ARG001
) -> Tensor:  # fmt: skip
    """Products of groups of rows, each with its own matrix. PyTorch's meta kernel wants bfloat16 and alignment."""
    shape = [left.size(-2), right.size(-1)]
    if left.dim() == right.dim():
        shape.insert(0, left.size(0) if left.dim() == 3 else 0 if offs is None else offs.size(0))
    return left.new_empty(shape, dtype=out_dtype or left.dtype)


RULES: dict[str, Shaped] = {
    "same": same, "floating": floating, "comparing": comparing, "layer_norm": _layer_norm, "embedding": _embedding,
    "masked_fill": _masked_fill, "mean": _mean, "arange": _arange, "addmm": _addmm, "mm": _mm,
    "grouped_mm": _grouped_mm, "cat": _cat, "stack": _stack, "softmax": _softmax, "topk": _topk,
    "like": _like, "index": _index, "gather": _gather, "scatter": _scatter, "flip": _flip,
    "triangle": _triangle, "where": _where, "clone": _clone, "scalar": _scalar,
}  # fmt: skip
"""What an entry calls the rule for its shape."""

_ELEMENTWISE = ("same", "floating", "comparing")
_OVERLOADS = {
    "scatter": ("value",), "index": ("Tensor",), "masked_fill": ("Scalar",), "where": ("self",),
    "mean": ("dim", "dim_IntList"), "arange": ("default", "start", "start_step"),
}  # fmt: skip
"""Those that a rule is written for, where it is not the default."""
