"""Attention whose scores are one number a row: Bahdanau's and its kin, pooling, graph attention."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Role
from tests.outlining.reading import read, step

Forward = Callable[..., Any]


class Net(nn.Module):
    """Linear layers by name and sizes, and what a function does with them."""

    def __init__(self, forward: Forward, **layers: tuple[int, int]) -> None:
        super().__init__()
        self.run = forward
        for name, sizes in layers.items():
            setattr(self, name, nn.Linear(*sizes, bias=False))

    def forward(self, *inputs: Tensor) -> Any:
        return self.run(self, *inputs)


NAMED = frozenset(
    {Role.QUERY, Role.KEY, Role.VALUE, Role.SCORES, Role.ATTENTION_WEIGHTS, Role.WEIGHTED_SUM, Role.EXPAND, Role.GATE}
)


def roles(model: nn.Module, *inputs: Tensor) -> list[str]:
    found = read(model, *inputs, all_used=False)
    return [step.role.name for step in found.steps() if step.role in NAMED]


ASKED = ["QUERY", "KEY", "SCORES", "ATTENTION_WEIGHTS", "WEIGHTED_SUM"]
SIZES = {"q": (7, 5), "k": (8, 5), "v": (5, 1)}


def tutorial(m: Any, query: Tensor, keys: Tensor) -> Any:
    scores = m.v(torch.tanh(m.q(query).unsqueeze(1) + m.k(keys))).squeeze(2).unsqueeze(1)
    return torch.bmm(F.softmax(scores, dim=-1), keys)


def captions(m: Any, query: Tensor, keys: Tensor) -> Any:
    scores = m.v(F.relu(m.q(query).unsqueeze(1) + m.k(keys))).squeeze(2)
    return (keys * scores.softmax(1).unsqueeze(2)).sum(dim=1)


def masked(m: Any, query: Tensor, keys: Tensor) -> Any:
    scores = m.v(torch.tanh(m.q(query).unsqueeze(1) + m.k(keys))).squeeze(-1)
    scores = scores.masked_fill((torch.arange(6) > 3).unsqueeze(0), -1e9)
    return torch.einsum("bs,bsd->bd", F.dropout(scores.softmax(-1), 0.1, False), keys)


def each_query(m: Any, query: Tensor, keys: Tensor) -> Any:
    queries = torch.stack([query] * 3, 1)
    scores = m.v(torch.tanh(m.q(queries).unsqueeze(2) + m.k(keys).unsqueeze(1))).squeeze(-1)
    return scores.softmax(-1) @ keys


@pytest.mark.parametrize("forward", [tutorial, captions, masked, each_query])
def test_a_number_for_each_key_that_knows_the_query_is_a_score(forward: Forward) -> None:
    assert roles(Net(forward, **SIZES), torch.randn(2, 7), torch.randn(2, 6, 8)) == ASKED


def test_a_mask_of_such_scores_is_part_of_them() -> None:
    found = read(Net(masked, **SIZES), torch.randn(2, 7), torch.randn(2, 6, 8))
    assert list(map(str, step(found, "Scores").notes)) == ["padding hidden"]
    assert step(found, "Weighted sum").equation == "[1,6]×[6,8]→[1,8]"


def test_such_an_attention_is_a_section_of_its_own_where_it_is_a_module() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.out = Net(tutorial, **SIZES), nn.Linear(8, 4)

        def forward(self, query: Tensor, keys: Tensor) -> Any:
            return self.out(self.inner(query, keys))

    found = read(Model(), torch.randn(2, 7), torch.randn(2, 6, 8))
    assert [section.kind for section in found.root.sections()] == ["model", "attention"]


POOLED = ["SCORES", "ATTENTION_WEIGHTS", "WEIGHTED_SUM"]


def side_by_side(m: Any, query: Tensor, keys: Tensor) -> Any:
    both = torch.cat((query.unsqueeze(1).expand(-1, 6, -1), keys), 2)
    return m.v(torch.tanh(m.both(both))).squeeze(2).softmax(1).unsqueeze(1) @ keys


def words(m: Any, _: Tensor, keys: Tensor) -> Any:
    return (m.v(torch.tanh(m.k(keys))).softmax(1) * keys).sum(1)


def bag(m: Any, _: Tensor, keys: Tensor) -> Any:
    return m.v(torch.tanh(m.k(keys[0])) * torch.sigmoid(m.k2(keys[0]))).T.softmax(1) @ keys[0]


def hops(m: Any, _: Tensor, keys: Tensor) -> Any:
    return m.v3(torch.tanh(m.k(keys))).softmax(1).transpose(1, 2) @ keys


def pooled(m: Any, _: Tensor, keys: Tensor) -> Any:
    return torch.einsum("bs,bsd->bd", m.plain(keys).squeeze(-1).softmax(-1), keys)


def graph(m: Any, _: Tensor, keys: Tensor) -> Any:
    h = keys[0]
    scores = F.leaky_relu(m.plain(h) + m.plain2(h).T, 0.2)
    return torch.where(torch.eye(6) > 0, scores, -9e15 * torch.ones_like(scores)).softmax(1) @ h


@pytest.mark.parametrize(
    ("forward", "more"),
    [(side_by_side, []), (words, []), (bag, []), (hops, []), (pooled, []), (graph, ["SCORES"])],
)
def test_weights_of_rows_from_one_column_are_attention(forward: Forward, more: list[str]) -> None:
    model = Net(forward, both=(15, 5), k=(8, 5), k2=(8, 5), v=(5, 1), v3=(5, 3), plain=(8, 1), plain2=(8, 1))
    assert roles(model, torch.randn(2, 7), torch.randn(2, 6, 8)) == [*more, *POOLED]


def over_columns(m: Any, _: Tensor, keys: Tensor) -> Any:
    """A mixture: weights of columns, not of rows."""
    return (m.k(keys).softmax(-1) * m.k2(keys)).sum(-1)


def unsummed(m: Any, _: Tensor, keys: Tensor) -> Any:
    """Weights that scale rows, and add up nothing."""
    return m.plain(keys).softmax(1) * keys


def gated(m: Any, _: Tensor, keys: Tensor) -> Any:
    return (torch.sigmoid(m.plain(keys)) * keys).sum(1)


@pytest.mark.parametrize("forward", [over_columns, unsummed, gated])
def test_what_weighs_no_rows_against_each_other_is_none(forward: Forward) -> None:
    model = Net(forward, k=(8, 5), k2=(8, 5), plain=(8, 1))
    assert not {*roles(model, torch.randn(2, 7), torch.randn(2, 6, 8))} & {*ASKED}
