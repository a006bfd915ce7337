"""Native sparse attention: three cheap views of the past, mixed by gates (arXiv 2502.11089, section 3).

A reference for its shapes: blocks do not overlap, and compression and selection use the same blocks.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.models.attention import attend, repeat_heads
from shapetrace.models.positions import causal_mask


class KeysAndValues(nn.Module):
    """One branch's own keys and values: (B, T, C) -> 2 x (B, n_kv, T, hs)."""

    def __init__(self, C: int, n_kv: int, hs: int) -> None:
        super().__init__()
        self.n_kv, self.hs = n_kv, hs
        self.k_proj = nn.Linear(C, n_kv * hs, bias=False)
        self.v_proj = nn.Linear(C, n_kv * hs, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        B, T, _ = x.size()
        k = self.k_proj(x).view(B, T, self.n_kv, self.hs).transpose(1, 2)
        v = self.v_proj(x).view(B, T, self.n_kv, self.hs).transpose(1, 2)
        return k, v


class Compressed(nn.Module):
    """Every block of keys and of values becomes one; queries look at those of the past."""

    def __init__(self, C: int, n_kv: int, hs: int, block: int) -> None:
        super().__init__()
        self.block = block
        self.kv = KeysAndValues(C, n_kv, hs)
        self.compress_k = nn.Linear(block * hs, hs, bias=False)
        self.compress_v = nn.Linear(block * hs, hs, bias=False)

    def forward(self, x: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        """The branch's output (B, nh, T, hs) and its attention over the blocks (B, nh, T, N)."""
        B, nh, T, hs = q.size()
        k, v = self.kv(x)
        n_kv, N = k.size(1), T // self.block
        k = self.compress_k(k.reshape(B, n_kv, N, self.block * hs))  # (B, n_kv, N, block * hs) -> (B, n_kv, N, hs)
        v = self.compress_v(v.reshape(B, n_kv, N, self.block * hs))
        k, v = repeat_heads(k, nh // n_kv), repeat_heads(v, nh // n_kv)
        last = (torch.arange(N, device=x.device) + 1) * self.block - 1  # last token of each block
        not_past = last > torch.arange(T, device=x.device).unsqueeze(1)  # (T, N)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(hs))  # (B, nh, T, hs) x (B, nh, hs, N) -> (B, nh, T, N)
        att = F.softmax(att.masked_fill(not_past, torch.finfo(att.dtype).min), dim=-1)
        att = att.masked_fill(not_past, 0.0)  # the first tokens have no past block: they get nothing
        return att @ v, att  # (B, nh, T, N) x (B, nh, N, hs) -> (B, nh, T, hs)


class Selected(nn.Module):
    """Every query reads the few blocks that the compressed branch found important, token by token."""

    def __init__(self, C: int, n_kv: int, hs: int, block: int, n_chosen: int) -> None:
        super().__init__()
        self.block, self.n_chosen = block, n_chosen
        self.kv = KeysAndValues(C, n_kv, hs)

    def forward(self, x: Tensor, q: Tensor, importance: Tensor) -> Tensor:
        """The branch's output (B, nh, T, hs) from an importance of every block (B, nh, T, N)."""
        B, nh, T, hs = q.size()
        k, v = self.kv(x)
        n_kv, N = k.size(1), importance.size(-1)
        chosen = self.choose(importance.view(B, n_kv, nh // n_kv, T, N).sum(dim=2))  # (B, n_kv, T, n)
        k, v = self.blocks_of(k, chosen), self.blocks_of(v, chosen)  # (B, n_kv, T, n * block, hs)
        place = chosen.unsqueeze(-1) * self.block + torch.arange(self.block, device=x.device)  # (B, n_kv, T, n, block)
        future = place.flatten(3) > torch.arange(T, device=x.device).unsqueeze(1)  # (B, n_kv, T, n * block)
        q = q.view(B, n_kv, nh // n_kv, T, hs).transpose(2, 3)  # (B, n_kv, T, g, hs)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(hs))  # x (B, n_kv, T, hs, n * block)
        att = F.softmax(att.masked_fill(future.unsqueeze(3), float("-inf")), dim=-1)  # (B, n_kv, T, g, n * block)
        y = att @ v  # x (B, n_kv, T, n * block, hs) -> (B, n_kv, T, g, hs)
        return y.transpose(2, 3).reshape(B, nh, T, hs)

    def choose(self, importance: Tensor) -> Tensor:
        """The query's own block and the best others: (B, n_kv, T, N) -> (B, n_kv, T, n)."""
        T, N = importance.size(-2), importance.size(-1)
        own = torch.arange(T, device=importance.device).unsqueeze(1) // self.block
        is_own = own == torch.arange(N, device=importance.device)  # (T, N)
        return importance.masked_fill(is_own, float("inf")).topk(self.n_chosen, dim=-1).indices

    def blocks_of(self, x: Tensor, chosen: Tensor) -> Tensor:
        """Gather blocks for every query: (B, n_kv, T, hs), (B, n_kv, T, n) -> (B, n_kv, T, n * block, hs)."""
        B, n_kv, T, hs = x.size()
        blocks = x.view(B, n_kv, 1, T // self.block, self.block * hs).expand(B, n_kv, T, -1, -1)
        index = chosen.unsqueeze(-1).expand(*chosen.size(), self.block * hs)
        return blocks.gather(3, index).view(B, n_kv, T, -1, hs)


class Sliding(nn.Module):
    """Every query reads its last few tokens."""

    def __init__(self, C: int, n_kv: int, hs: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.kv = KeysAndValues(C, n_kv, hs)

    def forward(self, x: Tensor, q: Tensor) -> Tensor:
        k, v = self.kv(x)
        T, n = q.size(2), q.size(1) // k.size(1)
        return attend(q, repeat_heads(k, n), repeat_heads(v, n), causal_mask(T, T, self.window, x.device))


class NativeSparseAttention(nn.Module):
    """Compressed, selected and sliding attention of the same queries, mixed by three gates a head."""

    def __init__(
        self, d_model: int = 64, heads: int = 4, kv_heads: int = 1, *, block: int = 8, chosen: int = 3, window: int = 16
    ) -> None:
        super().__init__()
        hs = d_model // heads
        self.n_head, self.head_size = heads, hs
        self.q_proj = nn.Linear(d_model, d_model, bias=False)
        self.compressed = Compressed(d_model, kv_heads, hs, block)
        self.selected = Selected(d_model, kv_heads, hs, block, chosen)
        self.sliding = Sliding(d_model, kv_heads, hs, window)
        self.gate = nn.Linear(d_model, 3 * heads)
        self.o_proj = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.size()
        q = self.q_proj(x).view(B, T, self.n_head, self.head_size).transpose(1, 2)  # (B, nh, T, hs)
        coarse, importance = self.compressed(x, q)
        fine = self.selected(x, q, importance)
        near = self.sliding(x, q)
        gates = self.gate(x).sigmoid().view(B, T, self.n_head, 3, 1).transpose(1, 2)  # (B, nh, T, 3, 1)
        y = gates[..., 0, :] * coarse + gates[..., 1, :] * fine + gates[..., 2, :] * near  # (B, nh, T, hs)
        out: Tensor = self.o_proj(y.transpose(1, 2).reshape(B, T, C))
        return out

    def example_inputs(self) -> tuple[Tensor, ...]:
        """One sequence of 64 tokens."""
        weight = self.q_proj.weight
        return (torch.zeros(1, 64, weight.size(1), device=weight.device, dtype=weight.dtype),)
