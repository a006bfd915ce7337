"""Tensors that are one rank's part of a larger one: DTensors, and what a collective has not finished yet."""

import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from shapetrace.ir import Layout, Placement, World


@functools.cache
def is_wrapper(kind: type) -> bool:
    """Whether tensors of a class hold this rank's part in a plain tensor, on which the kernels run."""
    return kind.__module__.startswith("torch.distributed.") and hasattr(kind, "__tensor_flatten__")


def local(tensor: torch.Tensor) -> torch.Tensor:
    """The plain tensor inside such a wrapper; any other as it is."""
    while is_wrapper(type(tensor)):
        tensor = getattr(tensor, tensor.__tensor_flatten__()[0][0])  # type: ignore[attr-defined]
    return tensor


def finish(tensors: Iterable[torch.Tensor]) -> None:
    """Wait for what a collective has not finished, where nobody will read it; PyTorch warns of it at its end."""
    for tensor in tensors:
        inner = tensor
        while is_wrapper(type(inner)):
            wait = getattr(inner, "trigger_wait", None)
            if wait is not None:
                wait()
            inner = getattr(inner, inner.__tensor_flatten__()[0][0])  # type: ignore[attr-defined]


def layout(tensor: torch.Tensor, value: int = -1, name: str = "") -> Layout | None:
    """How a tensor lies on the ranks, as its engine says; None for a plain one."""
    spec = getattr(tensor, "_spec", None) if is_wrapper(type(tensor)) else None
    if spec is None:
        return None
    names = axis_names(spec.mesh)
    placed = zip(names, spec.mesh.shape, spec.placements, strict=True)
    return Layout(value, name, tuple(tensor.shape), tuple(_placement(*each) for each in placed))


def _placement(axis: str, ranks: int, placement: Any) -> Placement:
    if placement.is_partial():
        return Placement(axis, ranks, "partial")
    dim = getattr(placement, "dim", None)
    if dim is None:
        return Placement(axis, ranks, "replicate")
    return Placement(axis, ranks, "shard", int(dim), int(getattr(placement, "split_factor", 1)))


def axis_names(mesh: Any) -> tuple[str, ...]:
    """What the axes of a mesh are called; their numbers where nobody named them."""
    names = mesh.mesh_dim_names
    return tuple(names) if names else tuple(str(place) for place in range(mesh.ndim))


class Ranks:
    """What is known of the ranks while a pass runs.

    Attributes:
        layouts: How values lie on them, by tensor id.
    """

    def __init__(self) -> None:
        self.layouts: dict[int, Layout] = {}
        self._meshes: list[Any] = []
        self._axes: dict[str, dict[str, None]] = {}

    def note(self, tensor: torch.Tensor, value: int) -> None:
        """Keep how a value lies on the ranks; the first time it is met counts."""
        if is_wrapper(type(tensor)) and value not in self.layouts:
            found = layout(tensor, value)
            if found is not None:
                self.layouts[value] = found
                self.learn(tensor)

    def learn(self, tensor: torch.Tensor) -> None:
        """Learn the axes of the mesh that a tensor lies on, if it does, and of the one that this was cut out of."""
        if not is_wrapper(type(tensor)):
            return
        mesh = tensor._spec.mesh  # type: ignore[attr-defined]
        if any(mesh is known for known in self._meshes):
            return
        self._meshes.append(mesh)
        for each in (mesh._get_root_mesh(), mesh):
            for place, name in enumerate(axis_names(each)):
                self._axes.setdefault(each.get_group(place).group_name, {})[name] = None

    def axes(self, group: Any) -> list[str]:
        """The axes of meshes along which a group talks: two, where the same ranks stand along both."""
        found, described = list(self._axes.get(group.group_name, ())), str(group.group_desc)
        return found or ([described.removeprefix("mesh_")] if described.startswith("mesh_") else [])

    def world(self, parameters: Mapping[str, torch.Tensor], ids: Mapping[str, int]) -> World | None:
        """All that a trace keeps of the ranks; None if nothing lay on them.

        Args:
            parameters: The model's, by name.
            ids: Which value each is, if the pass met it.
        """
        held = {name: found for name, each in parameters.items() if (found := layout(each, ids.get(name, -1), name))}
        if not held and not self.layouts:
            return None
        named = {found.value for found in held.values()}
        made = (found for value, found in self.layouts.items() if value not in named)
        distributed = sys.modules["torch.distributed"]
        return World(
            int(distributed.get_rank()), int(distributed.get_world_size()), self._by_axis(lambda mesh: mesh.shape),
            (*held.values(), *made), self._by_axis(lambda mesh: mesh.get_coordinate() or ()),
        )  # fmt: skip

    def _by_axis(self, read: Callable[[Any], Iterable[int]]) -> tuple[tuple[str, int], ...]:
        """A number for each axis of all meshes, each name once."""
        roots = [mesh._get_root_mesh() for mesh in self._meshes]
        named = ((name, int(n)) for mesh in roots for name, n in zip(axis_names(mesh), read(mesh), strict=False))
        return tuple(dict(named).items())
