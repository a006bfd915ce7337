"""From a request to a trace: read the file, or build the model and run it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapetrace import ir
from shapetrace.api import Trace
from shapetrace.errors import UsageError
from shapetrace.loading import load, load_pass
from shapetrace.prompts import Prompt
from shapetrace.request import Request, check, settings_of, shaped
from shapetrace.running import Given, Say, checked_run, given_inputs, part_of, placed_run, run

if TYPE_CHECKING:
    from shapetrace.generations.decoding import Generation
    from shapetrace.models.settings import Settings
    from shapetrace.sharding.degrees import Degrees


def obtain(request: Request, say: Say, *, completes: bool = True) -> Trace:
    """The trace that a request asks for. A pass that failed gives what ran before; see ``Trace.failure``.

    Args:
        request: What is asked for.
        say: Takes a sentence for what was filled in.
        completes: Whether entries are looked for that a configuration of transformers may lack, where a pass fails.

    Raises:
        ShapetraceError: If the request is wrong or cannot be carried out.
        Exception: What the user's code raises while its model is built.
    """
    check(request)
    if request.kind == "file":
        return load_pass(Path(request.model))
    if request.ranks is not None:
        from shapetrace.sharding.grouping import simulated

        with simulated(request.ranks):
            return _built_and_run(request, say, completes=completes)
    return _built_and_run(request, say, completes=completes)


def several(request: Request, say: Say, n_steps: int, *, cached: bool = True) -> "Generation | None":
    """The passes that are asked for: so many decode steps, or those of a file; None where one pass is.

    Raises:
        UsageError: If both are asked for, or the request is wrong.
        ShapetraceError: If it cannot be carried out.
    """
    found = _saved(request)
    if found is not None and not cached:
        raise UsageError(f"{request.model} holds passes that ran: leave --no-cache out")
    if found is not None and n_steps:
        raise UsageError(f"{request.model} holds {len(found.passes)} passes: leave --generate out")
    if not cached and not n_steps:
        raise UsageError("--no-cache is of several passes: add --generate N")
    if not n_steps:
        return found
    from shapetrace.generations.running import generated

    return generated(request, say, n_steps, cached=cached)


def _saved(request: Request) -> "Generation | None":
    """The generation that a file holds; None for a file of one pass, and for what is no file."""
    if request.kind != "file":
        return None
    from shapetrace.generations.files import is_generation

    if not is_generation(path := Path(request.model)):
        return None
    check(request)
    found = load(path)
    return None if isinstance(found, Trace) else found


def _built_and_run(request: Request, say: Say, *, completes: bool) -> Trace:
    if request.kind in {"reference", "preset"}:
        return _reference(request)
    if request.kind == "huggingface":
        from shapetrace import hf_obtaining

        return hf_obtaining.obtain(request, say, completes=completes)
    return _own(request, say)


def variants(request: Request | None = None) -> list[Trace]:
    """The reference Transformer with multi-head, grouped-query and multi-head latent attention, at one size."""
    from shapetrace.models.variants import ATTENTIONS

    asked = request or Request()
    check(asked)
    return [_built(name, shaped(settings, asked).validate(), asked.prompt) for name, settings in ATTENTIONS.items()]


def _reference(request: Request) -> Trace:
    name, settings = settings_of(request)  # checked before torch is imported, which takes seconds
    return _built(name, settings, request.prompt, request.ranks)


def _built(name: str, settings: "Settings", prompt: Prompt, ranks: "Degrees | None" = None) -> Trace:
    from shapetrace.models import building

    device = building.device_of(settings).type
    cut = {"text": "cut in characters"} if prompt.cut else {}
    info = ir.Model(name, {**settings.facts(), **cut}, device, prompt.labels)
    args, kwargs = building.inputs(settings)
    model = building.build(settings)
    given: Given = "inputs" if settings.tokens else "nothing"
    if ranks is None:
        return run(model, args, kwargs, info, given=given)
    if ranks.fsdp > 1:
        from shapetrace.sharding import fully_sharded

        args, kwargs = building.inputs(replace(settings, device="cpu"))
        return run(fully_sharded.shard_decoder(model, ranks), args, kwargs, info, given=given)
    from shapetrace.models.placing import n_parameters
    from shapetrace.sharding import megatron

    whole = n_parameters(model)
    trace = run(megatron.shard(model, settings, ranks), args, kwargs, info, given=given)
    return part_of(trace, ranks, whole) if ranks.pp > 1 else trace


def _own(request: Request, say: Say) -> Trace:
    """The user's model. Loading it runs their code."""
    from shapetrace.models.specs import parse_all

    specs = parse_all(request.inputs)

    from shapetrace.models import toys, user_code, user_inputs

    kind, _, name = request.model.partition(":")
    is_toy = kind == "toy"
    if is_toy and name in toys.COMPUTED:
        request = replace(request, shape={**request.shape, "device": "cpu"})
    said: list[str] = []

    def build(device: str) -> Any:
        return toys.build(name, device) if is_toy else user_code.load(request.model, device)

    def traced(model: Any) -> Trace:
        inputs = given_inputs(request, specs, model)
        if inputs is None:
            guess = user_inputs.guess(model)
            inputs = guess.args, {}
            if not is_toy and guess.sentence not in said:
                say(guess.sentence)
                said.append(guess.sentence)
        called = request.model if is_toy else type(model).__name__
        info = ir.Model(called, {}, user_inputs.device_of_model(model).type)
        given: Given = "nothing" if not request.inputs_from else "inputs" if is_toy else "all"
        return checked_run(model, inputs, info, given=given)

    return placed_run(request, say, build, traced)
