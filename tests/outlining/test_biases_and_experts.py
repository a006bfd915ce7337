"""Biases that the code adds by itself, and what becomes of the rows that experts made."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.outlining.reading import read, step, titles


class Written(nn.Module):
    """x @ W + b, by hand."""

    def __init__(self, *bias: int) -> None:
        super().__init__()
        self.W, self.b = nn.Parameter(torch.ones(24, 40)), nn.Parameter(torch.ones(*bias))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x @ self.W + self.b) * 2


@pytest.mark.parametrize(("bias", "expected"), [((40,), (1000, 0)), ((1, 1, 40), (1000, 0)), ((5, 40), (960, 200))])
def test_a_row_of_weights_added_to_a_product_is_its_bias(bias: tuple[int, ...], expected: tuple[int, int]) -> None:
    found = read(Written(*bias), torch.ones(1, 5, 24))
    product, *rest = found.steps()
    assert (product.parameters, sum(s.parameters for s in rest)) == expected


class TwoWays(nn.Module):
    """The sum of two products: neither is the bias of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(24, 40, bias=False), nn.Linear(24, 40, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x) + self.b(torch.ones(1, 24))


def test_a_product_of_constants_is_no_bias() -> None:
    assert titles(read(TwoWays(), torch.ones(1, 24))) == ["a", "b", "Add"]


class Experts(nn.Module):
    """Each row through the two matrices, with biases, of its own best experts, and the results added up."""

    def __init__(self, n: int = 6, per_token: int = 2) -> None:
        super().__init__()
        self.per_token = per_token
        self.router = nn.Linear(24, n, bias=False)
        self.up, self.up_bias = nn.Parameter(torch.ones(n, 24, 64)), nn.Parameter(torch.ones(n, 64))
        self.down, self.down_bias = nn.Parameter(torch.ones(n, 32, 24)), nn.Parameter(torch.ones(n, 24))

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(-1, 24)
        scores, chosen = self.router(x).softmax(-1).topk(self.per_token, dim=-1)  # (T, k)
        rows = x.repeat_interleave(self.per_token, dim=0)  # (T k, d)
        ids = chosen.reshape(-1)
        h = torch.bmm(rows.unsqueeze(1), self.up[ids]).squeeze(1) + self.up_bias[ids]
        gate, up = h.chunk(2, dim=-1)
        h = gate * torch.sigmoid(1.702 * gate) * (up + 1)
        out = torch.bmm(h.unsqueeze(1), self.down[ids]).squeeze(1) + self.down_bias[ids]
        return (out.view(-1, self.per_token, 24) * scores.unsqueeze(-1)).sum(1)


def test_experts_have_their_names_and_their_biases() -> None:
    found = read(Experts(), torch.ones(1, 7, 24))
    wanted = ["Router", "Choose experts", "Dispatch", "Gate and up", "SwiGLU", "Down", "Combine experts"]
    assert [t for t in titles(found) if t != "Select rows"] == wanted
    trace = found.trace
    assert trace.ops[min(step(found, "Dispatch").ops)].name == "repeat_interleave"
    assert step(found, "Gate and up").parameters == 6 * (24 * 64 + 64)
    assert step(found, "Down").parameters == 6 * (32 * 24 + 24)
    combined = step(found, "Combine experts")
    assert (combined.operands[0].shape, combined.results[0].shape) == ((7, 2, 24), (7, 24))


def test_a_recurrent_layer_is_its_two_products_with_their_own_weights() -> None:
    found = read(nn.GRU(24, 16, batch_first=True), torch.ones(2, 7, 24))
    first, recurrent = (s for s in found.steps() if s.kind == "product")
    assert (first.equation, first.flops) == ("[2,7,24]×[24,48]→[2,7,48]", 2 * 2 * 7 * 24 * 48)
    assert (recurrent.title, recurrent.equation) == ("Recurrent", "[2,16]×[16,48]→[2,48]")
    assert recurrent.operands[0].stack == 7
    assert recurrent.flops == 7 * 2 * 2 * 16 * 48
    assert (first.parameters, recurrent.parameters) == (24 * 48 + 48, 16 * 48 + 48)
