"""A position followed through a pass: where its row is, what it sees, where it ends.

The oracle is arithmetic: a number is changed, and what changes after it is what sees it, or is made of it.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.capture import capture
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.outlining import outline
from shapetrace.outlining.following import Followed, followed, indices, seen_by_row, sees_column
from shapetrace.outlining.roles import Role
from shapetrace.request import Request

T, WIDTH = 7, 8
BIG = torch.finfo(torch.float32).min


class Attending(nn.Module):
    """One attention of two heads under a mask, its values changed where a test asks for it."""

    def __init__(self, mask: Tensor | None, *, fused: bool = False, is_causal: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(11, WIDTH)
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.mask, self.fused, self.is_causal = mask, fused, is_causal
        self.changed: int | None = None

    def attend(self, x: Tensor, context: Tensor, *past: Tensor) -> Tensor:
        def heads(rows: Tensor) -> Tensor:
            return rows.view(rows.shape[0], -1, 2, WIDTH // 2).transpose(1, 2)

        q, k, v = heads(self.q(x)), heads(self.k(context)), heads(self.v(context))
        if past:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        if self.changed is not None:
            v = v.clone()
            v[:, :, self.changed] += 1
        if self.fused:
            z = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask, is_causal=self.is_causal)
        else:
            scores = q @ k.transpose(-1, -2) / 2
            z = (scores if self.mask is None else scores.masked_fill(~self.mask, BIG)).softmax(-1) @ v
        out: Tensor = self.o(z.transpose(1, 2).reshape(x.shape[0], -1, WIDTH))
        return out

    def forward(self, ids: Tensor, *past: Tensor) -> Tensor:
        x = self.table(ids)
        return self.attend(x, x, *past)


class Translating(Attending):
    """Rows of a target look at those of a source."""

    def forward(self, ids: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        return self.attend(self.table(target), self.table(ids))


def pattern(sees: Callable[[int, int], bool], rows: int = T, columns: int = T) -> Tensor:
    return torch.tensor([[sees(row, column) for column in range(columns)] for row in range(rows)])


CASES = {
    "nothing hidden": (Attending(None), (torch.arange(T)[None],)),
    "causal": (Attending(pattern(lambda i, j: j <= i)), (torch.arange(T)[None],)),
    "causal, fused": (Attending(None, fused=True, is_causal=True), (torch.arange(T)[None],)),
    "window": (Attending(pattern(lambda i, j: i - 3 < j <= i)), (torch.arange(T)[None],)),
    "both sides, fused": (Attending(pattern(lambda i, j: abs(i - j) < 2), fused=True), (torch.arange(T)[None],)),
    "padded in front": (Attending(pattern(lambda i, j: 2 <= j <= max(i, 2))), (torch.arange(T)[None],)),
    "padded behind": (Attending(pattern(lambda i, j: j <= i and j < 5)), (torch.arange(T)[None],)),
    "packed": (Attending(pattern(lambda i, j: j <= i and (i < 3) == (j < 3))), (torch.arange(T)[None],)),
    "scattered": (Attending(pattern(lambda i, j: i == j or (i * 5 + j * 3) % 4 == 1)), (torch.arange(T)[None],)),
    "encoder to decoder": (
        Translating(pattern(lambda i, j: (i + j) % 3 > 0, 4, T)), (torch.arange(T)[None], torch.arange(4)[None])
    ),
    "a decode step": (Attending(None), (torch.tensor([[3]]), *torch.rand(2, 1, 2, T - 1, WIDTH // 2))),
    "a decode step in a window": (
        Attending(pattern(lambda _, j: j > 3, 1)), (torch.tensor([[3]]), *torch.rand(2, 1, 2, T - 1, WIDTH // 2))
    ),
}  # fmt: skip


def seeing(model: Attending, inputs: tuple[Tensor, ...]) -> list[set[int]]:
    """Of each column, the rows of the result that change with its value."""
    found = []
    with torch.no_grad():
        before = model(*inputs)
        for column in range(T):
            model.changed = column
            after = model(*inputs)
            model.changed = None
            found.append({row for row in range(before.shape[1]) if not torch.equal(before[0, row], after[0, row])})
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_row_sees_what_changes_it_and_nothing_else(case: str) -> None:
    model, inputs = CASES[case]
    expected = seeing(model.eval(), inputs)
    found = outline(capture(model, inputs))
    scores = next(step.results[0] for step in found.steps() if step.role is Role.SCORES)
    for column, rows in enumerate(expected):
        assert set(indices(sees_column(scores, column) or ())) == rows
    for row in range(scores.shape[-2]):
        seen = seen_by_row(scores, row)
        assert seen is not None
        assert set(indices(seen)) == {column for column, rows in enumerate(expected) if row in rows}


def test_what_a_mask_of_unknown_values_hides_is_not_guessed() -> None:
    class Masked(Attending):
        def forward(self, ids: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]
            self.mask = mask
            return super().forward(ids)

    inputs = (torch.zeros(2, T, dtype=torch.long), torch.rand(2, 1, T, T) > 0.5)
    found = outline(capture(Masked(None), inputs))
    scores = next(step.results[0] for step in found.steps() if step.role is Role.SCORES)
    assert seen_by_row(scores, 3) is None
    assert sees_column(scores, 3) is None


class Moving(nn.Module):
    """A lookup, then what a test does to its rows."""

    def __init__(self, move: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.last, self.move = nn.Embedding(11, WIDTH), nn.Linear(WIDTH, WIDTH), move

    def forward(self, ids: Tensor) -> Tensor:
        out: Tensor = self.last(self.move(self.table(ids)))
        return out


MOVES: dict[str, Callable[[Tensor], Tensor]] = {
    "stays": lambda x: x * 2,
    "cut in front": lambda x: x[:, 2:],
    "cut behind": lambda x: x[:, :-2],
    "cut twice": lambda x: x[:, 1:][:, 1:-1],
    "padded in front": lambda x: F.pad(x, (0, 0, 3, 0)),
    "padded on both sides": lambda x: F.pad(x, (0, 0, 1, 2)),
    "behind others": lambda x: torch.cat([torch.ones(1, 2, WIDTH), x], 1),
    "before others": lambda x: torch.cat([x, torch.ones(1, 2, WIDTH)], 1),
    "cut and padded": lambda x: F.pad(x[:, :-1], (0, 0, 1, 0)),
    "one is taken": lambda x: x[:, 4],
    "the last one": lambda x: x[:, -1:],
    "one, and padded again": lambda x: F.pad(x[:, 4:5], (0, 0, 2, 1)),
    "turned around": lambda x: x.flip(1),
    "rolled": lambda x: x.roll(2, 1),
    "turned around and scaled": lambda x: x.flip(1) * 2,
    "its neighbour is added": lambda x: x[:, 1:] + x[:, :-1],
    "mean": lambda x: x.mean(1),
    "mean that is kept": lambda x: x.mean(1, keepdim=True),
    "strided": lambda x: x[:, ::2],
    "gathered": lambda x: x[:, torch.tensor([5, 1, 3])],
    "convolved with a stride": lambda x: F.conv1d(x.mT, torch.ones(WIDTH, WIDTH, 3), stride=2).mT,
}  # fmt: skip
EXACT = {
    "stays", "cut in front", "cut behind", "cut twice", "padded in front", "padded on both sides", "behind others",
    "before others", "cut and padded", "one is taken", "the last one", "one, and padded again",
}  # fmt: skip
"""Moves of which the recorded indices say where every row goes."""


@pytest.mark.parametrize("move", MOVES)
def test_the_row_of_a_position_is_the_one_that_changes_with_it(move: str) -> None:
    model, ids = Moving(MOVES[move]).eval(), torch.arange(T)[None]
    found = outline(capture(model, (ids,)))
    last = [step for step in found.steps() if step.kind == "product"][-1].results[0]
    with torch.no_grad():
        before = model(ids).reshape(-1, WIDTH)
        for position in range(T):
            changed = ids.clone()
            changed[0, position] = 10
            after = model(changed).reshape(-1, WIDTH)
            rows = {row for row in range(len(before)) if not torch.equal(before[row], after[row])}
            index = followed(found, str(position + 1)).index(last, -2)
            if move in EXACT:
                assert index == next(iter(rows), None)
            else:
                assert index is None or rows == {index}


@pytest.mark.parametrize(
    ("move", "position", "ending"),
    [
        ("mean", 3, "merged"), ("convolved with a stride", 3, "merged"), ("one is taken", 3, "left"),
        ("gathered", 3, "left"), ("stays", 3, ""), ("one is taken", 5, ""),
    ],
)  # fmt: skip
def test_where_a_position_stops_being_one_is_known(move: str, position: int, ending: str) -> None:
    found = outline(capture(Moving(MOVES[move]).eval(), (torch.arange(T)[None],)))
    follow = followed(found, str(position))
    endings = [each for step in found.steps() if (each := follow.ending(step))]
    assert endings == [ending] * bool(ending)


def test_a_position_that_was_kept_is_a_row_of_the_cache_and_no_row_of_the_pass() -> None:
    model, inputs = CASES["a decode step"]
    found = outline(capture(model, inputs))
    old, new = followed(found, "2"), followed(found, str(T))
    scores = next(step for step in found.steps() if step.role is Role.SCORES)
    assert [old.index(scores.results[0], axis) for axis in (-2, -1)] == [None, 1]
    assert [new.index(scores.results[0], axis) for axis in (-2, -1)] == [0, T - 1]
    assert new.index(scores.operands[0], -2) == 0
    assert old.index(scores.operands[0], -2) is None


def test_words_and_numbers_name_the_same_position_and_mistakes_are_told() -> None:
    found = obtain(Request(model="gpt2", text="the cat sat on the mat"), print).outline()
    assert followed(found, "cat") == followed(found, "2") == Followed(found.positions, 1, "cat")
    for asked, said in (
        ("the", "'the' is in the text 2 times: follow one by its number, 1, 5"),
        ("dog", "'dog' is not in the text; it has: the · cat · sat · on · the · mat"),
        ("99", "no position 99 to follow: there are 6, 1 to 6"),
        ("0", "no position 0 to follow: there are 6, 1 to 6"),
    ):
        with pytest.raises(UsageError) as error:
            followed(found, asked)
        assert str(error.value) == said
    unlabelled = obtain(Request(model="gpt2", shape={"seq": 4}), print).outline()
    with pytest.raises(UsageError, match="the words of the input are not known; give its number, or --text"):
        followed(unlabelled, "cat")


def test_rows_of_an_input_are_counted_where_it_has_them_not_where_they_are_read_first() -> None:
    class Conditioned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.condition, self.layer = nn.Linear(16, 64), nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)

        def forward(self, x: Tensor, c: Tensor) -> Tensor:
            shift = self.condition(c)
            y: Tensor = self.layer(x)  # the layer's attention reads it as (T, B, d)
            return y + shift[:, None]

    found = outline(capture(Conditioned(), (torch.zeros(2, 10, 64), torch.zeros(2, 16)))).positions
    assert found.size == 10
