"""A title says what a step is, or nothing: what looks like a router, a gate or a latent and is none keeps its name."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.capture import capture
from shapetrace.outlining import outline
from tests.outlining.reading import faults, read, titles

X = torch.randn(6, 12, generator=torch.Generator().manual_seed(1))


class Loop(nn.Module):
    """Experts one after another, each with the rows that the router gave it, by the best or by two of the best."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.router, self.k = nn.Linear(12, 3), k
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 12)) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        scores = self.router(x).softmax(-1)
        best, chosen = torch.max(scores, dim=-1) if self.k == 1 else torch.topk(scores, self.k)
        y = torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            rows = torch.nonzero(chosen == number)[:, 0]
            y[rows] = y[rows] + expert(x[rows])
        return y * best.reshape(len(x), -1)[:, :1]


@pytest.mark.parametrize("k", [1, 2])
def test_in_a_loop_over_experts_the_router_alone_is_one(k: int) -> None:
    torch.manual_seed(0)
    trace = capture(Loop(k).eval(), (X,), {})
    found = outline(trace)
    assert not faults(trace, found, all_used=False)
    assert titles(found).count("Router") == 1


class Projector(nn.Module):
    """What a model saw is written over the places that were kept for it: nothing is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.projector = nn.Embedding(9, 12), nn.Linear(8, 12)

    def forward(self, ids: Tensor, seen: Tensor) -> Tensor:
        x = self.table(ids)
        return x.masked_scatter((ids == 3)[..., None], self.projector(seen))


def test_rows_that_are_written_into_others_were_not_routed() -> None:
    found = read(Projector(), torch.tensor([[1, 3, 3, 4]]), torch.ones(2, 8))
    assert "Router" not in titles(found)
    assert "projector" in titles(found)


class Meeting(nn.Module):
    """Two projections that meet in a sum, or as a gate of something else than their own input."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.one, self.other = kind, nn.Linear(12, 12), nn.Linear(48, 12)
        self.wide = nn.Linear(12, 48)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "sum":
            return F.leaky_relu(self.one(x)[:, None] + self.one(x)[None])
        return torch.sigmoid(self.one(x)) * self.other(F.relu(self.wide(x)))


@pytest.mark.parametrize("kind", ["sum", "two sources"])
def test_a_gate_multiplies_what_comes_from_one_source(kind: str) -> None:
    found = titles(outline(capture(Meeting(kind).eval(), (X,), {})))
    assert not {"Gate", "Up", "Down"} & set(found)
    assert kind == "sum" or {"one", "Shrink"} <= set(found)


class Cross(nn.Module):
    """A narrow stream that asks a wide one: its projection is no latent, for the attention's result is added to it."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(32, 12)
        self.q, self.k, self.v = nn.Linear(12, 16), nn.Linear(32, 16), nn.Linear(32, 16)
        self.leave = nn.Linear(16, 12)

    def forward(self, x: Tensor) -> Tensor:
        y = self.enter(x)
        q, k, v = (f(z).unflatten(-1, (2, 8)).transpose(1, 2) for f, z in ((self.q, y), (self.k, x), (self.v, x)))
        z = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return y + self.leave(z)


def test_a_narrow_stream_is_no_latent() -> None:
    found = titles(read(Cross(), torch.ones(1, 5, 32)))
    assert "Compress" not in found
    assert {"enter", "Query", "Key", "Value", "Output"} <= set(found)


class Squeeze(nn.Module):
    """Two products around an activation, by their widths."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(widths[0], widths[1]), nn.SiLU(), nn.Linear(widths[1], widths[2]), nn.LayerNorm(widths[2])
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


@pytest.mark.parametrize(
    ("width", "expected"), [(48, ["Expand", "Shrink"]), (3, ["Shrink", "Expand"]), (12, ["MLP in", "MLP out"])]
)
def test_what_shrinks_is_not_said_to_expand(width: int, expected: list[str]) -> None:
    found = read(Squeeze(12, width, 12), X)
    assert [s.title for s in found.steps() if s.kind == "product"] == expected
