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
_ELEMENTS_AT_ONCE = 1 << 14
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
        extent = _extent(tables[0])
        return extent if extent is not None and _is_band(tables, *extent) else None


def _extent(table: torch.Tensor) -> tuple[int, int] | None:
    """Columns below and above the diagonal, as the last row and the first say; None if they hide nothing."""
    n_rows, n_columns = table.shape
    first, last = (row.nonzero().flatten().tolist() for row in _seen(table, table[[0, -1]]))
    if not first or not last or (len(first) == len(last) == n_columns):
        return None
    return n_columns - 1 - last[0], first[-1] - (n_columns - n_rows)


def _seen(table: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Which marks of some rows let through: the last row's last column is seen."""
    if table.dtype is torch.bool:
        return rows == table[-1, -1]
    blocks = float(table[[0, -1]].min()) <= _BLOCKED
    return rows > _BLOCKED if blocks else rows != 0


def _is_band(tables: torch.Tensor, below: int, above: int) -> bool:
    """Whether all tables are this band; a few rows at a time, too few for PyTorch to start threads."""
    n_tables, n_rows, n_columns = tables.shape
    at_once = max(_ELEMENTS_AT_ONCE // (n_columns * n_tables), 1)
    columns = torch.arange(n_columns)
    for start in range(0, n_rows, at_once):
        rows = tables[:, start : start + at_once]
        diagonal = torch.arange(start, start + rows.size(1)).unsqueeze(1) + n_columns - n_rows
        expected = (columns >= diagonal - below) & (columns <= diagonal + above)
        if not torch.equal(_seen(tables[0], rows), expected.expand(n_tables, -1, -1)):
            return False
    return True
