"""Things that look like something else: no word is said of them that is not true."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Outline, Section
from tests.outlining.reading import read, titles


def loops(found: Outline | Section) -> list[tuple[str, int]]:
    """Titles of the sections that repeat, and how often."""
    root = found.root if isinstance(found, Outline) else found
    return [(s.title, s.repeat) for s in root.sections() if s.repeat > 1]


def roles(found: Outline) -> set[Role]:
    return {step.role for step in found.steps()}


class Gated(nn.Module):
    """A GRU on the model's own parameters, in lists; its state begins with zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.ParameterList(nn.Parameter(torch.randn(8, 6)) for _ in range(3))
        self.u = nn.ParameterList(nn.Parameter(torch.randn(6, 6)) for _ in range(3))
        self.b = nn.ParameterList(nn.Parameter(torch.randn(6)) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        h, made = torch.zeros(len(x), 6), []
        for t in range(x.shape[1]):
            z, r = (torch.sigmoid(x[:, t] @ self.w[i] + h @ self.u[i] + self.b[i]) for i in (0, 1))
            h = z * h + (1 - z) * torch.tanh(x[:, t] @ self.w[2] + (r * h) @ self.u[2] + self.b[2])
            made.append(h)
        return torch.stack(made, 1)


def test_turns_of_a_loop_are_no_layers_from_the_first_one_on() -> None:
    found = read(Gated(), torch.randn(2, 5, 8))
    assert loops(found) == [("Loop", 5)]
    notes = {str(note) for step in found.steps() for note in step.notes}
    assert notes == {"the same weights in every turn"}


class Deep(nn.Module):
    """Layers whose weights are in a list: each has its own."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.ParameterList(nn.Parameter(torch.randn(8, 8)) for _ in range(5))

    def forward(self, x: Tensor) -> Tensor:
        for w in self.w:
            x = F.normalize(x @ w)
        return x


def test_layers_with_weights_of_their_own_are_no_turns() -> None:
    assert loops(read(Deep(), torch.randn(2, 8))) == [("Block", 5)]


class Tagger(nn.Module):
    """The likeliest path of tags, found with the tags that led there."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head, self.moves = nn.Embedding(9, 8), nn.Linear(8, 4), nn.Parameter(torch.randn(4, 4))

    def forward(self, ids: Tensor) -> Tensor:
        scores = self.head(self.words(ids))
        best, steps = scores[:, 0], []
        for t in range(1, ids.shape[1]):
            best, places = (best[:, :, None] + self.moves).max(1)
            best = best + scores[:, t]
            steps.append(places)
        path = [best.argmax(-1)]
        for places in reversed(steps):
            path.append(places.gather(1, path[-1][:, None])[:, 0])
        return torch.stack(path[::-1], 1)


class Surest(nn.Module):
    """A class, and how sure it is."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shares = self.head(self.body(x).tanh()).log_softmax(-1)
        best = shares.argmax(-1, keepdim=True)
        return best, shares.gather(-1, best)


class ProductKeys(nn.Module):
    """A memory: halves of keys are compared with halves of queries, the best of both are added up and compared."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.values = nn.Linear(8, 8), nn.Embedding(36, 8)
        self.keys = nn.Parameter(torch.randn(2, 6, 4))

    def forward(self, x: Tensor) -> Tensor:
        halves = self.query(x).chunk(2, -1)
        (one, i), (two, j) = (F.linear(q, keys).topk(3) for q, keys in zip(halves, self.keys, strict=True))
        scores = (one[..., :, None] + two[..., None, :]).flatten(-2)
        places = (i[..., :, None] * 6 + j[..., None, :]).flatten(-2)
        best, where = scores.topk(3)
        rows = self.values(places.gather(-1, where))
        weighed: Tensor = best.softmax(-1)[..., None] * rows
        return weighed.sum(-2)


@pytest.mark.parametrize(
    ("model", "x"),
    [
        (Tagger(), torch.randint(0, 9, (2, 6))), (Surest(), torch.randn(3, 8)), (ProductKeys(), torch.randn(5, 8)),
    ],
)  # fmt: skip
def test_what_is_compared_and_sends_no_row_to_a_matrix_is_no_router(model: nn.Module, x: Tensor) -> None:
    assert roles(read(model, x)).isdisjoint({Role.ROUTER, Role.CHOOSE_EXPERTS, Role.COMBINE_EXPERTS})


class Halves(nn.Module):
    """The scores of the first of two pieces of the columns, or of the first row."""

    def __init__(self, *, rows: bool) -> None:
        super().__init__()
        self.project, self.keys, self.rows = nn.Linear(8, 12), nn.Parameter(torch.randn(2, 7, 6)), rows

    def forward(self, x: Tensor) -> Tensor:
        scores = torch.einsum("btpd,pnd->btpn", self.project(x).view(2, 5, 2, 6), self.keys)
        return scores[:, 0].exp() if self.rows else scores[:, :, 0].exp()


def test_a_piece_of_the_columns_is_no_position() -> None:
    assert titles(read(Halves(rows=True), torch.randn(2, 5, 8)))[2] == "First position"
    assert titles(read(Halves(rows=False), torch.randn(2, 5, 8)))[2] == "Select"


class Empty(nn.Module):
    """Zeros as wide as one column of scores stand beside them: no attention at all is a choice."""

    def forward(self, x: Tensor) -> Tensor:
        scores = x @ x.transpose(1, 2)
        scores = torch.cat([torch.zeros_like(scores[..., :1]), scores], -1)
        weighed: Tensor = scores.softmax(-1)[..., 1:] @ x
        return weighed


def test_what_gives_a_shape_alone_is_no_step() -> None:
    assert not any(title.startswith(("First", "Select")) for title in titles(read(Empty(), torch.randn(2, 5, 8)))[:2])


class Flowing(nn.Module):
    """Runge and Kutta: four slopes, each taken where the last one leads; their mean is the step."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 8))

    def forward(self, x: Tensor) -> Tensor:
        one: Tensor = self.slope(x)
        two = self.slope(x + 0.5 * one)
        three = self.slope(x + 0.5 * two)
        made: Tensor = x + (one + 2 * two + 2 * three + self.slope(x + three)) / 6
        return made


def test_slopes_are_added_up_and_the_stream_alone_is_gone_on_with() -> None:
    found = [step for step in read(Flowing(), torch.randn(3, 8)).steps() if step.kind in ("residual", "add")]
    assert [step.title for step in found].count("Add") == 3
    assert found[-1].title == "Residual"
    assert {step.operands[0].part for step in found if step.kind == "residual"} == {Part.STREAM}


class Smallest(nn.Module):
    """A recurrence without a state in its gates, all turns at once, in logarithms."""

    def __init__(self) -> None:
        super().__init__()
        self.gates, self.out = nn.Linear(8, 16), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        hidden, gate = self.gates(x).chunk(2, -1)
        kept = -F.softplus(gate).cumsum(1)
        values = (F.relu(hidden) + 0.5).log() - F.softplus(-gate)
        made: Tensor = self.out((kept + (values - kept).logcumsumexp(1)).exp())
        return made


class Largest(nn.Module):
    """The logarithm of a sum, written out: the largest number is taken off before and added behind."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(x)
        most = y.amax(-1, keepdim=True)
        made: Tensor = most + (y - most).exp().sum(-1, keepdim=True).log()
        return made


class Summed(nn.Module):
    """Linear attention as a running sum of keys and values: all rows meet between two products."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.project(x).relu().chunk(3, -1)
        made: Tensor = self.out((q[..., None] * (k[..., None] * v[..., None, :]).cumsum(1)).sum(-2))
        return made


@pytest.mark.parametrize("model", [Smallest(), Largest(), Summed()])
def test_running_sums_and_their_logarithms_are_neither_an_mlp_nor_a_residual(model: nn.Module) -> None:
    assert roles(read(model, torch.randn(2, 5, 8))).isdisjoint({Role.RESIDUAL, Role.EXPAND, Role.SHRINK})
