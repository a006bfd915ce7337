"""Masks that are written over the scores, and attention over one key: still attention."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.outlining.attentions import SPELLINGS, Attends, merge, split
from tests.outlining.reading import products, read, step
from tests.outlining.test_attention_spellings import attention, x

HIDDEN = torch.ones(5, 5, dtype=torch.bool).triu(1)
LOW = -float("inf")


def masked(hide: Callable[[Tensor], Tensor | None]) -> Callable[..., Tensor]:
    def combine(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = split(q) @ split(k).mT / 6**0.5
        hidden = hide(scores)
        return merge((scores if hidden is None else hidden).softmax(-1) @ split(v))

    return combine


def by_places(scores: Tensor) -> None:
    scores[..., HIDDEN] = LOW


def by_all_places(scores: Tensor) -> None:
    scores[HIDDEN.expand_as(scores)] = -1e9


def of_a_copy(scores: Tensor) -> Tensor:
    copy = scores.clone()
    copy[:, :, HIDDEN] = LOW
    return copy


def filled_in_place(scores: Tensor) -> None:
    scores.masked_fill_(HIDDEN, LOW)


def chosen(scores: Tensor) -> Tensor:
    return torch.where(HIDDEN, torch.tensor(LOW), scores)


def chosen_by_what_is_seen(scores: Tensor) -> Tensor:
    return torch.where(~HIDDEN, scores, torch.full_like(scores, -1e9))


CAUSAL = [by_places, by_all_places, of_a_copy, filled_in_place, chosen, chosen_by_what_is_seen]


@pytest.mark.parametrize("hide", CAUSAL)
def test_a_mask_may_be_written_over_the_scores(hide: Callable[[Tensor], Tensor | None]) -> None:
    found = read(Attends(masked(hide)), x())
    assert products(found) == attention()
    assert "causal mask" in map(str, step(found, "Scores").notes)


def of_the_last_keys(scores: Tensor) -> None:
    scores[:, :, :, -2:] = LOW


def row_by_row(scores: Tensor) -> None:
    for row in range(5):
        scores[:, :, row, row + 1 :] = LOW


def of_numbered_keys(scores: Tensor) -> Tensor:
    return scores.index_fill(-1, torch.tensor([4]), LOW)


def scattered(scores: Tensor) -> Tensor:
    return scores.masked_scatter(HIDDEN, torch.full_like(scores, -1e9))


@pytest.mark.parametrize("hide", [of_the_last_keys, row_by_row, of_numbered_keys, scattered])
def test_what_is_written_over_unknown_scores_is_a_mask(hide: Callable[[Tensor], Tensor | None]) -> None:
    found = read(Attends(masked(hide)), x())
    assert products(found) == attention()
    assert "masked" in map(str, step(found, "Scores").notes)


def test_data_that_is_written_over_scores_hides_nothing() -> None:
    def combine(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = split(q) @ split(k).mT
        scores[..., HIDDEN] = scores.mean()
        return merge(scores.softmax(-1) @ split(v))

    assert "masked" not in [str(note) for each in read(Attends(combine), x()).steps() for note in each.notes]


@pytest.mark.parametrize("combine", [SPELLINGS[name] for name in ("einsum", "einsum_keys_first", "matmul", "fused")])
def test_attention_over_one_key_is_the_same_products(combine: Callable[..., Any]) -> None:
    assert sorted(products(read(Attends(combine), x(), x(seq=1)))) == sorted(attention(5, 1))


def heads_first(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    weights = torch.einsum("bhid, bhjd -> bhij", split(q), split(k)).softmax(-1)
    return merge(torch.einsum("bhij, bhjd -> bhid", weights, split(v)))


def values_first(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (split(each).transpose(1, 2) for each in (q, k, v))
    weights = torch.einsum("nqhd,nkhd->nhqk", q, k).softmax(3)
    return torch.einsum("nlhd,nhql->nqhd", v, weights).flatten(2)


@pytest.mark.parametrize("combine", [heads_first, values_first])
@pytest.mark.parametrize(("queries", "keys"), [(5, 1), (1, 1), (5, 7)])
def test_any_letters_name_the_axis_of_length_one(combine: Callable[..., Any], queries: int, keys: int) -> None:
    found = read(Attends(combine), x(seq=queries), x(seq=keys))
    assert sorted(products(found)) == sorted(attention(queries, keys))


def test_an_einsum_that_sums_nothing_is_no_product() -> None:
    class Scaled(torch.nn.Module):
        def forward(self, data: Tensor, by: Tensor) -> Tensor:
            return torch.einsum("bsd,bs->bsd", data, by)

    assert products(read(Scaled(), torch.ones(2, 3, 4), torch.ones(2, 3))) == []
