"""Results on meta where PyTorch's own meta kernels are missing, check too much, or want values."""

from collections.abc import Sequence
from typing import Any

import torch
from torch._ops import OpOverload
from torch.utils._pytree import tree_flatten, tree_map_only

from shapetrace.capture.known_values import KnownValues, apart

MOST_REHEARSED = 1 << 24
"""A kernel without a meta kernel is tried on zeros on the CPU if its operands have no more elements than this."""

_MASKS = (torch.bool, torch.uint8)


def by_mask(values: KnownValues, name: str, args: Sequence[Any]) -> tuple[Any, ...] | None:
    """What a selection by known masks from something unknown becomes.

    Returns:
        For ``index``, its arguments with whole numbers in place of masks; for ``masked_select``, its result.
        None if the masks are not known, or the kernel is another.
    """
    if name == "masked_select" and values.knows(args[1]):
        shape = torch.broadcast_shapes(args[0].shape, args[1].shape)
        mask = values.value(args[1])
        assert mask is not None
        with apart():
            count = int(mask.expand(shape).sum())
        return (args[0].new_empty([count]),)
    if name != "index":
        return None
    indices: list[torch.Tensor | None] = []
    for index in args[1]:
        if index is None or index.dtype not in _MASKS:
            indices.append(index)
            continue
        mask = values.value(index)
        if mask is None:
            return None
        with apart():
            count = int(mask.count_nonzero())
        indices += [torch.empty(count, dtype=torch.int64, device="meta") for _ in range(mask.dim())]
    return args[0], indices


def rehearse(func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The shapes of a kernel's results, from a run on zeros; None if that is too large or fails too."""
    operands = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.Tensor)]
    if sum(tensor.numel() for tensor in operands) > MOST_REHEARSED:
        return None

    def zeros(tensor: torch.Tensor) -> torch.Tensor:
        return torch.zeros(tensor.shape, dtype=tensor.dtype).as_strided(tensor.size(), _dense(tensor))

    def shaped(tensor: torch.Tensor) -> torch.Tensor:
        return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")

    with apart():
        real_args, real_kwargs = tree_map_only(torch.Tensor, zeros, (tuple(args), kwargs))
        if "device" in real_kwargs:
            real_kwargs["device"] = torch.device("cpu")
        try:
            return tree_map_only(torch.Tensor, shaped, func(*real_args, **real_kwargs))
        except (RuntimeError, IndexError, ValueError):
            return None


def _dense(tensor: torch.Tensor) -> Sequence[int]:
    return torch.empty(tensor.shape, device="meta").stride()
