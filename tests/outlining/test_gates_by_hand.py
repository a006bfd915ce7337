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


class Open(nn.Module):
    """A gate that nothing closes: what is behind it is another module's."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate, self.a, self.b = gate, nn.Linear(12, 24), nn.Linear(12, 24)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self.a(x), self.b(x)
        return self.gate(a, b), b


@pytest.mark.parametrize(
    ("gate", "title"),
    [
        (lambda a, b: a.relu() * b, "ReGLU"),
        (lambda a, b: nn.functional.silu(a) * b, "SwiGLU"),
        (lambda a, b: a.sigmoid() * b, "GLU"),
        (lambda a, _: a.relu() * a, "ReLU²"),
        (lambda a, _: a.relu() * 2.0, "ReLU"),
    ],
)
def test_the_other_factor_says_what_an_activation_is_also_where_no_product_follows(gate: Gate, title: str) -> None:
    assert told(Open(gate))[1] == [title]


@pytest.mark.parametrize("gate", [lambda a, b: a.tanh() * b.sigmoid(), lambda a, b: b.sigmoid() * a.relu()])
def test_of_two_that_are_activated_the_sigmoid_is_the_gate(gate: Gate) -> None:
    assert told(Gated(gate))[0] == [Role.UP, Role.GATE, Role.DOWN]


@pytest.mark.parametrize("gate", [lambda a, b: a.relu() * b.sigmoid(), lambda a, b: b.sigmoid() * a.tanh()])
def test_a_number_a_row_is_no_matrix_of_the_mlp(gate: Gate) -> None:
    assert told(Gated(gate, columns=1))[0] == [Role.EXPAND, Role.SIDE_GATE, Role.SHRINK]


class Halved(nn.Module):
    """One product whose columns are the gate and what it lets through; ``how`` makes one of the two of both."""

    def __init__(self, how: Gate) -> None:
        super().__init__()
        self.how, self.a, self.c = how, nn.Linear(12, 48), nn.Linear(24, 12)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.c(self.how(*self.a(x).chunk(2, -1)))
        return x + y


def bounded(a: Tensor, b: Tensor) -> Tensor:
    a, b = a.float(), b.float()
    return 7 * torch.tanh(a / 7) * a.sigmoid() * (9 * torch.tanh(b / 9))


@pytest.mark.parametrize("how", [bounded, lambda a, b: (a + 1).sigmoid() * a * (b + 1).clamp(-7, 7)])
def test_halves_that_are_bent_by_hand_and_multiplied_are_a_gate_and_what_it_lets_through(how: Gate) -> None:
    assert told(Halved(how))[0] == [Role.GATE_UP, Role.DOWN]


def test_halves_that_are_bent_and_added_are_no_gate() -> None:
    assert told(Halved(lambda a, b: torch.tanh(a / 7) + torch.tanh(b)))[0] == [Role.EXPAND, Role.SHRINK]


class Depths(nn.Module):
    """Layers that a query of its own weighs (attention over depth), and experts that read the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.asks = nn.Parameter(torch.randn(12))
        self.a, self.b, self.r = nn.Linear(12, 24), nn.Linear(24, 12), nn.Linear(12, 24)

    def forward(self, x: Tensor) -> Tensor:
        layers = torch.stack([x, x.cos()], 2)
        asks = self.asks.expand(2, 3, 1, 12)
        z = nn.functional.scaled_dot_product_attention(asks, layers, layers).squeeze(2)
        score, place = self.r(z).softmax(-1).topk(2, -1)
        made: Tensor = self.b(self.a(z).relu() * torch.zeros(2, 3, 24).scatter(-1, place, score))
        return made


def test_a_product_beside_a_router_reads_a_stream_and_no_heads() -> None:
    found = list(read(Depths(), torch.randn(2, 3, 12)).steps())
    assert next(s.role for s in found if s.path == "r") is Role.ROUTER
    assert Role.OUT_PROJ not in {s.role for s in found}
