"""The reference Transformer: a GPT in plain code, from GPT-2 to DeepSeek-V3 by its settings."""

from collections.abc import Sequence

from torch import Tensor, nn

from shapetrace.models.attention import SelfAttention, SideBySide
from shapetrace.models.caching import Cache, Kept, layers_of
from shapetrace.models.embedding import Embedded
from shapetrace.models.experts import MoE
from shapetrace.models.latent import LatentAttention
from shapetrace.models.mlp import MLP, GatedMLP
from shapetrace.models.norms import norm
from shapetrace.models.positions import Rope, causal_mask, rope_tables
from shapetrace.models.settings import Settings


def attention(settings: Settings) -> nn.Module:
    """The self-attention that the settings ask for."""
    if settings.attention.latent is not None:
        return LatentAttention(settings, settings.attention.latent)
    if settings.attention.projections == "per-head":
        return SideBySide(settings)
    return SelfAttention(settings)


def mlp(settings: Settings, layer: int) -> nn.Module:
    """The MLP or mixture of experts of one layer."""
    if settings.experts is not None and layer >= settings.experts.first_dense:
        return MoE(settings, settings.experts)
    return GatedMLP(settings) if settings.has_gate else MLP(settings)


class Block(nn.Module):
    """Attention and MLP, each beside a residual path."""

    def __init__(self, settings: Settings, layer: int) -> None:
        super().__init__()
        self.ln_1 = norm(settings)
        self.attn = attention(settings)
        self.ln_2 = norm(settings)
        self.mlp = mlp(settings, layer)
        self.post_norm = settings.post_norm

    def forward(
        self, x: Tensor, mask: Tensor | None = None, rope: Rope | None = None, kept: Kept | None = None
    ) -> Tensor:
        if self.post_norm:
            x = self.ln_1(x + self.attn(x, mask, rope, kept))
            x = self.ln_2(x + self.mlp(x))
        else:
            x = x + self.attn(self.ln_1(x), mask, rope, kept)
            x = x + self.mlp(self.ln_2(x))
        return x


class GPT(Embedded):
    """Ids in, logits out."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.h = nn.ModuleList([Block(settings, layer) for layer in range(settings.layers)])
        if settings.final_norm:
            self.ln_f = norm(settings)
        self.add_head()

    def forward(self, input_ids: Tensor, cache: Cache | None = None) -> Tensor:
        settings, n_tokens = self.settings, input_ids.size(1)
        past = 0 if cache is None else cache.n_tokens
        x = self.embed(input_ids, past)  # (B, T) -> (B, T, C)
        layers = layers_of(cache, settings.layers)
        masks = self.masks(x, layers)
        rope = self.rope(x, past)
        for layer, (block, kept) in enumerate(zip(self.h, layers, strict=True)):
            x = block(x, masks[settings.window(layer)], rope, kept)
        if cache is not None:
            cache.n_tokens += n_tokens
        if settings.final_norm:
            x = self.ln_f(x)
        if settings.last_row:
            x = x[:, n_tokens - 1]  # (B, T, C) -> (B, C)
        logits: Tensor = self.lm_head(x)  # (B, T, C) x (C, V) -> (B, T, V)
        return logits

    def masks(self, x: Tensor, layers: Sequence[Kept | None]) -> dict[int | None, Tensor | None]:
        """What rows of x must not look at, (T, P + T) for each window; None for one row behind others: it sees all."""
        T, found = x.size(1), dict[int | None, Tensor | None]()
        for layer, kept in enumerate(layers):
            window, past = self.settings.window(layer), 0 if kept is None else kept.n_rows
            if window not in found:
                found[window] = None if past and T == 1 else causal_mask(T, past + T, window, x.device)
        return found

    def rope(self, x: Tensor, past: int = 0) -> Rope | None:
        """Cosines and sines for the rows of x, or None without rotary positions."""
        settings, latent = self.settings, self.settings.attention.latent
        if settings.positions != "rope":
            return None
        hs = settings.head_size if latent is None else latent.qk_rope_head_dim
        return rope_tables(x.size(1), hs, settings.attention.rope_theta, like=x, past=past)
