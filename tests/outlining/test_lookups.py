"""Rows that are looked up: tokens begin the stream, others say something of a token or of an example."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Outline
from tests.outlining.reading import read

D, N, V = 16, 6, 30
IDS = torch.arange(2 * N).view(2, N)


def looked_up(found: Outline) -> list[tuple[Role, str, str]]:
    """What each lookup is for, its table, and its rows."""
    return [(s.role, s.operands[1].name, s.results[0].name) for s in found.steps() if s.kind == "lookup"]


class Mixed(nn.Module):
    """A block on rows, with what stands beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.other = nn.Embedding(V, D), nn.Embedding(V, D)
        self.norm, self.qkv, self.o = nn.LayerNorm(D), nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.given = nn.Linear(5, D)

    def block(self, x: Tensor, more: Tensor | float = 0.0) -> Tensor:
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        out: Tensor = x + self.o(F.scaled_dot_product_attention(q, k, v + more))
        return out


class Values(Mixed):
    """Looked up first, and added to values in the block."""

    def forward(self, ids: Tensor) -> Tensor:
        more, x = self.other(ids), self.words(ids)
        return self.block(x, more)


class Types(Mixed):
    def forward(self, ids: Tensor, types: Tensor) -> Tensor:
        return self.block(self.words(ids) + self.other(types))


class Positions(Mixed):
    """Positions are looked up before the words."""

    def forward(self, ids: Tensor) -> Tensor:
        places = self.other(torch.arange(ids.shape[1]))
        return self.block(places + self.words(ids))


class Times(Mixed):
    """Rows that a product made, with a number for each."""

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        return self.block(self.given(x) + self.other(times))


class Labels(Mixed):
    """A label of each picture shifts what the norm makes."""

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return self.block(self.given(x), self.other(label)[:, None])


class Features(nn.Module):
    """What an example has of several sorts: given side by side, or each by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.out = nn.Embedding(V, 4), nn.Embedding(V, 4), nn.Linear(8, 1)

    def forward(self, one: Tensor, two: Tensor | None = None) -> Tensor:
        one, two = (one[:, 0], one[:, 1]) if two is None else (one, two)
        score: Tensor = self.out(torch.cat([self.a(one), self.b(two)], -1).relu())
        return score


def test_the_table_whose_rows_become_the_stream_is_that_of_the_tokens_whichever_is_read_first() -> None:
    told = looked_up(read(Values(), IDS, all_used=False))
    assert told == [(Role.LOOKUP, "E_2", "E_2"), (Role.LOOKUP_TOKENS, "E", "X")]


def test_types_are_added_to_the_stream() -> None:
    told = looked_up(read(Types(), IDS, IDS % 2, all_used=False))
    assert told == [(Role.LOOKUP_TOKENS, "E", "X"), (Role.LOOKUP, "E_2", "E_2")]


def test_words_that_are_added_to_positions_are_words() -> None:
    assert (Role.LOOKUP_TOKENS, "E", "X") in looked_up(read(Positions(), IDS, all_used=False))


def test_what_is_added_to_a_product_is_no_token() -> None:
    (told,) = looked_up(read(Times(), torch.randn(2, N, 5), IDS, all_used=False))
    assert told[0] is Role.LOOKUP


def test_a_label_is_no_token_and_its_row_no_stream() -> None:
    told = looked_up(read(Labels(), torch.randn(2, N, 5), torch.arange(2), all_used=False))
    assert told == [(Role.LOOKUP, "E", "E")]


@pytest.mark.parametrize("given", [lambda: (IDS,), lambda: (IDS[0], IDS[1])])
def test_features_of_an_example_are_no_tokens(given: Callable[[], tuple[Tensor, ...]]) -> None:
    assert [role for role, *_ in looked_up(read(Features(), *given()))] == [Role.LOOKUP] * 2


def test_one_sentence_without_a_batch_is_tokens() -> None:
    assert looked_up(read(Values(), IDS[0], all_used=False))[1] == (Role.LOOKUP_TOKENS, "E", "X")


class Likely(nn.Module):
    """Words that are scored, most of them left out, and one drawn."""

    def __init__(self, how: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.how, self.words, self.head = how, nn.Embedding(V, D), nn.Linear(D, V)

    def forward(self, ids: Tensor) -> Tensor:
        return torch.multinomial(self.how(self.head(self.words(ids).mean(1))).softmax(-1), 1)


def written(logits: Tensor) -> Tensor:
    least = logits.topk(3).values[:, [-1]]
    logits[logits < least] = -torch.inf
    return logits


def filled(logits: Tensor) -> Tensor:
    return logits.masked_fill(logits < logits.topk(3).values[:, -1:], -torch.inf)


def chosen(logits: Tensor) -> Tensor:
    return torch.where(logits < logits.topk(3).values[:, -1:], torch.tensor(-torch.inf), logits)


@pytest.mark.parametrize("how", [written, filled, chosen])
def test_logits_of_which_some_are_left_out_are_logits_until_they_are_shares(how: Callable[[Tensor], Tensor]) -> None:
    shares, drawn = list(read(Likely(how), IDS).steps())[-2:]
    assert (shares.operands[0].name, shares.results[0].name, drawn.operands[0].name) == ("logits", "p", "p")
