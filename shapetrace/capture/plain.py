"""Arguments of a call, as JSON can hold them, and the tensors among them."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from shapetrace.capture.sharded import local
from shapetrace.ir import Plain

_LONGEST_LIST = 64
_DEEPEST_OBJECT = 6
_WITHOUT_TENSORS = frozenset({type(None), bool, int, float, str, torch.dtype, torch.device})
_AS_IT_IS = (bool, int, str)
_NAMED = (torch.dtype, torch.device, torch.layout, torch.memory_format)
_DEEPEST_ARGUMENT = 16
"""Levels of lists in lists: one that holds itself must end somewhere."""


def plain(value: Any) -> Plain:
    """A plain argument; a tensor becomes "tensor", what has no plain form its type's name."""
    if value is None or isinstance(value, _AS_IT_IS):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, torch.Tensor):
        return "tensor"
    if isinstance(value, _NAMED):
        return str(value).removeprefix("torch.")
    if isinstance(value, list | tuple):
        return [plain(item) for item in value[:_LONGEST_LIST]]
    if isinstance(value, slice):
        return ":".join("" if part is None else str(plain(part)) for part in (value.start, value.stop, value.step))
    if value is Ellipsis:
        return "..."
    return f"<{type(value).__name__}>"


def innermost(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor that a transform of ``torch.func`` (vmap, grad, jvp) has wrapped; any other as it is.

    Kernels run on it, with the axis that vmap hides; the same tensor comes out of every wrapper of it. Of a jagged
    tensor (B, any, C) it is all rows one below the other, (rows, C); of one that lies on ranks, its part.
    """
    wrapped = torch._C._functorch
    if type(tensor) is torch.Tensor and not wrapped.is_functorch_wrapped_tensor(tensor):
        return tensor
    tensor = local(tensor)
    while wrapped.is_functorch_wrapped_tensor(tensor):
        tensor = wrapped.get_unwrapped(tensor)
    rows: torch.Tensor = vars(tensor)["_values"] if is_jagged(tensor) else tensor
    return rows


def is_readable(tensor: torch.Tensor) -> bool:
    """Whether values can be read at once: they are on the CPU, and are no fake tensor's, which says so and has none."""
    return tensor.device.type == "cpu" and not torch._C._dispatch_keys(tensor).has(torch._C.DispatchKey.Python)


def storage_of(tensor: torch.Tensor) -> torch.UntypedStorage | None:
    """The memory of a tensor; None for sparse and nested ones, which have none of their own."""
    try:
        return tensor.untyped_storage()
    except (RuntimeError, NotImplementedError):
        return None


def is_jagged(tensor: torch.Tensor) -> bool:
    """Whether it is a nested tensor that keeps its rows one below the other."""
    return tensor.is_nested and tensor.layout is torch.jagged


def tensors_in(value: Any) -> list[torch.Tensor]:
    """The tensors of a call's arguments or result: lists, tuples, mappings and dataclasses are looked into."""
    if isinstance(value, torch.Tensor):
        return [value]
    found: list[torch.Tensor] = []
    _collect(value, found, _DEEPEST_ARGUMENT)
    return found


def _collect(value: Any, found: list[torch.Tensor], depth: int) -> None:
    if isinstance(value, torch.Tensor):
        found.append(value)
    elif type(value) in _WITHOUT_TENSORS or depth == 0:
        return
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, found, depth - 1)
    elif isinstance(value, Mapping):
        for item in value.values():
            _collect(item, found, depth - 1)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            _collect(getattr(value, field.name, None), found, depth - 1)


def named_tensors(value: Any, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of a model's input with the way to each: ``past[0].keys``. Objects (caches) are looked into."""
    return _named(value, name, _DEEPEST_OBJECT, set())


def _named(value: Any, name: str, depth: int, seen: set[int]) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield name, value
        return
    if depth == 0 or id(value) in seen or isinstance(value, str | bytes | torch.nn.Module | type | Callable):
        return
    seen.add(id(value))
    if isinstance(value, list | tuple):
        parts = [(f"{name}[{index}]", item) for index, item in enumerate(value)]
    elif isinstance(value, Mapping):
        parts = [(f"{name}.{key}" if name else str(key), item) for key, item in value.items()]
    else:
        parts = [(f"{name}.{key}", item) for key, item in getattr(value, "__dict__", {}).items()]
    for part, item in parts:
        yield from _named(item, part, depth - 1, seen)
