"""A recurrent layer that ran as one fused kernel, taken down as the products that it makes.

On meta, and where nothing is fused, these kernels are seen one by one; a trace of the CPU says the same.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._pytree import tree_map_only

from shapetrace.capture import meta_kernels
from shapetrace.capture.known_values import apart
from shapetrace.capture.plain import tensors_in
from shapetrace.capture.recorder import OpenOp, Recorder

FUSED = ("aten.mkldnn_rnn_layer", "aten._cudnn_rnn", "aten.miopen_rnn")
"""Kernels that run a whole layer."""


def open_fused(recorder: Recorder, running: OpenOp, func: Callable[..., Any], args: Sequence[Any], result: Any) -> None:
    """Put the kernels of a recurrent layer in place of a fused one; nothing is computed.

    Args:
        recorder: Takes the kernels down.
        running: The operation, which is still open.
        func: ``torch.lstm`` or one like it; everything else is left as it is.
        args: What it was called with.
        result: What it gave.
    """
    if func not in meta_kernels.RECURRENT or meta_kernels.is_packed(args):
        return
    if not any(kernel.name.startswith(FUSED) for kernel in running.kernels):
        return
    running.kernels.clear()
    recorder.registry.forget_passed()
    twins = tree_map_only(torch.Tensor, lambda tensor: _twin(recorder, tensor), tuple(args))
    made = meta_kernels.recurrent(func, twins)(*twins)
    for real, twin in zip(tensors_in(result), tensors_in(made), strict=True):
        recorder.registry.stand_for(real, twin)


def _twin(recorder: Recorder, tensor: torch.Tensor) -> torch.Tensor:
    with apart():
        twin = torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")
    recorder.registry.stand_for(twin, tensor)
    return twin
