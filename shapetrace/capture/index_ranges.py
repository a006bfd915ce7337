"""The smallest and largest index of a lookup that failed: the one value that its explanation needs."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from shapetrace.capture.plain import tensors_in
from shapetrace.ir import Plain

_INTEGERS = frozenset({torch.int64, torch.int32})
_SAYS = ("out of", "num_classes", "non-negative")
_MOST_ELEMENTS = 1 << 24


def index_range(error: BaseException, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Plain]:
    """``{"index_range": [0, 50257]}`` for a call with one tensor of integers on the CPU; else nothing."""
    if not isinstance(error, IndexError | RuntimeError) or not any(words in str(error) for words in _SAYS):
        return {}
    indices = [
        tensor
        for tensor in tensors_in((tuple(args), kwargs))
        if tensor.dtype in _INTEGERS and tensor.device.type == "cpu" and 0 < tensor.numel() <= _MOST_ELEMENTS
    ]
    if len(indices) != 1:
        return {}
    with _disable_current_modes(), torch._C.DisableTorchFunction():
        return {"index_range": [int(indices[0].min()), int(indices[0].max())]}
