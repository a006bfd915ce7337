"""One product that gives queries, keys and values, and gates or an MLP's columns beside them."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.outlining.reading import products, read, titles

X = torch.ones(2, 6, 32)


def _heads(x: Tensor) -> Tensor:
    return x.unflatten(-1, (-1, 8)).transpose(1, 2)


class Layer(nn.Module):
    def __init__(self, columns: int, closed: int) -> None:
        super().__init__()
        self.norm, self.into, self.out = nn.LayerNorm(32), nn.Linear(32, columns, bias=False), nn.Linear(closed, 32)


class FiveParts(Layer):
    """Fewer heads of keys than of queries, a gate and what it lets through; one product closes all."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v, gate, up = self.into(self.norm(x)).split([32, 16, 16, 48, 48], -1)
        z = F.scaled_dot_product_attention(*map(_heads, (q, k, v)), is_causal=True, enable_gqa=True)
        y: Tensor = x + self.out(torch.cat([z.transpose(1, 2).flatten(2), F.silu(gate) * up], -1))
        return y


class MlpFirst(Layer):
    """The columns of an MLP before those of attention, and all of these cut once more."""

    def forward(self, x: Tensor) -> Tensor:
        hidden, qkv = self.into(self.norm(x)).split([64, 96], -1)
        q, k, v = qkv.view(2, 6, 3, 4, 8).permute(2, 0, 3, 1, 4)
        z = (q @ k.mT * 8**-0.5).softmax(-1) @ v
        y: Tensor = x + self.out(torch.cat([z.transpose(1, 2).flatten(2), F.gelu(hidden)], -1))
        return y


class OneHeadOfKeys(Layer):
    """Gate and up are halves of one part, and another product closes them."""

    def __init__(self) -> None:
        super().__init__(32 + 8 + 8 + 128, 32)
        self.down = nn.Linear(64, 32)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v, both = self.into(self.norm(x)).split([32, 8, 8, 128], -1)
        z = torch.einsum("bhij,bjd->bhid", torch.einsum("bhid,bjd->bhij", _heads(q), k).softmax(-1), v)
        up, gate = both.chunk(2, -1)
        y: Tensor = x + self.out(z.transpose(1, 2).flatten(2)) + self.down(F.silu(gate) * up)
        return y


class GatedHeads(Layer):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v, gate = self.into(self.norm(x)).chunk(4, -1)
        z = F.scaled_dot_product_attention(*map(_heads, (q, k, v))).transpose(1, 2).flatten(2)
        y: Tensor = x + self.out(z * torch.sigmoid(gate))
        return y


PARTS = [
    (FiveParts(160, 80), {"Query": 8, "Key": 8, "Value": 8, "Gate": 48, "Up": 48}),
    (MlpFirst(160, 96), {"Query": 8, "Key": 8, "Value": 8, "Expand": 64}),
    (OneHeadOfKeys(), {"Query": 8, "Key": 8, "Value": 8, "Gate and up": 128}),
    (GatedHeads(128, 32), {"Query": 8, "Key": 8, "Value": 8, "Gate": 32}),
]


@pytest.mark.parametrize(("model", "parts"), PARTS)
def test_each_part_of_a_projection_is_a_step(model: nn.Module, parts: dict[str, int]) -> None:
    found = products(read(model, X))
    first = {title: equation for title, equation, _ in found if title in parts}
    assert first == {title: f"[2,6,32]×[32,{columns}]→[2,6,{columns}]" for title, columns in parts.items()}
    assert len(found) == len(parts) + 3 + ("Down" in {title for title, *_ in found})


@pytest.mark.parametrize(("model", "parts"), PARTS)
def test_fused_it_stays_one_step(model: nn.Module, parts: dict[str, int]) -> None:
    found = titles(read(model, X, fused=True))
    assert not {*parts} & {*found}


class Leftover(Layer):
    """Columns that nobody cuts out by themselves."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.into(self.norm(x))
        q, k, v = (_heads(y[..., i : i + 32]) for i in (0, 32, 64))
        z = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return x + self.out(z), y.sum()


def test_columns_that_nobody_cuts_out_leave_the_product_whole() -> None:
    found = products(read(Leftover(128, 32), X))
    assert found[0][1] == "[2,6,32]×[32,128]→[2,6,128]"
