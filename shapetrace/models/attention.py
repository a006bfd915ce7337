"""Attention in plain matrix products: scores, mask, softmax, weighted sum."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.models.caching import Kept
from shapetrace.models.positions import Rope, rotate
from shapetrace.models.settings import Settings


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(Q Kᵀ / sqrt(hs)) V for every head.

    Args:
        q: Queries (B, nh, T, hs).
        k: Keys (B, nh, S, hs).
        v: Values (B, nh, S, vs).
        mask: (T, S), True where a query must not look; None looks everywhere.

    Returns:
        (B, nh, T, vs).
    """
    att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))  # (B, nh, T, hs) x (B, nh, hs, S) -> (B, nh, T, S)
    if mask is not None:
        att = att.masked_fill(mask, float("-inf"))
    att = F.softmax(att, dim=-1)
    return att @ v  # (B, nh, T, S) x (B, nh, S, vs) -> (B, nh, T, vs)


def repeat_heads(x: Tensor, n: int) -> Tensor:
    """Let n query heads share each key or value head: (B, n_kv, T, hs) -> (B, n_kv * n, T, hs)."""
    if n == 1:
        return x
    B, n_kv, T, hs = x.size()
    return x.unsqueeze(2).expand(B, n_kv, n, T, hs).reshape(B, n_kv * n, T, hs)


class SelfAttention(nn.Module):
    """Multi-head attention; grouped-query with fewer key than query heads, multi-query with one."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        C, hs = settings.d_model, settings.head_size
        self.n_head, self.n_kv_head, self.head_size = settings.heads, settings.n_kv_heads, hs
        self.fused = settings.attention.projections == "fused"
        if self.fused:
            self.c_attn = nn.Linear(C, (self.n_head + 2 * self.n_kv_head) * hs, bias=settings.qkv_bias)
            self.c_proj = nn.Linear(self.n_head * hs, C, bias=settings.out_bias)
        else:
            self.q_proj = nn.Linear(C, self.n_head * hs, bias=settings.qkv_bias)
            self.k_proj = nn.Linear(C, self.n_kv_head * hs, bias=settings.qkv_bias)
            self.v_proj = nn.Linear(C, self.n_kv_head * hs, bias=settings.qkv_bias)
            self.o_proj = nn.Linear(self.n_head * hs, C, bias=settings.out_bias)
        if settings.attention.qk_norm:
            self.q_norm = nn.RMSNorm(hs, eps=settings.norm_eps)
            self.k_norm = nn.RMSNorm(hs, eps=settings.norm_eps)
        self.qk_norm = settings.attention.qk_norm

    def forward(
        self, x: Tensor, mask: Tensor | None = None, rope: Rope | None = None, kept: Kept | None = None
    ) -> Tensor:
        B, T, _ = x.size()
        q, k, v = self.project(x)
        q = q.view(B, T, self.n_head, self.head_size)  # (B, T, nh, hs)
        k = k.view(B, T, self.n_kv_head, self.head_size)
        v = v.view(B, T, self.n_kv_head, self.head_size)
        if self.qk_norm:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)  # (B, nh, T, hs)
        if rope is not None:
            q, k = rotate(q, rope), rotate(k, rope)
        if kept is not None:
            k, v = kept.append(k, v)  # (B, n_kv, P, hs), (B, n_kv, T, hs) -> (B, n_kv, P + T, hs)
        n = self.n_head // self.n_kv_head
        y = attend(q, repeat_heads(k, n), repeat_heads(v, n), mask)  # (B, nh, T, hs)
        y = y.transpose(1, 2).reshape(B, T, self.n_head * self.head_size)  # the heads side by side
        out: Tensor = self.c_proj(y) if self.fused else self.o_proj(y)  # (B, T, nh * hs) -> (B, T, C)
        return out

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, T, nh * hs), keys and values (B, T, n_kv * hs) of all heads."""
        if not self.fused:
            return self.q_proj(x), self.k_proj(x), self.v_proj(x)
        n, n_kv = self.n_head * self.head_size, self.n_kv_head * self.head_size
        q, k, v = self.c_attn(x).split((n, n_kv, n_kv), dim=2)  # (B, T, C) x (C, n + 2 n_kv) -> (B, T, n + 2 n_kv)
        return q, k, v


class CrossAttention(nn.Module):
    """Queries from one sequence, keys and values from another of its own length."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        C, hs = settings.d_model, settings.head_size
        self.n_head, self.n_kv_head, self.head_size = settings.heads, settings.n_kv_heads, hs
        self.q_proj = nn.Linear(C, self.n_head * hs, bias=settings.qkv_bias)
        self.k_proj = nn.Linear(C, self.n_kv_head * hs, bias=settings.qkv_bias)
        self.v_proj = nn.Linear(C, self.n_kv_head * hs, bias=settings.qkv_bias)
        self.o_proj = nn.Linear(self.n_head * hs, C, bias=settings.out_bias)

    def forward(self, x: Tensor, context: Tensor | None, kept: Kept | None = None) -> Tensor:
        B, T, _ = x.size()
        q = self.q_proj(x).view(B, T, self.n_head, self.head_size).transpose(1, 2)  # (B, nh, T, hs)
        k, v = self.keys_and_values(context, kept)
        n = self.n_head // self.n_kv_head
        y = attend(q, repeat_heads(k, n), repeat_heads(v, n), None)  # scores are (T, S)
        y = y.transpose(1, 2).reshape(B, T, self.n_head * self.head_size)
        out: Tensor = self.o_proj(y)
        return out

    def keys_and_values(self, context: Tensor | None, kept: Kept | None) -> tuple[Tensor, Tensor]:
        """Those of the other sequence, (B, n_kv, S, hs) each: made once and kept; without a sequence, those kept."""
        if context is None:
            assert kept is not None, "neither a sequence to look at nor what was kept of one"
            k, v = kept.rows[0]
            return k, v
        B, S, _ = context.size()
        k = self.k_proj(context).view(B, S, self.n_kv_head, self.head_size).transpose(1, 2)  # (B, n_kv, S, hs)
        v = self.v_proj(context).view(B, S, self.n_kv_head, self.head_size).transpose(1, 2)
        if kept is not None:
            k, v = kept.append(k, v)
        return k, v


class Head(nn.Module):
    """One head with its own small projections, as the lecture GPT writes it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        C, hs = settings.d_model, settings.head_size
        self.key = nn.Linear(C, hs, bias=settings.qkv_bias)
        self.query = nn.Linear(C, hs, bias=settings.qkv_bias)
        self.value = nn.Linear(C, hs, bias=settings.qkv_bias)

    def forward(self, x: Tensor, mask: Tensor | None = None, kept: Kept | None = None, head: int = 0) -> Tensor:
        k = self.key(x)  # (B, T, C) -> (B, T, hs)
        q = self.query(x)
        if kept is not None:
            k, v = kept.append(k, self.value(x), head=head)
        wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5  # (B, T, hs) x (B, hs, T) -> (B, T, T)
        if mask is not None:
            wei = wei.masked_fill(mask, float("-inf"))
        wei = F.softmax(wei, dim=-1)
        if kept is None:
            v = self.value(x)
        out: Tensor = wei @ v  # (B, T, T) x (B, T, hs) -> (B, T, hs)
        return out


class SideBySide(nn.Module):
    """Several separate heads, concatenated and projected."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.heads = nn.ModuleList([Head(settings) for _ in range(settings.heads)])
        self.proj = nn.Linear(settings.heads * settings.head_size, settings.d_model, bias=settings.out_bias)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        rope: None = None,  # noqa: ARG002 - as the others
        kept: Kept | None = None,
    ) -> Tensor:
        y = torch.cat([head(x, mask, kept, place) for place, head in enumerate(self.heads)], dim=-1)  # (B, T, nh * hs)
        out: Tensor = self.proj(y)  # (B, T, nh * hs) -> (B, T, C)
        return out
