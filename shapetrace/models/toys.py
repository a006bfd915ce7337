"""Small modules that articles explain attention with. Each brings its own ``example_inputs()``."""

import difflib
import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.capture.known_calls import building
from shapetrace.errors import UsageError
from shapetrace.models.attention import Head
from shapetrace.models.nsa import NativeSparseAttention
from shapetrace.models.positions import causal_mask, rope_tables
from shapetrace.models.reference import attention
from shapetrace.models.settings import Attention, Latent, Settings


class SingleHead(nn.Module):
    """One causal head of a lecture: x (1, 8, 16), head size 16."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Head(Settings(d_model=16, heads=1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        T = x.size(1)
        out: Tensor = self.head(x, causal_mask(T, T, None, x.device))  # (B, T, C) -> (B, T, hs)
        return out

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Eight tokens, 16 wide."""
        return (_features(self, 1, 8, 16),)


class CrossWords(nn.Module):
    """Queries from A, keys and values from B, without batch or heads: Z is as long as A."""

    def __init__(self, d: int = 4) -> None:
        super().__init__()
        self.W_Q = nn.Parameter(torch.randn(d, d))
        self.W_K = nn.Parameter(torch.randn(d, d))
        self.W_V = nn.Parameter(torch.randn(d, d))

    def forward(self, A: Tensor, B: Tensor) -> Tensor:
        Q = A @ self.W_Q  # (n, d) x (d, d) -> (n, d)
        K = B @ self.W_K  # (m, d) x (d, d) -> (m, d)
        V = B @ self.W_V
        scores = Q @ K.T / math.sqrt(K.size(1))  # (n, d) x (d, m) -> (n, m)
        return F.softmax(scores, dim=-1) @ V  # (n, m) x (m, d) -> (n, d)

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Six words and nine patches of a picture."""
        return _features(self, 6, 4), _features(self, 9, 4)


class SixWords(CrossWords):
    """Self-attention of six words, hidden size 4: Q, K and V are (6, 4), scores (6, 6)."""

    def forward(self, X: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(X, X)

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Six words."""
        return (_features(self, 6, 4),)


class Product(nn.Module):
    """One matrix product and nothing else: (4, 3) x (3, 5) -> (4, 5)."""

    def __init__(self) -> None:
        super().__init__()
        self.B = nn.Parameter(torch.tensor([[1.0, 0, 2, 3, 5], [2, 1, 0, 1, 7], [0, 3, 1, 2, 4]]))

    def forward(self, A: Tensor) -> Tensor:
        return A @ self.B

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Four rows of three numbers."""
        return (self.B.new_tensor([[2, 1, 0], [1, 2, 3], [0, 1, 2], [3, 0, 1]]),)


class OneAttention(nn.Module):
    """The self-attention of a model alone: x (1, T, C) -> (1, T, C)."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.attn = attention(settings)

    def forward(self, x: Tensor) -> Tensor:
        settings, T = self.settings, x.size(1)
        latent = settings.attention.latent
        hs = settings.head_size if latent is None else latent.qk_rope_head_dim
        rope = rope_tables(T, hs, settings.attention.rope_theta, like=x) if settings.positions == "rope" else None
        out: Tensor = self.attn(x, causal_mask(T, T, None, x.device), rope)
        return out

    def example_inputs(self) -> tuple[Tensor, ...]:
        """One sequence."""
        return (_features(self, 1, self.settings.n_tokens, self.settings.d_model),)


def _features(model: nn.Module, *shape: int) -> Tensor:
    """Numbers where the model's weights are: 0, 1, 2 ... over their count."""
    weight = next(model.parameters())
    n = math.prod(shape)
    return (torch.arange(n, device=weight.device, dtype=weight.dtype) / n).view(shape)


COMPARED = Settings(
    d_model=512, heads=8, seq=128, bias=False, norm="rmsnorm", positions="rope",
    attention=Attention(projections="separate"),
)  # fmt: skip
"""The size at which attention variants are compared."""


def variant(kv_heads: int | None = None, latent: Latent | None = None) -> OneAttention:
    """Attention at the size of ``COMPARED`` with other keys and values."""
    spelled = replace(COMPARED.attention, latent=latent)
    return OneAttention(replace(COMPARED, kv_heads=kv_heads, attention=spelled))


TOYS: dict[str, Callable[[], nn.Module]] = {
    "matmul": Product,
    "single-head": SingleHead,
    "six-words": SixWords,
    "cross-words": CrossWords,
    "mha": variant,
    "gqa": lambda: variant(kv_heads=2),
    "mqa": lambda: variant(kv_heads=1),
    "mla": lambda: variant(latent=Latent(128, 64, 32, 64, q_lora_rank=192)),
    "nsa": NativeSparseAttention,
}
"""Every toy by its name; each call makes a new one."""

COMPUTED = frozenset({"matmul"})
"""Toys whose numbers are given: they are multiplied, and not only their sizes told."""


def build(name: str, device: str) -> nn.Module:
    """A toy on a device.

    Raises:
        UsageError: If there is none of that name.
    """
    if name not in TOYS:
        near = difflib.get_close_matches(name, TOYS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(TOYS)}."
        raise UsageError(f"There is no toy {name!r}: {hint}")
    with torch.device(device), building(device):
        return TOYS[name]()
