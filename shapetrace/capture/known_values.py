"""Known values on meta: real values beside tensors that have none.

Code looks at small values: is the mask all ones, how many image tokens are there? On the meta device
there are no values to look at. But those that code looks at come from inputs and factories, not from weights.
So memory of meta tensors that was filled from known values alone has a real twin on the CPU. Views of
the same memory share the twin, so a write through one of them is seen through all, and writing something
unknown makes all of them unknown.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.utils.rnn import PackedSequence
from torch.utils._pytree import tree_map, tree_map_only

from shapetrace.capture.plain import is_readable, named_tensors, storage_of
from shapetrace.capture.sharded import local

MOST_ELEMENTS = 1 << 22
"""A tensor with more elements than this is not kept: a mask of 2,048 x 2,048 is. An expanded view may have more."""

MOST_BYTES = 1 << 26
"""But one that takes no more bytes is kept: a mask of 8,192 x 8,192 truth values."""

_FEW_ELEMENTS = 1 << 12
"""What is kept where nothing large is."""

_WIDEST_ITEM = 16  # bytes of a complex128
_SWEEP_ENTRIES = 1024
_SWEEP_BYTES = 64 << 20
"""Twins of memory that is gone are dropped when this much has been learned."""


class KnownValues:
    """Which memory of meta tensors has known contents, and these contents.

    Memory is told apart by weak references, which keep its address from being used again. Nothing here
    keeps a meta tensor alive.

    Attributes:
        where: Tells which module is running, for messages.
        keeps_cpu: True while a function of PyTorch runs that fills tensors on the CPU itself.
        keeps_large: False while one runs that makes masks of its own, layer by layer.
    """

    def __init__(self, below: "KnownValues | None" = None) -> None:
        """Start empty.

        Args:
            below: What was known before. It is read, and copied before it is written to: never changed.
        """
        self.where: Callable[[], str] = str
        self.keeps_cpu = False
        self.keeps_large = True
        self._below = below
        self._held: dict[int, tuple[StorageWeakRef, torch.UntypedStorage | None]] = {}
        self._sweep_at = _SWEEP_ENTRIES
        self._new_bytes = 0

    def keeps(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is small enough to be kept."""
        n_elements = tensor.numel()
        if not self.keeps_large:
            return n_elements <= _FEW_ELEMENTS
        return n_elements <= MOST_ELEMENTS or n_elements * tensor.element_size() <= MOST_BYTES

    def knows(self, tensor: torch.Tensor) -> bool:
        """Whether `value` has something for a tensor."""
        if not tensor.is_meta:
            return tensor.device.type == "cpu"
        return self._memory(tensor) is not None

    def value(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """The real tensor beside a meta tensor, or None if its values are not known.

        A tensor that is on the CPU is its own value. The result shares memory with what is kept: do not write to it.
        """
        if not tensor.is_meta:
            return tensor if tensor.device.type == "cpu" else None
        memory = self._memory(tensor)
        return None if memory is None else _window(tensor, memory)

    def value_to_write(self, tensor: torch.Tensor, *, whole: bool = False) -> torch.Tensor | None:
        """The real tensor beside a meta tensor, to be changed as the meta tensor is.

        Args:
            tensor: What is about to be written to.
            whole: True if nothing of what it held is read: unknown memory that it fills becomes known.
        """
        memory = self._memory(tensor)
        if memory is None:
            if not whole or not _fills(tensor) or not self.keeps(tensor):
                return None
            memory = self._hold(tensor, torch.UntypedStorage(tensor.untyped_storage().nbytes(), device="cpu"))
        elif self._below is not None and tensor.untyped_storage()._cdata not in self._held:
            memory = self._hold(tensor, memory.clone())
        return _window(tensor, memory)

    def learn(self, tensor: torch.Tensor, value: torch.Tensor, made_of: Iterable[torch.Tensor] | None = None) -> None:
        """Put a real value beside a meta tensor; one that is too large is not kept.

        Args:
            tensor: A new meta tensor: no other shares its memory.
            value: Its value, which is copied.
            made_of: What the value was computed from, where nobody else has it: its own memory is kept if it lies as
                the tensor's does and is not that of an operand.
        """
        if not _has_memory(tensor):
            return
        size = tensor.untyped_storage().nbytes()
        if self.keeps(tensor) and size <= MOST_ELEMENTS * _WIDEST_ITEM:
            if made_of is not None and _lies_as(value, tensor) and not self._is_part(value, made_of):
                self._hold(tensor, value.untyped_storage())
                return
            memory = self._hold(tensor, torch.UntypedStorage(size, device="cpu"))
            if tensor.numel():
                with apart():
                    _window(tensor, memory).copy_(value)

    def forget(self, tensor: torch.Tensor) -> None:
        """The values of a tensor, and of all that share its memory, are not known any more."""
        if tensor.is_meta and self._memory(tensor) is not None:
            self._hold(tensor, None)

    def twin(self, value: torch.Tensor) -> torch.Tensor:
        """A meta tensor with a known value, which is copied: the caller's tensor stays as it is."""
        with apart():
            meta = torch.empty_strided(value.size(), value.stride(), dtype=value.dtype, device="meta")
            if value.device.type == "cpu" and self.keeps(value):
                self.learn(meta, value)
            return meta.requires_grad_(value.requires_grad) if value.is_leaf else meta

    def twins(self, arguments: Any) -> Any:
        """Arguments of a call with every real tensor replaced by its twin."""
        if all(tensor.is_meta for _, tensor in named_tensors(arguments, "")):
            return arguments
        seen: dict[int, torch.Tensor] = {}

        def replaced(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.is_meta or not _has_memory(tensor):
                return tensor
            if id(tensor) not in seen:
                seen[id(tensor)] = self.twin(tensor)
            return seen[id(tensor)]

        def packed(given: PackedSequence) -> PackedSequence:
            data, sizes, *orders = given  # the sizes stay on the CPU, wherever the data is
            return PackedSequence(replaced(data), sizes, *(one if one is None else replaced(one) for one in orders))

        kinds: dict[type, Callable[[Any], Any]] = {torch.Tensor: replaced, PackedSequence: packed}
        return tree_map(
            lambda leaf: next((to(leaf) for kind, to in kinds.items() if isinstance(leaf, kind)), leaf),
            arguments,
            is_leaf=lambda value: isinstance(value, PackedSequence),
        )

    def real(self, arguments: Any) -> Any:
        """Arguments of a call with every known tensor replaced by its value."""

        def replaced(tensor: torch.Tensor) -> torch.Tensor:
            value = self.value(tensor)
            return tensor if value is None else value

        return tree_map_only(torch.Tensor, replaced, arguments)

    def __len__(self) -> int:
        """Pieces of memory that are alive and known."""
        self._sweep()
        return sum(memory is not None for _, memory in self._held.values())

    def _is_part(self, value: torch.Tensor, operands: Iterable[torch.Tensor]) -> bool:
        """Whether a value shares its memory with an operand, or with what is known of one."""
        known = (self._memory(operand) if operand.is_meta else storage_of(operand) for operand in operands)
        return value.untyped_storage()._cdata in [memory._cdata for memory in known if memory is not None]

    def _memory(self, tensor: torch.Tensor) -> torch.UntypedStorage | None:
        storage = storage_of(tensor)
        if storage is None:
            return None
        held = self._held.get(storage._cdata)
        if held is None:
            return self._below._memory(tensor) if self._below is not None else None
        return held[1]

    def _hold(self, tensor: torch.Tensor, memory: torch.UntypedStorage | None) -> torch.UntypedStorage:
        storage = tensor.untyped_storage()
        self._held[storage._cdata] = (StorageWeakRef(storage), memory)
        self._new_bytes += 0 if memory is None else memory.nbytes()
        if len(self._held) > self._sweep_at or self._new_bytes > _SWEEP_BYTES:
            self._sweep()
        return memory  # type: ignore[return-value]

    def _sweep(self) -> None:
        self._held = {key: held for key, held in self._held.items() if not held[0].expired()}
        self._sweep_at = max(_SWEEP_ENTRIES, 2 * len(self._held))
        self._new_bytes = 0


BUILT = KnownValues()
"""Values of what was made while models were built (see `known_kernels.building`); gone when the models are."""


def of_pass(model: torch.nn.Module, arguments: Any) -> KnownValues | None:
    """What is known when a pass begins, or None if it does not run on meta.

    Weights are unknown, whatever they were filled with: trained ones have other values.
    """
    held = [*model.parameters(), *model.buffers()]
    if not held:
        held.extend(tensor for _, tensor in named_tensors(arguments, ""))
    if not any(tensor.is_meta for tensor in held):
        return None
    values = KnownValues(BUILT)
    for parameter in model.parameters():
        if not torch.nn.parameter.is_lazy(parameter):
            values.forget(local(parameter))
    return values


def value_of(values: KnownValues | None, tensor: torch.Tensor) -> torch.Tensor | None:
    """What a tensor of a pass holds, as far as it can be read: on meta what is known, elsewhere what is on the CPU."""
    if values is not None:
        return values.value(tensor)
    return tensor if is_readable(tensor) else None


@contextmanager
def apart() -> Iterator[None]:
    """Real computation beside the pass: no mode sees it, no gradient is kept."""
    with (
        torch._C.DisableTorchFunction(),
        torch._C._DisableTorchDispatch(),
        torch._C._DisableFuncTorch(),
        torch.inference_mode(False),
        torch.no_grad(),
    ):
        yield


def _window(tensor: torch.Tensor, memory: torch.UntypedStorage) -> torch.Tensor:
    """A real tensor that looks at memory the way a meta tensor looks at its own."""
    with apart():
        made = torch.empty(0, dtype=tensor.dtype, device="cpu")
        made.set_(memory, tensor.storage_offset(), tensor.size(), tensor.stride())
        made = made.conj() if tensor.is_conj() else made
        return made._neg_view() if tensor.is_neg() else made


def _lies_as(value: torch.Tensor, tensor: torch.Tensor) -> bool:
    as_memory = value.is_conj() == tensor.is_conj() and value.is_neg() == tensor.is_neg()
    same_places = value.stride() == tensor.stride() and value.storage_offset() == tensor.storage_offset()
    return as_memory and same_places and value.untyped_storage().nbytes() == tensor.untyped_storage().nbytes()


def _fills(tensor: torch.Tensor) -> bool:
    return tensor.numel() * tensor.element_size() == tensor.untyped_storage().nbytes()


def _has_memory(tensor: torch.Tensor) -> bool:
    return tensor.layout is torch.strided and not tensor.is_nested
