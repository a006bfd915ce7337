"""Things that look like something else: no word is said of them that is not true."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Outline, Section
from tests.outlining.reading import read, step, titles


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


class Kept(nn.Module):
    """A step with kept keys and values: written into a ring, or put behind the others, of which some stay."""

    def __init__(self, kind: str, window: int = 6) -> None:
        super().__init__()
        self.kind, self.window, self.project, self.out = kind, window, nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        q, k, v = self.project(x).view(*x.shape[:2], 3, 2, 4).permute(2, 0, 3, 1, 4)
        if self.kind == "ring":
            keys[:, :, 3], values[:, :, 3] = k[:, :, 0], v[:, :, 0]
        else:
            keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        if self.kind == "cropped":
            keys, values = keys[:, :, -self.window :], values[:, :, -self.window :]
        made: Tensor = self.out(F.scaled_dot_product_attention(q, keys, values).transpose(1, 2).flatten(2))
        return made


@pytest.mark.parametrize("examples", [1, 3])
def test_one_row_written_into_a_ring_has_heads_as_the_others(examples: int) -> None:
    kept = [torch.randn(examples, 2, 6, 4) for _ in range(2)]
    found = [s for s in read(Kept("ring"), torch.randn(examples, 1, 8), *kept).steps() if s.role is Role.CACHE_WRITE]
    assert [s.operands[1].shape for s in found] == [(1, 4)] * 2
    assert {s.operands[1].stack_axes for s in found} == {s.operands[0].stack_axes for s in found}


@pytest.mark.parametrize(("kind", "said"), [("cropped", ["6 of 7 rows are read"]), ("grown", [])])
def test_rows_that_are_left_out_behind_an_append_are_told(kind: str, said: list[str]) -> None:
    found = read(Kept(kind), torch.randn(2, 1, 8), *(torch.randn(2, 2, 6, 4) for _ in range(2)))
    appends = [s for s in found.steps() if s.role is Role.CACHE_APPEND]
    assert [[*map(str, s.notes)] for s in appends] == [said] * 2


class Sunk(nn.Module):
    """Numbers stand beside each row of scores: weights that go to no key."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.project, self.sinks = nn.Linear(8, 24), nn.Parameter(torch.randn(n))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.project(x).chunk(3, -1)
        scores = q @ k.transpose(1, 2)
        weights = torch.cat([scores, self.sinks.expand(*scores.shape[:2], -1)], -1).softmax(-1)
        made: Tensor = weights[..., : scores.shape[-1]] @ v
        return made


@pytest.mark.parametrize(
    ("n", "said"), [(1, ["over 5 keys and a sink"]), (2, ["over 5 keys and 2 sinks"]), (0, [])]
)  # fmt: skip
def test_sinks_beside_scores_are_told(n: int, said: list[str]) -> None:
    found = step(read(Sunk(n), torch.randn(2, 5, 8), all_used=n > 0), "Softmax")
    assert [*map(str, found.notes)] == said
    assert found.results[0].shape == (5, 5)


class Sparse(nn.Module):
    """Only queries that tell much look at keys, as some of these say; or all queries look at the best keys alone."""

    def __init__(self, *, queries: bool) -> None:
        super().__init__()
        self.q, self.k, self.v, self.queries = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8), queries

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.q(x), self.k(x), self.v(x)
        agree = (q @ k[:, ::2].transpose(1, 2)).amax(-1) if self.queries else (q @ k.transpose(1, 2)).sum(1)
        chosen = agree.topk(2)[1][..., None].expand(-1, -1, 8)
        q = q.gather(1, chosen) if self.queries else q
        k, v = (k, v) if self.queries else (k.gather(1, chosen), v.gather(1, chosen))
        made: Tensor = (q @ k.transpose(1, 2)).softmax(-1) @ v
        return made


@pytest.mark.parametrize("queries", [True, False])
def test_what_is_chosen_is_what_the_axis_counts(*, queries: bool) -> None:
    found = titles(read(Sparse(queries=queries), torch.randn(2, 6, 8)))
    assert ("Choose queries" in found, "Choose keys" in found) == (queries, not queries)


class Two(nn.Module):
    """Each row looks at some keys near it and at some that all rows see, with one softmax over both."""

    def forward(self, x: Tensor) -> Tensor:
        near, far = x @ x[:, :3].transpose(1, 2), x @ x[:, 3:].transpose(1, 2)
        weights = torch.cat([near, far], -1).softmax(-1)
        made: Tensor = weights[..., :3] @ x[:, :3] + weights[..., 3:] @ x[:, 3:]
        return made


def test_scores_of_other_keys_are_no_sinks() -> None:
    assert "sink" not in " ".join(str(note) for s in read(Two(), torch.randn(2, 5, 8)).steps() for note in s.notes)


class Averaged(nn.Module):
    """RWKV's weighted mean: states are kept beside what is read of them, which is put together behind the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.k, self.v, self.r, self.bonus = (
            nn.Linear(8, 8),
            nn.Linear(8, 8),
            nn.Linear(8, 8),
            nn.Parameter(torch.ones(8)),
        )

    def forward(self, x: Tensor) -> Tensor:
        k, v, a, b, made = self.k(x), self.v(x), torch.zeros(len(x), 8), torch.zeros(len(x), 8), []
        for t in range(x.shape[1]):
            now, later = (self.bonus + k[:, t]).exp(), k[:, t].exp()
            made.append((a + now * v[:, t]) / (b + now))
            a, b = a + later * v[:, t], b + later
        weighed: Tensor = self.r(x).sigmoid() * torch.stack(made, 1)
        return weighed


def test_what_turns_made_is_put_together_before_a_gate_weighs_it() -> None:
    found = read(Averaged(), torch.randn(2, 7, 8))
    assert titles(found)[-2:] == ["Concat", "Sigmoid"]
    assert len(step(found, "Sigmoid").operands) == 2


class Turning(nn.Module):
    """A cell, and what reads its state, again and again in a loop: three modules, each with the same weights."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.narrow, self.wide = nn.Linear(8, 8), nn.Linear(8, 4), nn.Linear(4, 8)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(4):
            x = x + self.wide(self.narrow(self.cell(x).tanh()).relu())
        return x


def test_modules_that_run_again_in_a_loop_are_no_layers() -> None:
    assert loops(read(Turning(), torch.randn(3, 8))) == [("Loop", 4)]


class Many(nn.Module):
    """One formula of many values."""

    def forward(self, *values: Tensor) -> Tensor:
        made: Tensor = values[0].exp()
        for value in values[1:]:
            made = made * value.sin()
        return made


@pytest.mark.parametrize(("n", "said"), [(5, []), (6, ["one more operand"]), (7, ["2 more operands"])])
def test_operands_that_are_not_shown_are_counted(n: int, said: list[str]) -> None:
    (only,) = read(Many(), *(torch.randn(2, 3) for _ in range(n))).steps()
    assert [*map(str, only.notes)] == said
