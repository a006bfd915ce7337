"""Masks of scores whose rows of queries and columns of keys do not lie last: what they say is what their values say."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from tests.outlining.reading import read, step

T, D = 6, 24
HIDDEN = float("-inf")
Read = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def past() -> torch.Tensor:
    return torch.ones(T, T).tril().bool()


def padded() -> torch.Tensor:
    return torch.arange(T) < torch.tensor([T, T - 2, T - 1])[:, None]


def by_queries(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    scores = torch.einsum("bthd,bshd->bths", q, k).masked_fill(~mask, HIDDEN)
    return torch.einsum("bths,bshd->bthd", scores.softmax(-1), v)


def added(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    scores = torch.einsum("bthd,bshd->bths", q, k) + torch.full((T, T), HIDDEN).triu(1).unsqueeze(1)
    return torch.einsum("bths,bshd->bthd", scores.softmax(-1), v)


def made_so(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    places = torch.arange(T)
    return by_queries(q, k, v, places[:, None, None] >= places)


def keys_by_queries(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    scores = torch.einsum("bshd,bthd->bhst", k, q).masked_fill(past().T.logical_not(), HIDDEN)
    return torch.einsum("bhst,bshd->bthd", scores.softmax(-2), v)


def heads_last(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    scores = torch.einsum("bthd,bshd->btsh", q, k).masked_fill(~past()[None, :, :, None], HIDDEN)
    return torch.einsum("btsh,bshd->bthd", scores.softmax(2), v)


def for_each_head(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    mask = past()[:, :, None].repeat(1, 1, q.size(2))
    scores = torch.einsum("bthd,bshd->btsh", q, k).masked_fill(~mask, HIDDEN)
    return torch.einsum("btsh,bshd->bthd", scores.softmax(2), v)


def examples_last(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    scores = torch.einsum("bthd,bshd->tsbh", q, k).masked_fill(~past()[:, :, None, None], HIDDEN)
    return torch.einsum("tsbh,bshd->bthd", scores.softmax(1), v)


SPELLINGS: dict[str, tuple[Read, list[str]]] = {
    "added": (added, ["causal mask"]),
    "made so": (made_so, ["causal mask"]),
    "filled": (lambda q, k, v: by_queries(q, k, v, past()[None, :, None, :]), ["causal mask"]),
    "expanded": (lambda q, k, v: by_queries(q, k, v, past()[:, None].expand(T, q.size(2), T)), ["causal mask"]),
    "repeated": (lambda q, k, v: by_queries(q, k, v, past()[:, None].repeat(1, q.size(2), 1)), ["causal mask"]),
    "padded": (lambda q, k, v: by_queries(q, k, v, padded()[:, None, None]), ["padding hidden"]),
    "both": (
        lambda q, k, v: by_queries(q, k, v, (past() & padded()[:, None])[:, :, None]), ["causal mask", "padding hidden"]
    ),
    "keys by queries": (keys_by_queries, ["causal mask"]),
    "heads last": (heads_last, ["causal mask"]),
    "for each head": (for_each_head, ["causal mask"]),
    "examples last": (examples_last, ["causal mask"]),
}  # fmt: skip


class Attending(nn.Module):
    def __init__(self, spelling: str, heads: int) -> None:
        super().__init__()
        self.qkv, self.o, self.heads = nn.Linear(D, 3 * D), nn.Linear(D, D), heads
        self.attend = SPELLINGS[spelling][0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).view(len(x), T, 3, self.heads, -1).unbind(2)
        made: torch.Tensor = self.o(self.attend(q, k, v).reshape(len(x), T, D))
        return made


@pytest.mark.parametrize("heads", [1, 2, T])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_mask_is_read_along_queries_and_keys_wherever_they_are(spelling: str, heads: int) -> None:
    notes = [str(note) for note in step(read(Attending(spelling, heads), torch.randn(3, T, D)), "Scores").notes]
    assert [note for note in notes if "batch" not in note] == SPELLINGS[spelling][1]


def test_padding_of_each_example_is_said_beside_what_all_have() -> None:
    class Padded(Attending):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = self.qkv(x).view(len(x), T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            seen = past() & padded()[:, None, None]
            made: torch.Tensor = self.o((q @ k.mT).masked_fill(~seen, HIDDEN).softmax(-1) @ v)
            return made

    notes = step(read(Padded("added", 1), torch.randn(3, T, D)), "Scores").notes
    assert {"causal mask", "padding hidden"} <= set(map(str, notes))
