"""Caches as people write them: appended, written in place by slice, index or scatter, in a ring, keys beside values."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Role
from tests.outlining.reading import products, read, step, titles

Pair = tuple[Tensor, Tensor]
Keep = Callable[["Step", Tensor, Tensor, int], Pair]
TURN = torch.outer(torch.arange(16.0), 10000 ** (-torch.arange(4) / 4))


class Step(nn.Module):
    """One decode step of attention with fewer heads of keys than of queries."""

    def __init__(self, keep: Keep, batch: int = 2, rows: int = 16) -> None:
        super().__init__()
        self.keep = keep
        self.q, self.k, self.v, self.out = nn.Linear(32, 32), nn.Linear(32, 16), nn.Linear(32, 16), nn.Linear(32, 32)
        self.keys: Tensor
        self.values: Tensor
        self.both: Tensor
        self.cos: Tensor
        self.sin: Tensor
        for name in ("keys", "values"):
            self.register_buffer(name, torch.zeros(batch, 2, rows, 8))
        self.register_buffer("both", torch.zeros(2, batch, 2, rows, 8))
        self.register_buffer("cos", TURN.cos().repeat(1, 2))
        self.register_buffer("sin", TURN.sin().repeat(1, 2))

    def turned(self, x: Tensor, place: Tensor) -> Tensor:
        return x * self.cos[place] + torch.cat([-x[..., 4:], x[..., :4]], -1) * self.sin[place]

    def forward(self, x: Tensor, place: Tensor) -> Tensor:
        b, n, _ = x.shape
        q, k, v = (layer(x).view(b, n, -1, 8).transpose(1, 2) for layer in (self.q, self.k, self.v))
        q, k = self.turned(q, place), self.turned(k, place)
        k, v = (y.repeat_interleave(2, 1) for y in self.keep(self, k, v, int(place[0])))
        y: Tensor = self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, 32))
        return y


def by_slice(model: Step, k: Tensor, v: Tensor, place: int) -> Pair:
    end = place + k.shape[2]
    model.keys[:, :, place:end] = k
    model.values[:, :, place:end] = v
    return model.keys[:, :, :end], model.values[:, :, :end]


def in_a_ring(model: Step, k: Tensor, v: Tensor, place: int) -> Pair:
    model.keys[:, :, place % 8 : place % 8 + 1] = k
    model.values[:, :, place % 8 : place % 8 + 1] = v
    return model.keys[:, :, :8], model.values[:, :, :8]


def by_index(model: Step, k: Tensor, v: Tensor, place: int) -> Pair:
    at = torch.tensor([place])
    return model.keys.index_copy_(2, at, k), model.values.index_copy_(2, at, v)


def by_scatter(model: Step, k: Tensor, v: Tensor, place: int) -> Pair:
    at = torch.full(k.shape, place)
    return model.keys.scatter(2, at, k), model.values.scatter(2, at, v)


def appended(model: Step, k: Tensor, v: Tensor, place: int) -> Pair:
    return torch.cat([model.keys[:, :, :place], k], 2), torch.cat([model.values[:, :, :place], v], 2)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("keep", [by_slice, in_a_ring, by_index, by_scatter, appended])
def test_new_rows_go_to_kept_ones_and_the_rest_is_as_without_a_cache(keep: Keep, batch: int) -> None:
    found = read(Step(keep, batch), torch.ones(batch, 1, 32), torch.tensor([5]))
    title = "Append to cache" if keep is appended else "Write to cache"
    kept = [[operand.name for operand in each.operands] for each in found.steps() if each.title == title]
    assert kept == [["K_past", "K"], ["V_past", "V"]]
    assert titles(found).count("RoPE") == 2
    none = read(Step(lambda _, k, v, __: (k, v), batch), torch.ones(batch, 1, 32), torch.tensor([5]))
    projections = [[each for each in products(which) if "32" in each[1]] for which in (found, none)]
    assert projections[0] == projections[1]
    assert not {"Scatter", "Write"} & {*titles(found)}


def keys_beside_values(model: Step, k: Tensor, v: Tensor, place: int) -> Pair:
    both = torch.cat([model.both[..., :place, :], torch.stack([k, v])], -2)
    return both[0], both[1]


def test_keys_kept_beside_values_are_no_latent() -> None:
    found = read(Step(keys_beside_values), torch.ones(2, 1, 32), torch.tensor([5]))
    assert [title for title, *_ in products(found)][:3] == ["Query", "Key", "Value"]
    assert [operand.name for operand in step(found, "Append to cache").operands] == ["KV_past", "KV"]


class Fused(nn.Module):
    """One projection makes queries, keys and values; keys and values are kept in one stack."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)

    def forward(self, x: Tensor, kept: Tensor) -> Tensor:
        q, k, v = (y.unflatten(-1, (4, 8)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        k, v = torch.cat([kept, torch.stack([k, v])], 3)
        y: Tensor = self.out(((q @ k.mT / 8**0.5).softmax(-1) @ v).transpose(1, 2).flatten(2))
        return y


@pytest.mark.parametrize("n", [1, 3])
def test_what_one_projection_made_is_told_apart_behind_a_stack(n: int) -> None:
    found = [step.role for step in read(Fused(), torch.ones(2, n, 32), torch.ones(2, 2, 4, 5, 8)).steps()]
    assert found[:3] == [Role.QUERY, Role.KEY, Role.VALUE]
    assert Role.CACHE_APPEND in found


class Latent(nn.Module):
    """Keys and values are made of one latent, which is kept with the positions that all heads share."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.down, self.norm = nn.Linear(32, 48), nn.Linear(32, 20), nn.RMSNorm(16)
        self.up, self.out = nn.Linear(16, 64), nn.Linear(32, 32)

    def forward(self, x: Tensor, past: Tensor) -> Tensor:
        q = self.q(x).view(2, 1, 4, 12).transpose(1, 2)
        latent, shared = torch.cat([past, self.down(x)], 1).split([16, 4], -1)
        k, v = self.up(self.norm(latent)).view(2, -1, 4, 16).transpose(1, 2).chunk(2, -1)
        k = torch.cat([k, shared[:, None].expand(-1, 4, -1, -1)], -1)
        y: Tensor = self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return y


def test_a_latent_behind_a_norm_is_one() -> None:
    found = read(Latent(), torch.ones(2, 1, 32), torch.ones(2, 5, 20))
    assert step(found, "Compress").equation == "[2,1,32]×[32,20]→[2,1,20]"
    assert [operand.name for operand in step(found, "Append to cache").operands] == ["C_past", "C_KV"]


class Complex(nn.Module):
    """Pairs of columns as complex numbers, turned by a table of such numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.qk = nn.Linear(32, 64)
        self.turns: Tensor
        self.register_buffer("turns", torch.polar(torch.ones_like(TURN), TURN))

    def forward(self, x: Tensor) -> Tensor:
        def turned(y: Tensor) -> Tensor:
            pairs = torch.view_as_complex(y.view(2, 6, 4, 4, 2)) * self.turns[:6, None]
            return torch.view_as_real(pairs).flatten(3).transpose(1, 2)

        q, k = map(turned, self.qk(x).chunk(2, -1))
        return (q @ k.mT).softmax(-1)


def test_a_product_of_complex_numbers_turns_pairs() -> None:
    assert titles(read(Complex(), torch.ones(2, 6, 32))).count("RoPE") == 2
