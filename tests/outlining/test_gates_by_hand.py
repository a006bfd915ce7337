"""Gates of an MLP: in place, of two that are activated, of one number a row."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from shapetrace.outlining.roles import Role
from tests.outlining.reading import read

Gate = Callable[[Tensor, Tensor], Tensor]


class Gated(nn.Module):
    def __init__(self, gate: Gate, columns: int = 24) -> None:
        super().__init__()
        self.gate, self.a, self.b, self.c = gate, nn.Linear(12, 24), nn.Linear(12, columns), nn.Linear(24, 12)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.c(self.gate(self.a(x), self.b(x)))
        return x + y


def told(model: nn.Module) -> tuple[list[Role], list[str]]:
    found = list(read(model, torch.randn(2, 3, 12)).steps())
    return [s.role for s in found if s.path in ("a", "b", "c")], [s.title for s in found if s.kind == "activation"]


@pytest.mark.parametrize(
    ("gate", "title"),
    [
        (lambda a, b: a.relu().mul_(b), "ReGLU"),
        (lambda a, b: nn.functional.silu(a).mul_(b), "SwiGLU"),
        (lambda a, b: a.sigmoid() * b, "GLU"),
    ],
)
def test_what_is_activated_and_multiplied_is_a_gate(gate: Gate, title: str) -> None:
    assert told(Gated(gate)) == ([Role.GATE, Role.UP, Role.DOWN], [title])


@pytest.mark.parametrize("gate", [lambda a, b: a.tanh() * b.sigmoid(), lambda a, b: b.sigmoid() * a.relu()])
def test_of_two_that_are_activated_the_sigmoid_is_the_gate(gate: Gate) -> None:
    assert told(Gated(gate))[0] == [Role.UP, Role.GATE, Role.DOWN]


@pytest.mark.parametrize("gate", [lambda a, b: a.relu() * b.sigmoid(), lambda a, b: b.sigmoid() * a.tanh()])
def test_a_number_a_row_is_no_matrix_of_the_mlp(gate: Gate) -> None:
    assert told(Gated(gate, columns=1))[0] == [Role.EXPAND, Role.SIDE_GATE, Role.SHRINK]
