"""A decode step with a cache is read as its prefill is: the same roles, heads and concatenation, and appends."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Outline
from tests.outlining.reading import read

D, HEADS, KV, HS, P = 64, 4, 2, 16, 5


class GQA(nn.Module):
    """Grouped queries with a cache: grown by cat, or written in place."""

    def __init__(self, *, rotated: bool = True, static: bool = False) -> None:
        super().__init__()
        self.rotated, self.static = rotated, static
        self.q, self.k, self.v = (nn.Linear(D, n * HS, bias=False) for n in (HEADS, KV, KV))
        self.o = nn.Linear(HEADS * HS, D, bias=False)

    def forward(self, x: Tensor, positions: Tensor, past: tuple[Tensor, Tensor] | None = None) -> Tensor:
        B, T, _ = x.shape
        q, k, v = (f(x).view(B, T, -1, HS).transpose(1, 2) for f in (self.q, self.k, self.v))
        if self.rotated:
            angle = positions[:, :, None] / 10000 ** (torch.arange(0, HS, 2) / HS)
            cos, sin = (f(torch.cat([angle, angle], -1))[:, None] for f in (torch.cos, torch.sin))
            q, k = (t * cos + torch.cat([-t[..., HS // 2 :], t[..., : HS // 2]], -1) * sin for t in (q, k))
        if past is not None and self.static:
            k, v = (old.index_copy(2, positions[0], new) for old, new in zip(past, (k, v), strict=True))
        elif past is not None:
            k, v = (torch.cat(pair, 2) for pair in zip(past, (k, v), strict=True))
        k, v = (t.repeat_interleave(HEADS // KV, 1) for t in (k, v))
        return self.o(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, T, -1))


def prefill(model: nn.Module, batch: int) -> Outline:
    return read(model, torch.randn(batch, P, D), torch.arange(P).repeat(batch, 1))


def decode(model: nn.Module, batch: int, rows: int = P) -> Outline:
    past = tuple(torch.randn(batch, KV, rows, HS) for _ in range(2))
    return read(model, torch.randn(batch, 1, D), torch.full((batch, 1), P - 1), past)


def facts(found: Outline) -> list[tuple[str, Role, tuple[int, ...]]]:
    kinds = ("product", "scores", "weighted_sum")
    return [(s.path, s.role, s.operands[1].stack_axes) for s in found.steps() if s.kind in kinds]


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("rotated", [False, True])
def test_products_heads_and_concatenation_are_those_of_the_prefill(batch: int, static: bool, rotated: bool) -> None:
    model = GQA(rotated=rotated, static=static)
    before, after = prefill(model, batch), decode(model, batch)
    assert facts(after) == facts(before)
    slices = [[s.results[0].slices for s in o.steps() if s.role is Role.CONCAT_HEADS] for o in (before, after)]
    assert slices == [[HEADS], [HEADS]]
    new = {s.title for s in after.steps()} - {s.title for s in before.steps()}
    assert new == {"Write to cache" if static else "Append to cache"}


@pytest.mark.parametrize("batch", [1, 2])
def test_new_rows_stand_behind_those_kept_for_each_head_of_keys(batch: int) -> None:
    found = decode(GQA(), batch)
    appends = [step for step in found.steps() if step.role is Role.CACHE_APPEND]
    stack = (batch, KV) if batch > 1 else (KV,)
    assert [step.equation for step in appends] == [f"[{P},{HS}], [1,{HS}]→[{P + 1},{HS}]"] * 2
    assert [[o.part for o in step.operands] for step in appends] == [
        [Part.CACHED_KEY, Part.KEY], [Part.CACHED_VALUE, Part.VALUE],
    ]  # fmt: skip
    assert {operand.stack_axes for step in appends for operand in step.operands} == {stack}


def test_a_rotation_ends_where_older_rows_are_met() -> None:
    rotations = [step for step in decode(GQA(), 1).steps() if step.role is Role.POSITION]
    assert [step.results[0].shape for step in rotations] == [(1, HS), (1, HS)]


class Latent(nn.Module):
    """Keys and values are expanded from a latent, which alone is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.down = nn.Linear(D, HEADS * HS, bias=False), nn.Linear(D, 24, bias=False)
        self.up, self.o = nn.Linear(24, 2 * HEADS * HS, bias=False), nn.Linear(HEADS * HS, D, bias=False)

    def forward(self, x: Tensor, past: Tensor | None = None) -> Tensor:
        B, T, _ = x.shape
        c = self.down(x)
        c = c if past is None else torch.cat([past, c], 1)
        k, v = self.up(c).view(B, -1, HEADS, 2 * HS).transpose(1, 2).chunk(2, -1)
        q = self.q(x).view(B, T, HEADS, HS).transpose(1, 2)
        return self.o(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, T, -1))


@pytest.mark.parametrize("batch", [1, 2])
def test_a_latent_that_is_kept_is_still_a_latent(batch: int) -> None:
    before = read(Latent(), torch.randn(batch, P, D))
    after = read(Latent(), torch.randn(batch, 1, D), torch.randn(batch, P, 24))
    assert facts(after) == facts(before)
    (append,) = (step for step in after.steps() if step.role is Role.CACHE_APPEND)
    assert append.operands[0].part is Part.CACHED_LATENT


class Joint(nn.Module):
    """Keys of two streams of one pass: nothing is kept from before."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(D, 3 * D), nn.Linear(D, 3 * D)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        parts = [f(t).view(1, -1, 3, HEADS, HS).permute(2, 0, 3, 1, 4) for f, t in ((self.a, x), (self.b, y))]
        q, k, v = torch.cat(parts, 3)
        return F.scaled_dot_product_attention(q, k, v)


def test_rows_of_two_streams_are_no_cache() -> None:
    roles = {step.role for step in read(Joint(), torch.randn(1, 4, D), torch.randn(1, 3, D)).steps()}
    assert not roles & {Role.CACHE_APPEND, Role.CACHE_WRITE}
