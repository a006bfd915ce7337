"""What passes of a loop leave behind, so that the next one knows it again: in a module, in a list, in a closure."""

from collections.abc import Iterable

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from shapetrace.capture.plain import storage_of

__tracebackhide__ = True


class Left:
    """Memory that passes have left data in. It is not kept alive, and memory used again is noticed."""

    def __init__(self) -> None:
        self._memories: dict[int, StorageWeakRef] = {}
        self._numbers: dict[tuple[int, int], int] = {}

    def leave(self, tensors: Iterable[torch.Tensor]) -> None:
        """A pass has ended, and these hold its data."""
        self._memories = {memory: left for memory, left in self._memories.items() if not left.expired()}
        for tensor in tensors:
            storage = storage_of(tensor)
            if storage is not None:
                self._memories.setdefault(int(storage._cdata), StorageWeakRef(storage))

    def number(self, tensor: torch.Tensor) -> int | None:
        """A number for what a tensor holds, another one once that was overwritten; None if no pass left it."""
        storage = storage_of(tensor)
        if storage is None or int(storage._cdata) not in self._memories:
            return None
        version = 0 if tensor.is_inference() else tensor._version
        return self._numbers.setdefault((int(storage._cdata), version), len(self._numbers))
