"""Inputs for the user's own model: made from shapes, taken from a function, or guessed."""

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from shapetrace.capture.known_values import MOST_ELEMENTS
from shapetrace.errors import UsageError
from shapetrace.models.specs import InputSpec
from shapetrace.models.user_code import attribute, required

Inputs: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional and keyword arguments of a forward pass."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Inputs that nobody gave.

    Attributes:
        args: Positional arguments.
        sentence: What was guessed and how to say it otherwise.
    """

    args: tuple[Any, ...]
    sentence: str


def device_of_model(model: nn.Module) -> torch.device:
    """Where a model is: the device of its first weight or buffer; the CPU if it has none."""
    for tensors in (model.parameters(), model.buffers()):
        for tensor in tensors:
            return tensor.device
    return torch.device("cpu")


def tensor(spec: InputSpec, device: torch.device) -> Tensor:
    """One tensor: integers are 0, truth values True, numbers random but always the same.

    For a model on meta it stays on the CPU, for code looks at values; what is too large to be kept there is on meta.
    """
    dtype: torch.dtype = getattr(torch, spec.dtype)
    if device.type == "meta":
        if math.prod(spec.shape) > MOST_ELEMENTS:
            return torch.empty(spec.shape, dtype=dtype, device=device)
        device = torch.device("cpu")
    if dtype.is_floating_point or dtype.is_complex:
        return torch.randn(spec.shape, generator=torch.Generator().manual_seed(0), dtype=dtype).to(device)
    return torch.full(spec.shape, dtype == torch.bool, dtype=dtype, device=device)


def from_specs(specs: Sequence[InputSpec], device: torch.device) -> Inputs:
    """Tensors for shapes: those without names by position, the others by keyword."""
    args = tuple(tensor(spec, device) for spec in specs if not spec.name)
    return args, {spec.name: tensor(spec, device) for spec in specs if spec.name}


def from_function(reference: str) -> Inputs:
    """What ``package.module:function`` returns: a tensor, a tuple, a dict, or (args, kwargs).

    Raises:
        UsageError: If there is no such function, it needs arguments, or it returns something else.
    """
    function = attribute(reference)
    if not callable(function):
        return as_inputs(function, reference)
    if required(function):
        raise UsageError(f"{reference} needs arguments ({', '.join(required(function))}): expected none.")
    return as_inputs(function(), reference)


def as_inputs(value: Any, reference: str) -> Inputs:
    """Arguments from a tensor, a tuple of arguments, a dict of keywords, or (args, kwargs)."""
    if isinstance(value, Tensor):
        return (value,), {}
    if isinstance(value, Mapping):
        return (), dict(value)
    if isinstance(value, tuple | list):
        if len(value) == 2 and isinstance(value[0], tuple | list) and isinstance(value[1], Mapping):
            return tuple(value[0]), dict(value[1])
        return tuple(value), {}
    raise UsageError(
        f"{reference} gives a {type(value).__name__}: expected a tensor, a tuple, a dict, or (args, kwargs)."
    )


def check(model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], *, strict: bool = False) -> None:
    """Do inputs fit ``forward``?

    Args:
        model: Whose forward it is.
        args: Positional inputs.
        kwargs: Keyword inputs.
        strict: True if it knows no other names than those of its signature, though it takes ``**kwargs``.

    Raises:
        UsageError: If they do not; the signature is shown.
    """
    signature = inspect.signature(model.forward)
    if strict:
        named = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        signature = signature.replace(parameters=named)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        names = [name for name, p in signature.parameters.items() if p.kind is not p.VAR_KEYWORD]
        raise UsageError(
            f"The inputs do not fit {type(model).__name__}.forward({', '.join(names)}): {error}."
        ) from error


_SEQ = 16
"""Rows of an input that is guessed."""


def guess(model: nn.Module) -> Guess:
    """Inputs for a model that says what it wants: by ``example_inputs``, or by its first layer.

    Raises:
        UsageError: If there is nothing obvious; the signature is shown.
    """
    for name in ("example_inputs", "example_input_array"):
        example = getattr(model, name, None)
        if example is not None:
            args, _ = as_inputs(example() if callable(example) else example, name)
            return Guess(args, f"The inputs are the model's own {name}.")
    needed = required(forward_of(model))
    spec, first = next(_first_inputs(model), (None, None)) if len(needed) == 1 else (None, None)
    if spec is None:
        signature = f"{type(model).__name__}.forward({', '.join(inspect.signature(forward_of(model)).parameters)})"
        raise UsageError(f"No inputs are given for {signature}: name them with --input name=1x1024:int64.")
    shape = "x".join(str(size) for size in spec.shape)
    return Guess(
        (tensor(spec, device_of_model(model)),),
        f"Guessed the input {needed[0]}={shape}:{spec.dtype} from the first layer, {first}; --input says it otherwise.",
    )


def forward_of(model: nn.Module) -> Any:
    """Its forward, or that of the module that was compiled."""
    return getattr(model, "_orig_mod", model).forward


def _first_inputs(model: nn.Module) -> Iterator[tuple[InputSpec | None, str]]:
    """What its first layer takes, and that layer's name; a layer whose weights are computed is one layer."""
    for module in model.modules():
        name = str(getattr(module, "original_name", type(module).__name__))  # what a scripted module was made from
        spec = _first_input(module)
        if spec is not None or (list(module.parameters()) and not list(module.children())):
            yield spec, name


def _first_input(layer: nn.Module) -> InputSpec | None:
    """What a first layer takes, by the sizes that it says it has; None if that is not obvious."""
    says: Any = layer
    kind = next((p.dtype for p in layer.parameters() if p.dtype.is_floating_point), torch.float32)
    dtype = str(kind).removeprefix("torch.")
    if hasattr(says, "num_embeddings"):
        return InputSpec((1, _SEQ), "int64")
    if hasattr(says, "in_features"):
        return InputSpec((1, _SEQ, int(says.in_features)), dtype)
    if hasattr(says, "input_size") and hasattr(says, "hidden_size"):
        return InputSpec((1, _SEQ, int(says.input_size)), dtype)
    if hasattr(says, "normalized_shape"):
        return InputSpec((1, _SEQ, *says.normalized_shape), dtype)
    if hasattr(says, "in_channels") and hasattr(says, "kernel_size"):
        pixels = {1: (_SEQ,), 2: (224, 224), 3: (16, 112, 112)}.get(len(tuple(says.kernel_size)))
        return None if pixels is None else InputSpec((1, int(says.in_channels), *pixels), dtype)
    return None
