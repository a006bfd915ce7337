"""A model's settings in a line for people."""

from shapetrace.drawing.metrics import clean
from shapetrace.drawing.wording import Words
from shapetrace.ir import Model, Plain
from shapetrace.outlining.structure import Outline

_COUNTED = {
    "layers": "{n} layers",
    "encoder_layers": "{n} encoder layers",
    "heads": "{n} heads",
    "kv_heads": "{n} kv heads",
    "experts": "{n} experts",
    "experts_per_token": "{n} experts a token",
    "seq": "{n} tokens",
}
"""Settings that are said as a number of things, and how."""
_UNSAID = frozenset({"positions", "norm", "activation"})
"""Settings that the steps show by themselves."""


def facts_of(model: Model, words: Words) -> list[str]:
    """A model's settings for people: ``12 layers``, ``d_model 768``, ``1,024 tokens``. The usual is left out."""
    given = dict(model.settings)
    usual: dict[str, Plain] = {"batch": 1, "kv_heads": given.get("heads"), "d_head": _head_size(given)}
    said = []
    for key, value in given.items():
        if key in _UNSAID or value is None or value == usual.get(key):
            continue
        each = given.get("experts_per_token")
        if key == "experts_per_token" and "experts" in given:
            continue  # said with the experts
        if key == "experts" and isinstance(value, int) and isinstance(each, int):
            said.append(words.say("{n} experts, {k} a token", n=value, k=each))
        elif key == "part":
            said.append(clean(str(value)))
        elif key in _COUNTED and isinstance(value, int):
            said.append(words.several(_COUNTED[key], value))
        else:
            said.append(f"{words.say(clean(key))} {words.say(clean(str(value)))}")
    return said


def ran_on(outline: Outline, words: Words) -> list[str]:
    """How a pass ran: the type of its weights and where they were, and how many sequences it read."""
    held = () if outline.trace is None else outline.trace.parameters
    types, device = dict.fromkeys(each.dtype for each in held if not each.buffer), outline.model.device
    batch = outline.model.settings.get("batch")
    return [
        *types,
        *([words.say("on meta, no arithmetic")] if device == "meta" else [clean(device)] if device else []),
        *([f"{words.say('batch')} {batch}"] if isinstance(batch, int) else []),
    ]


def recorded_by(outline: Outline, words: Words) -> str:
    """That a pass really ran, and which PyTorch ran it, without the name of its build."""
    torch = "" if outline.trace is None else outline.trace.versions.get("torch", "").partition("+")[0]
    said = words.say("every shape recorded from a real forward pass")
    return f"{said} · PyTorch {clean(torch)}" if torch else said


def _head_size(settings: dict[str, Plain]) -> int | None:
    """The width of a head that d_model and heads give."""
    d_model, heads = settings.get("d_model"), settings.get("heads")
    return d_model // heads if isinstance(d_model, int) and isinstance(heads, int) and heads else None
