"""What is added to scores: a triangle, another mask for each window, or positions that the model learned."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.capture import capture
from shapetrace.outlining import outline
from shapetrace.outlining.structure import Outline
from tests.outlining.reading import faults, read, step

Kind = Literal["learned", "temperature", "windows", "learned and windows"]


class Windows(nn.Module):
    """Attention inside 4 windows of 6 positions, with 2 heads."""

    def __init__(self, kind: Kind, fused: bool) -> None:
        super().__init__()
        self.kind, self.fused = kind, fused
        self.stem, self.qkv, self.out = nn.Conv1d(3, 16, 2, stride=2), nn.Linear(16, 48), nn.Linear(16, 16)
        self.bias, self.temperature = nn.Parameter(torch.ones(1, 2, 6, 6)), nn.Parameter(torch.ones(2, 1, 1))
        place = torch.arange(24).view(4, 6) // 8
        hidden = torch.where(place[:, :, None] >= place[:, None], 0.0, -100.0)
        self.hidden: Tensor
        self.register_buffer("hidden", hidden[:, None])

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(self.stem(x).transpose(1, 2)).view(4, 6, 3, 2, 8).permute(2, 0, 3, 1, 4)
        q, k, v = parts.unbind(0)
        added = {"windows": self.hidden, "learned and windows": self.bias + self.hidden}.get(self.kind, self.bias)
        if self.fused:
            z = F.scaled_dot_product_attention(q, k, v, attn_mask=added)
        else:
            scores = q @ k.transpose(-2, -1) * (self.temperature if self.kind == "temperature" else 8**-0.5)
            z = (scores + added if self.kind != "temperature" else scores).softmax(-1) @ v
        y: Tensor = self.out(z.transpose(1, 2).reshape(1, 24, 16))
        return y


def outlined(kind: Kind, fused: bool) -> Outline:
    """An outline of a model that need not use all of its parameters."""
    trace = capture(Windows(kind, fused).eval(), (torch.ones(1, 3, 48),), {})
    found = outline(trace)
    assert not faults(trace, found, all_used=False)
    return found


@pytest.mark.parametrize(("kind", "fused", "expected"), [
    ("learned", True, ["plus a learned bias"]), ("learned", False, ["plus a learned bias"]), ("temperature", False, []),
    ("windows", True, ["masked"]), ("windows", False, ["masked"]),
    ("learned and windows", True, ["masked", "plus a learned bias"]),
    ("learned and windows", False, ["masked", "plus a learned bias"]),
])  # fmt: skip
def test_a_learned_bias_is_no_mask_and_a_window_has_no_triangle(kind: Kind, fused: bool, expected: list[str]) -> None:
    notes = map(str, step(outlined(kind, fused), "Scores").notes)
    assert [note for note in notes if note in ("masked", "causal mask", "plus a learned bias")] == expected


@pytest.mark.parametrize("fused", [True, False])
def test_every_window_has_its_own_keys(fused: bool) -> None:
    assert [operand.stack for operand in step(outlined("windows", fused), "Scores").operands] == [8, 8]


class HeadsInside(nn.Module):
    """Scores as (examples, queries, heads, keys), as DeepSeek writes them."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.mask, self.q, self.k, self.v = mask, nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (layer(x).unflatten(-1, (2, 4)) for layer in (self.q, self.k, self.v))
        scores = torch.einsum("bshd,bthd->bsht", q, k) + self.mask
        return torch.einsum("bsht,bthd->bshd", scores.softmax(-1), v)


def test_rows_of_a_mask_before_the_heads_are_queries_and_no_padding() -> None:
    later = torch.full((5, 5), -torch.inf).triu(1)
    (notes,) = [
        s.notes for s in read(HeadsInside(later.unsqueeze(1)), torch.randn(1, 5, 8)).steps() if s.kind == "scores"
    ]
    assert "padding hidden" not in map(str, notes)
    assert {"masked", "causal mask"} & {*map(str, notes)}


class Kept(nn.Module):
    """Keys and values in a cache with places for rows to come, all of which are looked at under a mask."""

    def __init__(self, spelling: str, length: int = 12) -> None:
        super().__init__()
        self.qkv, self.spelling = nn.Linear(8, 24), spelling
        self.register_buffer("keys", torch.zeros(1, 2, length, 4))
        self.register_buffer("values", torch.zeros(1, 2, length, 4))

    def forward(self, x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).view(1, -1, 3, 2, 4).permute(2, 0, 3, 1, 4)
        self.keys.index_copy_(2, places, k)
        self.values.index_copy_(2, places, v)
        later = torch.arange(self.keys.shape[2])
        hidden = later > places if self.spelling == "a row" else later > places[:, None]
        return (q @ self.keys.mT).masked_fill(hidden, float("-inf")).softmax(-1) @ self.values


@pytest.mark.parametrize(
    ("spelling", "places", "told"),
    [
        ("a row", [5], "the first 6 seen by all"), ("a table", [5], "the first 6 seen by all"),
        ("a table", [0, 1, 2, 3], "causal mask"), ("a table", [5, 6, 7], "causal mask"),
    ],
)  # fmt: skip
def test_a_cache_with_places_for_rows_to_come_has_no_window_and_no_padding(
    spelling: str, places: list[int], told: str
) -> None:
    found = read(Kept(spelling), torch.randn(1, len(places), 8), torch.tensor(places))
    notes = [str(note) for note in step(found, "Scores").notes if "Q K" not in str(note)]
    assert notes == [told]
    assert found.cache is not None and [layer.window for layer in found.cache.layers] == [None]


def test_a_dilated_mask_has_no_window_and_blocks_that_differ_have_no_sizes() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(8, 24)

        def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            q, k, v = self.qkv(x).view(len(x), -1, 3, 2, 4).permute(2, 0, 3, 1, 4)
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None])

    n = torch.arange(12)
    apart = n[:, None] - n
    found = read(Masked(), torch.randn(1, 12, 8), ((apart >= 0) & (apart % 2 == 0))[None])
    assert found.cache is not None and [layer.window for layer in found.cache.layers] == [None]
    documents = torch.tensor([[0] * 5 + [1] * 7, [0] * 9 + [1] * 3])
    packed = (documents[:, :, None] == documents[:, None]) & (apart >= 0)
    notes = step(read(Masked(), torch.randn(2, 12, 8), packed), "Scores").notes
    assert {"causal mask", "blocks"} <= set(map(str, notes))


class Pairs(nn.Module):
    """A number for each pair of rows and head, made by a product and given to the fused call."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.pair = nn.Linear(8, 24), nn.Linear(3, 2, bias=False)

    def forward(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).view(len(x), -1, 3, 2, 4).permute(2, 0, 3, 1, 4)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.pair(z).permute(0, 3, 1, 2))


def test_what_a_product_makes_for_each_pair_hides_nothing() -> None:
    notes = {*map(str, step(read(Pairs(), torch.randn(2, 6, 8), torch.randn(2, 6, 6, 3)), "Scores").notes)}
    assert "plus a bias" in notes and "masked" not in notes


class Paired(nn.Module):
    """A number for each pair of rows and each head, which a product made of what is known of pairs (AlphaFold)."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.pairs = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(6, 2)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        q, k, v = (layer(x).unflatten(-1, (2, 4)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        scores = q @ k.transpose(-2, -1) / 2 + self.pairs(z).permute(0, 3, 1, 2)
        made: Tensor = scores.softmax(-1) @ v
        return made


def test_what_a_product_makes_for_each_pair_is_a_bias_in_any_spelling() -> None:
    found = read(Paired(), torch.randn(2, 5, 8), torch.randn(2, 5, 5, 6))
    assert "plus a bias" in map(str, step(found, "Scores").notes)
