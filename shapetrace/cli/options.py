"""The options that name a model and its input, the same for every command that traces one."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from shapetrace.errors import UsageError
from shapetrace.models.settings import Activation, Norm, Positions
from shapetrace.request import Request
from shapetrace.sharding.degrees import Degrees

_SHAPE = "The reference model and presets"
_INPUT = "The input"
_OTHER = "Your own model and Hugging Face"
_RANKS = "One rank of many, simulated"


_DEGREES = frozenset(entry.name for entry in fields(Degrees))


Lang = Annotated[str, typer.Option("--lang", help="Language of what people read: en, zh.")]
GridFormat = Annotated[str, typer.Option("--format", "-f", help="{grid}.")]
GridFile = Annotated[
    Path | None, typer.Option("--out", "-o", help="Write it to this file: {grid_files}.", show_default=False)
]


def _option(group: str, text: str, *names: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=group, show_default=False)


@dataclass(frozen=True, slots=True)
class InputOptions:
    """Command-line parameters that make a `Request` but for its model; None and empty are: not given."""

    d_model: Annotated[int | None, _option(_SHAPE, "Width of the residual stream (768).", "--d-model")] = None
    heads: Annotated[int | None, _option(_SHAPE, "Query heads (12).", "--heads")] = None
    kv_heads: Annotated[int | None, _option(_SHAPE, "Key and value heads (as many as heads).", "--kv-heads")] = None
    d_head: Annotated[int | None, _option(_SHAPE, "Width of one head (d_model / heads).", "--d-head")] = None
    layers: Annotated[int | None, _option(_SHAPE, "Blocks (12).", "--layers")] = None
    d_ff: Annotated[int | None, _option(_SHAPE, "Width of the MLP (4 × d_model).", "--d-ff")] = None
    vocab: Annotated[int | None, _option(_SHAPE, "Rows of the token table (50257).", "--vocab")] = None
    window: Annotated[int | None, _option(_SHAPE, "Positions that a token looks back on (all).", "--window")] = None
    full_every: Annotated[
        int | None, _option(_SHAPE, "With a window: each n-th layer looks at all.", "--full-every")
    ] = None
    positions: Annotated[Positions | None, _option(_SHAPE, "Where position comes from.", "--positions")] = None
    norm: Annotated[Norm | None, _option(_SHAPE, "Kind of normalisation.", "--norm")] = None
    activation: Annotated[Activation | None, _option(_SHAPE, "Non-linearity of the MLP.", "--activation")] = None
    tie: Annotated[bool | None, _option(_SHAPE, "The head reuses the token table.", "--tie/--no-tie")] = None
    bias: Annotated[bool | None, _option(_SHAPE, "Linear layers have biases.", "--bias/--no-bias")] = None
    dtype: Annotated[str | None, _option(_SHAPE, "Of the weights (float32).", "--dtype")] = None
    device: Annotated[str | None, _option(_SHAPE, "auto, meta, cpu or cuda; auto is meta: no memory.", "--device")] = (
        None
    )
    seq: Annotated[
        int | None, _option(_INPUT, "Tokens (1024); of a prompt beside --generate.", "--seq", "--prompt-len")
    ] = None
    target_seq: Annotated[
        int | None, _option(_INPUT, "Tokens of the decoder beside an encoder (as many).", "--target-seq")
    ] = None
    batch: Annotated[int | None, _option(_INPUT, "Sequences (1).", "--batch")] = None
    text: Annotated[str | None, _option(_INPUT, "Words to write beside the rows; one word is one token.", "--text")] = (
        None
    )
    tokens: Annotated[str, _option(_INPUT, "Token ids: 2238,295,3361,318.", "--tokens")] = ""
    tokenizer: Annotated[
        Path | None, _option(_INPUT, "A tokenizer.json that makes the ids of the text.", "--tokenizer")
    ] = None
    pad: Annotated[int | None, _option(_INPUT, "Pad the embedded tokens to this length.", "--pad")] = None
    last_row: Annotated[
        bool | None, _option(_INPUT, "The head reads the last row alone (with a text).", "--last-row/--all-rows")
    ] = None
    inputs: Annotated[
        list[str] | None, _option(_OTHER, "An input of your model: name=1x1024:int64 (repeat).", "--input")
    ] = None
    inputs_from: Annotated[str, _option(_OTHER, "package.module:function that returns the inputs.", "--inputs")] = ""
    hf_class: Annotated[str, _option(_OTHER, "Class of transformers to build.", "--hf-class")] = ""
    hf_set: Annotated[list[str] | None, _option(_OTHER, "Change the configuration: key=value (repeat).", "--set")] = (
        None
    )

    tp: Annotated[int | None, _option(_RANKS, "Ranks that share each matrix.", "--tp")] = None
    ep: Annotated[int | None, _option(_RANKS, "Ranks that share the experts (hf:).", "--ep")] = None
    dp: Annotated[int | None, _option(_RANKS, "Replicas, each with its own batch.", "--dp")] = None
    pp: Annotated[int | None, _option(_RANKS, "Stages of layers.", "--pp")] = None
    fsdp: Annotated[int | None, _option(_RANKS, "Ranks that keep parts of all weights.", "--fsdp")] = None
    sp: Annotated[bool | None, _option(_RANKS, "Share rows between matrices too.", "--sp")] = None
    world: Annotated[int | None, _option(_RANKS, "Ranks in all (as many as the others make).", "--world")] = None
    rank: Annotated[int | None, _option(_RANKS, "The rank that is traced (0).", "--rank")] = None

    def request(self) -> Request:
        """What these options ask for."""
        given = {name: value for name in _DEGREES if (value := getattr(self, name)) is not None}
        apart = {*_DEGREES, *(entry.name for entry in fields(Request))}
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return Request(
            shape={name: value for name, value in values.items() if name not in apart and value is not None},
            text="" if self.text is None else self.text or " ",  # an empty text was meant to be one
            tokens=self.tokens,
            tokenizer=self.tokenizer,
            inputs=tuple(self.inputs or ()),
            inputs_from=self.inputs_from,
            hf_class=self.hf_class,
            hf_set=tuple(self.hf_set or ()),
            ranks=Degrees(**given) if given else None,
        )


@dataclass(frozen=True, slots=True)
class ModelOptions(InputOptions):
    """Those of a command that takes one model."""

    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", show_default=False,
            help="Nothing (the reference model), a preset (gpt2, llama-3.1-8b), hf:MODEL_TYPE or "
            "hf:path/to/config.json, package.module:attr or file.py:attr, a trace.json, or a toy: "
            "toy:matmul, toy:single-head, toy:cross-words, toy:six-words, toy:mha, toy:gqa, toy:mqa, toy:mla, toy:nsa.",
        ),
    ] = ""  # fmt: skip

    def request(self) -> Request:
        """What these options ask for."""
        return replace(InputOptions.request(self), model=self.model)


def numbers_in(text: str, option: str, *, least: int, most: int) -> tuple[int, ...]:
    """One number, or several with commas; each once.

    Args:
        text: What was given.
        option: Where it was given: ``--tp``.
        least: The least that a number may be.
        most: How many there may be.

    Raises:
        UsageError: If it is anything else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) >= least for part in parts) or len(parts) > most:
        raise UsageError(f"{option} {text}: give one number from {least}, or up to {most} with commas: 1,8")
    return tuple(dict.fromkeys(map(int, parts)))


def takes(options: type, convert: Callable[[Any], Any], *, place: int) -> Callable[[Callable[..., Any]], Any]:
    """Give a command the parameters of a dataclass of options; it gets what they make as one positional argument.

    Args:
        options: The dataclass, a field an option.
        convert: Makes the argument from an instance of it.
        place: Which positional argument of the command that is, counted from 0.
    """
    hints = get_type_hints(options, include_extras=True)
    shared = [
        inspect.Parameter(
            entry.name, inspect.Parameter.KEYWORD_ONLY, default=entry.default, annotation=hints[entry.name]
        )
        for entry in fields(options)
    ]
    names = {parameter.name for parameter in shared}

    def decorate(command: Callable[..., Any]) -> Any:
        before = list(inspect.signature(command).parameters.values())
        own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in before[place + 1 :]]

        @wraps(command)
        def wrapped(*args: Any, **given: Any) -> Any:
            made = convert(options(**{name: value for name, value in given.items() if name in names}))
            return command(*args, made, **{name: value for name, value in given.items() if name not in names})

        parameters = [*before[:place], *shared, *own]
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return wrapped

    return decorate


takes_model = takes(ModelOptions, ModelOptions.request, place=0)
"""Give a command the parameters of `ModelOptions` before its own; it gets them as its first argument, a Request."""

takes_input = takes(InputOptions, InputOptions.request, place=1)
"""Those of `InputOptions`, for a command that takes several models; it gets a Request without one, as its second."""
