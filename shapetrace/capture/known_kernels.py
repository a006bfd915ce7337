"""Kernels on meta with known values: each runs on meta, and beside it for real if its operands are known."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from shapetrace.capture import meta_kernels, meta_shapes
from shapetrace.capture.known_values import MOST_ELEMENTS, KnownValues, apart
from shapetrace.capture.lines import calling_line
from shapetrace.errors import UnknownValueError

Kind = Literal["plain", "view", "unknown", "shape_only", "dynamic", "write"]

_NOT_FILLED = frozenset({"empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided", "empty_permuted"})
_SHAPE_ONLY = frozenset({"zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"})
_OVERWRITES = frozenset({"copy_", "fill_", "zero_"})
_ASSERTIONS = frozenset({"_assert_async", "_assert_tensor_metadata"})
_NAMES = {"_local_scalar_dense": "item", "_unique2": "unique"}
_META = torch.device("meta")
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Rule:
    """How a kernel deals with values.

    Attributes:
        name: Its name without overload: ``index``.
        kind: plain: its results follow from its operands. view: they share memory with one. unknown: they are
            random or not initialised. shape_only: they follow from its operands' shapes. dynamic: whether
            they are a Python value, or what shape they have, follows from values. write: it changes operands.
        written: Names of the arguments that it changes, with their positions.
        has_device: Whether it takes a device.
    """

    name: str
    kind: Kind
    written: tuple[tuple[str, int], ...]
    has_device: bool


def run(values: KnownValues, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run a kernel of a pass on meta. What it makes is on meta, whatever device is asked for.

    Raises:
        UnknownValueError: If it needs values that are not known.
    """
    rule = _rule(func)
    operands = _tensors(args, kwargs)
    if rule.has_device or not all(tensor.is_meta for tensor in operands):
        device = kwargs.get("device") or (_CPU if not operands else operands[0].device)
        if operands and not any(tensor.is_meta for tensor in operands) and device.type == "cpu":
            result = func(*args, **kwargs)
            return values.twin(result) if rule.name == "lift_fresh" else result
        if rule.name == "_to_copy" and device.type == "cpu" and values.knows(operands[0]):
            with apart():
                return func(values.value(operands[0]), **kwargs)
        args, kwargs = _moved(values, rule, args, kwargs)
        operands = _tensors(args, kwargs)
    if rule.kind == "view":
        return func(*args, **kwargs)
    if rule.kind == "write":
        return _write(values, rule, func, args, kwargs)
    if rule.kind == "unknown":
        return func(*args, **kwargs)
    known = rule.kind == "shape_only" or all(values.knows(tensor) for tensor in operands)
    real = functools.partial(_really, values, rule, func, args, kwargs) if known else None
    if rule.kind == "dynamic":
        return _dynamic(values, rule, func, args, kwargs, real)
    result = _on_meta(values, rule, func, args, kwargs, real)
    if real is not None and _is_new_and_small(values, result):
        _learn(values, result, real())
    return result


def unknown(values: KnownValues, name: str) -> UnknownValueError:
    """The error for an operation whose operand is not known: what, where, and what would help."""
    line, path = calling_line(), values.where()
    operation = f"{_NAMES.get(name, name)} in {path}" if path else _NAMES.get(name, name)
    error = UnknownValueError(
        f"{operation}{f', at {line},' if line else ''} needs values that are not known on meta: they are computed from "
        "weights, or random. What helps: real weights on the CPU; for a mixture of experts "
        "experts_implementation='batched_mm'."
    )
    error.operation = operation
    return error


def _write(values: KnownValues, rule: Rule, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run a kernel that changes operands; what is written with something unknown becomes unknown."""
    targets = [tensor for tensor in (_argument(args, kwargs, *place) for place in rule.written) if tensor is not None]
    result = func(*args, **kwargs)
    others = [t for t in _tensors(args, kwargs) if not any(t is target for target in targets)]
    if not _is_random(func) and all(values.knows(tensor) for tensor in others):
        whole = rule.name in _OVERWRITES or func._overloadname.endswith("out")
        written = {id(target): values.value_to_write(target, whole=whole) for target in targets}
        if all(real is not None for real in written.values()):
            _really(values, rule, func, args, kwargs, written)
            return result
    for target in targets:
        values.forget(target)
    return result


def _dynamic(
    values: KnownValues, rule: Rule, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any],
    real: Callable[[], Any] | None,
) -> Any:  # fmt: skip
    if real is not None:
        return tree_map_only(torch.Tensor, values.twin, real())
    if rule.name in _ASSERTIONS:
        return None
    fixed = meta_kernels.by_mask(values, rule.name, args)
    if fixed is None:
        raise unknown(values, rule.name)
    return func(*fixed, **kwargs) if rule.name == "index" else fixed[0]


def _on_meta(
    values: KnownValues, rule: Rule, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any],
    real: Callable[[], Any] | None,
) -> Any:  # fmt: skip
    """The result on meta; where PyTorch's meta kernel is missing or refuses, by other means."""
    shaped = meta_kernels.SHAPES.get(rule.name)
    if shaped is not None:
        return shaped(*args, **kwargs)
    plain = meta_shapes.result(func, args, kwargs)
    if plain is not None:
        return plain
    try:
        return func(*args, **kwargs)
    except RuntimeError:  # NotImplementedError is one
        if real is not None:
            return tree_map_only(torch.Tensor, values.twin, real())
        rehearsed = meta_kernels.rehearse(func, args, kwargs)
        if rehearsed is None:
            raise
        return rehearsed


def _really(
    values: KnownValues, rule: Rule, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any],
    written: dict[int, torch.Tensor | None] | None = None,
) -> Any:  # fmt: skip
    """The same kernel on real values, seen by no mode."""

    def real(tensor: torch.Tensor) -> torch.Tensor | None:
        if rule.kind == "shape_only":
            return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="cpu")
        return written[id(tensor)] if written and id(tensor) in written else values.value(tensor)

    with apart():
        args, kwargs = tree_map_only(torch.Tensor, real, (tuple(args), kwargs))
        if rule.has_device:
            kwargs["device"] = _CPU
        return func(*args, **kwargs)


def _learn(values: KnownValues, result: Any, real: Any) -> None:
    for meta, value in zip(_tensors((result,), {}), _tensors((real,), {}), strict=True):
        values.learn(meta, value)


def _is_new_and_small(values: KnownValues, result: Any) -> bool:
    made = _tensors((result,), {})
    return all(tensor.numel() <= MOST_ELEMENTS for tensor in made) and not all(values.knows(t) for t in made)


def _moved(values: KnownValues, rule: Rule, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Arguments with everything on meta."""
    for place in rule.written:
        target = _argument(args, kwargs, *place)
        if target is not None and not target.is_meta:
            raise unknown(values, f"writing to a tensor on {target.device.type} ({rule.name})")
    kwargs = {key: None if key == "generator" else value for key, value in kwargs.items()}
    if rule.has_device:
        kwargs["device"] = _META
        kwargs.pop("pin_memory", None)
    moved: tuple[Any, dict[str, Any]] = values.twins((tuple(args), kwargs))
    return moved


def _tensors(args: Sequence[Any], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    for value in (*args, *kwargs.values()) if kwargs else args:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [item for item in value if isinstance(item, torch.Tensor)]
    return found


def _argument(args: Sequence[Any], kwargs: dict[str, Any], name: str, position: int) -> torch.Tensor | None:
    value = kwargs[name] if name in kwargs else args[position] if position < len(args) else None
    return value if isinstance(value, torch.Tensor) else None


def _is_random(func: OpOverload) -> bool:
    return torch.Tag.nondeterministic_seeded in func.tags


@functools.cache
def is_composite(func: OpOverload) -> bool:
    """Whether a kernel is made of others."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")


@functools.cache
def _rule(func: OpOverload) -> Rule:
    name = func._schema.name.partition("::")[2]
    arguments = func._schema.arguments
    written = tuple((a.name, i) for i, a in enumerate(arguments) if a.alias_info is not None and a.alias_info.is_write)
    kind: Kind = "plain"
    if written:
        kind = "write"
    elif name in _NOT_FILLED or _is_random(func):
        kind = "unknown"
    elif name in _SHAPE_ONLY:
        kind = "shape_only"
    elif name in _ASSERTIONS or {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(func.tags):
        kind = "dynamic"
    elif any(result.alias_info is not None for result in func._schema.returns):
        kind = "view"
    return Rule(name, kind, written, any(a.name == "device" for a in arguments))
