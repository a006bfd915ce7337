"""Watch a block of code whose models are not known beforehand, for the sake of its failure."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from msgspec.structs import replace
from torch.nn.modules.module import register_module_forward_pre_hook

from shapetrace import ir
from shapetrace.capture.forward import failure_of, named_arguments, names_of, parameters_of, recording
from shapetrace.capture.plain import named_tensors
from shapetrace.capture.recorder import Recorder
from shapetrace.capture.registry import Names, Registry
from shapetrace.capture.scopes import keyword_arguments

__tracebackhide__ = True  # pytest shows the code of the test, not ours

_MOST_OPS = 20_000
"""Operations that are kept: a training loop may run in the block for days."""


@contextlib.contextmanager
def watch(told: Callable[[Exception, ir.Trace], None]) -> Iterator[None]:
    """Record what runs in the block; if it raises, hand the partial trace on, then let the exception through.

    Args:
        told: Takes the exception and what ran before it.
    """
    block = _Block()
    hook = register_module_forward_pre_hook(block.enter)
    try:
        with recording(block.recorder, None):
            yield
    except Exception as error:
        if not isinstance(getattr(error, "trace", None), ir.Trace):  # a trace inside the block has told it
            told(error, block.trace(error))
        raise
    finally:
        hook.remove()


class _Block:
    """What ran in the block, and the models that ran."""

    def __init__(self) -> None:
        self.models: list[torch.nn.Module] = []
        self._thread = threading.get_ident()
        self._names = Names()
        self.recorder = Recorder(Registry(self._names))
        self._start()

    def _start(self) -> None:
        self.recorder.enter_call(ir.Call(0, "", "", None))

    def enter(self, module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        """Learn the names of an outermost module: the model, or a loss."""
        if self.recorder.scope != 0 or threading.get_ident() != self._thread:
            return
        if len(self.recorder.ops) > _MOST_OPS:
            self.recorder.__init__(Registry(self._names))  # type: ignore[misc]
            self._start()
        if not any(model is module for model in self.models):
            self.models.append(module)
            self._names.update(names_of(module))
        registry = self.recorder.registry
        for tensor in (*module.parameters(), *module.buffers()):
            value = registry.known(tensor)
            if value is not None and not registry.tensors[value].name:  # built or moved in the block
                origin, name = self._names.of(tensor)
                registry.tensors[value] = replace(registry.tensors[value], role="weight", origin=origin, name=name)
        for name, value in named_arguments(module, args, keyword_arguments()):
            for path, tensor in named_tensors(value, name):
                self._name(tensor, path)

    def _name(self, tensor: torch.Tensor, name: str) -> None:
        """Call an input by the name that the model gives it, also one that was made in the block."""
        registry = self.recorder.registry
        known = registry.known(tensor)
        if known is None:
            registry.enter(tensor, name)
        elif registry.tensors[known].role == "constant" and not registry.tensors[known].name:
            registry.tensors[known] = replace(registry.tensors[known], name=name)

    def trace(self, error: Exception) -> ir.Trace:
        """What ran before the exception."""
        failure = failure_of(self.recorder, error)
        parameters = {entry.name: entry for model in reversed(self.models) for entry in parameters_of(model)}
        name = type(self.models[0]).__name__ if self.models else "the block"
        device = next((str(p.device.type) for model in self.models for p in model.parameters()), "")
        return ir.Trace(
            model=ir.Model(name, {}, device),
            inputs=(),
            outputs=(),
            tensors=tuple(self.recorder.registry.tensors),
            ops=tuple(self.recorder.ops),
            calls=tuple(self.recorder.calls),
            parameters=tuple(parameters.values()),
            versions={"torch": torch.__version__},
            failure=failure,
        )
