"""Where a token stands: sinusoids, rotary embeddings, and which tokens may look at which."""

import math
from typing import TypeAlias

import torch
from torch import Tensor

Rope: TypeAlias = tuple[Tensor, Tensor]
"""Cosines and sines, (T, hs) each."""


def causal_mask(T: int, S: int, window: int | None, device: torch.device) -> Tensor:
    """True where query t must not look: at keys after it, or further back than the window.

    The last query stands at the last key: S - T keys were kept from before.

    Returns:
        A (T, S) matrix of booleans.
    """
    ones = torch.ones(T, S, dtype=torch.bool, device=device)
    mask = ones.triu(1 + S - T)  # the future
    if window is not None and window < S:
        mask = mask | ones.tril(S - T - window)  # the far past
    return mask


def places(T: int, past: int, device: torch.device) -> Tensor:
    """Positions of T tokens behind others: past, past + 1, ..., (T,)."""
    return torch.arange(past, past + T, device=device) if past else torch.arange(T, device=device)


def sinusoids(T: int, C: int, like: Tensor, past: int = 0) -> Tensor:
    """The position matrix of 2017: sines in the even columns, cosines in the odd ones.

    Returns:
        A (T, C) matrix with the dtype and device of ``like``.
    """
    position = places(T, past, like.device).unsqueeze(1)  # (T, 1)
    frequency = torch.exp(torch.arange(0, C, 2, device=like.device) * (-math.log(10000.0) / C))  # (C/2,)
    angle = position * frequency  # (T, 1) * (C/2,) -> (T, C/2)
    return torch.stack((angle.sin(), angle.cos()), dim=-1).view(T, C).to(like.dtype)


def rope_tables(T: int, hs: int, theta: float, like: Tensor, past: int = 0) -> Rope:
    """Cosines and sines of the angles by which rotary embeddings turn each pair of a head.

    Returns:
        Two (T, hs) matrices with the dtype and device of ``like``.
    """
    frequency = 1.0 / theta ** (torch.arange(0, hs, 2, device=like.device).float() / hs)  # (hs/2,)
    angle = places(T, past, like.device).unsqueeze(1) * frequency  # (T, 1) * (hs/2,) -> (T, hs/2)
    angle = torch.cat((angle, angle), dim=-1)  # (T, hs)
    return angle.cos().to(like.dtype), angle.sin().to(like.dtype)


def rotate(x: Tensor, rope: Rope) -> Tensor:
    """Turn the pairs (i, i + hs/2) of every head: (B, nh, T, hs) -> (B, nh, T, hs)."""
    cos, sin = rope
    first, second = x.chunk(2, dim=-1)  # (B, nh, T, hs/2) each
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def pairs_to_halves(x: Tensor) -> Tensor:
    """Reorder neighbouring pairs (2i, 2i+1) into (i, i + hs/2): (B, nh, T, hs) -> (B, nh, T, hs)."""
    B, nh, T, hs = x.size()
    return x.view(B, nh, T, hs // 2, 2).transpose(3, 4).reshape(B, nh, T, hs)
