"""A model that a request asks for, run once: where it fits, with its inputs, up to its limits."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from shapetrace import ir
from shapetrace.api import Trace
from shapetrace.errors import ShapetraceError
from shapetrace.request import Request

if TYPE_CHECKING:
    from shapetrace.models.specs import InputSpec
    from shapetrace.models.user_inputs import Inputs
    from shapetrace.sharding.degrees import Degrees

Say = Callable[[str], None]
"""Takes a sentence for the user: what was guessed, what takes long."""

Given = Literal["nothing", "inputs", "all"]
"""Whose values somebody gave: nobody's, those of the inputs, or those of the inputs and of the weights."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a pass is given up.

    Attributes:
        most_ops: Operations after which it is; 0 if never.
        failed: Sees what the model raises, and may raise something else.
        strict: True if inputs are those of its signature alone.
    """

    most_ops: int = 0
    failed: Callable[[Exception], object] = str
    strict: bool = False


UNLIMITED = Limits()


def placed_run(request: Request, say: Say, build: Callable[[str], Any], trace_it: Callable[[Any], Trace]) -> Trace:
    """Run a model on meta, or on the CPU if its code needs values; say so."""
    from shapetrace.models.placing import placed

    trace, sentence = placed(str(request.shape.get("device", "auto")), build, trace_it)
    if sentence:
        say(sentence)
    return trace


def given_inputs(request: Request, specs: list["InputSpec"], model: Any) -> "Inputs | None":
    """The inputs that were given, by a function or by shapes; None if none were."""
    from shapetrace.models import user_inputs

    if request.inputs_from:
        return user_inputs.from_function(request.inputs_from)
    return user_inputs.from_specs(specs, user_inputs.device_of_model(model)) if specs else None


def checked_run(
    model: Any,
    inputs: "Inputs",
    info: ir.Model,
    limits: Limits = UNLIMITED,
    *,
    given: Given = "inputs",
) -> Trace:
    """Trace a model with inputs that fit its signature; see `run`.

    Raises:
        UsageError: If they do not.
    """
    from shapetrace.models import user_inputs

    args, kwargs = inputs
    user_inputs.check(model, args, kwargs, strict=limits.strict)
    return run(model, args, kwargs, info, limits, given=given)


def part_of(trace: Trace, ranks: "Degrees", n_parameters: int) -> Trace:
    """The trace of one stage, which says how many parameters the whole model has."""
    world = trace.world or ir.World(ranks.rank, ranks.size, ranks.mesh, (), ranks.place)
    return Trace.of(replace(trace, world=replace(world, parameters=n_parameters)))


def before(error: Exception) -> ir.Trace:
    """The trace of what ran before a pass failed; if there is none, the exception itself is raised."""
    partial = getattr(error, "trace", None)
    if isinstance(partial, ir.Trace) and partial.failure is not None:
        return partial
    raise error


def run(
    model: Any,
    args: Any,
    kwargs: Any,
    info: ir.Model,
    limits: Limits = UNLIMITED,
    *,
    given: Given = "inputs",
) -> Trace:
    """Trace a model; if its pass fails, what ran before.

    Args:
        model: Any module.
        args: Positional inputs.
        kwargs: Keyword inputs.
        info: What to keep of the model.
        limits: When the pass is given up.
        given: Whose values somebody gave: what others make is not kept. Without inputs nothing says which rows they
            pick, and without weights nothing how much these rows weigh.
    """
    from shapetrace.capture import capture
    from shapetrace.models.resizing import again

    try:
        recorded = capture(model, args, kwargs, model_info=info, most_ops=limits.most_ops)
    except ShapetraceError:
        raise
    except Exception as error:  # noqa: BLE001 - a model can raise anything
        limits.failed(error)
        recorded = before(error)
    recorded = recorded if given == "all" else replace(recorded, weighed=())
    found = Trace.of(_without_picks(recorded) if given == "nothing" else recorded)
    object.__setattr__(found, "_again", again(model, args, kwargs, info))  # for passes at other sizes
    return found


def _without_picks(trace: ir.Trace) -> ir.Trace:
    """A trace without the rows that data picks; those of positions are the model's own."""
    tensors = (
        msgspec.structs.replace(each, picks=()) if each.role == "data" and each.picks else each
        for each in trace.tensors
    )
    return replace(trace, tensors=tuple(tensors))
