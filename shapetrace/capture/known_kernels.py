"""Kernels on meta with known values: each runs on meta, and beside it for real if its operands are known."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from shapetrace.capture import lookups, meta_kernels, meta_shapes
from shapetrace.capture.known_rules import Rule, is_random, rule_of
from shapetrace.capture.known_values import KnownValues, apart
from shapetrace.capture.lines import calling_line
from shapetrace.errors import UnknownValueError
from shapetrace.ops.registry import find

__tracebackhide__ = True  # pytest shows the code of the test, not ours

_META = torch.device("meta")
_CPU = torch.device("cpu")


def run(values: KnownValues, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run a kernel of a pass on meta. What it makes is on meta, whatever device is asked for.

    Raises:
        UnknownValueError: If it needs values that are not known.
    """
    rule = rule_of(func)
    operands = _tensors(args, kwargs)
    if rule.has_device or not all(tensor.is_meta for tensor in operands):
        device = kwargs.get("device") or (_CPU if not operands else operands[0].device)
        if (operands or values.keeps_cpu) and not any(t.is_meta for t in operands) and device.type == "cpu":
            result = func(*args, **kwargs)
            return values.twin(result) if rule.name == "lift_fresh" else result
        if rule.name == "_to_copy" and device.type == "cpu" and values.knows(operands[0]):
            with apart():
                return func(values.value(operands[0]), **kwargs)
        if any(not target.is_meta for target in _targets(rule, args, kwargs)):
            return _write_outside(values, rule, func, args, kwargs)
        args, kwargs = _moved(values, rule, args, kwargs)
        operands = _tensors(args, kwargs)
    if rule.kind == "view":
        return func(*args, **kwargs)
    if rule.kind == "write":
        return _write(values, rule, func, args, kwargs)
    known = rule.kind == "shape_only" or (rule.kind != "unknown" and all(values.knows(t) for t in operands))
    real = functools.partial(_really, values, rule, func, args, kwargs) if known else None
    if real is None:
        lookups.check(values, rule.name, args)
    if rule.kind in ("dynamic", "assertion"):
        return _dynamic(values, rule, func, args, kwargs, real)
    result = _on_meta(values, func, args, kwargs, real)
    if real is not None and _is_new_and_small(values, result):
        return _learned(values, result, real, operands)
    return result


def unknown(values: KnownValues, name: str) -> UnknownValueError:
    """The error for an operation whose operand is not known: what, where, and what would help."""
    line, path = calling_line(), values.where()
    operation = (find(name).word or name) + (f" in {path}" if path else "")
    error = UnknownValueError(
        f"{operation}{f', at {line},' if line else ''} needs values that are not known on meta: they are computed from "
        "weights, or random. What helps: real weights on the CPU; for a mixture of experts "
        "experts_implementation='batched_mm'."
    )
    error.operation = operation
    return error


def _write(values: KnownValues, rule: Rule, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run a kernel that changes operands; what is written with something unknown becomes unknown."""
    targets = _targets(rule, args, kwargs)
    result = func(*args, **kwargs)
    others = [t for t in _tensors(args, kwargs) if not any(t is target for target in targets)]
    if not is_random(func) and all(values.knows(tensor) for tensor in others):
        whole = "overwrites" in find(rule.name).traits or func._overloadname.endswith("out")
        written = {id(target): values.value_to_write(target, whole=whole) for target in targets}
        if all(real is not None for real in written.values()):
            with contextlib.suppress(RuntimeError):
                _really(values, rule, func, args, kwargs, written)
                return result
    for target in targets:
        values.forget(target)
    return result


def _write_outside(
    values: KnownValues, rule: Rule, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    """Write to a tensor that is not on meta: that takes known values."""
    targets = _targets(rule, args, kwargs)
    if not all(values.knows(tensor) for tensor in _tensors(args, kwargs)) or any(t.is_meta for t in targets):
        raise unknown(values, f"{rule.name} on a tensor that is not on meta")
    return _really(values, rule, func, args, kwargs)


def _dynamic(
    values: KnownValues, rule: Rule, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any],
    real: Callable[[], Any] | None,
) -> Any:  # fmt: skip
    if real is not None:
        return tree_map_only(torch.Tensor, values.twin, real())
    if rule.kind == "assertion":
        return None
    fixed = meta_kernels.by_mask(values, rule.name, args)
    if fixed is None:
        raise unknown(values, rule.name)
    if rule.name != "index":
        return fixed[0]
    made = meta_shapes.result(func, fixed, kwargs)
    return func(*fixed, **kwargs) if made is None else made


def _on_meta(
    values: KnownValues, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any], real: Callable[[], Any] | None
) -> Any:
    """The result on meta; where PyTorch's meta kernel is missing or refuses, by other means."""
    made = meta_shapes.result(func, args, kwargs)
    if made is not None:
        return made
    try:
        return func(*args, **kwargs)
    except RuntimeError:  # NotImplementedError is one
        with contextlib.suppress(RuntimeError):  # some want lengths on the CPU, wherever the data is
            return func(*args[:1], *values.real(args[1:]), **kwargs)
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


def _learned(values: KnownValues, result: Any, real: Callable[[], Any], operands: Sequence[torch.Tensor]) -> Any:
    """The result on meta with its values beside it; where PyTorch's two answers differ, the real one on meta."""
    try:
        computed = real()
    except RuntimeError:  # a dtype that the CPU does not compute with
        return result
    pairs = list(zip(_tensors((result,), {}), _tensors((computed,), {}), strict=True))
    if any(meta.shape != value.shape or meta.dtype != value.dtype for meta, value in pairs):
        return tree_map_only(torch.Tensor, values.twin, computed)
    for meta, value in pairs:
        if meta.is_meta:
            values.learn(meta, value, made_of=operands)
    return result


def _is_new_and_small(values: KnownValues, result: Any) -> bool:
    made = _tensors((result,), {})
    return all(map(values.keeps, made)) and not all(values.knows(t) for t in made)


def _moved(values: KnownValues, rule: Rule, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Arguments with everything on meta."""
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


def _targets(rule: Rule, args: Sequence[Any], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    """The operands that a kernel writes to."""
    written = [kwargs.get(name, args[at] if at < len(args) else None) for name, at in rule.written]
    return _tensors(written, {})
