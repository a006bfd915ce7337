"""One Transformer with three attentions of one size: multi-head, grouped-query, multi-head latent. No torch here."""

from dataclasses import replace

from shapetrace.models.settings import Attention, Latent, Settings

_BASE = Settings(
    positions="rope", norm="rmsnorm", activation="swiglu", bias=False, d_ff=2048, context=None,
    attention=Attention(projections="separate"),
)  # fmt: skip
_LATENT = Latent(kv_lora_rank=128, qk_nope_head_dim=64, qk_rope_head_dim=32, v_head_dim=64, q_lora_rank=256)

ATTENTIONS: dict[str, Settings] = {
    "Multi-head (MHA)": _BASE,
    "Grouped-query (GQA)": replace(_BASE, kv_heads=4),
    "Multi-head latent (MLA)": replace(_BASE, attention=Attention(projections="separate", latent=_LATENT)),
}
"""12 layers, d_model 768, 12 query heads with values of 64: the sizes of GPT-2 small."""
