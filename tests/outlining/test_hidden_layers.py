"""The hidden layer of an MLP leads to its closing product and to nothing else: trunks of heads and cells are none."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Role
from tests.outlining.reading import read

Forward = Callable[..., object]

SIZES = {"x": 6, "h": 16, "y": 6, "a": 4, "v": 1, "both": 32, "wide": 22}


class Net(nn.Module):
    """Linear layers by name, ``x_h`` from 6 to 16 columns, and what a function does with them."""

    def __init__(self, layers: str, forward: Forward) -> None:
        super().__init__()
        self.run = forward
        for name in layers.split():
            before, after = name.split("_")[:2]
            setattr(self, name, nn.Linear(SIZES[before], SIZES[after]))

    def forward(self, *inputs: Tensor) -> object:
        return self.run(self, *inputs)


def told(model: nn.Module, *inputs: Tensor) -> dict[str, str]:
    """Roles of the products that have one, by module; what is no MLP has no section of one."""
    found = read(model, *inputs)
    roles = {s.path: s.role.name for s in found.steps() if s.kind == "product" and s.role is not Role.OTHER}
    is_mlp = any(section.kind == "mlp" for section in found.root.sections())
    assert roles or not is_mlp
    return roles


def actor_critic(m: Any, x: Tensor) -> object:
    h = F.relu(m.x_h(x))
    return m.h_a(h).softmax(-1), m.h_v(h)


def gaussian_policy(m: Any, x: Tensor) -> object:
    h = F.relu(m.h_h(F.relu(m.x_h(x))))
    return torch.tanh(m.h_a(h) + m.h_a_2(h).clamp(-20, 2).exp() * torch.ones(4))


def supervised_inside(m: Any, x: Tensor) -> object:
    h = F.gelu(m.x_h(x))
    return m.h_y(h), h


def densely(m: Any, x: Tensor) -> object:
    h = F.relu(m.x_h(x))
    return m.both_a(torch.cat([h, F.relu(m.h_h(h))], -1))


def skipping(m: Any, x: Tensor) -> object:
    h = F.relu(m.h_h(F.relu(m.x_h(x))))
    return m.wide_a(torch.cat([x, h], -1))


def elman(m: Any, x: Tensor) -> object:
    h, made = torch.zeros(len(x), 16), []
    for t in range(x.shape[1]):
        h = torch.tanh(m.x_h(x[:, t]) + m.h_h(h))
        made.append(m.h_y(h))
    return torch.stack(made, 1)


def recurrent_on_features(m: Any, x: Tensor) -> object:
    features, h = F.relu(m.x_h(x)), torch.zeros(len(x), 16)
    for t in range(x.shape[1]):
        h = torch.tanh(m.h_h(features[:, t]) + m.h_h_2(h))
    return h


def gru(m: Any, x: Tensor) -> object:
    h = torch.zeros(len(x), 16)
    for t in range(x.shape[1]):
        z, r = torch.sigmoid(m.x_h(x[:, t]) + m.h_h(h)), torch.sigmoid(m.x_h_2(x[:, t]) + m.h_h_2(h))
        h = (1 - z) * h + z * torch.tanh(m.x_h_3(x[:, t]) + m.h_h_3(r * h))
    return m.h_y(h)


def minimal_gru(m: Any, x: Tensor) -> object:
    z, made = torch.sigmoid(m.x_h(x)), m.x_h_2(x).tanh()
    h, states = torch.zeros(len(x), 16), []
    for t in range(x.shape[1]):
        h = (1 - z[:, t]) * h + z[:, t] * made[:, t]
        states.append(h)
    return m.h_y(torch.stack(states, 1))


@pytest.mark.parametrize(
    ("layers", "forward"),
    [
        ("x_h h_a h_v", actor_critic),
        ("x_h h_h h_a h_a_2", gaussian_policy),
        ("x_h h_y", supervised_inside),
        ("x_h h_h both_a", densely),
        ("x_h h_h wide_a", skipping),
        ("x_h h_h h_y", elman),
        ("x_h h_h h_h_2", recurrent_on_features),
        ("x_h h_h x_h_2 h_h_2 x_h_3 h_h_3 h_y", gru),
        ("x_h x_h_2 h_y", minimal_gru),
    ],
)
def test_what_leads_elsewhere_too_is_no_hidden_layer(layers: str, forward: Forward) -> None:
    for length in (2, 3):
        assert told(Net(layers, forward), torch.randn(2, length, 6)) == {}


def dueling(m: Any, x: Tensor) -> object:
    h = F.relu(m.x_h(x))
    a, v = m.h_a(F.relu(m.h_h(h))), m.h_v(F.relu(m.h_h_2(h)))
    return v + a - a.mean(-1, keepdim=True)


def autoencoder(m: Any, x: Tensor) -> object:
    h = F.relu(m.x_h(x))
    mean, spread = m.h_a(h), m.h_a_2(h)
    return m.h_y(F.relu(m.a_h(mean + spread.exp() * torch.ones(4)))).sigmoid()


def chain(m: Any, x: Tensor) -> object:
    return m.h_y(F.relu(m.h_h_2(F.dropout(F.layer_norm(F.relu(m.h_h(F.relu(m.x_h(x)))), (16,)), 0.1, False))))


def embedded_time(m: Any, x: Tensor) -> object:
    """What several activations read is a result: each block bends the embedded time itself."""
    t = m.h_a(F.silu(m.x_h(x)))
    return m.a_h(F.silu(t)) + m.a_h_2(F.silu(t))


def squeezed(m: Any, x: Tensor) -> object:
    """A gate of channels: what an MLP makes is bent, and multiplies."""
    return m.x_a(x * m.h_y(F.relu(m.x_h(x.mean(1, keepdim=True)))).sigmoid())


def sparse(m: Any, x: Tensor) -> object:
    """A penalty on what is hidden is one number, and no way on."""
    h = F.relu(m.x_h(x))
    return F.mse_loss(m.h_y(h), x) + h.abs().mean()


def jumping(m: Any, x: Tensor) -> object:
    h = m.x_h(x)
    return m.h_y(h * (h > torch.linspace(0.1, 1, 16)))


@pytest.mark.parametrize(
    ("layers", "forward", "roles"),
    [
        ("x_h h_h h_h_2 h_a h_v", dueling, "h_h EXPAND h_a SHRINK h_h_2 EXPAND h_v SHRINK"),
        ("x_h h_a h_a_2 a_h h_y", autoencoder, "a_h EXPAND h_y SHRINK"),
        ("x_h h_h h_h_2 h_y", chain, "x_h EXPAND h_h HIDDEN h_h_2 HIDDEN h_y SHRINK"),
        ("x_h h_a a_h a_h_2", embedded_time, "x_h EXPAND h_a SHRINK"),
        ("x_h h_y x_a", squeezed, "x_h EXPAND h_y SHRINK"),
        ("x_h h_y", sparse, "x_h EXPAND h_y SHRINK"),
        ("x_h h_y", jumping, "x_h EXPAND h_y SHRINK"),
    ],
)
def test_what_leads_to_one_product_alone_is_a_hidden_layer(layers: str, forward: Forward, roles: str) -> None:
    words = iter(roles.split())
    assert told(Net(layers, forward), torch.randn(2, 3, 6)) == dict(zip(words, words, strict=True))


def test_one_head_that_reads_an_activated_result_is_no_part_of_the_mlp() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.one, self.two = nn.Embedding(9, 6), nn.Linear(6, 16), nn.Linear(16, 6)
            self.head = nn.Linear(6, 9)

        def forward(self, ids: Tensor) -> Any:
            return self.head(F.gelu(self.two(F.gelu(self.one(self.table(ids))))))

    roles = told(Words(), torch.zeros(2, 3, dtype=torch.int64))
    assert roles == {"one": "EXPAND", "two": "SHRINK", "head": "UNEMBED"}


def gated(m: Any, x: Tensor) -> object:
    return F.silu(m.x_h(x)) * m.x_h_2(x)


def gated_trunk(m: Any, x: Tensor) -> object:
    h = F.silu(m.x_h(x)) * m.x_h_2(x)
    return m.h_a(h), m.h_v(h)


def halved(m: Any, x: Tensor) -> object:
    h = F.glu(m.x_both(x), -1)
    return m.h_a(h), m.h_v(h)


@pytest.mark.parametrize(
    ("layers", "forward", "roles"),
    [
        ("x_h x_h_2", gated, {"x_h": "SIDE_GATE"}),
        ("x_h x_h_2 h_a h_v", gated_trunk, {"x_h": "SIDE_GATE"}),
        ("x_both h_a h_v", halved, {}),
    ],
)
def test_a_gate_is_one_of_an_mlp_where_one_product_closes_it(
    layers: str, forward: Forward, roles: dict[str, str]
) -> None:
    assert told(Net(layers, forward), torch.randn(2, 3, 6)) == roles


class Jump(nn.Module):
    """A sparse autoencoder whose features are what lies above thresholds that are learned."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down, self.above = nn.Linear(6, 16), nn.Linear(16, 6), nn.Parameter(torch.rand(16))

    def forward(self, x: Tensor) -> Any:
        h = self.up(x)
        return self.down(h * (h > self.above))


def test_a_comparison_belongs_to_what_multiplies_with_its_answer() -> None:
    (bent,) = (s for s in read(Jump(), torch.randn(2, 3, 6)).steps() if s.kind == "activation")
    assert (bent.title, bent.parameters) == ("JumpReLU", 16)


@pytest.mark.parametrize(("above", "title"), [(0.0, "ReLU"), (0.5, "JumpReLU")])
def test_what_lies_above_a_number_is_named_by_its_values(above: float, title: str) -> None:
    net = Net("x_h h_y", lambda m, x: m.h_y((h := m.x_h(x)) * (h > above)))
    assert [s.title for s in read(net, torch.randn(2, 3, 6)).steps()] == ["Expand", title, "Shrink"]


class Medusa(nn.Module):
    """Several heads on one hidden state, each a residual block and a score for each word."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(9, 6), nn.Linear(6, 9)
        self.blocks = nn.ModuleList(nn.Linear(6, 6) for _ in range(3))
        self.heads = nn.ModuleList(nn.Linear(6, 9) for _ in range(3))

    def forward(self, ids: Tensor) -> Any:
        h = self.words(ids)
        further = [head(h + F.silu(block(h))) for block, head in zip(self.blocks, self.heads, strict=True)]
        return torch.stack([self.head(h), *further])


def test_every_head_of_several_scores_words() -> None:
    steps = [s for s in read(Medusa(), torch.zeros(2, 5, dtype=torch.long)).steps() if s.results[0].shape[-1] == 9]
    heads = [s for s in steps if s.kind == "product"]
    assert {s.role for s in heads} == {Role.UNEMBED}
    assert sum(s.results[0].stack for s in heads) == 4


def test_queries_keys_and_values_side_by_side_are_all_three() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(6, 6) for _ in range(3))
            self.gate = nn.Linear(18, 6)

        def forward(self, x: Tensor) -> Any:
            q, k, v = self.q(x), self.k(x), self.v(x)
            return (q @ k.mT).softmax(-1) @ v * self.gate(torch.cat([q, k, v], -1)).sigmoid()

    (beside,) = (s for s in read(Gated(), torch.randn(2, 3, 6)).steps() if s.kind == "concat")
    assert [operand.name for operand in (*beside.operands, *beside.results)] == ["QKV", "QKV"]
