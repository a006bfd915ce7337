"""Blocks and whole models of other architectures, small and plain."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

D, H, S = 24, 4, 6


class RMSNorm(nn.Module):
    """Llama's, written out."""

    def __init__(self, d: int = D) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.weight * wide.to(x.dtype)


def rotate_half(x: Tensor) -> Tensor:
    """Llama's: the second half, negated, before the first."""
    one, other = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat((-other, one), dim=-1)


def angles(x: Tensor) -> Tensor:
    """(T, s/2), from positions and frequencies."""
    T, s = x.shape[-2:]
    return torch.arange(T, device=x.device)[:, None] * 10000 ** (-torch.arange(0, s, 2, device=x.device) / s)


def rope_halves(x: Tensor) -> Tensor:
    doubled = torch.cat((angles(x), angles(x)), dim=-1)
    return x * doubled.cos() + rotate_half(x) * doubled.sin()


def rope_complex(x: Tensor) -> Tensor:
    """Meta's: pairs of neighbours as complex numbers."""
    turns = torch.polar(torch.ones_like(angles(x)), angles(x))
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns).flatten(-2).type_as(x)


def rope_pairs(x: Tensor) -> Tensor:
    """GPT-J's: even and odd columns apart."""
    cos, sin = angles(x).cos(), angles(x).sin()
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1).flatten(-2)


ROTATIONS = {f.__name__: f for f in (rope_halves, rope_complex, rope_pairs)}


class Attention(nn.Module):
    """Separate projections; rotation, norms of queries and keys, window as asked."""

    def __init__(self, *, kv_heads: int = H, rotate: Callable[[Tensor], Tensor] | None = None, qk_norm: bool = False,
                 window: int = 0) -> None:  # fmt: skip
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(D, n * S, bias=False) for n in (H, kv_heads, kv_heads, H))
        self.rotate, self.window = rotate or (lambda x: x), window
        self.q_norm, self.k_norm = (RMSNorm(S) if qk_norm else nn.Identity() for _ in range(2))

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        context = x if context is None else context
        q = self.rotate(self.q_norm(self.q(x).unflatten(-1, (-1, S)).transpose(1, 2)))
        k = self.rotate(self.k_norm(self.k(context).unflatten(-1, (-1, S)).transpose(1, 2)))
        v = self.v(context).unflatten(-1, (-1, S)).transpose(1, 2)
        mask = None
        if self.window:
            here, there = torch.arange(q.size(2))[:, None], torch.arange(k.size(2))[None]
            mask = (there <= here) & (there > here - self.window)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=k.size(1) != H)
        return self.o(y.transpose(1, 2).flatten(2))


class Latent(nn.Module):
    """DeepSeek's: low-rank queries, keys and values; a rotary part that all heads share."""

    def __init__(self, q_rank: int = 14, kv_rank: int = 10, nope: int = 6, rope: int = 4, width: int = 5) -> None:
        super().__init__()
        self.sizes = (nope, rope, width, kv_rank)
        self.q_a, self.q_norm, self.q_b = nn.Linear(D, q_rank), RMSNorm(q_rank), nn.Linear(q_rank, H * (nope + rope))
        self.kv_a, self.kv_norm = nn.Linear(D, kv_rank + rope), RMSNorm(kv_rank)
        self.kv_b, self.o = nn.Linear(kv_rank, H * (nope + width)), nn.Linear(H * width, D)

    def forward(self, x: Tensor) -> Tensor:
        B, T, _ = x.shape
        nope, rope, width, rank = self.sizes
        q = self.q_b(self.q_norm(self.q_a(x))).view(B, T, H, -1).transpose(1, 2)
        q_nope, q_rope = q.split([nope, rope], dim=-1)
        latent, k_rope = self.kv_a(x).split([rank, rope], dim=-1)
        kv = self.kv_b(self.kv_norm(latent)).view(B, T, H, -1).transpose(1, 2)
        k_nope, v = kv.split([nope, width], dim=-1)
        k_rope = rope_halves(k_rope.view(B, 1, T, rope)).expand(-1, H, -1, -1)
        q = torch.cat([q_nope, rope_halves(q_rope)], dim=-1)
        k = torch.cat([k_nope, k_rope], dim=-1)
        weights = F.softmax(q @ k.mT * (nope + rope) ** -0.5, dim=-1)
        return self.o((weights @ v).transpose(1, 2).reshape(B, T, H * width))


class FeedForward(nn.Module):
    def __init__(self, kind: str = "gelu", width: int = 40) -> None:
        super().__init__()
        self.kind, self.up, self.down = kind, nn.Linear(D, width, bias=False), nn.Linear(width, D, bias=False)
        if kind == "swiglu":
            self.gate = nn.Linear(D, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "swiglu":
            return self.down(F.silu(self.gate(x)) * self.up(x))
        return self.down(F.relu(self.up(x)).square() if self.kind == "relu2" else F.gelu(self.up(x)))


class Experts(nn.Module):
    """Every expert sees every token; a router weighs the best two: a loop, no index that needs values."""

    def __init__(self, n: int = 4, chosen: int = 2) -> None:
        super().__init__()
        self.router, self.chosen = nn.Linear(D, n, bias=False), chosen
        self.experts = nn.ModuleList(FeedForward("swiglu", 16) for _ in range(n))

    def forward(self, x: Tensor) -> Tensor:
        scores = self.router(x).softmax(dim=-1)
        best, where = scores.topk(self.chosen, dim=-1)
        weights = torch.zeros_like(scores).scatter(-1, where, best / best.sum(-1, keepdim=True))
        return sum(weights[..., i : i + 1] * expert(x) for i, expert in enumerate(self.experts))


class PreNorm(nn.Module):
    def __init__(self, attn: nn.Module, mlp: nn.Module, norm: Callable[[], nn.Module] = RMSNorm) -> None:
        super().__init__()
        self.norm1, self.attn, self.norm2, self.mlp = norm(), attn, norm(), mlp

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PostNorm(PreNorm):
    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(x + self.attn(x))
        return self.norm2(x + self.mlp(x))


class Parallel(PreNorm):
    """GPT-J: attention and MLP read the same norm."""

    def __init__(self, attn: nn.Module, mlp: nn.Module) -> None:
        super().__init__(attn, mlp)
        del self.norm2

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm1(x)
        return x + self.attn(h) + self.mlp(h)


class Stack(nn.Module):
    """Layers one after the other."""

    def __init__(self, layers: Sequence[nn.Module], times: int = 1) -> None:
        super().__init__()
        self.layers, self.times = nn.ModuleList(layers), times

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times):
            for layer in self.layers:
                x = layer(x)
        return x


class Patches(nn.Module):
    """A vision Transformer: patches by a convolution, a class token, learned positions."""

    def __init__(self) -> None:
        super().__init__()
        self.proj, self.cls = nn.Conv2d(3, D, 4, 4), nn.Parameter(torch.zeros(1, 1, D))
        self.pos = nn.Parameter(torch.zeros(1, 5, D))
        self.blocks = nn.Sequential(*(PreNorm(Attention(), FeedForward()) for _ in range(2)))
        self.norm, self.head = nn.LayerNorm(D), nn.Linear(D, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.size(0), -1, -1), x], dim=1) + self.pos
        return self.head(self.norm(self.blocks(x))[:, 0])


class Functions(nn.Module):
    """No module inside: parameters and functions alone."""

    def __init__(self, layers: int = 3) -> None:
        super().__init__()
        self.n = layers
        for i in range(layers):
            for name, shape in (("qkv", (D, 3 * D)), ("out", (D, D)), ("up", (D, 2 * D)), ("down", (2 * D, D))):
                self.register_parameter(f"{name}_{i}", nn.Parameter(torch.zeros(shape)))

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.n):
            w = {name: getattr(self, f"{name}_{i}") for name in ("qkv", "out", "up", "down")}
            q, k, v = (F.layer_norm(x, (D,)) @ w["qkv"]).unflatten(-1, (3, H, S)).permute(2, 0, 3, 1, 4)
            y = F.softmax(q @ k.mT / S**0.5, dim=-1) @ v
            x = x + y.transpose(1, 2).flatten(2) @ w["out"]
            x = x + F.relu(F.layer_norm(x, (D,)) @ w["up"]) @ w["down"]
        return x


class LoRA(nn.Module):
    """A projection with a low-rank one beside it (arXiv 2106.09685)."""

    def __init__(self, n_in: int, n_out: int, rank: int = 4) -> None:
        super().__init__()
        self.base = nn.Linear(n_in, n_out)
        self.A, self.B = nn.Linear(n_in, rank, bias=False), nn.Linear(rank, n_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.B(self.A(x)) * 2.0
