"""Kernels by which ranks talk: who talks, what each sends, and what it gets."""

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch._ops import OpOverload

from shapetrace.capture.plain import tensors_in
from shapetrace.capture.sharded import Ranks
from shapetrace.ir import Plain
from shapetrace.ops.registry import find

_GROUPS = ("process_group", "group_name")
_BOOKKEEPING = frozenset({"prim", "profiler"})
_WAITING = ("wait_tensor", "_wrap_tensor_autograd")
_PEERS = ("dst", "src")
_NAMESPACES = frozenset({"c10d", "_c10d_functional", "_c10d_functional_autograd", "_dtensor"})


@functools.cache
def is_collective(func: OpOverload) -> bool:
    """Whether ranks talk in a kernel."""
    return func.namespace in _NAMESPACES and find(str(func)).kind == "collective"


@functools.cache
def is_wait(func: OpOverload) -> bool:
    """Whether a kernel waits for what a collective has not finished, or puts that into an object: no new value."""
    return func.namespace in _NAMESPACES and func._schema.name.partition("::")[2] in _WAITING


@functools.cache
def is_apart(func: OpOverload) -> bool:
    """Whether a kernel is no operation on values: ranks talk or wait in it, or it asks for a device or keeps time."""
    return is_collective(func) or is_wait(func) or is_bookkeeping(func)


def is_bookkeeping(func: OpOverload) -> bool:
    """Whether a kernel asks for a device, or marks times for a profiler."""
    return func.namespace in _BOOKKEEPING


def described(ranks: Ranks, func: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Plain]:
    """Who talks: the axes of meshes along which they stand, how many ranks there are, and which."""
    names = [argument.name for argument in func._schema.arguments]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    found = next((given[name] for name in _GROUPS if name in given), None)
    group = _resolved(found)
    if group is None:
        return {"axes": [], "ranks": 0}
    members = torch.distributed.get_process_group_ranks(group)
    told: dict[str, Plain] = {"axes": list(ranks.axes(group)), "ranks": len(members), "members": _run(members)}
    peer = next((given[name] for name in _PEERS if name in given), None)
    if len(members) > 1 and find(str(func)).talk in ("send", "receive") and isinstance(peer, int):
        told["peer"] = members[peer]
    return told


def _resolved(group: Any) -> Any:
    if group is None or not torch.distributed.is_initialized():
        return None
    if isinstance(group, str):
        return torch._C._distributed_c10d._resolve_process_group(group)  # type: ignore[arg-type]
    if isinstance(group, torch.ScriptObject):
        return torch.distributed.ProcessGroup.unbox(group)
    return group if hasattr(group, "group_name") else None


def _run(members: Sequence[int]) -> str:
    """Ranks in short: ``0-7``, ``0-56 by 8``, or one by one."""
    steps = {after - before for before, after in itertools.pairwise(members)}
    if len(steps) != 1 or len(members) < 3:
        return ", ".join(map(str, members))
    (step,) = steps
    return f"{members[0]}-{members[-1]}" + (f" by {step}" if step != 1 else "")


def sent_and_written(
    func: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The tensors that a rank puts in, and those of its own memory that the kernel fills.

    Kernels that fill memory end with ``_``; where they name outputs and inputs apart, outputs come first. Who gets
    something puts in nothing.
    """
    given = [tensors_in(value) for value in (*args, *kwargs.values())]
    tensors = [found for found in given if found]
    fills = func._schema.name.endswith("_")
    if not fills or not tensors:
        return [tensor for found in tensors for tensor in found], []
    if find(str(func)).talk == "receive":
        return [], tensors[0]
    return (tensors[1] if len(tensors) > 1 else tensors[0]), tensors[0]
