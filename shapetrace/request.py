"""What a user asks to trace, understood and checked before torch is imported."""

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from shapetrace.errors import UsageError
from shapetrace.models import presets
from shapetrace.models.settings import Attention, Settings
from shapetrace.prompts import Prompt, read_prompt
from shapetrace.sharding.degrees import Degrees

Kind = Literal["reference", "preset", "huggingface", "code", "file"]

_INPUT_SETTINGS = frozenset({"seq", "target_seq", "batch", "tokens", "pad", "last_row", "device", "dtype", "context"})


OF_ONE = frozenset({"inputs", "inputs_from", "hf_class", "hf_set"})
"""Parts of a request that say something about one kind of model: of several, they are for those of that kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A model and its input, as a user names them.

    Attributes:
        model: The MODEL argument: empty for the reference model, a preset, ``hf:...``,
            ``package.module:attr``, ``file.py:attr``, or a trace file.
        shape: Settings that were given, by their name in ``Settings``.
        text: Words of the input.
        tokens: Ids of the input, with commas.
        tokenizer: A tokenizer.json that makes ids of the text.
        inputs: Shapes for the user's own model: ``name=1x1024:int64``.
        inputs_from: ``package.module:function`` that returns the inputs.
        hf_class: Class of transformers to build.
        hf_set: Entries of its configuration to change: ``key=value``.
        ranks: How it is spread over ranks, and which one runs; None for one machine.
    """

    model: str = ""
    shape: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    tokens: str = ""
    tokenizer: Path | None = None
    inputs: tuple[str, ...] = ()
    inputs_from: str = ""
    hf_class: str = ""
    hf_set: tuple[str, ...] = ()
    ranks: Degrees | None = None

    @property
    def kind(self) -> Kind:
        """What the MODEL argument names."""
        if not self.model:
            return "reference"
        if self.model.startswith("hf:"):
            return "huggingface"
        if self.model.lower().endswith((".json", ".json.gz")):
            return "file"
        return "code" if ":" in self.model else "preset"

    @property
    def prompt(self) -> Prompt:
        """Labels and ids of the input."""
        return read_prompt(self.text, self.tokens, self.tokenizer)


def check(request: Request) -> None:
    """Do the parts of a request belong together?

    Raises:
        UsageError: If an option has no meaning for this kind of model.
    """
    if request.kind == "preset" and request.model.endswith(".py"):
        raise UsageError(_unnamed(request.model))
    for name in meaningless(request):
        option = _SPELLED.get(name, f"--{name.replace('_', '-')}")
        raise UsageError(f"{option} has no meaning for {_named(request)}: leave it out")
    _check_inputs(request)
    _check_ranks(request)


def _unnamed(file: str) -> str:
    """What to say of a file of code of which no model is named: its classes, read without running it."""
    if not Path(file).is_file():
        return f"There is no file {file}."
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        tree = ast.Module([], [])
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    named = " or ".join(f"{file}:{name}" for name in classes[:3])
    return f"{file} is a file of code: name the model in it, {named or f'{file}:NAME'}"


def _check_ranks(request: Request) -> None:
    """Can the ranks be there, and does somebody say what each has?"""
    if request.ranks is None:
        return
    ranks = request.ranks.check()
    given = [name for name in ("tp", "ep", "pp", "fsdp") if getattr(ranks, name) > 1] + ["sp"] * ranks.sp
    if request.kind == "code" and given:
        raise UsageError(
            f"--{given[0]} has no meaning for your own model: it shards itself (parallelize_module), and --world gives "
            "it a simulated group."
        )


def meaningless(request: Request) -> list[str]:
    """Parts of a request that were given and say nothing about its kind of model."""
    only_for: dict[str, tuple[Kind, ...]] = {"device": ("reference", "preset", "huggingface", "code")}
    only_for |= dict.fromkeys(("dtype", "seq", "batch"), ("reference", "preset", "huggingface"))
    given = [*request.shape, *(name for name in _OPTIONS if getattr(request, name))]
    return [
        name for name in given
        if request.kind not in (_OPTIONS.get(name) or only_for.get(name, ("reference", "preset")))
    ]  # fmt: skip


def for_each(request: Request, names: Sequence[str], *, of_one: Collection[str] | None = None) -> list[Request]:
    """The requests for several models. What only some kinds of models take is for those; a trace file takes nothing.

    Args:
        request: What is asked of all.
        names: The MODEL argument of each.
        of_one: Parts of a request that may be for some alone; None for all.
    """
    chosen = [replace(request, model=name) for name in names]
    common = set.intersection(*(set(meaningless(each)) for each in chosen))
    found = []
    for each in chosen:
        apart = {name for name in meaningless(each) if name not in common and (of_one is None or name in of_one)}
        shape = {name: value for name, value in each.shape.items() if name not in apart}
        others = {name: type(getattr(each, name))() for name in apart - each.shape.keys()}
        found.append(replace(each, shape=shape, **others) if each.kind != "file" else Request(model=each.model))
    return found


def compared(request: Request, names: Sequence[str]) -> list[Request]:
    """The requests for two or three models side by side; none for the variants of attention.

    Raises:
        UsageError: If there is one alone.
    """
    if len(names) == 1:
        raise UsageError(f"got one model, {names[0]}: expected two or three, or none for MHA, GQA and MLA")
    return for_each(request, names) if names else []


def _check_inputs(request: Request) -> None:
    """Is the shape of the input said once?"""
    ways = ["--input"] * bool(request.inputs) + ["--inputs"] * bool(request.inputs_from)
    ways += [f"--{name}" for name in ("seq", "batch") if ways and name in request.shape]
    if len(ways) > 1:
        raise UsageError(f"{' and '.join(ways)} both say what the input is: give one of them.")


_OPTIONS: dict[str, tuple[Kind, ...]] = {
    "text": ("reference", "preset"),
    "tokens": ("reference", "preset"),
    "tokenizer": ("reference", "preset"),
    "inputs": ("huggingface", "code"),
    "inputs_from": ("huggingface", "code"),
    "hf_class": ("huggingface",),
    "hf_set": ("huggingface",),
    "ranks": ("reference", "preset", "huggingface", "code"),
}
"""Parts of a request, and the kinds of models that they are for."""


_SPELLED = {
    "ranks": "--world and what shares a model among ranks",
    "inputs": "--input",
    "inputs_from": "--inputs",
    "hf_set": "--set",
}
"""Options that are not called as their part of the request."""


def _named(request: Request) -> str:
    names = {"file": "a trace file", "code": "your own model", "huggingface": "hf: models"}
    return f"{request.model} ({names[request.kind]})" if request.kind in names else "this model"


def settings_of(request: Request) -> tuple[str, Settings]:
    """The name and the checked settings of a reference model or preset.

    Raises:
        UsageError: If there is no such preset, or the settings do not fit together.
    """
    preset = presets.preset(request.model) if request.model else None
    settings = shaped(preset.settings if preset else Settings(), request)
    if preset is None and settings.positions == "learned":
        settings = replace(settings, context=max(settings.context or 0, settings.length))
    settings = settings.validate()
    return (preset.title if preset and _unchanged(settings, preset.settings) else _name(settings)), settings


def shaped(settings: Settings, request: Request) -> Settings:
    """Settings with what was given; a given text or ids also say the length, and that the last row is read."""
    prompt, shape = request.prompt, dict(request.shape)
    if prompt.labels:
        if "seq" in shape:
            raise UsageError(
                f"--seq and a text of {len(prompt.labels)} tokens: give one of them; --pad makes it longer"
            )
        shape = {"seq": len(prompt.labels), "tokens": prompt.ids, "last_row": not settings.encoder_layers} | shape
    attention = replace(settings.attention, **_among(Attention, shape))
    return replace(settings, attention=attention, **_among(Settings, shape))


def _among(settings: type[Settings] | type[Attention], shape: dict[str, Any]) -> dict[str, Any]:
    return {entry.name: shape[entry.name] for entry in fields(settings) if entry.name in shape}


def _name(settings: Settings) -> str:
    """The name of the published model that settings describe, or what they are."""
    for name in presets.names():
        published = presets.preset(name)
        if _unchanged(settings, published.settings):
            return published.title
    return "Reference Transformer"


def _unchanged(settings: Settings, published: Settings) -> bool:
    """True if two settings make the same model, whatever its input."""
    same = {name: getattr(published, name) for name in _INPUT_SETTINGS}
    return replace(settings, **same) == published
