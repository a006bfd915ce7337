"""Routers by token, routers that score shared experts too, experts weighed inside; heads taken by a list of one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Role
from tests.outlining.reading import products, read


class Experts(nn.Module):
    """Six experts in a stack; a table says which two of them each token goes to, or scores do."""

    def __init__(self, choose: Callable[[Any, Tensor, Tensor], tuple[Tensor, Tensor]], columns: int = 6) -> None:
        super().__init__()
        self.words, self.gate, self.choose = nn.Embedding(20, 8), nn.Linear(8, columns, bias=False), choose
        self.up, self.down = nn.Parameter(torch.randn(6, 16, 8)), nn.Parameter(torch.randn(6, 8, 16))
        self.register_buffer("by_token", torch.randint(0, 6, (20, 2)))

    def forward(self, ids: Tensor) -> Any:
        x = self.words(ids.flatten())
        weights, places = self.choose(self, self.gate(x), ids.flatten())
        rows = x.repeat_interleave(2, 0).unsqueeze(2)
        made = self.down[places.flatten()] @ F.gelu(self.up[places.flatten()] @ rows)
        return x + (made.view(len(x), 2, 8) * weights.unsqueeze(2)).sum(1)


def by_token(m: Any, scores: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    places = m.by_token[ids]
    chosen = F.softplus(scores).sqrt().gather(1, places)
    return chosen / chosen.sum(1, keepdim=True), places


def by_scores(m: Any, scores: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    chosen, places = scores.sigmoid().topk(2)
    return chosen, places


def beside_shared(m: Any, scores: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    """The last two columns are for experts that all tokens go to."""
    places = scores.sigmoid()[:, :-2].topk(2)[1]
    weights = torch.cat((scores[:, :-2].gather(1, places), scores[:, -2:]), 1).softmax(1)
    return weights[:, :2], places


@pytest.mark.parametrize(("choose", "columns"), [(by_token, 6), (by_scores, 6), (beside_shared, 8)])
def test_what_weighs_chosen_experts_is_a_router(choose: Any, columns: int) -> None:
    found = list(read(Experts(choose, columns), torch.zeros(1, 5, dtype=torch.int64)).steps())
    assert [step.role for step in found if step.path == "gate"] == [Role.ROUTER]


def test_columns_by_distance_are_no_router() -> None:
    class Relative(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.by = nn.Linear(8, 9, bias=False)

        def forward(self, x: Tensor) -> Any:
            rows = torch.arange(5)
            return self.by(x).gather(2, (rows - rows.unsqueeze(1) + 4).expand(2, -1, -1)).softmax(-1) @ x

    assert Role.ROUTER not in {step.role for step in read(Relative(), torch.randn(2, 5, 8)).steps()}


class Shared(nn.Module):
    """Two experts that every row goes to, side by side, weighed before the last product."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up = (nn.Parameter(torch.randn(2, 8, 16)) for _ in range(2))
        self.down = nn.Parameter(torch.randn(2, 16, 8))

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        rows = x.expand(2, -1, -1)
        hidden = F.silu(rows @ self.gate) * (rows @ self.up) * weights
        return (hidden @ self.down).sum(0)


def test_a_number_a_row_in_the_gate_leaves_it_one_of_an_mlp() -> None:
    found = list(read(Shared(), torch.randn(5, 8), torch.randn(2, 5, 1)).steps())
    assert [step.role for step in found if step.kind == "product"] == [Role.GATE, Role.UP, Role.DOWN]
    assert "SwiGLU" in [step.title for step in found]


class OneKey(nn.Module):
    """Seven heads of queries and one of keys and values out of one matrix."""

    def __init__(self, cut: Callable[[Tensor], tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.qkv, self.out, self.cut = nn.Linear(28, 36, bias=False), nn.Linear(28, 28, bias=False), cut

    def forward(self, x: Tensor) -> Any:
        q, k, v = (each.transpose(1, 2) for each in self.cut(self.qkv(x).view(2, 5, 9, 4)))
        heads = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        return self.out(heads.transpose(1, 2).reshape(2, 5, 28))


@pytest.mark.parametrize(
    "cut",
    [
        lambda t: (t[..., :-2, :], t[..., [-2], :], t[..., [-1], :]),
        lambda t: (t[:, :, [0, 1, 2, 3, 4, 5, 6]], t[:, :, [7]], t[:, :, [8]]),
        lambda t: t.split((7, 1, 1), 2),
    ],
)
def test_heads_may_be_taken_by_a_list_of_numbers(cut: Callable[[Tensor], tuple[Tensor, ...]]) -> None:
    found = products(read(OneKey(cut), torch.randn(2, 5, 28)))
    assert [(title, stack) for title, _, stack in found][:3] == [("Query", 7), ("Key", 1), ("Value", 1)]
