"""From a request to a trace: read the file, or build the model and run it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapetrace import ir
from shapetrace.api import Trace, load
from shapetrace.errors import ShapetraceError, TooManyOpsError
from shapetrace.request import Request, check, settings_of

if TYPE_CHECKING:
    from shapetrace.models.settings import Settings
    from shapetrace.models.specs import InputSpec
    from shapetrace.models.user_inputs import Inputs

_LONGEST_SEQ = 1024
"""Tokens of a model of transformers, unless its context is shorter or ``--seq`` says otherwise."""

_MOST_OPS = 60_000
_SHORT_SEQ = 64
"""Where nobody says how many tokens: a pass that takes its tokens one by one (more operations than this) gets few."""

_FACTS = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "d_model": ("hidden_size", "n_embd", "d_model", "dim"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "kv_heads": ("num_key_value_heads",),
    "d_ff": ("intermediate_size", "n_inner", "ffn_dim", "d_ff"),
    "vocab": ("vocab_size",),
    "context": ("max_position_embeddings", "n_positions", "max_seq_len"),
}
"""What people print beside a model, by what configurations call it."""

Say = Callable[[str], None]
"""Takes a sentence for the user: what was guessed, what takes long."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a pass is given up.

    Attributes:
        most_ops: Operations after which it is; 0 if never.
        failed: Sees what the model raises, and may raise something else.
    """

    most_ops: int = 0
    failed: Callable[[Exception], object] = str


UNLIMITED = Limits()


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


def variants() -> list[Trace]:
    """The reference Transformer with multi-head, grouped-query and multi-head latent attention, at one size."""
    from shapetrace.models.variants import ATTENTIONS

    return [_built(name, settings.validate()) for name, settings in ATTENTIONS.items()]


def _reference(request: Request) -> Trace:
    name, settings = settings_of(request)  # checked before torch is imported, which takes seconds
    return _built(name, settings, request.words.labels)


def _built(name: str, settings: "Settings", labels: tuple[str, ...] = ()) -> Trace:
    from shapetrace.models import building

    device = building.device_of(settings).type
    info = ir.Model(name, {**settings.facts()}, device, labels)
    args, kwargs = building.inputs(settings)
    return _run(building.build(settings), args, kwargs, info)


def _huggingface(request: Request, say: Say) -> Trace:
    from shapetrace.models import hf_completing, hf_inputs, huggingface
    from shapetrace.models.hf_facts import longest, number
    from shapetrace.models.specs import parse_all
    from shapetrace.models.user_inputs import device_of_model

    shape, specs = request.shape, parse_all(request.inputs)
    config = huggingface.config(request.model.removeprefix("hf:"), huggingface.parse_entries(request.hf_set))
    facts = {name: found for name, names in _FACTS.items() if (found := number(config, *names, default=0))}
    seq = int(shape.get("seq") or longest(config, at_most=_LONGEST_SEQ))
    facts.pop("context", None)

    def build(device: str) -> Any:
        dtype, hf_class = shape.get("dtype"), request.hf_class or None
        return huggingface.build(config, device=device, dtype=dtype, hf_class=hf_class, say=say)

    def over(model: Any, inputs: "Inputs", most_ops: int = 0) -> Trace:
        info = ir.Model(f"{type(model).__name__} ({request.model})", {**facts}, device_of_model(model).type)
        return _checked_run(model, inputs, info, Limits(most_ops, lambda error: hf_completing.complete(error, config)))

    def run(model: Any) -> Trace:
        given = _given_inputs(request, specs, model)
        if given is not None:
            return over(model, given)
        batch = int(shape.get("batch", 1))
        try:
            return over(model, ((), hf_inputs.inputs(model, batch=batch, seq=seq)), 0 if "seq" in shape else _MOST_OPS)
        except TooManyOpsError as error:
            say(f"With {seq:,} tokens {error}: traced with {_SHORT_SEQ}; --seq says otherwise.")
            return over(model, ((), hf_inputs.inputs(model, batch=batch, seq=_SHORT_SEQ)))

    for _ in range(hf_completing.MOST):
        try:
            return _placed(request, say, build, run)
        except hf_completing.IncompleteError as error:
            say(str(error))
    return _placed(request, say, build, run)


def _own(request: Request, say: Say) -> Trace:
    """The user's model. Loading it runs their code."""
    from shapetrace.models.specs import parse_all

    specs = parse_all(request.inputs)

    from shapetrace.models import user_code, user_inputs

    def run(model: Any) -> Trace:
        inputs = _given_inputs(request, specs, model)
        if inputs is None:
            guess = user_inputs.guess(model)
            inputs = guess.args, {}
            say(guess.sentence)
        return _checked_run(model, inputs, ir.Model(type(model).__name__, {}, user_inputs.device_of_model(model).type))

    return _placed(request, say, lambda device: user_code.load(request.model, device), run)


def _placed(request: Request, say: Say, build: Callable[[str], Any], run: Callable[[Any], Trace]) -> Trace:
    """Run a model on meta, or on the CPU if its code needs values; say so."""
    from shapetrace.models.placing import placed

    trace, sentence = placed(str(request.shape.get("device", "auto")), build, run)
    if sentence:
        say(sentence)
    return trace


def _given_inputs(request: Request, specs: list["InputSpec"], model: Any) -> "Inputs | None":
    """The inputs that were given, by a function or by shapes; None if none were."""
    from shapetrace.models import user_inputs

    if request.inputs_from:
        return user_inputs.from_function(request.inputs_from)
    return user_inputs.from_specs(specs, user_inputs.device_of_model(model)) if specs else None


def _checked_run(model: Any, inputs: "Inputs", info: ir.Model, limits: Limits = UNLIMITED) -> Trace:
    from shapetrace.models import user_inputs

    args, kwargs = inputs
    user_inputs.check(model, args, kwargs)
    return _run(model, args, kwargs, info, limits)


def _run(model: Any, args: Any, kwargs: Any, info: ir.Model, limits: Limits = UNLIMITED) -> Trace:
    """Trace a model; if its pass fails, what ran before."""
    from shapetrace.capture import capture

    try:
        return Trace.of(capture(model, args, kwargs, model_info=info, most_ops=limits.most_ops))
    except ShapetraceError:
        raise
    except Exception as error:
        limits.failed(error)
        partial = getattr(error, "trace", None)
        if isinstance(partial, ir.Trace) and partial.failure is not None:
            return Trace.of(partial)
        raise
