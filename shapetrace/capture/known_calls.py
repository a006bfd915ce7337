"""Functions that take values from Python, or give them to it, without passing the kernel level."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch._ops import OpOverload
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode_stack

from shapetrace.capture import known_kernels, known_rules
from shapetrace.capture.known_values import BUILT, KnownValues, apart, of_pass

_FROM_PYTHON = frozenset({torch.tensor, torch.as_tensor, torch.asarray, torch.Tensor.new_tensor, torch.scalar_tensor})
_TO_PYTHON = frozenset({torch.Tensor.numpy, torch.Tensor.tolist})

_LOOK_AT_SECOND = frozenset({torch.tensor_split, torch.Tensor.tensor_split, torch._VF._pad_packed_sequence})
_WHOLE = frozenset({torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool})
_INDEXES = frozenset({torch.Tensor.__getitem__, torch.Tensor.__setitem__})


def call(values: KnownValues, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call a function of torch in a pass on meta.

    Raises:
        UnknownValueError: If it gives values to Python that are not known.
    """
    if func in _TO_PYTHON and args[0].is_meta:
        value = values.value(args[0])
        if value is None:
            raise known_kernels.unknown(values, func.__name__)
        with apart():
            return func(value.clone(), *args[1:], **kwargs)
    if func in _INDEXES and args[0].is_meta:
        args = (args[0], _index(values, args[1]), *args[2:])
    if func in _LOOK_AT_SECOND:
        with _while(values, keeps_cpu=True):  # it reads its second operand, and may fill another like it
            return func(args[0], *values.real(args[1:2]), *args[2:], **kwargs)
    if func is scaled_dot_product_attention:
        with _while(values, keeps_large=False):  # it makes masks of its own: large ones are worth nothing
            return func(*args, **kwargs)
    result = func(*args, **kwargs)
    if func in _FROM_PYTHON and result.is_meta and not values.knows(result):
        data = args[1] if func is torch.Tensor.new_tensor else kwargs.get("data", args[0] if args else None)
        if data is not None and not isinstance(data, torch.Tensor):
            _learn(values, result, data)
    return result


@contextmanager
def _while(values: KnownValues, **settings: bool) -> Iterator[None]:
    """Settings of what is kept, for this block."""
    before = {name: getattr(values, name) for name in settings}
    try:
        for name, setting in settings.items():
            setattr(values, name, setting)
        yield
    finally:
        for name, setting in before.items():
            setattr(values, name, setting)


def _learn(values: KnownValues, made: torch.Tensor, data: Any) -> None:
    """Put data that was copied to meta, where it is lost, beside the tensor made from it."""
    inside = _replaced(values, data)
    if inside is not None:
        with apart():
            values.learn(made, torch.as_tensor(inside, dtype=made.dtype, device="cpu"))


def _replaced(values: KnownValues, data: Any) -> Any:
    """Nested lists of numbers with known tensors as numbers; None if one is not known."""
    if isinstance(data, torch.Tensor):
        value = values.value(data)
        return None if value is None else value.tolist()
    if isinstance(data, list | tuple):
        items = [_replaced(values, item) for item in data]
        return None if any(item is None for item in items) else items
    return data


def _index(values: KnownValues, index: Any, *, outermost: bool = True) -> Any:
    """An index with its lists of numbers as tensors: PyTorch copies lists to meta, where they are lost."""
    if isinstance(index, tuple) and outermost:
        return tuple(_index(values, part, outermost=False) for part in index)
    if isinstance(index, list | tuple) and index and _are_numbers(index):
        numbers = _replaced(values, index)
        return index if numbers is None else torch.tensor(numbers, device="cpu")
    return index


def _are_numbers(items: Sequence[Any]) -> bool:
    return all(_are_numbers(item) if isinstance(item, list | tuple) else _is_number(item) for item in items)


def _is_number(item: Any) -> bool:
    return isinstance(item, int) or (isinstance(item, torch.Tensor) and item.dim() == 0 and item.dtype in _WHOLE)


class _Functions(TorchFunctionMode):
    def __init__(self, values: KnownValues) -> None:
        super().__init__()
        self._values = values

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return call(self._values, func, args, kwargs or {})


class _Kernels(TorchDispatchMode):
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here: do not load the compiler."""
        return False

    def __init__(self, values: KnownValues) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._values = values

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if known_rules.is_composite(func):  # whole under inference_mode
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        return known_kernels.run(self._values, func, args, kwargs)


@contextmanager
def knowing(values: KnownValues) -> Iterator[None]:
    """What runs in the block runs on meta with known values; nothing is recorded."""
    with _Kernels(values), _Functions(values):
        yield


@contextmanager
def building(device: torch.device | str = "meta") -> Iterator[None]:
    """Build a model in this block and its buffers are known when it runs on meta. Elsewhere nothing changes."""
    inside = any(isinstance(mode, _Kernels) for mode in _get_current_dispatch_mode_stack())
    if inside or torch.device(device).type != "meta":
        yield
        return
    with knowing(BUILT):
        yield


def forward(model: torch.nn.Module, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None) -> Any:
    """``model(*args, **kwargs)`` without recording: on meta with known values if the model is there."""
    values = of_pass(model, (args, kwargs))
    if values is None:
        return model(*args, **(kwargs or {}))
    args, kwargs = values.twins((tuple(args), kwargs or {}))
    with knowing(values):
        return model(*args, **kwargs)
