"""A group of processes that is only simulated: collectives answer at once, and nothing is sent."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh

from shapetrace.errors import MissingPartError, UsageError
from shapetrace.sharding.degrees import Degrees


@contextlib.contextmanager
def simulated(degrees: Degrees) -> Iterator[None]:
    """In the block this process is one rank of a world that is not there.

    Raises:
        MissingPartError: If this PyTorch has no such group.
        UsageError: If a real one is running.
    """
    if not distributed.is_available():
        raise MissingPartError("ranks need a PyTorch with torch.distributed: this one was built without.")
    if distributed.is_initialized():
        raise UsageError("a process group is running already: end it, or trace the sharded model as it is.")
    try:
        from torch.testing._internal.distributed.fake_pg import FakeStore
    except ImportError as error:
        raise MissingPartError(f"this PyTorch simulates no process group: {error}") from error
    distributed.init_process_group("fake", store=FakeStore(), rank=degrees.rank, world_size=degrees.size)
    _take_meta(distributed.group.WORLD)
    try:
        with torch.no_grad():  # a forward pass alone: engines have shorter ways then
            yield
    finally:
        distributed.destroy_process_group()
        _forget_meshes()


def _forget_meshes() -> None:
    """The engine remembers layouts with their meshes, whose groups are gone; an equal mesh would be taken for one."""
    from torch.distributed.tensor.debug import _clear_sharding_prop_cache

    _clear_sharding_prop_cache()


def mesh(degrees: Degrees) -> Any:
    """The ranks in their axes."""
    names, sizes = zip(*degrees.mesh, strict=True)
    ranks = init_device_mesh("cpu", sizes, mesh_dim_names=names)
    for name, size, group in zip(names, sizes, ranks.get_all_groups(), strict=True):
        _take_meta(group)
        if size == degrees.size > 1:  # it is that of all ranks, which has no axis's name
            group._set_group_desc(f"mesh_{name}")
    return ranks


def _take_meta(group: Any) -> None:
    """What is on meta is sent to nobody too: by itself a simulated group takes what has memory alone."""
    meta = torch.device("meta")
    if distributed.get_backend(group) == "fake" and meta not in group._device_types:
        backend = group._get_backend(torch.device("cpu"))
        group._register_backend(meta, distributed.ProcessGroup.BackendType.CUSTOM, backend)
