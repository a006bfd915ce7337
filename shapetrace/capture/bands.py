"""Which columns each row of a mask lets through: read off its values where they are known."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from shapetrace.capture.known_values import MOST_ELEMENTS, KnownValues, apart
from shapetrace.capture.plain import tensors_in
from shapetrace.capture.registry import Registry

_MASKING = frozenset(
    {
        "scaled_dot_product_attention",
        "masked_fill",
        "masked_fill_",
        "where",
        "add",
        "add_",
        "iadd",
        "radd",
        "sub",
        "mul",
        "imul",
        "rmul",
        "mul_",
    }
)
_BLOCKED = -5e3
"""A float mask adds less than this to what it blocks; distances (ALiBi) stay above."""


def note_masks(
    registry: Registry, values: KnownValues | None, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    """Take down the bands of the masks that an operation is about to use."""
    if name not in _MASKING:
        return
    tensors = tensors_in((args, kwargs))
    for tensor in _marks(tensors):
        value = registry.read(tensor)
        if registry.tensors[value].role == "weight" or value in registry.examined:
            continue
        registry.examined.add(value)
        outside = tensor if tensor.device.type == "cpu" else None
        real = outside if values is None else values.value(tensor)
        if real is not None:
            registry.note_band(value, band(real))


def _marks(tensors: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
    """Operands that may be masks: tables of truth values, or of floats that are spread over the others."""
    most = max((math.prod(tensor.shape) for tensor in tensors if tensor.is_floating_point()), default=0)
    for tensor in tensors if len(tensors) > 1 else ():
        n_elements = math.prod(tensor.shape)
        if min((1, 1, *tensor.shape)[-2:]) < 2 or n_elements > MOST_ELEMENTS:
            continue
        if tensor.dtype is torch.bool or (tensor.is_floating_point() and n_elements < most):
            yield tensor


def band(marks: torch.Tensor) -> tuple[int, int] | None:
    """How far a mask lets each row see, if that is one band along the diagonal.

    The last row and the last column meet on the diagonal: what was there before the first row (a cache) is seen.

    Args:
        marks: (…, rows, columns) of truth values, or of floats that are far below 0 where an added mask blocks, or
            0 where a factor does. True may mean seen or blocked: the last row sees the last column.

    Returns:
        Columns seen below and above the diagonal: (columns - 1, 0) is causal, (511, 0) a window of 512. None if
        the mask is no band, blocks nothing, or is not the same for all examples and heads.
    """
    with apart():
        tables = marks.reshape(-1, *marks.shape[-2:])
        table = tables[0]
        if table.dtype is torch.bool:
            seen = table == table[-1, -1]
        else:
            least = float(table.min())
            seen = table > _BLOCKED if least <= _BLOCKED else table != 0
        if not bool(seen[-1, -1]) or not bool((tables[1:] == table).all()):
            return None
        return _extent(seen)


def _extent(seen: torch.Tensor) -> tuple[int, int] | None:
    """Columns below and above the diagonal, if every row sees one run of columns as far as the table reaches."""
    n_rows, n_columns = seen.shape
    counts = seen.sum(1)
    first = seen.to(torch.uint8).argmax(1)
    last = n_columns - 1 - seen.flip(1).to(torch.uint8).argmax(1)
    diagonal = torch.arange(n_columns - n_rows, n_columns)
    below, above = int((diagonal - first).max()), int((last - diagonal).max())
    is_band = (
        bool((counts == last - first + 1).all())
        and bool((first == (diagonal - below).clamp(min=0)).all())
        and bool((last == (diagonal + above).clamp(max=n_columns - 1)).all())
    )
    return (below, above) if is_band and int(counts.sum()) < seen.numel() else None
