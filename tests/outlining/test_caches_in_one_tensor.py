"""Keys and values of all layers in one tensor, told apart by the places that they are written at."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Role
from tests.outlining.reading import read

HEADS, WIDTH, ROWS = 2, 4, 7


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(8, 8, bias=False) for _ in range(4))


class Decoder(nn.Module):
    """Two layers; ``order`` says where layers and keys or values stand in the tensor that keeps all."""

    def __init__(self, order: str) -> None:
        super().__init__()
        self.order, self.layers = order, nn.ModuleList(Layer() for _ in range(2))
        shape = (2, 2, 1, HEADS, ROWS, WIDTH) if order != "mixed" else (2, 1, 2, HEADS, ROWS, WIDTH)
        self.register_buffer("kept", torch.zeros(shape))

    def rows(self, layer: int, which: int) -> Tensor:
        kept = self.get_buffer("kept")
        if self.order == "mixed":
            return kept[layer, :, which]
        return kept[layer, which] if self.order == "layers first" else kept[which][layer]

    def forward(self, x: Tensor, place: int) -> Tensor:
        for n, layer in enumerate(self.layers):
            q, k, v = (f(x).view(1, -1, HEADS, WIDTH).transpose(1, 2) for f in (layer.q, layer.k, layer.v))
            keys, values = self.rows(n, 0), self.rows(n, 1)
            keys[:, :, place : place + 1], values[:, :, place : place + 1] = k, v
            z = F.scaled_dot_product_attention(q, keys[:, :, : place + 1], values[:, :, : place + 1])
            x = x + layer.out(z.transpose(1, 2).flatten(2))
        return x


@pytest.mark.parametrize("order", ["layers first", "layers second", "mixed"])
def test_keys_and_values_in_one_tensor_are_told_apart(order: str) -> None:
    found = read(Decoder(order), torch.randn(1, 1, 8), 4)
    assert [s.role for s in found.steps() if s.kind == "product"] == [Role.QUERY, Role.KEY, Role.VALUE, Role.OUT_PROJ]
    writes = [s for s in found.steps() if s.role is Role.CACHE_WRITE]
    assert [[each.name for each in (*s.operands, *s.results)] for s in writes] == [
        ["K_past", "K", "K"],
        ["V_past", "V", "V"],
    ]
    assert {(s.operands[0].shape, s.operands[0].stack) for s in writes} == {((ROWS, WIDTH), HEADS)}
    assert {(s.results[0].shape, s.results[0].stack) for s in writes} == {((ROWS, WIDTH), HEADS)}
    assert {s.repeat for s in writes} == {2}
    assert found.cache is not None


class Beside(nn.Module):
    """Keys and values of one projection are stacked, and put behind the stack that was kept."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        q, k, v = self.qkv(x).view(1, -1, 3, HEADS, WIDTH).permute(2, 0, 3, 1, 4)
        kept = torch.cat([kept, torch.stack([k, v])], 3)
        z = F.scaled_dot_product_attention(q, *kept.unbind(0))
        return self.out(z.transpose(1, 2).flatten(2)), kept


def test_keys_and_values_that_are_stacked_are_no_latent() -> None:
    found = read(Beside(), torch.randn(1, 1, 8), torch.randn(2, 1, HEADS, 5, WIDTH))
    assert [s.role for s in found.steps() if s.kind == "product"] == [Role.QUERY, Role.KEY, Role.VALUE, Role.OUT_PROJ]
    (append,) = (s for s in found.steps() if s.role is Role.CACHE_APPEND)
    assert [each.name for each in (*append.operands, *append.results)] == ["KV_past", "KV", "KV"]
    (stack,) = (s for s in found.steps() if s.title == "Concat")
    assert "Q" not in [each.name for each in stack.operands]
