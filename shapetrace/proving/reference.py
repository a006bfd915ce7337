"""Variations of the reference Transformer and of presets: the settings, and the tokens that go in."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from shapetrace import ir
from shapetrace.api import Trace
from shapetrace.models.settings import Settings
from shapetrace.proving.offering import Offer
from shapetrace.request import Request, settings_of
from shapetrace.sharding.degrees import Degrees
from shapetrace.sizing.symbols import symbols_of
from shapetrace.sizing.variables import Variable

_INPUT = {"seq", "batch", "target_seq", "pad"}
_NOT_SIZES = {"layers", "encoder_layers", "full_every", "first_dense", "context"}
"""Numbers of layers, and what says which layers; the table of positions is added where there is one."""

Part = TypeVar("Part")


def offer(request: Request, _: Trace) -> Offer:
    """What can be varied of the settings of a request."""
    settings = settings_of(request)[1]
    settings = _explicit(settings)
    variables = [*_inputs(settings), *_entries(settings)]

    def attempt(values: Mapping[str, int], *, shallow: bool) -> ir.Trace:
        return run(_with(settings, values), shallow=shallow, ranks=request.ranks)

    return Offer(variables, attempt)


def _explicit(settings: Settings) -> Settings:
    """The same model with its width of the MLP and the length of its input as numbers."""
    target = settings.n_target_tokens if settings.encoder_layers else None
    kv_heads = None if settings.kv_heads == settings.heads else settings.kv_heads  # as many: one size, not two
    return replace(
        settings, kv_heads=kv_heads, d_ff=settings.ff_size, seq=settings.n_tokens, tokens=(), target_seq=target
    )


def _inputs(settings: Settings) -> Iterator[Variable]:
    yield Variable("batch", "B", settings.batch, "input")
    yield Variable("seq", "S" if settings.encoder_layers else "T", settings.seq, "input")
    if settings.target_seq is not None:
        yield Variable("target_seq", "T", settings.target_seq, "input")
    if settings.pad is not None:
        yield Variable("pad", "T_pad", settings.pad, "input")


def _entries(settings: Settings) -> list[Variable]:
    found = {
        path: value for path, value in _numbers(settings, "") if path.rpartition(".")[2] not in _INPUT | _NOT_SIZES
    }
    if settings.positions == "learned" and settings.context:
        found["context"] = settings.context
    if settings.attention.latent is not None:
        found.pop("d_head", None)
    names = symbols_of(list(found), {"B", "S", "T"})
    return [Variable(path, names[path], value, "entry") for path, value in found.items()]


def _numbers(part: object, prefix: str) -> Iterator[tuple[str, int]]:
    for entry in fields(part):  # type: ignore[arg-type]  # settings and what is nested in them
        value = getattr(part, entry.name)
        if is_dataclass(value):
            yield from _numbers(value, f"{prefix}{entry.name}.")
        elif isinstance(value, int) and not isinstance(value, bool) and value > 0:
            yield f"{prefix}{entry.name}", value


def _with(part: Part, values: Mapping[str, int]) -> Part:
    """Settings with some numbers changed, nested ones by their paths."""
    own: dict[str, Any] = {path: value for path, value in values.items() if "." not in path}
    for first in dict.fromkeys(path.partition(".")[0] for path in values if "." in path):
        inner = {path.partition(".")[2]: value for path, value in values.items() if path.startswith(f"{first}.")}
        own[first] = _with(getattr(part, first), inner)
    return replace(part, **own)  # type: ignore[type-var]


def run(settings: Settings, *, shallow: bool, ranks: Degrees | None = None) -> ir.Trace:
    """The pass of settings on meta; ``shallow`` with as many layers as show all that there is.

    Of a rank, that rank's.
    """
    from shapetrace.capture import capture
    from shapetrace.models import building

    settings = replace(settings, device="meta")
    if shallow:
        first_dense = settings.experts.first_dense if settings.experts else 0
        few = max(2, first_dense + 1, settings.attention.full_every)
        settings = replace(settings, layers=min(settings.layers, few), encoder_layers=min(settings.encoder_layers, 2))
    settings.validate()
    args, kwargs = building.inputs(settings)
    model = building.build(settings)
    if ranks is None:
        return capture(model, args, kwargs)
    from shapetrace.sharding import megatron
    from shapetrace.sharding.grouping import simulated

    with simulated(ranks):
        return capture(megatron.shard(model, settings, ranks), args, kwargs)
