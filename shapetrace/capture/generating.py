"""A loop around a model, recorded from outside: every call of an outermost module is a pass of its own."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from shapetrace import ir
from shapetrace.capture.choosing import Choosing
from shapetrace.capture.forward import enter_inputs, failure_of, names_of, outputs_of, recording, trace_of
from shapetrace.capture.leaving import Left
from shapetrace.capture.recorder import Recorder
from shapetrace.capture.registry import Names, Registry
from shapetrace.capture.scopes import Scopes, keyword_arguments

__tracebackhide__ = True


@contextlib.contextmanager
def passes(done: Callable[[ir.Trace], None], chosen: Callable[[tuple[str, ...]], None]) -> Iterator[None]:
    """Hand on a trace of every call of a module that no other module makes, in this thread.

    Models are left as they are, and compute what they compute untraced. One that raises gives what ran before.

    Args:
        done: Takes each trace when its call has ended.
        chosen: Takes what the code around a pass did with its output on the way to the ids of the next one, before
            that is done; () if none of it went there.
    """
    choosing = Choosing()
    loop = _Loop(done, chosen, choosing)
    hooks = []
    try:
        hooks.append(register_module_forward_pre_hook(loop.enter))
        hooks.append(register_module_forward_hook(loop.leave, always_call=True))
        with choosing:
            yield
        loop.choose()
    finally:
        for hook in hooks:
            hook.remove()
        loop.running.close()


class _Loop:
    """The pass that runs, if one does."""

    def __init__(
        self, done: Callable[[ir.Trace], None], chosen: Callable[[tuple[str, ...]], None], choosing: Choosing
    ) -> None:
        self._done, self._chosen, self._choosing = done, chosen, choosing
        self._follows = False
        self._thread = threading.get_ident()
        self._model: torch.nn.Module | None = None
        self._left = Left()
        self._recorder = Recorder(Registry(Names()))
        self._scopes: Scopes | None = None
        self._inputs: tuple[int, ...] = ()
        self.running = contextlib.ExitStack()

    def enter(self, module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        """A module is called: if none runs, it is the model."""
        if self._model is not None or threading.get_ident() != self._thread:
            return
        self.choose((args, keyword_arguments()))
        self.running.close()  # of a pass that raised: PyTorch is going through its hooks where that is told
        self._model, self._recorder = module, Recorder(Registry(names_of(module), self._left))
        self._inputs = enter_inputs(self._recorder, module, args, keyword_arguments())
        self._scopes = self.running.enter_context(recording(self._recorder, module))
        self._scopes.enter(module, args)

    def leave(self, module: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """A module's call has ended: if it is the model's, the pass has."""
        if module is not self._model or self._scopes is None or self._recorder.scope != 0:
            return
        error = sys.exc_info()[1]
        self._scopes.leave(module, args, output)
        self._model = None
        failure = failure_of(self._recorder, error) if isinstance(error, Exception) else None
        if error is None:
            self.running.close()
        outputs = () if failure is not None else outputs_of(self._recorder, output)
        device = next((parameter.device.type for parameter in module.parameters()), "")
        info = ir.Model(type(module).__name__, {}, device)
        self._done(trace_of(self._recorder, info, module, (self._inputs, outputs), failure))
        self._recorder.registry.leave()
        if error is None:
            self._choosing.follow(output)
            self._follows = True

    def choose(self, inputs: Any = None) -> None:
        """What was made of the pass before is given to the next one; None: there is none."""
        if self._follows:
            self._chosen(self._choosing.led_to(inputs))
        self._follows = False
