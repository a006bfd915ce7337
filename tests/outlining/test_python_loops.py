"""Loops over steps of a decoder, written in Python: every turn reads as the first, heads are heads in each of them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Section
from tests.outlining.gpts import NanoGPT, ids
from tests.outlining.reading import read

TURNS = 4


class Taught(nn.Module):
    """An LSTM that reads the right words: the state comes from an encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.encoder, self.cell = nn.Embedding(20, 8), nn.LSTM(8, 8, batch_first=True), nn.LSTMCell(8, 8)
        self.head = nn.Linear(8, 20)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        _, (h, c) = self.encoder(self.words(source))
        state, made = (h[0], c[0]), []
        for t in range(target.shape[1]):
            state = self.cell(self.words(target[:, t]), state)
            made.append(self.head(state[0]))
        return torch.stack(made, 1)


class Freely(nn.Module):
    """Words of its own, from a fixed first one on; the state begins with what is given."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.cell, self.head = nn.Embedding(20, 8), nn.GRUCell(8, 8), nn.Linear(8, 20)

    def forward(self, h: Tensor) -> Tensor:
        word, made = torch.zeros(len(h), dtype=torch.int64), []
        for _ in range(TURNS):
            h = self.cell(self.words(word), h)
            made.append(self.head(h))
            word = made[-1].topk(1)[1].squeeze(-1)
        return torch.stack(made, 1).log_softmax(-1)


class Written(nn.Module):
    """Scores are written into a tensor of zeros, turn by turn, from the second on."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.cell, self.head = nn.Embedding(20, 8), nn.GRUCell(8, 8), nn.Linear(16, 20)

    def forward(self, h: Tensor, target: Tensor) -> Tensor:
        scores, word = torch.zeros(TURNS + 1, len(h), 20), target[0]
        for t in range(1, TURNS + 1):
            row = self.words(word)
            h = self.cell(row, h)
            scores[t] = self.head(torch.cat((h, row), 1))
            word = scores[t].argmax(1)
        return scores


class Elman(nn.Module):
    """A state of zeros, joined with what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.state, self.head = nn.Embedding(20, 8), nn.Linear(16, 8), nn.Linear(8, 20)

    def forward(self, text: Tensor) -> Tensor:
        h, rows, made = torch.zeros(text.shape[0], 8), self.words(text), []
        for t in range(text.shape[1]):
            h = torch.tanh(self.state(torch.cat((rows[:, t], h), 1)))
            made.append(self.head(h))
        return torch.stack(made, 1)


def words(*shape: int) -> Tensor:
    return torch.randint(0, 20, shape)


LOOPS = [
    (Taught, (words(2, 5), words(2, TURNS))),
    (Freely, (torch.randn(2, 8),)),
    (Written, (torch.randn(2, 8), words(TURNS + 1, 2))),
    (Elman, (words(2, TURNS),)),
]


def repeats(section: Section) -> list[int]:
    return [each.repeat for each in section.sections() if each.repeat > 1]


@pytest.mark.parametrize(("model", "inputs"), LOOPS)
def test_every_turn_of_a_decoder_is_folded_and_ends_in_its_head(
    model: Callable[[], nn.Module], inputs: tuple[Tensor, ...]
) -> None:
    found = read(model(), *inputs)
    assert repeats(found.root) == [TURNS]
    heads = [step for step in found.steps() if step.path == "head"]
    assert [(step.role, step.repeat) for step in heads] == [(Role.UNEMBED, TURNS)]


class Gates(nn.Module):
    """A GRU by hand, on numbers, from a state of zeros; the states are put side by side at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.x, self.h = (nn.ModuleList(nn.Linear(n, 8) for _ in range(3)) for n in (6, 8))

    def forward(self, x: Tensor) -> Tensor:
        h, states = x.new_zeros(len(x), 8), []
        for t in range(x.shape[1]):
            z, r = (torch.sigmoid(a(x[:, t]) + b(h)) for a, b in zip(self.x[:2], self.h[:2], strict=True))
            h = (1 - z) * h + z * torch.tanh(self.x[2](x[:, t]) + r * self.h[2](h))
            states.append(h)
        return torch.stack(states, 1)


def test_a_state_that_begins_with_zeros_folds_from_the_first_turn() -> None:
    found = read(Gates(), torch.randn(2, TURNS, 6))
    assert repeats(found.root) == [TURNS]
    assert [step.title for step in found.root.steps()][-1] == "Concat"


class Cell(nn.Module):
    """A cell of an LSTM by hand: four gates of one product."""

    def __init__(self) -> None:
        super().__init__()
        self.x, self.h = nn.Linear(6, 32), nn.Linear(8, 32)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = (self.x(x) + self.h(h)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class Remembering(nn.Module):
    """All states are given back, or the last one is read."""

    def __init__(self, *, last: bool) -> None:
        super().__init__()
        self.last, self.cell, self.head = last, Cell(), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        h, c, states = torch.zeros(len(x), 8), torch.zeros(len(x), 8), []
        for t in range(x.shape[1]):
            h, c = self.cell(x[:, t], h, c)
            states.append(h)
        out: Tensor = self.head(h if self.last else torch.stack(states, 1))
        return out


class Joined(nn.Module):
    """A GRU by hand whose state is put beside what is read, in seven turns."""

    def __init__(self) -> None:
        super().__init__()
        self.z, self.r, self.n = (nn.Linear(14, 8) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), 8)
        for t in range(x.shape[1]):
            both = torch.cat([x[:, t], h], 1)
            z, r = torch.sigmoid(self.z(both)), torch.sigmoid(self.r(both))
            h = (1 - z) * h + z * torch.tanh(self.n(torch.cat([x[:, t], r * h], 1)))
        return h


@pytest.mark.parametrize("turns", [3, 7])
@pytest.mark.parametrize("model", [lambda: Remembering(last=True), lambda: Remembering(last=False), Joined])
def test_the_first_turn_and_the_last_one_are_read_as_the_others(model: Callable[[], nn.Module], turns: int) -> None:
    found = read(model(), torch.randn(2, turns, 6))
    assert repeats(found.root) == [turns]
    assert sum(step.kind == "product" for step in found.steps()) <= 3


class Speaking(nn.Module):
    """Words are chosen by a model's scores, and read again."""

    def __init__(self, choose: Callable[[Tensor], Tensor], turns: int) -> None:
        super().__init__()
        self.model, self.choose, self.turns = NanoGPT(layers=1), choose, turns

    def forward(self, text: Tensor) -> Tensor:
        for _ in range(self.turns):
            text = torch.cat((text, self.choose(self.model(text)[0][:, -1])), 1)
        return text


def of_the_best(scores: Tensor) -> Tensor:
    best, places = scores.topk(5)
    return places.gather(1, torch.multinomial(best.softmax(-1), 1))


def bounded(scores: Tensor) -> Tensor:
    scores[scores < scores.topk(5)[0][:, -1:]] = -float("inf")
    return torch.multinomial(scores.softmax(-1), 1)


def nucleus(scores: Tensor) -> Tensor:
    sizes, places = scores.softmax(-1).sort(descending=True)
    sizes = sizes * (sizes.cumsum(-1) - sizes < 0.9)
    return places.gather(1, torch.multinomial(sizes / sizes.sum(-1, keepdim=True), 1))


@pytest.mark.parametrize("turns", [1, 2])
@pytest.mark.parametrize(
    "choose",
    [
        lambda scores: scores.argmax(-1, keepdim=True),
        lambda scores: scores.topk(1)[1],
        lambda scores: torch.multinomial(F.softmax(scores / 0.8, -1), 1),
        of_the_best,
        bounded,
        nucleus,
    ],
)
def test_choosing_a_word_is_no_choice_of_experts(choose: Callable[[Tensor], Tensor], turns: int) -> None:
    found = list(read(Speaking(choose, turns), ids(1, 4)).steps())
    assert not {Role.ROUTER, Role.CHOOSE_EXPERTS} & {step.role for step in found}
    assert [step.role for step in found if step.path == "model.lm_head"] == [Role.UNEMBED] * turns


class Shared(nn.Module):
    """Experts that share one activation's module, as loops over them do."""

    def __init__(self) -> None:
        super().__init__()
        self.act, self.both, self.down = nn.SiLU(), nn.Linear(6, 32), nn.Linear(16, 6)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            gate, up = self.both(x).chunk(2, -1)
            x = self.down(self.act(gate) * up)
        return x


def test_a_module_that_is_called_in_every_turn_is_part_of_what_reads_it() -> None:
    told = [step.role for step in read(Shared(), torch.randn(2, 6)).steps()]
    assert told == [Role.GATE_UP, Role.GLU, Role.DOWN]


class Forgetting(nn.Module):
    """An LSTM written out: its state is read twice in every turn but the last."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.keep = nn.Linear(8, 24), nn.Linear(6, 24, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), 6)
        made = []
        for t in range(x.shape[1]):
            i, f, g, o = (self.read(x[:, t]) + self.keep(h)).chunk(4, -1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            made.append(h)
        return torch.stack(made, 1)


def test_all_turns_of_a_cell_that_is_written_out_are_one() -> None:
    first, last = read(Forgetting(), torch.randn(2, TURNS + 3, 8)).root.items
    assert isinstance(first, Section) and first.repeat == TURNS + 3
    assert not isinstance(last, Section) and last.kind == "concat"


class Looking(nn.Module):
    """A cell that reads a hidden layer and what attention gave in the turn before."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.cell, self.head = nn.Linear(8, 6), nn.GRUCell(14, 8), nn.Linear(16, 5)

    def forward(self, memory: Tensor, x: Tensor) -> Tensor:
        h = seen = torch.zeros(len(x), 8)
        made = []
        for t in range(TURNS):
            h = self.cell(torch.cat((torch.relu(self.before(x[:, t])), seen), -1), h)
            weights = torch.bmm(memory, h.unsqueeze(2)).squeeze(2).softmax(-1)
            seen = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
            made.append(self.head(torch.cat((h, seen), -1)))
        return torch.stack(made, 1)


def test_what_a_cell_multiplies_is_neither_an_mlp_nor_the_output_of_attention() -> None:
    found = read(Looking(), torch.randn(2, 7, 8), torch.randn(2, TURNS, 8))
    assert {step.role for step in found.steps() if step.path in ("cell", "before")} == {Role.OTHER}
    assert [section.repeat for section in found.root.sections()][1] == TURNS


class Last(nn.Module):
    """A state of which the last one alone is read on: the product that makes it begins no MLP there."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.state, self.head = nn.Embedding(20, 8), nn.Linear(14, 6), nn.Linear(6, 4)

    def forward(self, ids: Tensor) -> Tensor:
        h, rows = torch.zeros(len(ids), 6), self.words(ids)
        for t in range(ids.shape[1]):
            h = torch.tanh(self.state(torch.cat((rows[:, t], h), 1)))
        return self.head(h)


def test_the_last_turn_of_a_loop_begins_no_mlp() -> None:
    found = read(Last(), torch.randint(0, 20, (2, TURNS)))
    assert repeats(found.root) == [TURNS]
    assert next(step.role for step in found.steps() if step.path == "head") is Role.HEAD
