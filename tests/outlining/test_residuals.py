"""A residual is a stream and what was computed from it: no formula, and no part beside what another part made."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from shapetrace.outlining.roles import Role
from tests.outlining.reading import read, titles

D = 8


class Snake(nn.Module):
    """x + sin²(a x) / a, also written with the cosine."""

    def __init__(self, how: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.a, self.how = nn.Parameter(torch.full((1, D, 1), 0.7)), how

    def forward(self, x: Tensor) -> Tensor:
        return x + self.how(self.a, x)


def squared(a: Tensor, x: Tensor) -> Tensor:
    return (a + 1e-9).reciprocal() * torch.sin(a * x).pow(2)


def halved(a: Tensor, x: Tensor) -> Tensor:
    return (1 - torch.cos(2 * a * x)) / (2 * a)


class Unit(nn.Module):
    def __init__(self, how: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.body = nn.Sequential(Snake(how), nn.Conv1d(D, D, 3, padding=1), Snake(how), nn.Conv1d(D, D, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


@pytest.mark.parametrize("how", [squared, halved])
def test_an_activation_that_adds_to_its_operand_is_no_residual_behind_another_one(
    how: Callable[[Tensor, Tensor], Tensor],
) -> None:
    found = read(nn.Sequential(Unit(how), Unit(how)), torch.randn(1, D, 16))
    (body,) = list(found.root.sections())[1:]
    assert body.repeat == 2
    assert titles(body).count("Residual") == 1


class Parallel(nn.Module):
    """Both branches leave the stream before either is added."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.a, self.b = nn.LayerNorm(D), nn.Linear(D, D), nn.Linear(D, D)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        out: Tensor = x + self.a(y) + self.b(y)
        return out


def test_a_second_branch_of_the_same_stream_is_added_by_a_residual() -> None:
    assert titles(read(Parallel(), torch.randn(2, 4, D))).count("Residual") == 2


class Made(nn.Module):
    """A network whose matrix and bias another one makes; or one that adds what it multiplied."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self.bias, self.makes = bias, nn.Linear(3, 2 * D * D)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        matrix, bias = self.makes(given).view(-1, 2, D, D).unbind(1)
        return torch.bmm(matrix, x) + (bias if self.bias else matrix)


@pytest.mark.parametrize(("bias", "role"), [(True, Role.OTHER), (False, Role.RESIDUAL)])
def test_a_bias_that_was_made_beside_the_matrix_is_no_residual(*, bias: bool, role: Role) -> None:
    found = read(Made(bias=bias), torch.randn(2, D, D), torch.randn(2, 3))
    assert [s.role for s in found.steps() if s.operator == "+"] == [role]
