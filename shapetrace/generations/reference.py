"""A prefill and decode steps of the reference model or a preset, with its cache."""

from dataclasses import replace
from typing import Any

from shapetrace import ir
from shapetrace.errors import UsageError
from shapetrace.generations.decoding import Generation
from shapetrace.models.settings import Settings
from shapetrace.request import Request, check, settings_of
from shapetrace.running import run


def generated(request: Request, n_steps: int, found: Generation | None = None) -> Generation:
    """A pass over the prompt and decode steps behind it; the head reads the last row, as a loop that writes needs it.

    Args:
        request: What is asked for; ``seq``, a text or ids say the length of the prompt.
        n_steps: Decode steps behind the prefill.
        found: Takes the passes, and says whether there is a cache; without it there is one.

    Raises:
        UsageError: If the request is wrong, or the model has no positions for so many tokens.
    """
    check(request)
    found = Generation() if found is None else found
    name, settings = settings_of(request)
    settings = replace(_fitting(name, settings, request, n_steps), last_row=True)

    import torch

    from shapetrace.capture.choosing import Choosing
    from shapetrace.models import building
    from shapetrace.models.caching import Cache

    model, cache = building.build(settings), Cache(settings)
    info = ir.Model(name, {**settings.facts()}, building.device_of(settings).type, request.prompt.labels)
    outputs: list[Any] = []
    model.register_forward_hook(lambda _module, _args, output: outputs.append(output))
    (*source, ids), _ = building.inputs(settings)  # a source of its own, where an encoder reads one
    for step in range(n_steps + 1):
        n_rows = (source[0] if source else ids).shape[-1]
        rows = replace(info, settings={**info.settings, "seq": n_rows}, tokens=() if step else info.tokens)
        read = [None] * len(source) if step and found.is_cached else source  # the encoder runs once
        found.add(
            run(
                model,
                (*read, ids, *([cache] if found.is_cached else [])),
                {},
                rows,
                given="inputs" if settings.tokens else "nothing",
            )
        )
        with Choosing() as choosing:
            choosing.follow(logits := outputs.pop())
            chosen = logits.argmax(-1, keepdim=True)  # (B, V) -> (B, 1)
            found.chose(choosing.led_to(chosen))
        ids = chosen if found.is_cached else torch.cat([ids.to(chosen.device), chosen], -1)  # (B, T) -> (B, T+1)
    return found


def _fitting(name: str, settings: Settings, request: Request, n_steps: int) -> Settings:
    """Settings with room for the steps: a prompt of no given length gets shorter, a free table longer."""
    if settings.pad is not None:
        raise UsageError("--pad and --generate: a cache keeps rows of tokens, not of padding; leave --pad out")
    if settings.encoder_layers and "target_seq" not in request.shape:
        settings = replace(settings, target_seq=1)  # one id begins what the decoder writes
    length = (settings.n_target_tokens if settings.encoder_layers else settings.n_tokens) + n_steps
    if settings.positions != "learned" or settings.context is None or length <= settings.context:
        return settings
    if not request.model:
        return replace(settings, context=length)
    if "seq" not in request.shape and not settings.tokens and settings.context > n_steps:
        return replace(settings, seq=settings.context - n_steps)
    raise UsageError(
        f"{name} has {settings.context:,} positions, and {settings.n_tokens:,} tokens with {n_steps:,} steps need "
        f"{length:,}: give a shorter prompt or fewer steps"
    )
