"""Experts as people write them: chosen by top-k or by the largest, sent by indices or by zeros and ones."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shapetrace.outlining.roles import Role
from tests.outlining.reading import read, titles

X = torch.linspace(-1, 1, 2 * 6 * 16).view(2, 6, 16)


class Experts(nn.Module):
    """Four experts, and what scores them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.scores = nn.Linear(16, 4)
        self.one, self.two = nn.Parameter(torch.randn(4, 16, 32)), nn.Parameter(torch.randn(4, 32, 16))

    def expert(self, x: Tensor, e: int) -> Tensor:
        return F.relu(x @ self.one[e]) @ self.two[e]


class LargestAsMask(Experts):
    def forward(self, x: Tensor) -> Tensor:
        weight, place = self.scores(x).softmax(-1).max(-1)
        mask = F.one_hot(place, 4).float()
        h = torch.einsum("btd,bte,edh->bteh", x, mask, self.one).relu()
        return x + torch.einsum("bteh,ehd,bte->btd", h, self.two, mask) * weight[..., None]


class Capacity(Experts):
    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, 16)
        weights = self.scores(rows).softmax(-1)
        mask = F.one_hot(weights.argmax(-1), 4)
        place = ((mask.cumsum(0) - 1) * mask).sum(-1)
        combine = (weights * mask).sum(-1)[:, None, None] * mask[:, :, None] * F.one_hot(place, 12)[:, None]
        sent = torch.einsum("sec,sd->ecd", combine.bool().float(), rows)
        made = torch.bmm(F.relu(torch.bmm(sent, self.one)), self.two)
        return x + torch.einsum("sec,ecd->sd", combine, made).view_as(x)


class Added(Experts):
    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, 16)
        weights, places = self.scores(rows).topk(2, -1)
        out = torch.zeros_like(rows)
        for e in range(4):
            row, slot = torch.where(places == e)
            out.index_add_(0, row, self.expert(rows[row], e) * weights[row, slot, None])
        return x + out.view_as(x)


class WrittenBack(Experts):
    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, 16)
        weights, places = self.scores(rows).softmax(-1).topk(2, -1)
        out = torch.zeros_like(rows)
        for e in range(4):
            row, slot = (places == e).nonzero(as_tuple=True)
            out[row] += self.expert(rows[row], e) * weights[row, slot].unsqueeze(-1)
        return x + out.view_as(x)


class Scattered(Experts):
    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, 16)
        weights, places = self.scores(rows).sigmoid().topk(2, -1)
        order = places.reshape(-1).argsort()
        expert, row = places.reshape(-1)[order], order // 2
        made = torch.bmm(F.silu(torch.bmm(rows[row][:, None], self.one[expert])), self.two[expert])[:, 0]
        made = made * weights.reshape(-1)[order][:, None]
        return x + torch.zeros_like(rows).scatter_add(0, row[:, None].expand(-1, 16), made).view_as(x)


class ByTheExperts(Experts):
    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, 16)
        weights, places = self.scores(rows).softmax(-1).t().topk(3, -1)
        made = torch.bmm(F.gelu(torch.bmm(rows[places], self.one)), self.two) * weights[..., None]
        return x + torch.zeros_like(rows).index_add_(0, places.flatten(), made.flatten(0, 1)).view_as(x)


class FoundInMask(Experts):
    """Each expert finds its rows in zeros and ones, no more than fit."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, 16)
        weights = self.scores(rows).softmax(-1)
        mask = F.one_hot(weights.argmax(-1), 4)
        mask = mask * (mask.cumsum(0) <= 9)
        out = torch.zeros_like(rows)
        for e in range(4):
            (row,) = torch.where(mask[:, e])
            out = out.index_add(0, row, self.expert(rows[row], e) * weights.amax(-1)[row, None])
        return x + out.view_as(x)


class SortedByTheLargest(Experts):
    """Rows in the order of their experts, which `argsort` gives, and back."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, 16)
        weight, place = self.scores(rows).softmax(-1).max(-1)
        order, counts = place.argsort(), torch.bincount(place, minlength=4).tolist()
        made = torch.cat([self.expert(part, e) for e, part in enumerate(rows[order].split(counts))])
        back = torch.empty_like(made)
        back[order] = made
        return x + (back * weight[:, None]).view_as(x)


class ColumnsOfTheExperts(Experts):
    """Experts choose columns of zeros and ones: einsum with one-hot rows of theirs."""

    def forward(self, x: Tensor) -> Tensor:
        weights, places = self.scores(x).softmax(-1).mT.topk(3, -1)
        marks = F.one_hot(places, 6).float()
        made = torch.einsum("bekt,btd->bekd", marks, x)
        made = torch.einsum("bekd,edh,ehf->bekf", made, self.one, self.two) * weights[..., None]
        return x + torch.zeros_like(x).scatter_add(
            1, places.flatten(1)[..., None].expand(-1, -1, 16), made.flatten(1, 2)
        )


class AllOfThemWeighed(Experts):
    """All experts read all rows; what was not chosen counts 0."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, 16)
        best, places = self.scores(rows).sigmoid().topk(2, -1)
        weights = torch.zeros(12, 4).scatter(1, places, best)
        made = torch.einsum("etf,efd->etd", torch.einsum("td,edf->etf", rows, self.one).relu(), self.two)
        return x + torch.einsum("etd,te->td", made, weights).view_as(x)


@pytest.mark.parametrize(
    "model",
    [
        LargestAsMask, Capacity, Added, WrittenBack, Scattered, ByTheExperts, FoundInMask, SortedByTheLargest,
        ColumnsOfTheExperts, AllOfThemWeighed,
    ],
)  # fmt: skip
def test_what_scores_experts_is_a_router_and_what_brings_rows_back_combines_them(model: type[Experts]) -> None:
    found = titles(read(model(), X))
    assert found.count("Router") == 1
    assert "Combine experts" in found
    assert not {"Scatter", "Write"} & {*found}


class Noisy(Experts):
    def __init__(self) -> None:
        super().__init__()
        self.noise = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.scores(x)
        scores = scores + torch.randn_like(scores) * F.softplus(self.noise(x))
        best, places = scores.topk(2, -1)
        weights = torch.full_like(scores, -torch.inf).scatter(-1, places, best).softmax(-1)
        return torch.stack([self.expert(x, e) * weights[..., e, None] for e in range(4)]).sum(0)


def test_noise_has_the_shape_of_scores_and_nothing_else_of_them() -> None:
    found = titles(read(Noisy(), X))
    assert {"Router", "Choose experts"} <= {*found}
    assert not {"Residual", "Gate", "Up"} & {*found}


class Largest(Experts):
    """Rows with the matrices of the best expert, weighted by its score."""

    def forward(self, x: Tensor) -> Tensor:
        weight, place = self.scores(x).softmax(-1).max(-1, keepdim=True)
        h = torch.einsum("btd,btdh->bth", x, self.one[place[..., 0]]).relu()
        return weight * torch.einsum("bth,bthd->btd", h, self.two[place[..., 0]])


def test_the_matrix_whose_rows_a_score_weighs_is_no_router() -> None:
    assert titles(read(Largest(), X)).count("Router") == 1


class Heads(Experts):
    """Queries that each row's experts make: what scores these makes none."""

    def __init__(self) -> None:
        super().__init__()
        self.k, self.v = nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, 16)
        _, places = self.scores(rows).topk(1, -1)
        order = places.flatten().argsort()
        made = torch.cat([
            part @ self.one[e, :, :16] for e, part in enumerate(rows[order].split([3] * 4))
        ])  # fmt: skip
        q = torch.zeros_like(rows).index_add(0, order, made).view_as(x)
        return (q @ self.k(x).mT).softmax(-1) @ self.v(x)


def test_what_scores_the_experts_that_make_queries_is_a_router() -> None:
    found = titles(read(Heads(), X, all_used=False))
    assert found.count("Router") == 1
    assert "Query" in found


class Lags(nn.Module):
    """The best of the shifts at which rows agree: of correlations by a Fourier transform."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        q, k = torch.fft.rfft(self.q(x).mT), torch.fft.rfft(self.k(x).mT)
        return torch.fft.irfft(q * torch.conj(k), n=6).mean(1).topk(2, -1).indices


class Codes(nn.Module):
    """The nearest of learned rows: a codebook."""

    def __init__(self) -> None:
        super().__init__()
        self.to_codes, self.codes = nn.Linear(16, 12), nn.Parameter(torch.randn(12, 16))

    def forward(self, x: Tensor) -> Tensor:
        return x + F.one_hot(self.to_codes(x).argmax(-1), 12).float() @ self.codes


class Counted(nn.Module):
    """How often each class is the best."""

    def __init__(self) -> None:
        super().__init__()
        self.classes = nn.Linear(16, 12)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        scores = self.classes(x)
        return scores, F.one_hot(scores.argmax(-1), 12).float().mean((0, 1))


@pytest.mark.parametrize("model", [Codes, Counted, Lags])
def test_the_largest_that_sends_no_rows_anywhere_routes_nothing(model: Any) -> None:
    assert "Router" not in titles(read(model(), X))


class Likeliest(Experts):
    """Classes that are given back, with their shares."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shares, classes = self.scores(x.mean(1)).softmax(-1).topk(2)
        return shares, classes


class Drawn(Experts):
    """An action that is drawn, with its share."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shares = self.scores(x.mean(1)).log_softmax(-1)
        action = torch.multinomial(shares.exp(), 1)
        return action, shares.gather(1, action)


@pytest.mark.parametrize("kind", [Likeliest, Drawn])
def test_what_is_chosen_and_given_back_is_no_expert(kind: type[Experts]) -> None:
    found = read(kind(), X, all_used=False)
    assert not {Role.ROUTER, Role.CHOOSE_EXPERTS} & {step.role for step in found.steps()}


class Halved(Experts):
    """One parameter with gate and up of all experts, and a router: columns of a product are cut into experts."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.randn(4, 16, 64))

    def forward(self, x: Tensor) -> Tensor:
        best, places = self.scores(x).topk(2, -1)
        weights = torch.zeros(2, 6, 4).scatter(-1, places, best.softmax(-1))
        gate, up = torch.einsum("btd,edf->btef", x, self.one).chunk(2, -1)
        return torch.einsum("btef,efd,bte->btd", F.silu(gate) * up, self.two, weights)


def test_columns_that_are_cut_into_experts_are_a_stack_with_gate_and_up() -> None:
    found = read(Halved(), X)
    (both,) = (each for each in found.steps() if each.role is Role.GATE_UP)
    assert (both.equation, both.operands[1].stack) == ("[2,6,16]×[16,64]→[2,6,64]", 4)
    (routed,) = (each for each in found.steps() if each.role is Role.ROUTER)
    assert routed.operands[1].stack == 1


def test_how_many_are_chosen_is_said_of_rows_alone() -> None:
    def told(model: Experts) -> list[str]:
        return [str(n) for step in read(model, X).steps() if step.role is Role.CHOOSE_EXPERTS for n in step.notes]

    assert told(SortedByTheLargest()) == ["1 of 4"] and told(WrittenBack()) == ["2 of 4"] and told(ByTheExperts()) == []
