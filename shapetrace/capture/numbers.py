"""Numbers of products that are so small that a figure can write them out."""

from math import isfinite
from typing import Any

import torch

from shapetrace.capture.plain import innermost, is_readable
from shapetrace.capture.registry import Registry

__tracebackhide__ = True

_PRODUCTS = frozenset({"aten.mm.default"})
_MOST_NUMBERS = 64
_MOST_MATRICES = 48


def note_numbers(registry: Registry, kernel: str, factors: Any, result: Any) -> None:
    """Keep the numbers of a product (m, k) x (k, n) -> (m, n) that was really computed, if they are few."""
    if kernel not in _PRODUCTS or len(registry.numbers) >= _MOST_MATRICES:
        return
    matrices = (*factors, result)
    if all(map(_is_small, matrices)):
        with torch._C.DisableTorchFunction(), torch.no_grad():
            numbers = [tuple(matrix.flatten().tolist()) for matrix in matrices]
        if all(isfinite(number) for each in numbers for number in each):
            registry.numbers.update(zip(map(registry.read, matrices), numbers, strict=True))


def _is_small(value: Any) -> bool:
    is_plain = isinstance(value, torch.Tensor) and innermost(value) is value
    return is_plain and is_readable(value) and value.numel() <= _MOST_NUMBERS and not value.is_complex()
