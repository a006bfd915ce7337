"""Run a model once and record it."""

import contextlib
import inspect
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from shapetrace import ir
from shapetrace.capture import known_values
from shapetrace.capture.depth import room_for_hooks
from shapetrace.capture.interrupting import interruptible
from shapetrace.capture.known_values import KnownValues
from shapetrace.capture.lines import failing_line
from shapetrace.capture.modes import FunctionLevel, KernelLevel
from shapetrace.capture.plain import named_tensors, tensors_in
from shapetrace.capture.recorder import Recorder
from shapetrace.capture.registry import Names, Registry
from shapetrace.capture.scopes import Scopes, module_scopes
from shapetrace.capture.sharded import finish, local
from shapetrace.errors import TraceError
from shapetrace.garbage import uncollected

__tracebackhide__ = True  # pytest shows the code of the test, not ours


_UNCOMPILED = "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"
"""PyTorch's own switch, for those who debug a ``score_mod``."""


def capture(
    model: torch.nn.Module,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    model_info: ir.Model | None = None,
    most_ops: int = 0,
) -> ir.Trace:
    """Run ``model(*args, **kwargs)`` as it is, where it is, and record every operation.

    The model keeps its device, mode, hooks and buffers, and computes bit for bit what it computes untraced.
    A model on meta takes real inputs: code that looks at their values sees them (`known_values`).

    Args:
        model: Any module; its own training flag, grad mode and device are used.
        args: Positional inputs.
        kwargs: Keyword inputs.
        model_info: Name and settings to keep in the trace; the class name by default.
        most_ops: Operations after which the pass is given up; 0 if there is no limit.

    Returns:
        The trace.

    Raises:
        TraceError: If ``model`` is no ``nn.Module``.
        TooManyOpsError: If the pass makes more than ``most_ops`` operations.
        UnknownValueError: If the model is on meta and its code looks at values computed from weights.
        Exception: Whatever the model raises, unchanged, with a note of where, and with the partial trace
            as its attribute ``trace``.
    """
    if not isinstance(model, torch.nn.Module):
        raise TraceError(f"got {type(model).__name__}, expected a torch.nn.Module")
    kwargs = dict(kwargs or {})
    recorder = Recorder(Registry(names_of(model)), most_ops)
    for parameter in model.parameters():
        recorder.registry.ranks.learn(parameter)
    values = known_values.of_pass(model, (args, kwargs))
    if values is not None:
        args, kwargs = values.twins((tuple(args), kwargs))
        values.where = lambda: recorder.calls[recorder.scope].path if recorder.calls else ""
    inputs = enter_inputs(recorder, model, args, kwargs)
    info = model_info or ir.Model(type(model).__name__)
    failure: ir.Failure | None = None
    outputs: tuple[int, ...] = ()
    try:
        with recording(recorder, model, values):
            result = model(*args, **kwargs)
        outputs = outputs_of(recorder, result)
        finish(tensors_in(result))
    except Exception as error:
        failure = failure_of(recorder, error)
        trace = trace_of(recorder, info, model, (inputs, outputs), failure)
        where = trace.calls[failure.call].path or "the model itself" if trace.calls else "the model itself"
        error.add_note(f"while tracing {info.name}, in {where}, at {failure.line or 'an unknown line'}")
        with contextlib.suppress(AttributeError):  # an exception class with slots keeps nothing
            error.trace = trace  # type: ignore[attr-defined]
        raise
    return trace_of(recorder, info, model, (inputs, outputs), failure)


@contextlib.contextmanager
def recording(recorder: Recorder, model: torch.nn.Module | None, values: KnownValues | None = None) -> Iterator[Scopes]:
    """Everything that runs in the block is recorded; nothing stays behind after it, however it ends.

    Without a model, the outermost modules that run are the models.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(interruptible())
        if "torch._dynamo" in sys.modules:  # a compiled module runs as the eager code it was made from
            stack.enter_context(torch.compiler.set_stance("force_eager"))
            stack.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", "Using `torch.compile", UserWarning)  # hooks fire twice: they may
        stack.enter_context(_flex_attention_opened())
        stack.enter_context(room_for_hooks())
        if values is not None:
            stack.enter_context(uncollected())
        scopes = stack.enter_context(module_scopes(recorder, model))
        stack.enter_context(KernelLevel(recorder, values))
        stack.enter_context(FunctionLevel(recorder, values))
        yield scopes


@contextlib.contextmanager
def _flex_attention_opened() -> Iterator[None]:
    """``flex_attention`` runs as plain kernels: it would load the compiler, which then looks at what records."""
    module = sys.modules.get("torch.nn.attention.flex_attention")
    before = getattr(module, _UNCOMPILED, None)
    if before is not None:
        setattr(module, _UNCOMPILED, True)
    try:
        yield
    finally:
        if before is not None:
            setattr(module, _UNCOMPILED, before)


def enter_inputs(
    recorder: Recorder, model: torch.nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[int, ...]:
    """Ids of what a model is given."""
    inputs: list[int] = []
    for name, value in named_arguments(model, args, kwargs):
        for path, tensor in named_tensors(value, name):
            known = recorder.registry.known(tensor)
            inputs.append(recorder.registry.enter(tensor, path) if known is None else known)
    return tuple(dict.fromkeys(inputs))


def named_arguments(model: torch.nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Arguments by the names that forward gives them."""
    names: list[str] = []
    with contextlib.suppress(TypeError, ValueError):
        parameters = inspect.signature(model.forward).parameters.values()
        names += [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    numbered = [names[i] if i < len(names) else f"input[{i}]" for i in range(len(args))]
    return [*zip(numbered, args, strict=True), *kwargs.items()]


def outputs_of(recorder: Recorder, result: Any) -> tuple[int, ...]:
    """Ids of what a model gives."""
    return tuple(recorder.registry.read(tensor) for tensor in tensors_in(result))


def parameters_of(model: torch.nn.Module) -> tuple[ir.Parameter, ...]:
    """Parameters and buffers under their first names; further names of the same tensor are aliases."""
    held = [
        *((name, tensor, False) for name, tensor in model.named_parameters(remove_duplicate=False)),
        *((name, tensor, True) for name, tensor in model.named_buffers(remove_duplicate=False)),
    ]
    found: dict[int, tuple[torch.Tensor, bool, list[str]]] = {}
    for name, tensor, buffer in held:
        found.setdefault(id(tensor), (tensor, buffer, []))[2].append(name)
    return tuple(
        ir.Parameter(
            first, _shape(local(tensor)), str(tensor.dtype).removeprefix("torch."), tensor.dtype.itemsize,
            tuple(aliases), buffer,
        )
        for tensor, buffer, (first, *aliases) in found.values()
    )  # fmt: skip


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    if torch.nn.parameter.is_lazy(tensor):
        return ()
    return tuple(tensor.shape)


def names_of(model: torch.nn.Module) -> Names:
    """What a model holds: by object, and by its memory if nothing else that it holds lies there."""
    names = Names()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.add(parameter, "parameter", name)
        names.add(local(parameter), "parameter", name)
    for name, buffer in model.named_buffers(remove_duplicate=False):
        names.add(buffer, "buffer", name)
    return names


def failure_of(recorder: Recorder, error: Exception) -> ir.Failure:
    """What ended a pass, and which operation it was."""
    line = failing_line(error.__traceback__)
    kind, message = type(error).__name__, str(error)
    if recorder.failing is None or recorder.failing[2] is not error:
        raising = recorder.raising
        call = raising[0] if raising is not None and raising[1] is error else recorder.scope
        return ir.Failure(kind, message, call, line=line)
    op, call, _ = recorder.failing
    return ir.Failure(kind, message, call, op.name, tuple(op.inputs), op.attrs, line)


def trace_of(
    recorder: Recorder,
    info: ir.Model,
    model: torch.nn.Module,
    ends: tuple[tuple[int, ...], tuple[int, ...]],
    failure: ir.Failure | None,
) -> ir.Trace:
    """What was recorded of a pass from its inputs to its outputs."""
    return ir.Trace(
        model=info,
        inputs=ends[0],
        outputs=ends[1],
        tensors=tuple(recorder.registry.tensors),
        ops=tuple(recorder.ops),
        calls=tuple(recorder.calls),
        parameters=parameters_of(model),  # after the pass: lazy ones have their shapes now
        versions={"torch": torch.__version__},
        failure=failure,
        world=_world(recorder.registry, model),
        kept=tuple(recorder.registry.kept.items()),
        numbers=tuple(recorder.registry.numbers.items()),
        weighed=tuple(recorder.registry.weighed.values()),
    )


def _world(registry: Registry, model: torch.nn.Module) -> ir.World | None:
    ids: dict[str, int] = {}
    for tensor in registry.tensors:
        if tensor.origin == "parameter":
            ids.setdefault(tensor.name, tensor.id)
    return registry.ranks.world(dict(model.named_parameters()), ids)
