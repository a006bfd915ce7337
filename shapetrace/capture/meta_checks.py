"""What PyTorch checks on a real device and not on meta: products and convolutions of shapes or types that do not fit.

A pass on meta that ends well should end well with numbers too, so these few kernels are checked before they run, and
raise what the CPU raises.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

_PLACES = {
    "aten.mm.default": (0, 1), "aten.addmm.default": (1, 2), "aten.bmm.default": (0, 1), "aten.baddbmm.default": (1, 2),
}  # fmt: skip


def check(kernel: str, args: Sequence[Any]) -> None:
    """Raise if a kernel on meta would fail with numbers.

    Raises:
        RuntimeError: In the words of the CPU's kernels.
    """
    if (checked := _CHECKS.get(kernel)) is not None:
        checked(kernel, args)


def _product(kernel: str, args: Sequence[Any]) -> None:
    """Matrices (m, k) x (k, n), or as many of both, of one type."""
    name = kernel.split(".")[1]
    left, right = (args[place] for place in _PLACES[kernel])
    n_axes = 3 if "bmm" in name else 2
    for place, matrix in enumerate((left, right), start=1):
        if matrix.dim() != n_axes:
            raise RuntimeError(f"mat{place} must be a {n_axes}D tensor, got {matrix.dim()}D")
    if left.shape[-1] != right.shape[-2]:
        shapes = " and ".join("x".join(map(str, matrix.shape)) for matrix in (left, right))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({shapes})")
    if left.dtype != right.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {left.dtype} and {right.dtype}")


def _convolution(_: str, args: Sequence[Any]) -> None:
    """Input (B, C, …), weight (out, C / groups, …); transposed (C, out / groups, …)."""
    given, weight, transposed, groups = args[0], args[1], args[6], args[8]
    if given.dtype != weight.dtype:
        raise RuntimeError(f"Input type ({given.dtype}) and weight type ({weight.dtype}) should be the same")
    expected = weight.shape[0] if transposed else weight.shape[1] * groups
    if given.shape[1] != expected:
        raise RuntimeError(
            f"Given transposed={int(transposed)}, weight of size {list(weight.shape)}, expected input"
            f"{list(given.shape)} to have {expected} channels, but got {given.shape[1]} channels instead"
        )


def _embedding(_: str, args: Sequence[Any]) -> None:
    """A table (V, C), ids (…); PyTorch before 2.13 takes any type on meta."""
    if args[1].dtype not in (torch.int64, torch.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{args[1].type()} instead (while checking arguments for embedding)"
        )


_CHECKS: dict[str, Callable[[str, Sequence[Any]], None]] = {
    **dict.fromkeys(_PLACES, _product),
    "aten.convolution.default": _convolution,
    "aten.embedding.default": _embedding,
}
