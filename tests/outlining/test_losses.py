"""A pass with a loss says so, whether PyTorch's function or the author computes it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Part, Role
from tests.outlining.reading import read

Loss = Callable[[Tensor, Tensor], Tensor]
CLASSES, ROWS = 10, 8
IDS, VALUES = torch.arange(ROWS) % CLASSES, torch.randn(ROWS, CLASSES)

LOSSES: dict[str, tuple[Loss, Tensor]] = {
    "cross-entropy": (F.cross_entropy, IDS),
    "label smoothing": (lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1), IDS),
    "ignored": (lambda x, y: F.cross_entropy(x, y, ignore_index=3), IDS),
    "two added": (lambda x, y: F.cross_entropy(x, y) + 0.1 * x.pow(2).mean(), IDS),
    "squared error": (F.mse_loss, VALUES),
    "absolute error": (F.l1_loss, VALUES),
    "squared error by hand": (lambda x, y: ((x - y) ** 2).mean(), VALUES),
    "likelihood by hand": (lambda x, y: -x.log_softmax(-1).gather(1, y[:, None]).mean(), IDS),
    "hinge": (lambda x, y: (1 - x * y).clamp(min=0).mean(), VALUES),
    "margins": (lambda x, y: (1 + x - x.gather(1, y[:, None])).relu().sum(1).mean(), IDS),
    "quantiles": (lambda x, y: torch.maximum(0.9 * (y - x), 0.1 * (x - y)).mean(), VALUES),
    "dice": (lambda x, y: 1 - 2 * (x.sigmoid() * y).sum() / (x.sigmoid().sum() + y.sum()), VALUES.sigmoid()),
    "Wasserstein": (lambda x, y: -(x * y).mean(), VALUES.sign()),
    "contrastive": (lambda x, y: F.cross_entropy(x @ y.T, torch.arange(ROWS)), VALUES),
}


class Training(nn.Module):
    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss, self.fc, self.head = loss, nn.Linear(12, 48), nn.Linear(48, CLASSES)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.loss(self.head(self.fc(x).relu()), y)


@pytest.mark.parametrize("name", LOSSES)
def test_what_a_pass_is_trained_by_is_a_loss(name: str) -> None:
    loss, targets = LOSSES[name]
    steps = list(read(Training(loss), torch.randn(ROWS, 12), targets).steps())
    assert steps[-1].role is Role.LOSS
    assert "loss" in steps[-1].title.lower()


def test_targets_are_targets_and_scores_of_classes_come_from_a_head() -> None:
    steps = list(read(Training(F.cross_entropy), torch.randn(ROWS, 12), IDS).steps())
    assert [operand.part for operand in steps[-1].operands] == [Part.LOGITS, Part.TARGETS]
    assert [step.role for step in steps if step.path == "head"] == [Role.HEAD]


def agreement(x: Tensor, y: Tensor) -> Tensor:
    return (x.argmax(-1) == y).float().mean()


@pytest.mark.parametrize(
    "end", [lambda x, _: x.mean(), lambda x, _: x.sum() * 2, lambda x, y: (x + y[:, None]).mean(), agreement]
)
def test_a_number_that_measures_no_error_is_no_loss(end: Loss) -> None:
    steps = read(Training(end), torch.randn(ROWS, 12), IDS).steps()
    assert Role.LOSS not in {step.role for step in steps}


class Energy(nn.Module):
    """One number for all rows that are no padding, which attention hides too: nothing is told to learn from."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.head = (nn.Linear(12, 12) for _ in range(4))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        a = (self.q(x) @ self.k(x).mT).masked_fill(mask[:, None] == 0, -torch.inf).softmax(-1)
        return (self.head(a @ self.v(x)).mean(-1) * mask).sum()


def test_a_mask_is_no_target() -> None:
    steps = read(Energy(), torch.randn(2, ROWS, 12), torch.ones(2, ROWS)).steps()
    assert Role.LOSS not in {step.role for step in steps}


TRIPLES: dict[str, tuple[Loss, list[Part]]] = {
    "triplet": (lambda x, y: F.triplet_margin_loss(x, x.roll(1, 0), y), []),
    "cosine": (lambda x, y: F.cosine_embedding_loss(x, y, torch.ones(ROWS)), [Part.TARGETS]),
    "ranking": (lambda x, y: F.margin_ranking_loss(x, y, torch.ones(ROWS, CLASSES)), [Part.TARGETS]),
}


@pytest.mark.parametrize("name", TRIPLES)
def test_what_is_compared_is_no_target(name: str) -> None:
    loss, last = TRIPLES[name]
    *_, end = read(Training(loss), torch.randn(ROWS, 12), VALUES).steps()
    assert [operand.part for operand in end.operands if operand.part is Part.TARGETS] == last
    assert [operand.part for operand in end.operands[2:] if operand.part is Part.TARGETS] == last


class Language(nn.Module):
    """Words, a norm, scores of words; what is lost is written by hand."""

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.words, self.mid, self.norm, self.head = (
            nn.Embedding(20, 8),
            nn.Linear(8, 8),
            nn.LayerNorm(8),
            nn.Linear(8, 20),
        )
        self.loss = loss

    def forward(self, ids: Tensor, told: Tensor) -> Tensor:
        return self.loss(self.head(self.norm(torch.tanh(self.mid(self.words(ids))))), told)


def right(x: Tensor, y: Tensor) -> Tensor:
    return x.gather(-1, y[..., None]).squeeze(-1)


NEXT, TEACHER = torch.randint(0, 20, (2, 5)), torch.randn(2, 5, 20)
BY_HAND: dict[str, tuple[Loss, Tensor]] = {
    "log of sums": (lambda x, y: (x.logsumexp(-1) - right(x, y)).mean(), NEXT),
    "with a penalty": (lambda x, y: (x.logsumexp(-1) - right(x, y) + 1e-4 * x.logsumexp(-1) ** 2).mean(), NEXT),
    "likelihood": (lambda x, y: -right(x.log_softmax(-1), y).mean(), NEXT),
    "a teacher": (lambda x, t: (t.softmax(-1) * (t.log_softmax(-1) - x.log_softmax(-1))).sum(-1).mean(), TEACHER),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_scores_of_words_are_an_unembedding_whatever_is_lost(name: str) -> None:
    loss, told = BY_HAND[name]
    steps = list(read(Language(loss), torch.randint(0, 20, (2, 5)), told).steps())
    assert [step.role for step in steps if step.path == "head"] == [Role.UNEMBED]
    picked = [operand.part for step in steps if step.role is Role.SELECT for operand in step.operands]
    assert Part.IDS not in picked and picked == [Part.LOGITS, Part.TARGETS] * (told is NEXT)


def test_whole_numbers_that_are_reckoned_with_are_no_ids() -> None:
    class Timed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.time, self.noise = nn.Linear(1, 8), nn.Parameter(torch.ones(10))

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            return x * self.noise[t][:, None] + self.time(t[:, None].float())

    steps = read(Timed(), torch.randn(2, 8), torch.tensor([1, 7])).steps()
    assert Part.IDS not in [step.operands[0].part for step in steps if step.path == "time"]
