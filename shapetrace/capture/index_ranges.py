"""The smallest and largest index of a lookup that failed: the one value that its explanation needs."""

from collections.abc import Sequence
from typing import Any

import torch

from shapetrace.capture.known_values import KnownValues, apart
from shapetrace.capture.plain import tensors_in
from shapetrace.ir import Plain

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
