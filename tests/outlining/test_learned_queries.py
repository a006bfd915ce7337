"""Queries that the model learned: attention is attention before any data reaches them."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.outlining.reading import read, step, titles


class Pool(nn.Module):
    """Two learned queries ask the positions, as a pooling head, a resampler or a detector's first layer does."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.latents = kind, nn.Parameter(torch.ones(1, 2, 16))
        self.q, self.k, self.v, self.out = (nn.Linear(16, 16) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        pairs = ((self.q, self.latents.expand(len(x), -1, -1)), (self.k, x), (self.v, x))
        q, k, v = (layer(y).unflatten(-1, (4, 4)).transpose(1, 2) for layer, y in pairs)
        if self.kind == "fused":
            z = F.scaled_dot_product_attention(q, k, v)
        elif self.kind == "queries scaled":
            z = (q * 0.5 @ k.transpose(-2, -1)).softmax(-1) @ v
        else:
            z = (q @ k.transpose(-2, -1) * 0.5).softmax(-1) @ v
        y: Tensor = self.out(z.transpose(1, 2).flatten(-2))
        return y


@pytest.mark.parametrize("kind", ["fused", "queries scaled", "scores scaled"])
def test_learned_queries_have_heads(kind: str) -> None:
    found = read(Pool(kind), torch.ones(1, 5, 16))
    assert step(found, "Query").equation == "[2,16]×[16,4]→[2,4]"
    assert [step(found, title).operands[1].stack for title in ("Query", "Key", "Value")] == [4, 4, 4]
    assert step(found, "Scores").equation == "[2,4]×[4,5]→[2,5]"
    assert "Q Kᵀ ⁄ √4" in map(str, step(found, "Scores").notes)
    assert titles(found)[-1] == "Output"


class PerHead(nn.Module):
    """A bias for each head on the queries: the same for all positions."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.bias = nn.Linear(16, 48), nn.Parameter(torch.ones(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).view(*x.shape[:2], 3, 4, 4).unbind(2)
        q = (q + self.bias).transpose(1, 2)
        return F.scaled_dot_product_attention(q, k.transpose(1, 2), v.transpose(1, 2))


def test_a_bias_of_heads_is_no_position() -> None:
    found = titles(read(PerHead(), torch.ones(1, 5, 16)))
    assert "Position" not in found
    assert "Add" in found


class Latents(nn.Module):
    """Learned rows that begin the stream, or learned positions that are added to it."""

    def __init__(self, *, is_stream: bool) -> None:
        super().__init__()
        self.pool = Pool("fused")
        self.rows = self.pool.latents if is_stream else nn.Parameter(torch.ones(1, 2, 16))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.rows.expand(len(x), -1, -1) + self.pool(x)
        return y


@pytest.mark.parametrize("batch", [1, 3])
def test_learned_rows_that_begin_a_stream_are_no_position(batch: int) -> None:
    x = torch.ones(batch, 5, 16)
    assert titles(read(Latents(is_stream=True), x))[-1] == "Residual"
    assert titles(read(Latents(is_stream=False), x))[-1] == "Position"


class Among(nn.Module):
    """Learned queries look at each other before they look at data, as a detector's or a mask decoder's do."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.queries = kind, nn.Parameter(torch.ones(1, 3, 16))
        self.among, self.across = (nn.ModuleList(nn.Linear(16, 16) for _ in range(4)) for _ in range(2))

    def attend(self, layers: nn.ModuleList, x: Tensor, y: Tensor) -> Tensor:
        q, k, v = (layer(z).unflatten(-1, (4, 4)).transpose(1, 2) for layer, z in zip(layers, (x, y, y), strict=False))
        if self.kind == "fused":
            z = F.scaled_dot_product_attention(q, k, v)
        else:
            z = (q @ k.transpose(-2, -1) * 0.5).softmax(-1) @ v
        joined: Tensor = layers[3](z.transpose(1, 2).flatten(-2))
        return joined

    def forward(self, x: Tensor) -> Tensor:
        y = self.queries + self.attend(self.among, self.queries, self.queries)
        return y + self.attend(self.across, y, x)


@pytest.mark.parametrize("kind", ["fused", "by hand"])
def test_rows_of_learned_queries_count_no_heads(kind: str) -> None:
    found = read(Among(kind), torch.ones(1, 5, 16))
    scores = [each for each in found.steps() if each.title == "Scores"]
    assert [each.equation for each in scores] == ["[3,4]×[4,3]→[3,3]", "[3,4]×[4,5]→[3,5]"]
    assert [each.operands[0].stack for each in scores] == [4, 4]
    assert [each.title for each in found.steps()].count("Concat heads") == 2
    assert {each.title: each.tied_to for each in found.steps() if each.tied_to} == {"Residual": "queries"}
    assert [each.parameters for each in found.steps() if each.title == "Key"] == [16 * 16 + 16] * 2
    last = list(found.steps())[-1]
    assert last.equation == "[3,16]+[3,16]→[3,16]"


class Distances(nn.Module):
    """A score of the rows' and one of the columns' distance, each made of the query, on a picture's attention."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.rows, self.columns = nn.Parameter(torch.ones(5, 5, 8)), nn.Parameter(torch.ones(6, 6, 8))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).view(1, 30, 3, 2, 8).permute(2, 0, 3, 1, 4).flatten(1, 2)
        placed = q.view(2, 5, 6, 8)
        far = torch.einsum("bhwc,hkc->bhwk", placed, self.rows)[..., None]
        wide = torch.einsum("bhwc,wkc->bhwk", placed, self.columns)[:, :, :, None]
        a = ((q * 8**-0.5) @ k.mT + (far + wide).reshape(2, 30, 30)).softmax(-1)
        z: Tensor = self.out((a @ v).view(1, 2, 5, 6, 8).permute(0, 2, 3, 1, 4).flatten(-2))
        return x + z


def test_distances_with_weights_of_their_own_count_no_heads() -> None:
    found = read(Distances(), torch.ones(1, 5, 6, 16))
    *apart, scores = (each for each in found.steps() if each.title == "Scores")
    assert (scores.equation, scores.operands[0].stack) == ("[30,8]×[8,30]→[30,30]", 2)
    assert [[*map(str, each.notes)] for each in apart] == [["added to the scores"]] * 2
    assert step(found, "Concat heads").equation == "2·[5,6,8]→[5,6,16]"
    assert step(found, "Residual").equation == "[5,6,16]+[5,6,16]→[5,6,16]"


class Induced(nn.Module):
    """Few learned rows ask all, and all ask the few: attention of a set with itself, in two halves."""

    def __init__(self) -> None:
        super().__init__()
        self.few = nn.Parameter(torch.randn(1, 3, 16))
        self.one, self.two = (nn.MultiheadAttention(16, 2, batch_first=True) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        few = self.few.expand(len(x), -1, -1)
        few = few + self.one(few, x, x, need_weights=False)[0]
        out: Tensor = x + self.two(x, few, few, need_weights=False)[0]
        return out


def test_a_block_that_makes_what_it_attends_to_is_no_decoder() -> None:
    found = read(
        nn.Sequential(Induced(), nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)), torch.randn(2, 7, 16)
    )
    assert "Decoder block" not in [section.title for section in found.root.sections()]


class Asked(nn.Module):
    """Learned rows look at each other, then at what they are given; positions come first, as in ``nn.Transformer``."""

    def __init__(self, *, rows_first: bool) -> None:
        super().__init__()
        self.rows_first, self.rows = rows_first, nn.Parameter(torch.randn(4, 8))
        self.own, self.across = (nn.MultiheadAttention(8, 2, batch_first=not rows_first) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(8) for _ in range(2))

    def forward(self, given: Tensor) -> Tensor:
        n = given.shape[1 if self.rows_first else 0]
        x = self.rows[:, None].expand(-1, n, -1) if self.rows_first else self.rows.expand(n, -1, -1)
        x = self.norms[0](x + self.own(x, x, x, need_weights=False)[0])
        made: Tensor = self.norms[1](x + self.across(x, given, given, need_weights=False)[0])
        return made


@pytest.mark.parametrize("rows_first", [True, False])
def test_learned_rows_that_looked_at_each_other_are_rows_as_others(rows_first: bool) -> None:
    found = read(Asked(rows_first=rows_first), torch.randn(2, 5, 8) if not rows_first else torch.randn(5, 2, 8))
    assert [title for title in titles(found) if title in ("Residual", "LayerNorm")] == ["Residual", "LayerNorm"] * 2
    assert [s.title for s in found.root.sections() if s.kind == "attention"] == ["Attention", "Cross-attention"]


class Mixed(nn.Module):
    """A graph that is learned: shares of products of weights, twice in a row, are still weights."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Parameter(torch.randn(5, 3)), nn.Parameter(torch.randn(3, 5))

    def forward(self, x: Tensor) -> Tensor:
        graph = (self.one @ self.other).relu().softmax(-1)
        return (graph @ graph).exp() @ x


def test_shares_of_weights_that_weigh_no_rows_stay_weights() -> None:
    assert "Exp" not in titles(read(Mixed(), torch.randn(2, 5, 8)))


class Detector(nn.Module):
    """Rows that begin with zeros, with learned positions added again in each layer, as in DETR."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(4, 8))
        self.layers = nn.ModuleList(nn.MultiheadAttention(8, 2, batch_first=True) for _ in range(4))
        self.norms = nn.ModuleList(nn.LayerNorm(8) for _ in range(4))

    def forward(self, given: Tensor) -> Tensor:
        x = torch.zeros(len(given), 4, 8)
        for place, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            asking = x + self.positions
            keys, values = (given, given) if place % 2 else (asking, x)
            x = norm(x + layer(asking, keys, values, need_weights=False)[0])
        return x


def test_learned_rows_that_are_added_in_each_layer_are_positions() -> None:
    found = read(Detector(), torch.randn(2, 5, 8))
    sums = [each for each in titles(found) if each in ("Residual", "Position")]
    assert sums == ["Position", "Residual"] * 3
    assert [s.title for s in found.root.sections() if s.kind == "attention"].count("Cross-attention") == 2
