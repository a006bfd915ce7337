"""What really happened in a pass, seen by means of PyTorch's own, to compare a trace with."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules import module as hooks
from torch.overrides import _get_current_function_mode_stack
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode_stack
from torch.utils.flop_counter import flop_registry

from shapetrace.capture import capture
from shapetrace.capture.plain import tensors_in
from shapetrace.ir import Op, Trace

Shapes = list[tuple[str, tuple[tuple[int, ...], ...]]]


def with_real_shapes(model: nn.Module, *args: Any, **kwargs: Any) -> tuple[Trace, Shapes]:
    """A trace, and path and output shapes of every module call as hooks of our own saw them."""
    seen: Shapes = []

    def look(path: str) -> Callable[..., None]:
        return lambda _module, _args, out: seen.append((path, tuple(tuple(t.shape) for t in tensors_in(out))))

    handles = [module.register_forward_hook(look(path)) for path, module in model.named_modules()]
    try:
        return capture(model, args, kwargs), seen
    finally:
        for handle in handles:
            handle.remove()


def recorded_shapes(trace: Trace) -> Shapes:
    """Path and output shapes of every module call of a trace, in no order."""
    calls = [call for call in trace.calls if call.kind == "module"]
    return [(call.path, shapes_of(trace, call.outputs)) for call in calls]


def shapes_of(trace: Trace, ids: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    return tuple(trace.tensors[i].shape for i in ids)


def traced_output(model: nn.Module, *args: Any, **kwargs: Any) -> tuple[Trace, list[Tensor]]:
    """A trace, and what the model gave while it was traced."""
    kept: list[Tensor] = []
    handle = model.register_forward_hook(lambda _module, _args, out: kept.extend(tensors_in(out)))
    try:
        return capture(model, args, kwargs), kept
    finally:
        handle.remove()


def state_of_torch(model: nn.Module) -> Mapping[str, Any]:
    """All that a trace could leave behind: hooks, modes, flags, values, attributes, classes."""
    tables = [value for name, value in vars(hooks).items() if name.startswith("_global") and hasattr(value, "__len__")]
    return {
        "hooks": [len(table) for table in tables],
        "own hooks": [{name: len(held) for name, held in vars(module).items() if name.endswith("_hooks") and held}
                      for module in model.modules()],
        "classes": [type(module) for module in model.modules()],
        "modes": [*_get_current_function_mode_stack(), *_get_current_dispatch_mode_stack()],
        "attributes": [sorted(vars(module)) for module in model.modules()],
        "training": [module.training for module in model.modules()],
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "tensors": [(name, id(t), t._version, t.device, t.dtype, t.requires_grad, t.grad is None)
                    for name, t in (*model.named_parameters(), *model.named_buffers())],
        "random": torch.get_rng_state().tolist(),
    }  # fmt: skip


def names(trace: Trace) -> list[str]:
    return [op.name for op in trace.ops]


def only(trace: Trace, name: str) -> Op:
    """The one operation of this name."""
    (op,) = (op for op in trace.ops if op.name == name)
    return op


def kernels(trace: Trace) -> list[str]:
    """Base names of all kernels, in order."""
    return [kernel.name.split(".")[1] for op in trace.ops for kernel in op.kernels]


aten = torch.ops.aten
FORMULAS = flop_registry | {
    aten._scaled_dot_product_flash_attention_for_cpu: flop_registry[aten._scaled_dot_product_flash_attention],
    aten.mv: lambda matrix, _vector, out_val: 2 * matrix.numel(),  # noqa: ARG005 - called by this name
    aten.dot: lambda one, _other, out_val: 2 * one.numel(),  # noqa: ARG005
}
"""FLOPs of kernels as torch counts them, and of those that it leaves out."""


class Counting(TorchDispatchMode):
    """Counts the FLOPs of all kernels that run in it."""

    flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func._overloadpacket in FORMULAS:
            self.flops += FORMULAS[func._overloadpacket](*args, **(kwargs or {}), out_val=result)
        return result


@contextmanager
def written_out() -> Iterator[None]:
    """Attention, encoder layers and LSTMs run kernel by kernel: of what runs as one, torch counts nothing."""
    usual, lstm = torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a switch of this processor's library, which is turned back beside it
        try:
            torch.backends.mha.set_fastpath_enabled(False)
            with lstm.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
                yield
        finally:
            torch.backends.mha.set_fastpath_enabled(usual)
