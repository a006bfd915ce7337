"""Inputs for a model of transformers: from its ``forward``, its documentation and its configuration."""

import inspect
from collections.abc import Callable, Iterator
from itertools import islice, product
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from shapetrace.models.hf_docs import documented
from shapetrace.models.hf_facts import fact
from shapetrace.models.hf_fields import Ask, forms, tensor, text_ids

Kwargs: TypeAlias = dict[str, Any]
Rehearse: TypeAlias = Callable[[Kwargs], object]
"""Runs a pass with some inputs and raises if they do not fit."""

SENSES = ("pixel_values", "pixel_values_videos", "input_features", "input_values")
"""What comes from a camera or a microphone."""

MOST = 24
"""Forms that are tried before the first is taken."""


def inputs(model: nn.Module, *, batch: int = 1, seq: int = 16, rehearse: Rehearse | None = None) -> Kwargs:
    """Keyword arguments for one forward pass.

    Where configuration and documentation leave several forms open (bins before frames, or after?),
    each is rehearsed and the first that runs is taken. Whole numbers (ids, masks, grids) have real values
    on the CPU, also if the model is on meta: code looks at them. Everything else is where the model is.

    Args:
        model: Built by `huggingface.build`.
        batch: Sequences, pictures or sounds.
        seq: Tokens of a sequence.
        rehearse: Runs the model; by default a plain pass without gradients.
    """
    ask = asked(model, batch, seq)
    candidates = list(islice(candidates_for(ask), MOST))
    if len(candidates) == 1:
        return candidates[0]
    plausible: list[Kwargs] = []
    for kwargs in candidates:
        try:
            with torch.no_grad():
                (rehearse or _plain_pass(model))(kwargs)
        except Exception as error:  # noqa: BLE001 - whatever a model raises, this form does not fit
            if needs_values(error):
                plausible.append(kwargs)
        else:
            return kwargs
    return (plausible or candidates or [{}])[0]


def asked(model: nn.Module, batch: int, seq: int) -> Ask:
    """What a model's forward takes."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    signature = inspect.signature(model.forward).parameters.values()
    needed = {p.name: p.default is p.empty for p in signature if p.kind not in variable}
    return Ask(model, batch, seq, needed, documented(model.forward))


def needs_values(error: Exception) -> bool:
    """True if a pass ended because a value on meta is not known: its shapes may still be right."""
    text = str(error)
    return isinstance(error, NotImplementedError) or "meta tensor" in text or "on meta" in text


def _plain_pass(model: nn.Module) -> Rehearse:
    def run(kwargs: Kwargs) -> object:
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        return model(**{k: v.to(device) if isinstance(v, Tensor) else v for k, v in kwargs.items()})

    return run


def candidates_for(ask: Ask) -> Iterator[Kwargs]:
    """Inputs that may fit, likeliest first."""
    others = {name: forms(ask, name) for name, needed in ask.needed.items() if needed and name not in SENSES}
    fixed = {name: found[0] for name, found in others.items() if found}
    fixed |= _grids(ask)
    senses = [name for name in SENSES if name in ask.needed]
    if "decoder_input_ids" in ask.needed and getattr(ask.config, "is_encoder_decoder", False):
        fixed["decoder_input_ids"] = forms(ask, "decoder_input_ids")[0]
    if "input_ids" not in ask.needed:
        yield from _with_senses(ask, senses, fixed)
        return
    text = {"input_ids": forms(ask, "input_ids")[0]} | fixed
    if not senses:
        yield text
        return
    if _has_places(ask):
        yield from _with_places(ask, senses, text)
        yield text
    for sense in senses:
        yield from _with_senses(ask, [sense], text)
    yield text
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


def _grids(ask: Ask) -> Kwargs:
    """Packed patches of one picture, where forward takes them with their grid."""
    name = next((n for n in ("image_grid_thw", "grid_thw") if n in ask.needed), "")
    pixels = next((n for n in ("pixel_values", "hidden_states") if n in ask.needed), "")
    if not name or not pixels or ("input_ids" in ask.needed and not _has_places(ask)):
        return {}
    patch, time = ask.size("patch_size"), ask.size("temporal_patch_size") or 1
    merge = ask.size("spatial_merge_size") or ask.size("merge_size") or 2
    if patch is None or "input_ids" in ask.needed:
        return {}
    side = 2 * merge
    channels = ask.size("in_channels") or 3
    return {
        pixels: tensor(ask, (side * side, channels * time * patch * patch)),
        name: torch.tensor([[1, side, side]]),
    }


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
        for made in _with_senses(ask, [sense], {}):
            count = _n_features(encode, made, ask.batch)
            if count:
                ids = torch.full((ask.batch, count), place)
                yield text | made | {"input_ids": torch.cat((text_ids(ask)[:, :1], ids, text_ids(ask)[:, 1:]), dim=1)}


def _n_features(encode: Callable[..., Any], made: Kwargs, batch: int) -> int:
    """Rows that the model makes of one picture or sound; 0 if it makes none of this form."""
    taken = inspect.signature(encode).parameters
    try:
        with torch.no_grad():
            found = encode(**{name: value for name, value in made.items() if name in taken})
    except Exception:  # noqa: BLE001 - this form does not fit
        return 0
    found = getattr(found, "pooler_output", found)
    parts = found if isinstance(found, list | tuple) else [found]
    rows = sum(part.numel() // part.shape[-1] for part in parts if isinstance(part, Tensor) and part.dim() > 1)
    return int(rows) // batch
