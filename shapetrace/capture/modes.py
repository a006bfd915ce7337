"""The two levels at which calls are seen: functions as their author wrote them, kernels as PyTorch runs them."""

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._ops import OpOverload
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from shapetrace.capture import collectives, known_calls, known_kernels, known_rules, lookups, meta_checks, recurrent
from shapetrace.capture.collectives import is_apart, is_bookkeeping, is_wait
from shapetrace.capture.composites import is_composite, opened
from shapetrace.capture.interrupting import deliver
from shapetrace.capture.known_values import KnownValues
from shapetrace.capture.lines import calling_line
from shapetrace.capture.lookups import index_range
from shapetrace.capture.masks import note_masks
from shapetrace.capture.numbers import note_numbers
from shapetrace.capture.plain import is_jagged, plain, tensors_in
from shapetrace.capture.recorder import Gives, Recorder
from shapetrace.capture.sharded import is_wrapper
from shapetrace.capture.weighing import note_attention, note_weights
from shapetrace.ir import Call, Plain
from shapetrace.ops.registry import base_name

__tracebackhide__ = True  # pytest shows the code of the test, not ours

_NOT_RECORDED = frozenset({"device", "layout", "pin_memory", "memory_format", "generator", "non_blocking"})
_GETTERS_WITHOUT_TENSORS = frozenset(
    {"shape", "dtype", "device", "layout", "ndim", "itemsize", "nbytes", "names", "requires_grad", "is_leaf",
     "grad_fn", "is_meta", "is_cuda", "is_cpu", "is_nested", "is_quantized", "is_sparse", "is_mps", "is_xpu"}
)  # fmt: skip
_QUERIES = frozenset(
    {"size", "dim", "numel", "nelement", "stride", "storage_offset", "is_contiguous", "is_floating_point",
     "is_complex", "get_device", "element_size", "data_ptr", "untyped_storage", "__len__", "__hash__", "ndimension",
     "is_inference", "is_tensor", "broadcast_shapes", "result_type", "can_cast", "__repr__", "__format__"}
)  # fmt: skip
"""Calls that ask about a tensor and give none."""
_NOTHING = contextlib.nullcontext()
_LAZY = (UninitializedParameter, UninitializedBuffer)
_NUMBERS = frozenset({int, float, bool})


class FunctionLevel(TorchFunctionMode):
    """Sees each call once, as its author wrote it, with parameters as themselves."""

    def __init__(self, recorder: Recorder, values: KnownValues | None = None) -> None:
        super().__init__()
        self._recorder = recorder
        self._values = values
        self._opened: list[Any] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        deliver()
        kwargs = kwargs or {}
        name, composite = _described(func)
        if not name or (types and any(issubclass(each, _LAZY) for each in types)):
            return func(*args, **kwargs)  # a lazy parameter is no tensor yet
        if composite and func not in self._opened:  # a method that calls its namesake in C++ is met twice
            return self._run_composite(func, name, args, kwargs)
        recorder = self._recorder
        operands = tensors_in((args, kwargs) if kwargs else args)
        running = recorder.open_op(name, operands, args, kwargs, calling_line())
        note_masks(recorder.registry, self._values, name, operands, args, kwargs)
        try:
            if func in recurrent.CELLS:
                result = recurrent.run(recorder, self._values, func, args, kwargs)
            elif self._values is None:
                result = func(*args, **kwargs)
            else:
                result = known_calls.call(self._values, func, args, kwargs)
        except BaseException as error:
            running.attrs.update(index_range(error, self._values, args, kwargs))
            recorder.fail_op(running, error)
            raise
        recorder.close_op(running, result)
        note_attention(recorder.registry, name, args, kwargs, result)
        return result

    def _run_composite(self, func: Any, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        recorder, line = self._recorder, calling_line()
        first_op, parent = len(recorder.ops), recorder.scope
        path = recorder.calls[parent].path
        call = recorder.enter_call(Call(len(recorder.calls), path, name, parent, kind="function"))
        result: Any = None
        self._opened.append(func)
        try:
            with self:
                result = opened(func)(*args, **kwargs)
        except BaseException as error:
            recorder.fail_function(name, args, kwargs, line, error)
            raise
        finally:
            self._opened.pop()
            recorder.leave_call(call, result)
            recorder.fold_composite(call, first_op, name, line)
        return result


class KernelLevel(TorchDispatchMode):
    """Sees the ATen operators that each call runs; composite ones (under inference_mode) are decomposed."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Do not wrap the handler against compilation, which loads the compiler: what is compiled runs eagerly."""
        return False

    def __init__(self, recorder: Recorder, values: KnownValues | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._recorder = recorder
        self._values = values
        self._asked = _shapes_are_asked()

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self._recorder.is_paused or _shapes_are_asked() is not self._asked:
            return func(*args, **kwargs)
        if types and any(isinstance(value, torch.Tensor) and is_jagged(value) for value in args):
            return NotImplemented  # what it does with the rows comes back
        if types and any(map(is_wrapper, types)):
            return NotImplemented  # its engine takes it apart; the rank's own kernels come back
        if is_apart(func):
            return self._talk(func, args, kwargs)
        name, names, written, composite, gives = _schema(func)
        if composite and not _is_nested(args):
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        inputs: list[int] = []
        plain_args: dict[str, Plain] = {}
        for key, value in zip(names, args, strict=False):
            self._take(key, value, inputs, plain_args)
        for key, value in kwargs.items():
            self._take(key, value, inputs, plain_args)
        values = self._recorder.twins if self._values is None else self._values
        if values is not None:
            meta_checks.check(name, args)
        with _NOTHING if self._recorder.is_open else torch._C.DisableTorchFunction():
            result = func(*args, **kwargs) if values is None else known_kernels.run(values, func, args, kwargs)
        lookups.note(self._recorder.registry, values, base_name(name), args)
        mutated = [value for key in written if (value := _argument(key, names, args, kwargs)) is not None]
        self._recorder.record_kernel(name, inputs, plain_args, result, mutated, gives=_given(gives, names, plain_args))
        note_numbers(self._recorder.registry, name, args, result)
        note_weights(self._recorder.registry, name, args, result)
        return result

    def _talk(self, func: OpOverload, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run a kernel by which ranks talk. What comes from others is not known, on meta or elsewhere."""
        registry = self._recorder.registry
        if is_bookkeeping(func):
            return func(*args, **kwargs)
        if is_wait(func):
            waited = func(*args, **kwargs)
            registry.stand_for(waited, args[0])
            return waited
        sent, written = collectives.sent_and_written(func, args, kwargs)
        inputs = [registry.read(tensor) for tensor in sent]
        told = collectives.described(registry.ranks, func, args, kwargs)
        result = func(*args, **kwargs)
        if self._values is not None:
            for tensor in written:
                self._values.forget(tensor)
        self._recorder.record_collective(str(func), inputs, told, result, written)
        return result

    def _take(self, key: str, value: Any, inputs: list[int], plain_args: dict[str, Plain]) -> None:
        if isinstance(value, torch.Tensor):
            inputs.append(self._recorder.registry.read(value))
        elif value is None or key in _NOT_RECORDED:
            return
        elif isinstance(value, list | tuple) and not _NUMBERS.issuperset(map(type, value)):
            tensors = [item for item in value if isinstance(item, torch.Tensor)]
            inputs.extend(map(self._recorder.registry.read, tensors))
            if len(tensors) < len(value):
                plain_args[key] = plain(value)
        else:
            plain_args[key] = plain(value)


def _shapes_are_asked() -> Any:
    """The mode in which fake tensors run, if one is on: an engine that works out shapes, and computes nothing."""
    return torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE)


def _is_nested(args: Sequence[Any]) -> bool:
    """Whether a kernel that is made of others has one of its own for these operands: those of nested tensors do."""
    return any(isinstance(value, torch.Tensor) and value.is_nested for value in args)


def _argument(key: str, names: Sequence[str], args: Sequence[Any], kwargs: dict[str, Any]) -> torch.Tensor | None:
    if key in kwargs:
        value = kwargs[key]
    else:
        position = names.index(key)
        value = args[position] if position < len(args) else None
    return value if isinstance(value, torch.Tensor) else None


@functools.cache
def _schema(func: OpOverload) -> tuple[str, tuple[str, ...], tuple[str, ...], bool, Gives]:
    """Name, argument names, names of arguments that are written to, whether it is a composite, and what it gives."""
    arguments = func._schema.arguments
    names = tuple(argument.name for argument in arguments)
    written = tuple(a.name for a in arguments if a.alias_info is not None and a.alias_info.is_write)
    is_view = any(returned.alias_info is not None for returned in func._schema.returns)
    gives: Gives = "chance" if torch.Tag.nondeterministic_seeded in func.tags else "view" if is_view else "new"
    return str(func), names, written, known_rules.is_composite(func), gives


def _given(gives: Gives, names: Sequence[str], args: Mapping[str, Plain]) -> Gives:
    """What a kernel gave: a fused attention that drops nothing leaves nothing to chance."""
    return "new" if gives == "chance" and "dropout_p" in names and not args.get("dropout_p") else gives


@functools.cache
def _described(func: Any) -> tuple[str, bool]:
    """A function's name for people and whether to look inside it; no name for calls that give no tensor."""
    name = getattr(func, "__name__", type(func).__name__)
    if name in {"__get__", "__set__"}:
        name = getattr(getattr(func, "__self__", None), "__name__", name)
        return ("", False) if name in _GETTERS_WITHOUT_TENSORS else (name, False)
    if name in _QUERIES:
        return "", False
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_")
    return name.removeprefix("_VF."), is_composite(func)
