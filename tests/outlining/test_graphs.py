"""The matrix of a graph says how much of each row goes into each: it is no stream."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.outlining.reading import read

N, D = 7, 12
Spread = Callable[[Tensor, Tensor], Tensor]


def plain(a: Tensor, x: Tensor) -> Tensor:
    return a @ x


def weighed(a: Tensor, x: Tensor) -> Tensor:
    a = a + torch.eye(N)
    d = a.sum(-1) ** -0.5
    return (d[:, None] * a * d[None]) @ x


def by_degrees(a: Tensor, x: Tensor) -> Tensor:
    d = torch.diag(a.sum(-1) ** -0.5)
    return d @ a @ d @ x


def from_the_right(a: Tensor, x: Tensor) -> Tensor:
    return torch.einsum("vc,vw->wc", x, a)


class Graph(nn.Module):
    """Rows are spread before a product, or what it made of them."""

    def __init__(self, spread: Spread, *, first: bool) -> None:
        super().__init__()
        self.spread, self.first, self.one, self.two = spread, first, nn.Linear(D, D), nn.Linear(D, 3)

    def forward(self, x: Tensor, a: Tensor) -> Tensor:
        for layer in (self.one, self.two):
            x = (layer(self.spread(a, x)) if self.first else self.spread(a, layer(x))).relu()
        return x


def named(model: nn.Module, *inputs: Tensor) -> list[list[str]]:
    """Names of what is multiplied, of products of data with data."""
    products = (s for s in read(model, *inputs).steps() if s.kind in ("product", "contraction"))
    return [[ref.name for ref in s.operands] for s in products if all(ref.role == "data" for ref in s.operands)]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("spread", [plain, weighed, by_degrees, from_the_right])
def test_an_adjacency_is_no_stream_however_it_is_normalised(spread: Spread, *, first: bool) -> None:
    told = named(Graph(spread, first=first), torch.randn(N, D), torch.rand(N, N))
    rows = [names for names in told if {*names} & {"X", "Y"}]
    assert len(rows) == 2
    assert all("A" in names for names in told)
    assert all(names.count("A") == 1 for names in rows)


class Alike(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(D, D)

    def forward(self, x: Tensor) -> Tensor:
        y = self.one(x)
        out: Tensor = (y @ y.mT) @ self.one(x)
        return out


def test_what_products_made_is_no_graph() -> None:
    assert not any("A" in names for names in named(Alike(), torch.randn(N, D)))
