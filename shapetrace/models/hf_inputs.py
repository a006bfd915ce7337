"""Inputs for a model of transformers: from its ``forward``, its documentation and its configuration."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice, product
from typing import Any

import torch
from torch import Tensor, nn

from shapetrace.capture import known_calls, known_values
from shapetrace.models.hf_docs import documented
from shapetrace.models.hf_facts import fact
from shapetrace.models.hf_fields import Ask, forms, patch, tensor, text_ids
from shapetrace.models.hf_guesses import likeliest, patches_a_side
from shapetrace.models.hf_rehearsing import Rehearse, rehearsed
from shapetrace.models.hf_repairs import Kwargs
from shapetrace.models.user_inputs import device_of_model

SENSES = ("pixel_values", "pixel_values_videos", "input_features", "input_values")
"""What comes from a camera or a microphone."""

USUAL = frozenset({
    "input_ids", "attention_mask", "position_ids", "token_type_ids", "inputs_embeds", "labels", "past_key_values",
    "decoder_input_ids", "decoder_attention_mask", "decoder_inputs_embeds", "decoder_position_ids", "head_mask",
    "encoder_outputs", "encoder_hidden_states", "encoder_attention_mask", "cache_position", "next_sentence_label",
    "cross_attn_head_mask", "decoder_head_mask", "mc_token_ids", "mc_labels", "sentence_order_label",
})  # fmt: skip
"""What a model of text takes: where forward takes no more, the ids fit without a rehearsal."""

MOST = 16
"""Forms that are tried before the likeliest is taken."""


def inputs(model: nn.Module, *, batch: int = 1, seq: int = 16, failed: Callable[[Exception], object] = str) -> Kwargs:
    """Keyword arguments for one forward pass.

    Where configuration and documentation leave several forms open (bins before frames, or after?),
    each is rehearsed and the first that runs is taken; what does not run is changed by what the error says.
    Inputs for a model on meta have real values on the CPU, for code looks at them; only what is large is on meta.

    Args:
        model: Built by `huggingface.build`.
        batch: Sequences, pictures or sounds.
        seq: Tokens of a sequence.
        failed: Sees errors that no other form of the inputs answers, and may raise something else.
    """
    ask = asked(model, batch, seq)
    candidates = list(islice(candidates_for(ask), MOST))
    unusual = (ask.docs.keys() | {name for name, needed in ask.needed.items() if needed}) - USUAL
    if len(candidates) == 1 and not unusual and _is_whole(model):
        return candidates[0]
    return rehearsed(ask, candidates, _plain_pass(model), failed)


def asked(model: nn.Module, batch: int, seq: int) -> Ask:
    """What a model's forward takes."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    signature = inspect.signature(model.forward).parameters.values()
    taken = [p for p in signature if p.kind not in variable]
    needed = {p.name: p.default is p.empty for p in taken}
    kinds = {p.name: str(getattr(p.annotation, "__name__", p.annotation)) for p in taken}
    return Ask(model, batch, seq, needed, documented(model.forward), kinds)


def _is_whole(model: nn.Module) -> bool:
    """True for a language model with its head; parts of models take more than ids."""
    head = getattr(model, "get_output_embeddings", None)
    return head is not None and head() is not None


def _plain_pass(model: nn.Module) -> Rehearse:
    """A pass where the model is; on meta with the values that are known there."""
    if device_of_model(model).type == "meta":
        return lambda kwargs: known_calls.forward(model, (), kwargs)
    return lambda kwargs: model(**kwargs)


def candidates_for(ask: Ask) -> Iterator[Kwargs]:
    """Inputs that may fit, likeliest first."""
    required = [name for name, needed in ask.needed.items() if needed and name not in (*SENSES, "input_ids")]
    fixed = {name: likeliest(ask, name) for name in required}
    if "decoder_input_ids" in ask.needed and getattr(ask.config, "is_encoder_decoder", False):
        for ids in forms(ask, "decoder_input_ids"):
            yield from _with_fixed(ask, fixed | {"decoder_input_ids": ids})
        return
    yield from _with_fixed(ask, fixed)


def _with_fixed(ask: Ask, fixed: Kwargs) -> Iterator[Kwargs]:
    senses = [name for name in SENSES if name in ask.needed]
    packed = _packed(ask)
    if "input_ids" not in ask.needed:
        if packed:
            yield fixed | packed
        yield from _with_senses(ask, senses, fixed)
        for sense in senses[: len(senses) if len(senses) > 1 else 0]:
            yield from _with_senses(ask, [sense], fixed)
        documented_forms = {name: forms(ask, name) for name in ask.docs if name in ask.needed}
        yield {name: found[0] for name, found in documented_forms.items() if found} | fixed
        return
    texts = [{"input_ids": ids} | fixed for ids in forms(ask, "input_ids")]
    if senses and _has_places(ask):
        yield from _with_places(ask, senses, texts[0])
        yield texts[0]
    elif packed:
        yield texts[0] | packed
    for sense in senses:
        yield from _with_senses(ask, [sense], texts[0])
    yield from texts
    for sense in senses:
        yield from _with_senses(ask, [sense], fixed)


def _with_senses(ask: Ask, senses: list[str], others: Kwargs) -> Iterator[Kwargs]:
    """Every combination of the forms of some inputs, and with a mask over sound where one is taken."""
    choices = [forms(ask, sense) for sense in senses]
    for chosen in product(*(choice for choice in choices if choice)):
        made = others | dict(zip(senses, chosen, strict=False))
        masks = _masks(ask, made)
        if masks:
            yield made | masks
        yield made


def _masks(ask: Ask, made: Kwargs) -> Kwargs:
    """Masks over sound that say: all of it counts."""
    masks: Kwargs = {}
    for name in ("input_features_mask", "feature_attention_mask", "padding_mask"):
        if name in ask.needed and "input_features" in made:
            masks[name] = torch.ones(ask.batch, max(made["input_features"].shape[1:]), dtype=torch.int64)
    if "feature_lens" in ask.needed and "input_features" in made:
        masks["feature_lens"] = torch.tensor([max(made["input_features"].shape[1:])] * ask.batch)
    return masks


def _packed(ask: Ask) -> Kwargs:
    """Packed patches of one picture, where forward takes them with their grid."""
    grid = next((name for name in ("image_grid_thw", "grid_thw", "spatial_shapes") if name in ask.needed), "")
    pixels = next((name for name in ("pixel_values", "hidden_states") if name in ask.needed), "")
    if not grid or not pixels or not patch(ask):
        return {}
    time, channels = ask.size("temporal_patch_size") or 1, ask.size("in_channels") or 3
    side = patches_a_side(ask)
    width = channels * time * patch(ask) ** 2
    if grid == "spatial_shapes":
        mask = torch.ones(ask.batch, side * side, dtype=torch.int64)
        shapes = torch.tensor([[side, side]] * ask.batch)
        packed = {pixels: tensor(ask, (ask.batch, side * side, width)), grid: shapes, "pixel_attention_mask": mask}
        return {name: value for name, value in packed.items() if name in ask.needed}
    return {pixels: tensor(ask, (side * side, width)), grid: torch.tensor([[1, side, side]])}


def _has_places(ask: Ask) -> bool:
    """True if ids say where pictures or sounds go."""
    names = ("image_token_id", "image_token_index", "audio_token_id", "audio_token_index", "video_token_id")
    return fact(ask.config, *names) is not None


def _with_places(ask: Ask, senses: list[str], text: Kwargs) -> Iterator[Kwargs]:
    """Text with as many places for a picture or a sound as the model makes features of it."""
    kinds = {"pixel_values": "image", "input_features": "audio", "input_values": "audio"}
    for sense in senses:
        kind = kinds.get(sense)
        place = fact(ask.config, f"{kind}_token_id", f"{kind}_token_index")
        encode = getattr(ask.model, f"get_{kind}_features", None)
        if kind is None or place is None or encode is None:
            continue
        packed = [_packed(ask)] if kind == "image" and _packed(ask) else []
        for made in [*packed, *_with_senses(ask, [sense], {})]:
            count = _n_features(ask.model, encode, made, ask.batch)
            if count:
                places = torch.full((ask.batch, count), place)
                ids = torch.cat((text_ids(ask)[:, :1], places, text_ids(ask)[:, 1:]), dim=1)
                kinds_of_ids = {"mm_token_type_ids": (ids == place).long()} if "mm_token_type_ids" in ask.needed else {}
                yield text | made | {"input_ids": ids} | kinds_of_ids


def _n_features(model: nn.Module, encode: Callable[..., Any], made: Kwargs, batch: int) -> int:
    """Rows that the model makes of one picture or sound; 0 if it makes none of this form."""
    taken = inspect.signature(encode).parameters
    given = {name: value for name, value in made.items() if name in taken}
    values = known_values.of_pass(model, given)
    try:
        with torch.no_grad(), known_calls.knowing(values) if values is not None else nullcontext():
            found = encode(**(given if values is None else values.twins(given)))
    except Exception:  # noqa: BLE001 - this form does not fit
        return 0
    found = getattr(found, "pooler_output", found)
    parts = found if isinstance(found, list | tuple) else [found]
    rows = sum(
        part.numel() // part.shape[-1] for part in parts if isinstance(part, Tensor) and part.dim() > 1 and part.numel()
    )
    return int(rows) // batch
