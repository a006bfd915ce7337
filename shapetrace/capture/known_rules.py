"""What each kernel does with values, read from its schema and its tags; its entry says what those do not."""

import functools
from dataclasses import dataclass
from typing import Literal

import torch
from torch._ops import OpOverload

from shapetrace.ops.registry import find

Kind = Literal["plain", "view", "unknown", "shape_only", "dynamic", "assertion", "write"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a kernel deals with values.

    Attributes:
        name: Its name without overload: ``index``.
        kind: plain: its results follow from its operands. view: they share memory with one. unknown: they are
            random or not initialised. shape_only: they follow from its operands' shapes. dynamic: whether
            they are a Python value, or what shape they have, follows from values. assertion: it has none, and
            fails by its operands. write: it changes operands.
        written: Names of the arguments that it changes, with their positions.
        has_device: Whether it takes a device.
    """

    name: str
    kind: Kind
    written: tuple[tuple[str, int], ...]
    has_device: bool


def is_random(func: OpOverload) -> bool:
    """Whether a kernel draws random numbers."""
    return torch.Tag.nondeterministic_seeded in func.tags


@functools.cache
def is_composite(func: OpOverload) -> bool:
    """Whether a kernel is made of others."""
    try:
        return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")
    except RuntimeError:  # one that PyTorch has in Python alone: sizes of jagged tensors
        return False


@functools.cache
def rule_of(func: OpOverload) -> Rule:
    """The rule of a kernel."""
    name = func._schema.name.partition("::")[2]
    arguments = func._schema.arguments
    written = tuple((a.name, i) for i, a in enumerate(arguments) if a.alias_info is not None and a.alias_info.is_write)
    kind: Kind = "plain"
    if written:
        kind = "write"
    elif is_random(func):
        kind = "unknown"
    elif said := find(name).value:
        kind = said
    elif {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(func.tags):
        kind = "dynamic"
    elif any(result.alias_info is not None for result in func._schema.returns):
        kind = "view"
    return Rule(name, kind, written, any(a.name == "device" for a in arguments))
