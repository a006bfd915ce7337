"""Do settings fit together? One clear line if they do not."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, get_args

from shapetrace.errors import UsageError
from shapetrace.models.settings import Activation, Norm, Positions, Projections, Score, Settings

DTYPES = ("float32", "float64", "float16", "bfloat16")
DEVICES = ("auto", "meta", "cpu", "cuda")


def check(settings: Settings) -> None:
    """Check settings.

    Raises:
        UsageError: At the first thing that does not fit.
    """
    for finding in (_sizes, _choices, _heads, _positions, _tokens, _latent, _experts, _encoder):
        for message in finding(settings):
            raise UsageError(message)


def _divisors_near(number: int, near: int) -> str:
    """The four divisors of a number that lie nearest to another: (768, 10) -> ``6, 8, 12, 16``."""
    divisors = [d for d in range(1, number + 1) if number % d == 0]
    return _listed(sorted(sorted(divisors, key=lambda d: (abs(d - near), d))[:4]))


def _listed(choices: Any) -> str:
    return ", ".join(str(choice) for choice in choices)


def _sizes(s: Settings) -> Iterator[str]:
    may_be_zero = {"encoder_layers", "full_every", "shared", "first_dense"}
    parts: list[Any] = [part for part in (s, s.attention, s.attention.latent, s.experts) if part is not None]
    for part in parts:
        for entry in fields(part):
            value = getattr(part, entry.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            least = 0 if entry.name in may_be_zero else 1
            if value < least if isinstance(value, int) else value <= 0:
                yield f"{entry.name} is {value}: give a number of at least {least}."


def _choices(s: Settings) -> Iterator[str]:
    rows: list[tuple[str, str, Any]] = [
        ("positions", s.positions, get_args(Positions)),
        ("norm", s.norm, get_args(Norm)),
        ("activation", s.activation, get_args(Activation)),
        ("projections", s.attention.projections, get_args(Projections)),
        ("dtype", s.dtype, DTYPES),
        ("device", s.device.partition(":")[0], DEVICES),
    ]
    if s.experts is not None:
        rows.append(("score", s.experts.score, get_args(Score)))
    for name, value, choices in rows:
        if value not in choices:
            yield f"{name} is {value!r}: choose one of {_listed(choices)}."


def _heads(s: Settings) -> Iterator[str]:
    if s.attention.latent is not None:
        return
    if s.d_head is None and s.d_model % s.heads:
        near = _divisors_near(s.d_model, s.heads)
        yield f"d_model {s.d_model} is not divisible by {s.heads} heads: use a number that divides it, such as {near}."
    if s.heads % s.n_kv_heads:
        near = _divisors_near(s.heads, s.n_kv_heads)
        yield f"kv_heads {s.n_kv_heads} does not divide {s.heads} heads: use one of {near}."
    if s.attention.projections == "per-head" and (s.n_kv_heads != s.heads or s.positions == "rope"):
        yield "projections per-head has one key and value per query head and no rope: leave out kv_heads and rope."


def _positions(s: Settings) -> Iterator[str]:
    if s.positions == "rope" and s.attention.latent is None and s.head_size % 2:
        yield f"rope turns pairs, but d_head is {s.head_size}: use an even d_head, or other positions."
    if s.positions == "sinusoidal" and s.d_model % 2:
        yield f"sinusoidal positions are pairs of sine and cosine, but d_model is {s.d_model}: use an even d_model."
    if s.positions != "learned":
        return
    if s.context is None:
        yield "learned positions need a context: the number of rows in their table."
    elif max(s.length, s.n_target_tokens) > s.context:
        longest = max(s.length, s.n_target_tokens)
        yield (
            f"seq {longest} is longer than the {s.context} learned positions: "
            f"use seq {s.context} or less, context {longest} or more, or positions sinusoidal, rope or none."
        )


def _tokens(s: Settings) -> Iterator[str]:
    for token in s.tokens:
        if not 0 <= token < s.vocab:
            yield f"token {token} is not in the vocabulary: ids run from 0 to {s.vocab - 1}."
    if s.pad is not None and s.pad < s.n_tokens:
        yield f"pad {s.pad} is shorter than the {s.n_tokens} tokens: pad to {s.n_tokens} or more."


def _latent(s: Settings) -> Iterator[str]:
    latent = s.attention.latent
    if latent is None:
        return
    if s.positions != "rope":
        yield f"latent attention carries position in its rope part, but positions is {s.positions}: use rope."
    if latent.qk_rope_head_dim % 2:
        yield f"rope turns pairs, but qk_rope_head_dim is {latent.qk_rope_head_dim}: use an even number."
    if s.n_kv_heads != s.heads:
        yield f"latent attention has one key and value per query head: leave out kv_heads {s.n_kv_heads}."


def _experts(s: Settings) -> Iterator[str]:
    experts = s.experts
    if experts is None:
        return
    if experts.per_token > experts.count:
        yield f"a token cannot use {experts.per_token} of {experts.count} experts: use at most {experts.count}."
    if experts.count % experts.groups:
        near = _divisors_near(experts.count, experts.groups)
        yield f"{experts.count} experts do not divide into {experts.groups} groups: use one of {near}."
    if experts.groups_kept > experts.groups:
        yield f"{experts.groups_kept} of {experts.groups} groups cannot be kept: use at most {experts.groups}."
    reachable = experts.count // experts.groups * experts.groups_kept
    if experts.per_token > reachable:
        yield f"{experts.groups_kept} groups hold {reachable} experts, but a token uses {experts.per_token}: keep more."
    if not s.has_gate:
        yield f"experts are gated, but activation is {s.activation}: use swiglu."


def _encoder(s: Settings) -> Iterator[str]:
    if s.encoder_layers == 0:
        if s.target_seq is not None:
            yield f"target_seq {s.target_seq} is a decoder's length beside an encoder: try transformer-base."
        return
    if s.attention.window is not None:
        yield f"window {s.attention.window} is for a decoder alone: leave it out."
    if s.attention.latent is not None or s.experts is not None or s.attention.projections == "per-head":
        yield "an encoder-decoder has plain attention and a dense MLP: leave out latent, experts and per-head."
    if s.positions == "rope":
        yield "cross-attention has no rope: use positions sinusoidal, learned or none."
    if s.pad is not None:
        yield "pad is for a decoder alone: leave it out."
