"""Codebooks: the nearest code is found by products and looked up, which scores no words and embeds nothing."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Role
from tests.outlining.reading import read

WRONG = {Role.UNEMBED, Role.HEAD, Role.ROUTER, Role.LOOKUP_TOKENS, Role.EXPAND, Role.SHRINK}


def expanded(rows: Tensor, codes: Tensor) -> Tensor:
    return (rows.pow(2).sum(1, keepdim=True) + codes.pow(2).sum(1) - 2 * rows @ codes.t()).argmin(1)


def added(rows: Tensor, codes: Tensor) -> Tensor:
    squares = (rows**2).sum(1, keepdim=True) + (codes**2).sum(1)
    return torch.addmm(squares, rows, codes.t(), alpha=-2).argmin(1)


def negated(rows: Tensor, codes: Tensor) -> Tensor:
    squares = rows.pow(2).sum(1, keepdim=True)
    return (-(squares - 2 * rows @ codes.t() + codes.t().pow(2).sum(0, keepdim=True))).max(dim=-1).indices


def measured(rows: Tensor, codes: Tensor) -> Tensor:
    return torch.cdist(rows, codes).argmin(-1)


def by_angle(rows: Tensor, codes: Tensor) -> Tensor:
    return (F.normalize(rows, dim=-1) @ F.normalize(codes, dim=-1).t()).argmax(-1)


def by_product(rows: Tensor, codes: Tensor) -> Tensor:
    return torch.einsum("nd,kd->nk", rows, codes).argmax(-1)


NEAREST = [expanded, added, negated, measured, by_angle, by_product]


class Quantizer(nn.Module):
    def __init__(self, nearest: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.codes, self.nearest = nn.Embedding(16, 8), nearest

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        places = self.nearest(x.reshape(-1, 8), self.codes.weight)
        found = self.codes(places).view_as(x)
        loss = F.mse_loss(found, x.detach()) + 0.25 * F.mse_loss(found.detach(), x)
        return x + (found - x).detach(), places, loss


class Coder(nn.Module):
    """Convolutions, codes for what they make, one after another for what the code before left, convolutions."""

    def __init__(self, nearest: Callable[[Tensor, Tensor], Tensor], codes: int) -> None:
        super().__init__()
        self.first, self.last = nn.Conv1d(1, 8, 4, stride=4), nn.ConvTranspose1d(8, 1, 4, stride=4)
        self.steps = nn.ModuleList(Quantizer(nearest) for _ in range(codes))

    def forward(self, x: Tensor) -> Any:
        left = self.first(x).mT
        whole, losses, places = torch.zeros_like(left), 0, []
        for step in self.steps:
            found, place, loss = step(left)
            left, whole, losses = left - found.detach(), whole + found, losses + loss
            places.append(place)
        return self.last(whole.mT), torch.stack(places), losses


@pytest.mark.parametrize("nearest", NEAREST)
@pytest.mark.parametrize("codes", [1, 3])
def test_the_nearest_code_is_no_word_and_no_class(nearest: Callable[[Tensor, Tensor], Tensor], codes: int) -> None:
    found = read(Coder(nearest, codes), torch.randn(1, 1, 20))
    assert not WRONG & {step.role for step in found.steps()}
    assert "embedding" not in {section.kind for section in found.root.sections()}


@pytest.mark.parametrize("nearest", NEAREST)
def test_words_that_a_model_reads_first_are_scored(nearest: Callable[[Tensor, Tensor], Tensor]) -> None:
    class Speaks(nn.Module):
        """The next word by the table that the words were read from."""

        def __init__(self) -> None:
            super().__init__()
            self.words, self.work = nn.Embedding(16, 8), nn.Linear(8, 8)

        def forward(self, ids: Tensor) -> Tensor:
            last = self.work(self.words(ids))[:, -1]
            return nearest(last, self.words.weight)

    found = [step.role for step in read(Speaks(), torch.zeros(2, 5, dtype=torch.int64)).steps()]
    is_score = nearest in {by_angle, by_product}
    assert (Role.UNEMBED in found) == is_score


def test_the_best_of_some_numbers_is_a_step_of_its_own() -> None:
    found = read(Coder(negated, 1), torch.randn(1, 1, 20))
    places = [step for step in found.steps() if step.title == "Maximum"]
    assert [step.results[-1].shape for step in places] == [(5,)]
