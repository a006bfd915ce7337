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
