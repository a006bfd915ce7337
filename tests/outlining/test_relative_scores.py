"""Scores of distances, made of queries or keys and learned rows; what mixes heads, or none, behind scores."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Part, Role
from tests.outlining.reading import read, step

T, D, H = 6, 16, 2


class Relative(nn.Module):
    """Attention with a term for distances."""

    def __init__(self, term: Callable[["Relative", Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.qkv, self.far, self.out = nn.Linear(D, 3 * D), nn.Linear(D, D), nn.Linear(D, D)
        self.by_content, self.by_place = nn.Parameter(torch.ones(H, 1, 8)), nn.Parameter(torch.ones(H, 1, 8))
        self.rows, self.pairs = nn.Parameter(torch.randn(T, D)), nn.Embedding(9, 8)
        self.term = term

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).view(len(x), T, 3, H, 8).permute(2, 0, 3, 1, 4)
        scores = (q + self.by_content) @ k.mT + self.term(self, q, k)
        z: Tensor = self.out(((scores * 8**-0.5).softmax(-1) @ v).transpose(1, 2).flatten(2))
        return z


def shifted(s: Relative, q: Tensor, _: Tensor) -> Tensor:
    far = s.far(s.rows).view(T, H, 8).transpose(0, 1)
    made = F.pad((q + s.by_place) @ far.mT, (1, 0))
    return made.view(len(q), H, T + 1, T)[:, :, 1:].reshape(len(q), H, T, T)


def looked_up(s: Relative, q: Tensor, _: Tensor) -> Tensor:
    n = torch.arange(T)
    return torch.einsum("bhqd,qkd->bhqk", q, s.pairs((n[None] - n[:, None]).clamp(-4, 4) + 4))


def gathered(s: Relative, _: Tensor, k: Tensor) -> Tensor:
    n = torch.arange(T)
    far = s.far(s.rows).view(T, H, 8).transpose(0, 1)
    places = (n[:, None] - n[None]).clamp(0, T - 1).expand(len(k), H, T, T)
    return (k @ far.mT).gather(-1, places).mT


@pytest.mark.parametrize("term", [shifted, looked_up, gathered])
def test_what_queries_or_keys_make_of_distances_is_scores(term: Callable[[Relative, Tensor, Tensor], Tensor]) -> None:
    found = list(read(Relative(term), torch.randn(3, T, D), all_used=False).steps())
    scores = [each for each in found if each.role is Role.SCORES]
    assert sorted("added to the scores" in map(str, each.notes) for each in scores) == [False, True]
    assert all(each.results[0].part is Part.SCORES for each in scores)


class Between(nn.Module):
    """Something between softmax and values."""

    def __init__(self, mixing: nn.Module) -> None:
        super().__init__()
        self.qkv, self.out, self.mixing = nn.Linear(D, 3 * D), nn.Linear(D, D), mixing

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).view(len(x), T, 3, H, 8).permute(2, 0, 3, 1, 4)
        z: Tensor = self.out((self.mixing((q @ k.mT).softmax(-1)) @ v).transpose(1, 2).flatten(2))
        return z


def test_heads_that_are_mixed_and_normalised_are_still_attention() -> None:
    found = read(Between(nn.Sequential(nn.Conv2d(H, H, 1), nn.BatchNorm2d(H))), torch.randn(3, T, D))
    assert step(found, "Mix heads").results[0].part is Part.ATTENTION_WEIGHTS
    assert step(found, "BatchNorm").role is Role.NORM and step(found, "Weighted sum").role is Role.WEIGHTED_SUM


def test_a_convolution_of_each_head_by_itself_mixes_none() -> None:
    found = read(Between(nn.Conv2d(H, H, 3, padding=1, groups=H)), torch.randn(3, T, D))
    assert Role.MIX_HEADS not in {each.role for each in found.steps()}
    assert step(found, "Weighted sum").role is Role.WEIGHTED_SUM


class Landmarks(nn.Module):
    """Few queries and few keys stand for all: A₁ A₂⁺ (A₃ V)."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(D, 3 * D)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).view(len(x), T, 3, H, 8).permute(2, 0, 3, 1, 4)
        few_q, few_k = (each.unflatten(2, (2, 3)).mean(3) for each in (q, k))
        one, two, three = ((a @ b.mT).softmax(-1) for a, b in ((q, few_k), (few_q, few_k), (few_q, k)))
        return one @ torch.linalg.pinv(two) @ (three @ v)


def test_an_inverse_holds_no_values() -> None:
    found = list(read(Landmarks(), torch.randn(3, T, D)).steps())
    assert [each.role for each in found].count(Role.WEIGHTED_SUM) == 1
    (inverse,) = (each for each in found if each.kind == "algebra")
    assert inverse.results[0].part is Part.OTHER


def test_what_a_convolution_holds_side_by_side_is_called_by_all_of_it() -> None:
    class Channels(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.each = nn.Conv2d(D, 3 * D, 1), nn.Conv2d(3 * D, 3 * D, 3, padding=1, groups=3 * D)

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = (part.unflatten(1, (H, 8)).flatten(3) for part in self.each(self.qkv(x)).chunk(3, 1))
            return (F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT).softmax(-1) @ v

    found = read(Channels(), torch.randn(1, D, 4, 4))
    made = [each.results[0].part for each in found.steps() if each.kind == "convolution"]
    assert made == [Part.QUERY_KEY_VALUE] * 2


class Distances(nn.Module):
    """Learned rows for distances beside values, and beside keys, as Shaw has them; or rows that nothing adds."""

    def __init__(self, *, added: bool) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(8, 8) for _ in range(4))
        self.rows, self.added = nn.Embedding(5, 4), added

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        b, t, _ = x.shape
        q, k, v = (layer(x).view(b, t, 2, 4).transpose(1, 2) for layer in (self.q, self.k, self.v))
        places = torch.arange(t)
        rows = self.rows((places[None] - places[:, None]).clamp(-2, 2) + 2)
        weights = (q @ k.transpose(-2, -1)).softmax(-1)
        z, far = weights @ v, torch.einsum("bhqk,qkd->bhqd", weights, rows)
        z = z + far if self.added else z
        return self.out(z.transpose(1, 2).flatten(2)), far


def test_rows_for_distances_beside_values_are_weighed_too() -> None:
    found = [s for s in read(Distances(added=True), torch.randn(2, 6, 8)).steps() if s.title == "Weighted sum"]
    assert [s.kind for s in found] == ["weighted_sum", "product"]
    assert "added to the weighted sum" in map(str, found[1].notes)
    assert found[1].results[0].name == "Z"


def test_rows_that_are_weighed_and_added_to_nothing_are_a_product() -> None:
    found = [s.title for s in read(Distances(added=False), torch.randn(2, 6, 8)).steps()]
    assert found.count("Weighted sum") == 1


class Differential(nn.Module):
    """Two maps of attention, one taken off the other, of pieces of one projection."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = nn.Linear(8, 16), nn.Linear(8, 16), nn.Linear(8, 8), nn.Linear(8, 8)
        self.share = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        b, t, _ = x.shape
        ones, others = (
            [y.view(b, t, 2, 4).transpose(1, 2) for y in layer(x).chunk(2, -1)] for layer in (self.q, self.k)
        )
        one, other = ((q @ k.transpose(-2, -1) / 2).softmax(-1) for q, k in zip(ones, others, strict=True))
        z = (one - self.share * other) @ self.v(x).view(b, t, 2, 4).transpose(1, 2)
        made: Tensor = self.out(z.transpose(1, 2).flatten(2))
        return made


def test_maps_of_attention_that_are_taken_off_each_other_are_both_drawn() -> None:
    said = [s.title for s in read(Differential(), torch.randn(2, 6, 8)).steps() if s.title != "Split heads"]
    assert said == [
        "Query", "Key", "Scores", "Softmax", "Scores", "Softmax", "Multiply, subtract", "Value", "Weighted sum",
        "Concat heads", "Output",
    ]  # fmt: skip
