"""Inputs at other sizes: the same values again and again along an axis, or fewer of them."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from shapetrace import ir
from shapetrace.capture.forward import capture, named_arguments

Change: TypeAlias = Callable[[str, Tensor], Tensor]
"""Gives a tensor in place of another, by the way to it: ``past[0].keys``."""

_DEEPEST = 4


def resized(tensor: Tensor, sizes: Mapping[int, int]) -> Tensor:
    """A tensor with other sizes along some axes: (1, 16) with {0: 3} -> (3, 16)."""
    for axis, size in sizes.items():
        if size != tensor.shape[axis]:
            places = torch.arange(size, device=tensor.device) % max(1, tensor.shape[axis])
            tensor = tensor.detach().index_select(axis, places)
    return tensor


def again(
    model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], info: ir.Model
) -> Callable[[Mapping[tuple[str, int], int]], ir.Trace]:
    """A function that traces a pass again, with some axes of its inputs at other sizes."""

    def traced(sizes: Mapping[tuple[str, int], int]) -> ir.Trace:
        def change(path: str, tensor: Tensor) -> Tensor:
            return resized(tensor, {axis: size for (name, axis), size in sizes.items() if name == path})

        return capture(model, *_all_changed(model, args, kwargs, change), model_info=info)

    return traced


def _all_changed(
    model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], change: Change
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments of a pass with their tensors changed, those in lists, mappings and objects (caches) too."""
    names = [name for name, _ in named_arguments(model, args, {})]
    seen: dict[int, Any] = {}
    made = tuple(_changed(value, name, change, seen) for name, value in zip(names, args, strict=True))
    return made, {name: _changed(value, name, change, seen) for name, value in kwargs.items()}


def _changed(value: Any, name: str, change: Change, seen: dict[int, Any], depth: int = _DEEPEST) -> Any:
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, Tensor):
        seen[id(value)] = change(name, value)
        return seen[id(value)]
    if depth == 0 or isinstance(value, str | bytes | nn.Module | type | Callable):
        return value
    if isinstance(value, list | tuple):
        items = [_changed(item, f"{name}[{i}]", change, seen, depth - 1) for i, item in enumerate(value)]
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    if isinstance(value, dict):
        found = copy.copy(value)
        for key, item in value.items():
            found[key] = _changed(item, f"{name}.{key}" if name else str(key), change, seen, depth - 1)
        return found
    if not hasattr(value, "__dict__"):
        return value
    seen[id(value)] = found = copy.copy(value)
    for key, item in vars(value).items():
        setattr(found, key, _changed(item, f"{name}.{key}", change, seen, depth - 1))
    return found
