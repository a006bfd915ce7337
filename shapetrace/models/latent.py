"""Multi-head latent attention of DeepSeek-V2 and V3 (arXiv 2405.04434, section 2.1)."""

import torch
from torch import Tensor, nn

from shapetrace.models.attention import attend
from shapetrace.models.caching import Kept
from shapetrace.models.norms import norm
from shapetrace.models.positions import Rope, pairs_to_halves, rotate
from shapetrace.models.settings import Latent, Settings


class LatentAttention(nn.Module):
    """Keys and values come from one narrow latent a token; position rides on a separate rotated part."""

    def __init__(self, settings: Settings, latent: Latent) -> None:
        super().__init__()
        C, nh = settings.d_model, settings.heads
        self.n_head, self.latent = nh, latent
        qk = latent.qk_nope_head_dim + latent.qk_rope_head_dim
        if latent.q_lora_rank is None:
            self.q_proj = nn.Linear(C, nh * qk, bias=False)
        else:
            self.q_a_proj = nn.Linear(C, latent.q_lora_rank, bias=settings.qkv_bias)
            self.q_a_layernorm = norm(settings, latent.q_lora_rank)
            self.q_b_proj = nn.Linear(latent.q_lora_rank, nh * qk, bias=False)
        rank = latent.kv_lora_rank
        self.kv_a_proj_with_mqa = nn.Linear(C, rank + latent.qk_rope_head_dim, bias=settings.qkv_bias)
        self.kv_a_layernorm = norm(settings, rank)
        self.kv_b_proj = nn.Linear(rank, nh * (latent.qk_nope_head_dim + latent.v_head_dim), bias=False)
        self.o_proj = nn.Linear(nh * latent.v_head_dim, C, bias=settings.out_bias)

    def forward(
        self, x: Tensor, mask: Tensor | None = None, rope: Rope | None = None, kept: Kept | None = None
    ) -> Tensor:
        assert rope is not None, "latent attention needs rope"
        B, T, _ = x.size()
        q = self.queries(x, rope)  # (B, nh, T, nope + rope)
        k, v = self.keys_and_values(x, rope, kept)
        y = attend(q, k, v, mask)  # (B, nh, T, vs)
        y = y.transpose(1, 2).reshape(B, T, self.n_head * self.latent.v_head_dim)
        out: Tensor = self.o_proj(y)  # (B, T, nh * vs) -> (B, T, C)
        return out

    def queries(self, x: Tensor, rope: Rope) -> Tensor:
        """Queries: a part without position beside a rotated one, (B, nh, T, nope + rope)."""
        B, T, _ = x.size()
        nope, turned = self.latent.qk_nope_head_dim, self.latent.qk_rope_head_dim
        through_rank = self.latent.q_lora_rank is not None
        q = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x))) if through_rank else self.q_proj(x)
        q = q.view(B, T, self.n_head, nope + turned).transpose(1, 2)  # (B, nh, T, nope + rope)
        q_nope, q_rope = q.split((nope, turned), dim=-1)
        return torch.cat((q_nope, self.turn(q_rope, rope)), dim=-1)

    def keys_and_values(self, x: Tensor, rope: Rope, kept: Kept | None = None) -> tuple[Tensor, Tensor]:
        """Keys (B, nh, S, nope + rope) and values (B, nh, S, vs), from one latent; S is T and what was kept."""
        B, T, _ = x.size()
        nope, turned, vs = self.latent.qk_nope_head_dim, self.latent.qk_rope_head_dim, self.latent.v_head_dim
        compressed = self.kv_a_proj_with_mqa(x)  # (B, T, C) -> (B, T, rank + rope): what the cache keeps
        c, k_rope = compressed.split((self.latent.kv_lora_rank, turned), dim=-1)
        c = self.kv_a_layernorm(c)
        if kept is not None:
            c, k_rope = kept.append(c, self.turn(k_rope.view(B, 1, T, turned), rope))
        S = c.size(1)
        kv = self.kv_b_proj(c)  # (B, S, rank) -> (B, S, nh * (nope + vs))
        kv = kv.view(B, S, self.n_head, nope + vs).transpose(1, 2)
        k_nope, v = kv.split((nope, vs), dim=-1)  # (B, nh, S, nope), (B, nh, S, vs)
        if kept is None:
            k_rope = self.turn(k_rope.view(B, 1, T, turned), rope)  # one for all heads
        k = torch.cat((k_nope, k_rope.expand(B, self.n_head, S, turned)), dim=-1)
        return k, v

    def turn(self, x: Tensor, rope: Rope) -> Tensor:
        """Rotate: (B, nh, T, rope) -> (B, nh, T, rope)."""
        return rotate(pairs_to_halves(x) if self.latent.rope_interleaved else x, rope)
