"""One attention in many spellings: x (B, T, d) in, (B, T, d) out."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

D, H, S = 24, 4, 6
"""Width, heads, width of a head."""


class Attends(nn.Module):
    """Projections that a subclass or a function combines."""

    def __init__(self, combine: Callable[[Tensor, Tensor, Tensor], Tensor], kv_heads: int = H) -> None:
        super().__init__()
        self.q_proj, self.o_proj = nn.Linear(D, D, bias=False), nn.Linear(D, D, bias=False)
        self.k_proj, self.v_proj = (nn.Linear(D, kv_heads * S, bias=False) for _ in range(2))
        self.combine = combine

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        context = x if context is None else context
        return self.o_proj(self.combine(self.q_proj(x), self.k_proj(context), self.v_proj(context)))


def split(x: Tensor) -> Tensor:
    """(B, T, h·s) -> (B, h, T, s)."""
    return x.view(*x.shape[:2], -1, S).transpose(1, 2)


def merge(x: Tensor) -> Tensor:
    """(B, h, T, s) -> (B, T, h·s)."""
    return x.transpose(1, 2).flatten(2)


def matmul(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = split(q), split(k), split(v)
    return merge(F.softmax(q @ k.mT * S**-0.5, dim=-1) @ v)


def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return merge(F.scaled_dot_product_attention(split(q), split(k), split(v)))


def einsum(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (x.unflatten(-1, (-1, S)) for x in (q, k, v))
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / S**0.5
    return torch.einsum("bhqk,bkhd->bqhd", scores.softmax(dim=-1), v).flatten(2)


def einsum_keys_first(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (x.unflatten(-1, (-1, S)) for x in (q, k, v))
    scores = torch.einsum("bkhd,bqhd->bhkq", k, q) / S**0.5
    return torch.einsum("bhkq,bkhd->bqhd", scores.softmax(dim=-2), v).flatten(2)


def keys_times_queries(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = split(q), split(k), split(v)
    weights = F.softmax(k @ q.mT * S**-0.5, dim=-2)  # (B, h, S, T)
    return merge(weights.mT @ v)


def flattened(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Batch and heads in one axis, as in bmm code."""
    B, T, _ = q.shape
    q, k, v = (split(x).reshape(B * H, -1, S) for x in (q, k, v))
    weights = torch.softmax(torch.bmm(q, k.transpose(1, 2)) / S**0.5, dim=-1)
    return torch.bmm(weights, v).view(B, H, T, S).transpose(1, 2).reshape(B, T, H * S)


def scaled_first(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = split(q * S**-0.5), split(k), split(v)
    return merge(F.softmax(q @ k.mT, dim=-1) @ v)


def exp_over_sum(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The softmax written out, with its greatest score taken off first."""
    q, k, v = split(q), split(k), split(v)
    scores = q @ k.mT / S**0.5
    powers = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    return merge(powers / powers.sum(dim=-1, keepdim=True) @ v)


def exp_over_sum_masked(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """What is masked becomes 0 after the exponential; a small number keeps the sum from being 0."""
    q, k, v = split(q), split(k), split(v)
    powers = torch.exp(q @ k.mT / S**0.5) * torch.ones(q.size(2), k.size(2), device=q.device).tril()
    return merge(powers / (powers.sum(dim=-1, keepdim=True) + 1e-9) @ v)


def sigmoid(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = split(q), split(k), split(v)
    return merge(torch.sigmoid(q @ k.mT / S**0.5) @ v)


def with_sinks(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """One more score that no value belongs to; the greatest is taken off before the softmax."""
    q, k, v = split(q), split(k), split(v)
    scores = q @ k.mT / S**0.5
    scores = torch.cat((scores, scores.new_zeros(*scores.shape[:-1], 1)), dim=-1)
    weights = F.softmax(scores - scores.max(dim=-1, keepdim=True).values, dim=-1)
    return merge(weights[..., :-1] @ v)


def added_mask(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = split(q), split(k), split(v)
    T = q.size(2)
    mask = torch.full((T, T), float("-inf"), device=q.device).triu(1)
    return merge(F.softmax(q @ k.mT * S**-0.5 + mask, dim=-1, dtype=torch.float32).to(q.dtype) @ v)


def heads_in_a_loop(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """One head at a time, cut out of the projections."""
    parts = []
    for h in range(H):
        qi, ki, vi = (x[..., h * S : (h + 1) * S] for x in (q, k, v))
        parts.append(F.softmax(qi @ ki.mT * S**-0.5, dim=-1) @ vi)
    return torch.cat(parts, dim=-1)


SPELLINGS = {
    function.__name__: function
    for function in (matmul, fused, einsum, einsum_keys_first, keys_times_queries, flattened, scaled_first, added_mask,
                     exp_over_sum, with_sinks)
}  # fmt: skip


def grouped_repeat(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = split(q), split(k), split(v)
    k, v = (x.repeat_interleave(q.size(1) // x.size(1), dim=1) for x in (k, v))
    return merge(F.softmax(q @ k.mT * S**-0.5, dim=-1) @ v)


def grouped_expand(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = split(q), split(k), split(v)
    B, kv, T, s = k.shape
    k, v = (x[:, :, None].expand(B, kv, H // kv, T, s).reshape(B, H, T, s) for x in (k, v))
    return merge(F.softmax(q @ k.mT * S**-0.5, dim=-1) @ v)


def grouped_fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return merge(F.scaled_dot_product_attention(split(q), split(k), split(v), enable_gqa=True))


def grouped_view(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Query heads as groups: no copies of keys."""
    q, k, v = split(q), split(k), split(v)
    grouped = q.unflatten(1, (k.size(1), -1))  # (B, kv, g, T, s)
    weights = F.softmax(grouped @ k[:, :, None].mT * S**-0.5, dim=-1)
    return merge((weights @ v[:, :, None]).flatten(1, 2))


GROUPED = {f.__name__: f for f in (grouped_repeat, grouped_expand, grouped_fused, grouped_view)}


class Fused(nn.Module):
    """One projection whose columns hold q, k and v in an order that the view tells."""

    def __init__(self, order: str) -> None:
        super().__init__()
        self.qkv, self.dense, self.order = nn.Linear(D, 3 * D), nn.Linear(D, D), order

    def forward(self, x: Tensor) -> Tensor:
        B, T, _ = x.shape
        qkv = self.qkv(x)
        if self.order == "heads first":  # GPT-NeoX: every head's q, k and v together
            q, k, v = qkv.view(B, T, H, 3 * S).transpose(1, 2).chunk(3, dim=-1)
        elif self.order == "one view":  # ViT: (3, B, h, T, s)
            q, k, v = qkv.reshape(B, T, 3, H, S).permute(2, 0, 3, 1, 4).unbind(0)
        elif self.order == "slices":
            q, k, v = (split(qkv[..., i * D : (i + 1) * D]) for i in range(3))
        else:
            q, k, v = map(split, qkv.split(D, dim=-1))
        return self.dense(merge(F.softmax(q @ k.mT * S**-0.5, dim=-1) @ v))


ORDERS = ("three blocks", "heads first", "one view", "slices")
