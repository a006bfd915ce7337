"""Where a model that we build runs: on meta; on the CPU if its code looks at values and its weights fit there."""

import itertools
import os
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn

from shapetrace.capture.known_calls import building
from shapetrace.errors import UnknownValueError, UsageError

Result = TypeVar("Result")

MOST_OF_MEMORY = 0.8
"""Weights may take this share of the free memory; the pass needs some too."""


def placed(requested: str, build: Callable[[str], nn.Module], run: Callable[[nn.Module], Result]) -> tuple[Result, str]:
    """Build a model and run it: with ``auto`` on meta, and on the CPU if that needs values it does not have.

    Args:
        requested: ``auto``, or the device to build on; meta, when asked for, is never left.
        build: Makes the model on a device.
        run: Makes inputs and runs the model.

    Returns:
        What ``run`` gave, and a sentence for the user if the pass moved to the CPU, else "".

    Raises:
        UnknownValueError: If values are needed that meta has not, and the weights do not fit in memory or meta was
            asked for.
    """
    device, model = "meta" if requested == "auto" else requested, None
    try:
        with building(device):
            model = build(device)
        return run(model), ""
    except UnknownValueError as error:
        if requested != "auto":
            raise
        needed, available = 0 if model is None else weight_bytes(model), available_bytes()
        if needed > available * MOST_OF_MEMORY:
            room = f"Its weights take {_size(needed)}, and {_size(available)} of memory are free."
            raise UnknownValueError(f"{error} {room}") from None
        reason = error.operation
    del model
    model = build("cpu")
    weights = f"random weights ({_size(weight_bytes(model))})"
    return run(model), f"{reason} needs computed values: traced on the CPU with {weights}."


def check_room(model: nn.Module) -> None:
    """Refuse a model that this machine cannot hold, before it is made.

    Args:
        model: The model on meta, where it takes no memory.

    Raises:
        UsageError: If its weights take more than there is.
    """
    needed, memory = weight_bytes(model), _memory_bytes("SC_PHYS_PAGES")
    if 0 < memory < needed:
        raise UsageError(
            f"the weights take {_size(needed)}, and this machine has {_size(memory)} of memory: without --device "
            "nothing is allocated, and every shape is the same"
        )


def weight_bytes(model: nn.Module) -> int:
    """Bytes of the parameters and buffers of a model; what is shared counts once."""
    held: dict[int, torch.Tensor] = {id(t): t for t in itertools.chain(model.parameters(), model.buffers())}
    return sum(tensor.numel() * tensor.element_size() for tensor in held.values() if not _is_lazy(tensor))


def n_parameters(model: nn.Module) -> int:
    """Elements of all parameters of a model; what is shared counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def available_bytes() -> int:
    """Memory that is free now; 0 where the system does not tell."""
    return _memory_bytes("SC_AVPHYS_PAGES")


def _memory_bytes(pages: str) -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf(pages)
    except (ValueError, OSError, AttributeError):
        return 0


def _is_lazy(tensor: Any) -> bool:
    return bool(torch.nn.parameter.is_lazy(tensor))


def _size(n_bytes: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if n_bytes >= size / 2:
            return f"{n_bytes / size:,.1f} {unit}"
    return f"{n_bytes} bytes"
