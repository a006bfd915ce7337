"""Our models against Hugging Face's: the same products, and the same numbers with the same weights."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from shapetrace.models import presets
from shapetrace.models.building import build, inputs
from shapetrace.models.settings import Attention, Experts, Latent, Settings
from tests.models.hf_configs import config_of
from tests.models.products import products

transformers = pytest.importorskip("transformers")

COMPARABLE = [name for name in presets.names() if presets.preset(name).family not in ("transformer", "lecture")]


def theirs(settings: Settings) -> nn.Module:
    model_type, entries = config_of(settings)
    config = transformers.AutoConfig.for_model(model_type, **entries)
    config._attn_implementation = "eager"
    config._experts_implementation = "batched_mm"
    with torch.device(settings.device), torch.random.fork_rng(devices=[]):
        return transformers.AutoModelForCausalLM.from_config(config).eval()  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", COMPARABLE)
def test_a_preset_has_the_products_of_transformers_model(name: str) -> None:
    whole = presets.preset(name).settings
    dense = whole.experts.first_dense if whole.experts else 0
    settings = dataclasses.replace(whole, layers=dense + 1, seq=24)
    args, _ = inputs(settings)
    ours, their = build(settings), theirs(settings)
    mask = torch.empty(1, 1, 24, 24, device="meta")  # given whole, for on meta it cannot be worked out from values
    known = {} if settings.post_norm else {"attention_mask": mask, "use_cache": False}
    assert products(lambda: ours(*args)) == products(lambda: their(*args, **known))
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in their.parameters())


NAMES = {
    "transformer.": "", "model.": "", "embed_tokens": "wte", "tokens_embed": "wte", "positions_embed": "wpe",
    "layers.": "h.", "self_attn": "attn", "input_layernorm": "ln_1", "post_attention_layernorm": "ln_2",
}  # fmt: skip


def copy_weights(their: nn.Module, ours: nn.Module) -> None:
    """Give our model the weights of theirs: by name; Conv1D and expert stacks are stored transposed there."""
    mine = dict(ours.named_parameters(remove_duplicate=False)) | dict(ours.named_buffers())
    for their_name, weight in their.state_dict().items():
        name = "ln_f.weight" if their_name == "model.norm.weight" else renamed(their_name, NAMES)
        if name in mine:
            target = mine.pop(name)
            transposed = "c_" in name or ".experts." in name
            target.data.copy_(weight.mT if transposed and weight.dim() > 1 else weight)
    assert not mine, f"without a weight: {sorted(mine)}"


def renamed(name: str, parts: dict[str, str]) -> str:
    for old, new in parts.items():
        name = name.replace(old, new)
    return name


SMALL: dict[str, Any] = {"layers": 2, "d_model": 32, "heads": 4, "vocab": 50, "seq": 9, "context": 16, "device": "cpu"}
ROPE = SMALL | {"positions": "rope", "norm": "rmsnorm", "activation": "swiglu", "bias": False, "tie": False}
LATENT = Latent(8, 6, 4, 5, q_lora_rank=12)
NUMBERS = {
    "gpt2": Settings(**SMALL),
    "gpt1": Settings(**SMALL, post_norm=True, final_norm=False),
    "llama": Settings(**ROPE, d_ff=48, kv_heads=2, attention=Attention(projections="separate")),
    "mistral": Settings(**ROPE, d_ff=48, kv_heads=2, attention=Attention(projections="separate", window=4)),
    "qwen2": Settings(**ROPE, d_ff=48, attention=Attention(projections="separate", qkv_bias=True)),
    "qwen3": Settings(**ROPE, d_ff=48, d_head=6, attention=Attention(projections="separate", qk_norm=True)),
    "mixtral": Settings(**ROPE, attention=Attention(projections="separate"), experts=Experts(4, 2, 24)),
    "qwen3_moe": Settings(
        **ROPE, d_head=8, attention=Attention(projections="separate", qk_norm=True), experts=Experts(8, 3, 24)
    ),
    "deepseek_v2": Settings(
        **ROPE, norm_eps=1e-6, d_ff=48, attention=Attention(latent=LATENT),
        experts=Experts(8, 3, 16, shared=2, first_dense=1, groups=4, groups_kept=2, normalise=False, scale=4.0),
    ),
    "deepseek_v2, one group": Settings(
        **ROPE, norm_eps=1e-6, d_ff=48, attention=Attention(latent=dataclasses.replace(LATENT, q_lora_rank=None)),
        experts=Experts(8, 3, 16, shared=2, first_dense=1, normalise=False),
    ),
    "deepseek_v3": Settings(
        **ROPE, norm_eps=1e-6, d_ff=48, attention=Attention(latent=LATENT),
        experts=Experts(
            8, 3, 16, shared=1, first_dense=1, score="sigmoid", groups=4, groups_kept=2, scale=2.5, correction=True
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_the_same_weights_give_the_numbers_of_transformers_model(name: str) -> None:
    settings = NUMBERS[name]
    ours, their = build(settings), theirs(settings)
    assert config_of(settings)[0].replace("openai-gpt", "gpt1") == name.partition(",")[0]
    generator = torch.Generator().manual_seed(1)
    for weight in their.state_dict().values():
        if weight.is_floating_point():
            weight.data.copy_(torch.randn(weight.shape, generator=generator) * 0.3 + (weight.dim() == 1))
    copy_weights(their, ours)
    args, _ = inputs(settings)
    with torch.no_grad():
        difference = (ours(*args) - their(*args, use_cache=False).logits).abs().max()
    assert difference < 1e-4
