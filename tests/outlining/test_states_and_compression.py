"""Linear attention and what is none; keys along which rows are compressed; projections joined, convolved, cut again."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Role
from tests.outlining.reading import products, read, titles

X = torch.ones(2, 8, 32)


def _heads(x: Tensor) -> Tensor:
    return x.unflatten(-1, (4, -1)).transpose(1, 2)


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(32, 32) for _ in range(4))


class Joined(Layer):
    """Queries, keys and values side by side through one short convolution of every channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(96, 96, 3, groups=96, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        qkv = torch.cat([self.q(x), self.k(x), self.v(x)], -1)
        q, k, v = map(_heads, F.silu(self.conv(qkv.mT)[..., :8]).mT.split(32, -1))
        mask = torch.ones(8, 8).tril()
        y: Tensor = self.out(((q @ k.mT * mask) @ v).transpose(1, 2).flatten(2))
        return y


class Stacked(Layer):
    """Keys and values stacked, and taken apart again."""

    def forward(self, x: Tensor) -> Tensor:
        k, v = torch.stack([_heads(self.k(x)), _heads(self.v(x))]).unbind(0)
        z = F.scaled_dot_product_attention(_heads(self.q(x)), k, v)
        y: Tensor = self.out(z.transpose(1, 2).flatten(2))
        return y


@pytest.mark.parametrize("model", [Joined(), Stacked()])
def test_what_was_put_side_by_side_and_cut_again_is_what_it_was(model: nn.Module) -> None:
    found = {title: equation for title, equation, _ in products(read(model, X))}
    assert {found.get(title) for title in ("Query", "Key", "Value")} == {"[2,8,32]×[32,8]→[2,8,8]"}


class Compressed(Layer):
    """Keys and values along fewer rows: one matrix for both."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        k, v = (_heads(self.rows(layer(x).mT).mT.contiguous()) for layer in (self.k, self.v))
        y: Tensor = self.out(((_heads(self.q(x)) @ k.mT).softmax(-1) @ v).transpose(1, 2).flatten(2))
        return y


def test_keys_compressed_along_their_rows_are_made_before_that() -> None:
    found = [(title, equation) for title, equation, _ in products(read(Compressed(), X))]
    assert ("Key", "[2,8,32]×[32,32]→[2,8,32]") in found
    assert ("Compress keys", "[2,32,8]×[8,3]→[2,32,3]") in found
    assert ("Compress values", "[2,32,8]×[8,3]→[2,32,3]") in found


class Before(Layer):
    """Rows are made fewer before they become keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        fewer = self.rows(x.mT).mT
        q, k, v = _heads(self.q(x)), _heads(self.k(fewer)), _heads(self.v(fewer))
        y: Tensor = self.out(((q @ k.mT).softmax(-1) @ v).transpose(1, 2).flatten(2))
        return y


def test_rows_compressed_before_they_become_keys_leave_those_their_names() -> None:
    found = {step.path: step.role for step in read(Before(), X).steps() if step.kind == "product" and step.path}
    assert (found["k"], found["v"], found["rows"]) == (Role.KEY, Role.VALUE, Role.OTHER)


class Normalised(nn.Module):
    """Linear attention over its own sum; one projection, so that all three have the same columns."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = map(_heads, self.qkv(x).chunk(3, -1))
        q, k = F.elu(q) + 1, F.elu(k) + 1
        below = 1 / torch.einsum("bhnd,bhd->bhn", q, k.sum(2))
        z = torch.einsum("bhnd,bhde,bhn->bhne", q, torch.einsum("bhnd,bhne->bhde", k, v), below)
        y: Tensor = self.out(z.transpose(1, 2).flatten(2))
        return y


def test_queries_of_a_state_have_as_many_heads_as_its_keys() -> None:
    found = {title: (equation, stack) for title, equation, stack in products(read(Normalised(), X))}
    assert {found[title] for title in ("Query", "Key", "Value")} == {("[2,8,32]×[32,8]→[2,8,8]", 4)}
    assert {"State", "Read state"} <= {*found}


class Indexer(nn.Module):
    """How well rows agree, by several heads that are activated and weighed: no state."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.weights = nn.Linear(32, 64), nn.Linear(32, 16), nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        q, k = self.q(x).unflatten(-1, (4, 16)), self.k(x)
        q, k = (torch.cat([y[..., 8:], y[..., :8]], -1) for y in (q, k))
        agreed = torch.einsum("bthd,bsd->bths", q, k).relu()
        return torch.einsum("bth,bths->bts", self.weights(x), agreed).topk(2, -1).indices


class Updated(nn.Module):
    """A weight that one step of descent has changed."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(32, 16), nn.Parameter(torch.ones(16, 4))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = self.into(x)
        change = h.mT @ (h @ self.out - y)
        return h @ (self.out - 0.1 * change)


@pytest.mark.parametrize(("model", "inputs"), [
    (Indexer(), (X,)), (Updated(), (torch.ones(8, 32), torch.ones(8, 4))),
])  # fmt: skip
def test_what_is_activated_or_changes_a_weight_is_no_state(model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    assert not {"State", "Read state", "Key", "Value"} & {*titles(read(model, *inputs))}


class Products(nn.Module):
    """Two products of one value, multiplied without an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.out = nn.Linear(32, 64), nn.Linear(32, 64), nn.Linear(64, 32)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(self.one(x) * self.two(x))
        return y


def test_a_gate_that_nothing_activates_is_bilinear() -> None:
    assert titles(read(Products(), X)) == ["Gate", "Up", "Bilinear", "Down"]


class Scaled(nn.Module):
    """A series is scaled, forecast, and scaled back; or only normalised."""

    def __init__(self, back: bool) -> None:
        super().__init__()
        self.back, self.out = back, nn.Linear(12, 12)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(-1, keepdim=True)
        deviation = torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + 1e-5)
        y: Tensor = self.out((x - mean) / deviation)
        return y * deviation + mean if self.back else y


@pytest.mark.parametrize(("back", "norm"), [(True, "Instance norm"), (False, "LayerNorm")])
def test_a_norm_that_is_taken_back_is_one_of_each_series(back: bool, norm: str) -> None:
    found = titles(read(Scaled(back), torch.ones(2, 3, 12)))
    assert [title for title in found if "orm" in title] == [norm]
