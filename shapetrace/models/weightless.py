"""Building on the meta device: no memory, and no initialisation of weights that hold nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class _NoInitialisation(TorchFunctionMode):
    """Passes over ``torch.nn.init``: on meta it computes nothing, yet loads a compiler that takes a second."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            tensor = args[0] if args else kwargs.get("tensor")
            if isinstance(tensor, torch.Tensor) and tensor.is_meta:
                return tensor
        return func(*args, **kwargs)


@contextmanager
def building_on(device: torch.device) -> Iterator[None]:
    """Modules made in the block live on ``device``; on meta their weights are not initialised."""
    with device:
        if device.type != "meta":
            yield
            return
        with _NoInitialisation():
            yield
