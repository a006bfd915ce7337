"""Lookups whose indices are known: which rows they take; one that is out of range is an error on meta, as elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from shapetrace.capture.known_values import KnownValues, apart, value_of
from shapetrace.capture.plain import tensors_in
from shapetrace.capture.registry import Registry
from shapetrace.ir import MOST_PICKS, Plain

Looked = tuple[Tensor | None, int, int, bool]
"""An index, the axis that it looks into, that axis's size, and whether it may count from the end."""


def check(values: KnownValues, name: str, args: Sequence[Any]) -> None:
    """Look at the known indices of a lookup.

    Raises:
        IndexError: If one is out of range.
    """
    looked = LOOKUPS.get(name)
    if looked is None:
        return
    for index, axis, size, from_end in looked(args):
        value = None if index is None or index.dtype.itemsize < _SMALLEST else values.value(index)
        if value is None or value.numel() == 0:
            continue
        with apart():
            least, most = int(value.min()), int(value.max())
        if most >= size or least < (-size if from_end else 0):
            wrong = most if most >= size else least
            raise IndexError(f"index {wrong} is out of bounds for dimension {axis} with size {size}")


def note(registry: Registry, values: KnownValues | None, name: str, args: Sequence[Any]) -> None:
    """Keep which rows of a table are looked up, as far as the values of the indices are at hand."""
    looked = LOOKUPS.get(name)
    if looked is None or name == "gather" or registry.tensors[registry.read(args[0])].role == "data":
        return
    index, axis, size, _ = next(iter(looked(args)), (None, 0, 0, False))
    if index is None or axis != 0 or index.dtype.itemsize < _SMALLEST:
        return
    value = registry.read(index)
    real = value_of(values, index)
    if real is not None and not registry.tensors[value].picks:
        registry.note_picks(value, _runs(real, size))


def _runs(index: Tensor, size: int) -> tuple[tuple[int, int], ...]:
    """The first indices as they lie in memory, those that follow each other together: (first, how many)."""
    with apart():
        rows = [row % max(size, 1) for row in index.reshape(-1)[:_MOST_LOOKED_AT].tolist()]
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        elif len(runs) < MOST_PICKS:
            runs.append((row, 1))
        else:
            break
    return tuple(runs)


_MOST_LOOKED_AT = 1 << 16

_SMALLEST = 4
"""Bytes of an index; what is smaller is a mask."""


def _embedding(args: Sequence[Any]) -> Iterator[Looked]:
    yield args[1], 0, args[0].shape[0], False


def _along(args: Sequence[Any]) -> Iterator[Looked]:
    axis = args[1] % max(args[0].dim(), 1)
    yield args[2], axis, args[0].shape[axis] if args[0].dim() else 1, False


def _at(args: Sequence[Any]) -> Iterator[Looked]:
    axis = 0
    for index in args[1]:
        is_mask = index is not None and index.dtype.itemsize < _SMALLEST
        yield index, axis, args[0].shape[axis], True
        axis += index.dim() if is_mask else 1


LOOKUPS: dict[str, Callable[[Sequence[Any]], Iterator[Looked]]] = {
    "embedding": _embedding,
    "gather": _along,
    "index_select": _along,
    "index": _at,
}
"""Kernels that look something up, and where they look."""

_INTEGERS = frozenset({torch.int64, torch.int32})
_SAYS = ("out of", "num_classes", "non-negative")
_MOST_ELEMENTS = 1 << 24


def index_range(
    error: BaseException, values: KnownValues | None, args: Sequence[Any], kwargs: dict[str, Any]
) -> dict[str, Plain]:
    """``{"index_range": [0, 50257]}`` for a call with one tensor of integers whose values are at hand; else nothing."""
    if not isinstance(error, IndexError | RuntimeError) or not any(words in str(error) for words in _SAYS):
        return {}
    indices = [tensor for tensor in tensors_in((tuple(args), kwargs)) if tensor.dtype in _INTEGERS]
    if len(indices) != 1 or not 0 < indices[0].numel() <= _MOST_ELEMENTS:
        return {}
    found = indices[0] if indices[0].device.type == "cpu" else values.value(indices[0]) if values is not None else None
    if found is None:
        return {}
    with apart():
        return {"index_range": [int(found.min()), int(found.max())]}
