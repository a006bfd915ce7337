"""Attention to a latent whose expansion each head has absorbed: read as its twin that expands the latent first."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Outline
from tests.outlining.reading import read

B, T, D, H, NOPE, ROPE, WIDE, LATENT, PAST = 2, 7, 48, 4, 8, 6, 10, 16, 5


def turned(x: torch.Tensor, first: int) -> torch.Tensor:
    angles = torch.arange(first, first + x.size(-2)).float()[:, None] / 100 ** (torch.arange(3) / 3)
    cos, sin = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)
    one, two = x.chunk(2, -1)
    return x * cos + torch.cat([-two, one], -1) * sin


class Latent(nn.Module):
    """MLA of DeepSeek-V2: how its latent is expanded is all that differs."""

    latents: torch.Tensor
    positions: torch.Tensor

    def __init__(self, spelling: str, *, past: int = 0, turns: bool = True) -> None:
        super().__init__()
        self.spelling, self.past, self.turns, self.rope = spelling, past, turns, ROPE if turns else 0
        self.q = nn.Linear(D, H * (NOPE + self.rope), bias=False)
        self.down = nn.Linear(D, LATENT + self.rope, bias=False)
        self.norm = nn.RMSNorm(LATENT)
        self.up = nn.Linear(LATENT, H * (NOPE + WIDE), bias=False)
        self.o = nn.Linear(H * WIDE, D, bias=False)
        self.register_buffer("latents", torch.zeros(B, 16, LATENT), persistent=False)
        self.register_buffer("positions", torch.zeros(B, 16, ROPE), persistent=False)

    def forward(self, x: torch.Tensor) -> Any:
        n, first = x.size(1), self.past
        q, qr = self.q(x).view(B, n, H, -1).transpose(1, 2).split([NOPE, self.rope], -1)
        c, kr = self.down(x).split([LATENT, self.rope], -1)
        c = self.norm(c)
        if self.turns:
            qr, kr = turned(qr, first), turned(kr, first)
        if first:
            self.latents[:, first : first + n], self.positions[:, first : first + n, : self.rope] = c, kr
            c, kr = self.latents[:, : first + n], self.positions[:, : first + n, : self.rope]
        mask = None if first else torch.full((n, n), float("-inf")).triu(1)
        z = getattr(self, self.spelling)(q, qr, c, kr, mask)
        return self.o(z.transpose(1, 2).reshape(B, n, -1))

    def expanded(self, q: Any, qr: Any, c: Any, kr: Any, mask: Any) -> Any:
        k, v = self.up(c).view(B, -1, H, NOPE + WIDE).transpose(1, 2).split([NOPE, WIDE], -1)
        s = torch.cat([q, qr], -1) @ torch.cat([k, kr[:, None].expand(-1, H, -1, -1)], -1).mT / 4
        return (s if mask is None else s + mask).softmax(-1) @ v

    @property
    def weights(self) -> Any:
        return self.up.weight.view(H, NOPE + WIDE, LATENT).split([NOPE, WIDE], 1)

    def matmul(self, q: Any, qr: Any, c: Any, kr: Any, mask: Any) -> Any:
        s = torch.cat([q @ self.weights[0], qr], -1) @ torch.cat([c, kr], -1)[:, None].mT / 4
        return (s if mask is None else s + mask).softmax(-1) @ c[:, None] @ self.weights[1].mT

    def einsum(self, q: Any, qr: Any, c: Any, kr: Any, mask: Any) -> Any:
        s = torch.einsum("bhsc,btc->bhst", torch.einsum("bhsd,hdc->bhsc", q, self.weights[0]), c)
        if self.turns:
            s = s + torch.einsum("bhsr,btr->bhst", qr, kr)
        a = (s / 4 if mask is None else s / 4 + mask).softmax(-1)
        return torch.einsum("bhsc,hdc->bhsd", torch.einsum("bhst,btc->bhsc", a, c), self.weights[1])

    def bmm(self, q: Any, qr: Any, c: Any, kr: Any, mask: Any) -> Any:
        n = q.size(2)
        q = torch.bmm(q.transpose(0, 1).reshape(H, B * n, NOPE), self.weights[0]).view(H, B, n, LATENT).transpose(0, 1)
        s = torch.cat([q, qr], -1).reshape(B, H * n, -1).bmm(torch.cat([c, kr], -1).mT).view(B, H, n, -1) / 4
        a = (s if mask is None else s + mask).softmax(-1)
        z = a.reshape(B, H * n, -1).bmm(c).view(B, H, n, LATENT).transpose(0, 1).reshape(H, B * n, LATENT)
        return torch.bmm(z, self.weights[1].mT).view(H, B, n, WIDE).transpose(0, 1)

    def fused(self, q: Any, qr: Any, c: Any, kr: Any, mask: Any) -> Any:
        k = torch.cat([c, kr], -1)[:, None].expand(-1, H, -1, -1)
        q = torch.cat([q @ self.weights[0], qr], -1)
        return F.scaled_dot_product_attention(q, k, c[:, None].expand(-1, H, -1, -1), mask) @ self.weights[1].mT


def outlined(spelling: str, *, past: int, turns: bool) -> Outline:
    return read(Latent(spelling, past=past, turns=turns), torch.randn(B, 1 if past else T, D))


def roles(found: Outline) -> list[Role]:
    """Roles of all products, in any order; those of rotating columns that are added to the scores are one with them."""
    said = [s for s in found.steps() if s.flops]
    return sorted(s.role for s in said if s.kind != "contraction")


@pytest.mark.parametrize("turns", [True, False])
@pytest.mark.parametrize("past", [0, PAST])
@pytest.mark.parametrize("spelling", ["matmul", "einsum", "bmm", "fused"])
def test_an_absorbed_latent_is_read_as_its_twin(spelling: str, past: int, turns: bool) -> None:
    found, twin = (outlined(each, past=past, turns=turns) for each in (spelling, "expanded"))
    assert roles(found) == roles(twin)
    concats = [[s.equation for s in each.steps() if s.role is Role.CONCAT_HEADS] for each in (found, twin)]
    assert concats[0] == concats[1] != []
    written = [{s.role for s in each.steps()} & {Role.CACHE_WRITE, Role.CACHE_APPEND} for each in (found, twin)]
    assert written[0] == written[1]
    assert found.cache is not None
    assert twin.cache is not None
    assert found.cache.bytes_per_token() == twin.cache.bytes_per_token() == 4 * (LATENT + turns * ROPE)


@pytest.mark.parametrize("spelling", ["matmul", "einsum", "bmm", "fused"])
def test_absorbed_weights_multiply_queries_and_sums(spelling: str) -> None:
    found = outlined(spelling, past=0, turns=True)
    key, value = (next(s for s in found.steps() if s.role is role) for role in (Role.KEY, Role.VALUE))
    assert [str(note) for note in (*key.notes, *value.notes)] == [
        "absorbed: multiplies queries", "4 heads", "absorbed: multiplies weighted sums", "4 heads",
    ]  # fmt: skip
    assert [o.name for o in (*key.operands, *key.results)] == ["Q", "W_K", "Q"]
    assert [o.name for o in (*value.operands, *value.results)] == ["Z", "W_V", "Z"]
    assert next(s for s in found.steps() if s.kind == "scores").operands[1].name == "C_KV"


class OwnHeads(nn.Module):
    """Each head turns its own queries, keys and values once more: no latent, nothing absorbed."""

    def __init__(self) -> None:
        super().__init__()
        self.x = nn.Linear(D, H * 8)
        self.each = nn.Parameter(torch.randn(3, H, 8, 8))

    def forward(self, x: torch.Tensor) -> Any:
        x = self.x(x).view(B, T, H, 8).transpose(1, 2)
        q, k, v = (x @ each for each in self.each)
        return ((q @ k.mT).softmax(-1) @ v @ self.each[0]).transpose(1, 2).reshape(B, T, -1)


def test_keys_of_their_own_heads_are_no_latent() -> None:
    found = read(OwnHeads(), torch.randn(B, T, D))
    assert not [note for s in found.steps() for note in map(str, s.notes) if "absorbed" in note]
