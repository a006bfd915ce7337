"""From a request to a trace: read the file, or build the model and run it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from shapetrace import ir
from shapetrace.api import Trace, load
from shapetrace.errors import ShapetraceError, UsageError
from shapetrace.request import Request, check, settings_of

Say = Callable[[str], None]
"""Takes a sentence for the user: what was guessed, what takes long."""


def obtain(request: Request, say: Say) -> Trace:
    """The trace that a request asks for. A pass that failed gives what ran before; see ``Trace.failure``.

    Raises:
        ShapetraceError: If the request is wrong or cannot be carried out.
        Exception: What the user's code raises while its model is built.
    """
    check(request)
    if request.kind == "file":
        return load(Path(request.model))
    if request.kind in {"reference", "preset"}:
        return _reference(request)
    if request.kind == "huggingface":
        return _huggingface(request, say)
    return _own(request, say)


def _reference(request: Request) -> Trace:
    name, settings = settings_of(request)  # checked before the import below, which takes seconds

    from shapetrace.models import building

    device = building.device_of(settings).type
    info = ir.Model(name, {**settings.facts()}, device, request.words.labels)
    args, kwargs = building.inputs(settings)
    return _run(building.build(settings), args, kwargs, info)


def _huggingface(request: Request, say: Say) -> Trace:
    raise UsageError(f"{request.model}: models of transformers cannot be built yet")


def _own(request: Request, say: Say) -> Trace:
    """The user's model. Loading it runs their code."""
    from shapetrace.models.specs import parse_all

    specs = parse_all(request.inputs)

    from shapetrace.models import user_code, user_inputs

    device = str(request.shape.get("device", "auto"))
    model = user_code.load(request.model, "meta" if device == "auto" else device)
    args: Any
    if request.inputs_from:
        args, kwargs = user_inputs.from_function(request.inputs_from)
    elif specs:
        args, kwargs = user_inputs.from_specs(specs, user_inputs.device_of_model(model))
    else:
        guess = user_inputs.guess(model)
        args, kwargs = guess.args, {}
        say(guess.sentence)
    user_inputs.check(model, args, kwargs)
    return _run(model, args, kwargs, ir.Model(type(model).__name__, {}, user_inputs.device_of_model(model).type))


def _run(model: Any, args: Any, kwargs: Any, info: ir.Model) -> Trace:
    """Trace a model; if its pass fails, what ran before."""
    from shapetrace.capture import capture

    try:
        return Trace.of(capture(model, args, kwargs, model_info=info))
    except ShapetraceError:
        raise
    except Exception as error:
        partial = getattr(error, "trace", None)
        if isinstance(partial, ir.Trace) and partial.failure is not None:
            return Trace.of(partial)
        raise
