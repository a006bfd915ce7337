"""Module calls, seen through global hooks: the model itself is not touched."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle

from shapetrace.capture.plain import tensors_in
from shapetrace.capture.recorder import Recorder
from shapetrace.ir import Call


@contextmanager
def module_scopes(recorder: Recorder, model: torch.nn.Module | None) -> Iterator["Scopes"]:
    """Record a Call for every module that runs in this thread while the block runs.

    Without a model, paths start at the outermost module that runs.
    """
    scopes = Scopes(recorder, model)
    hooks: list[RemovableHandle] = []
    try:  # Ctrl-C may come between any two lines
        hooks.append(register_module_forward_pre_hook(scopes.enter))
        hooks.append(register_module_forward_hook(scopes.leave, always_call=True))
        yield scopes
    finally:
        for hook in hooks:
            hook.remove()


class Scopes:
    """The module calls of one thread, as hooks see them begin and end."""

    def __init__(self, recorder: Recorder, model: torch.nn.Module | None) -> None:
        self._recorder = recorder
        self._learns = model is None
        self._paths: dict[int, str] = {}
        if model is not None:
            self._learn(model)
        self._running: list[tuple[torch.nn.Module, int]] = []
        self._thread = threading.get_ident()

    def _learn(self, model: torch.nn.Module) -> None:
        self._paths.update((id(module), path) for path, module in reversed(list(_modules(model))))

    def enter(self, module: torch.nn.Module, args: Any) -> None:
        """A module is called."""
        if threading.get_ident() != self._thread:
            return
        recorder = self._recorder
        parent = self._running[-1] if self._running else None
        if parent is None and self._learns:
            self._learn(module)
        path = self._path(module, parent[0] if parent else None)
        self._adopt(module, path)
        given = (args, tuple(keyword_arguments().values()))
        inputs = tuple(recorder.registry.read(tensor) for tensor in tensors_in(given))
        call = Call(
            len(recorder.calls), path, type(module).__name__, recorder.scope if recorder.calls else None, inputs
        )
        self._running.append((module, recorder.enter_call(call)))

    def _adopt(self, module: torch.nn.Module, path: str) -> None:
        """Weights that the module holds for this call alone: ``functional_call`` puts them in place of its own."""
        parameters: dict[str, torch.Tensor | None] = {**module._parameters}
        for name, held in parameters.items():
            if held is not None and not isinstance(held, torch.nn.Parameter):
                self._recorder.registry.adopt(held, f"{path}.{name}" if path else name)

    def leave(self, module: torch.nn.Module, _args: Any, output: Any) -> None:
        """Its call has ended."""
        if threading.get_ident() != self._thread:
            return
        while self._running:  # a module whose exception was caught by its caller is still on the stack
            inner, call = self._running.pop()
            if inner is module:
                if (error := sys.exc_info()[1]) is not None:
                    self._recorder.leave_raising(call, error)
                self._recorder.leave_call(call, output)
                return

    def _path(self, module: torch.nn.Module, parent: torch.nn.Module | None) -> str:
        """Where the module is registered; for one kept in a plain list, where its caller keeps it."""
        path = self._paths.get(id(module))
        if path is None:
            above = self._paths.get(id(parent), "")
            path = ".".join(filter(None, (above, _kept_as(module, parent))))
            for inner, part in _modules(module):
                self._paths.setdefault(id(part), f"{path}.{inner}" if inner else path)
            self._kept = [*getattr(self, "_kept", ()), module]  # its id() must stay its own
        return path


def _modules(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    yield from model.named_modules(remove_duplicate=False)


def _kept_as(module: torch.nn.Module, parent: torch.nn.Module | None) -> str:
    for name, value in vars(parent).items() if parent is not None else ():
        if value is module:
            return name
        if isinstance(value, list | tuple) and any(item is module for item in value):
            return f"{name}[{next(i for i, item in enumerate(value) if item is module)}]"
        if isinstance(value, dict) and not name.startswith("_"):
            for key, item in value.items():
                if item is module:
                    return f"{name}[{key}]"
    return f"<{type(module).__name__}>"


def keyword_arguments() -> dict[str, object]:
    """What the module whose pre-hook is running was called with by keyword; empty if that cannot be seen.

    PyTorch hands keyword arguments to the pre-hooks of one module alone; to register one would change the model. The
    frame that runs the hooks has them.
    """
    frame = sys._getframe(2)
    if frame.f_code.co_filename != torch.nn.modules.module.__file__:
        return {}
    found = frame.f_locals.get("kwargs")
    return dict(found) if isinstance(found, dict) else {}
