"""Queries and keys are turned by angles, in every way to write that, wherever sines and cosines come from."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from shapetrace.outlining.roles import Role
from tests.outlining.reading import read, titles

D, T = 16, 6
Turn = Callable[[Tensor, Tensor, Tensor], Tensor]


def halves(x: Tensor, c: Tensor, s: Tensor) -> Tensor:
    one, two = x.chunk(2, -1)
    return x * torch.cat([c, c], -1) + torch.cat([-two, one], -1) * torch.cat([s, s], -1)


def neighbours(x: Tensor, c: Tensor, s: Tensor) -> Tensor:
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack([a * c - b * s, a * s + b * c], -1).flatten(-2)


def parts(x: Tensor, c: Tensor, s: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat([a * c - b * s, b * c + a * s], -1)


def signed(x: Tensor, c: Tensor, s: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat([a * c + b * s, a * (-s) + b * c], -1)


def numbers(x: Tensor, c: Tensor, s: Tensor) -> Tensor:
    turned = torch.view_as_complex(x.unflatten(-1, (-1, 2))) * torch.complex(c, s)
    return torch.view_as_real(turned).flatten(-2)


class Attention(nn.Module):
    """Queries and keys are turned; sines and cosines are given, taken from a table, or made of a product."""

    def __init__(self, turn: Turn, *, learned: bool = False) -> None:
        super().__init__()
        self.turn, self.learned = turn, learned
        self.q, self.k, self.v, self.w = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, D)

    def forward(self, x: Tensor, c: Tensor, s: Tensor) -> Tensor:
        c, s = self.w(x).chunk(2, -1) if self.learned else (c, s)
        q, k = (self.turn(layer(x), c, s) for layer in (self.q, self.k))
        return (q @ k.mT).softmax(-1) @ self.v(x)


def turned(model: nn.Module) -> int:
    found = read(model, torch.randn(2, T, D), torch.randn(T, D // 2), torch.randn(T, D // 2), all_used=False)
    return sum(step.role is Role.POSITION for step in found.steps())


@pytest.mark.parametrize("turn", [halves, neighbours, parts, signed, numbers])
def test_columns_turned_by_given_angles_are_positions(turn: Turn) -> None:
    assert turned(Attention(turn)) == 2


@pytest.mark.parametrize("turn", [halves, neighbours, parts, numbers])
def test_columns_that_are_multiplied_as_complex_numbers_with_others_are_not_turned(turn: Turn) -> None:
    assert turned(Attention(turn, learned=True)) == 0


def mirrored(x: Tensor, c: Tensor, s: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat([a * c + b * s, b * c + a * s], -1)


def scaled(x: Tensor, c: Tensor, s: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat([a * c - b, b * s + a], -1)


@pytest.mark.parametrize("turn", [mirrored, scaled])
def test_what_turns_nothing_is_no_position(turn: Turn) -> None:
    assert turned(Attention(turn)) == 0


@pytest.mark.parametrize("turn", [halves, signed])
def test_a_norm_before_a_rotation_is_a_step_of_its_own(turn: Turn) -> None:
    def normed(x: Tensor, c: Tensor, s: Tensor) -> Tensor:
        return turn(nn.functional.rms_norm(x, (D,)), c, s)

    found = read(
        Attention(normed), torch.randn(2, T, D), torch.randn(T, D // 2), torch.randn(T, D // 2), all_used=False
    )
    assert [title for title in titles(found) if title in ("RMSNorm", "RoPE")] == ["RMSNorm", "RoPE"] * 2
