"""States that a position changes and reads: what they are made of is what attention is made of, in any spelling."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Outline
from tests.outlining.reading import read

D, H, K, V = 32, 2, 8, 16
Change = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
Read = Callable[[Tensor, Tensor], Tensor]


def decayed(s: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
    return s * g[..., None, None] + k.unsqueeze(-1) * v.unsqueeze(-2)


def delta(s: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
    seen = (s * k[..., None]).sum(-2)
    return s + k[..., None] * ((v - seen) * g[..., None])[..., None, :]


def outer(s: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
    return torch.einsum("bhk,bhv->bhkv", k, v) + g[..., None, None] * s


def in_place(s: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
    return s.mul_(g[..., None, None]).add_(k[..., :, None] * v[..., None, :])


def fused(s: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
    return torch.addcmul(s * g[..., None, None], k.unsqueeze(-1), v.unsqueeze(-2))


def summed(s: Tensor, q: Tensor) -> Tensor:
    return (s * q.unsqueeze(-1)).sum(-2)


def multiplied(s: Tensor, q: Tensor) -> Tensor:
    return (q.unsqueeze(-2) @ s).squeeze(-2)


def contracted(s: Tensor, q: Tensor) -> Tensor:
    return torch.einsum("bhk,bhkv->bhv", q, s)


class Mixer(nn.Module):
    """Rows of any length, one after another; the state of those before is given, or begins with zeros."""

    def __init__(self, change: Change, ask: Read) -> None:
        super().__init__()
        self.change, self.ask, self.norm = change, ask, nn.LayerNorm(D)
        self.a, self.b, self.c = nn.Linear(D, H * K), nn.Linear(D, H * K), nn.Linear(D, H * V)
        self.g, self.d = nn.Linear(D, H), nn.Linear(H * V, D)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        y = self.norm(x)
        q, k, v = (layer(y).unflatten(-1, (H, -1)) for layer in (self.a, self.b, self.c))
        g = self.g(y).sigmoid()
        state = torch.zeros(len(x), H, K, V) if state is None else state
        read = []
        for t in range(x.shape[1]):
            state = self.change(state, k[:, t], v[:, t], g[:, t])
            read.append(self.ask(state, q[:, t]))
        return x + self.d(torch.stack(read, 1).flatten(2))


def roles(found: Outline) -> dict[str, Role]:
    return {step.path: step.role for step in found.steps() if step.kind == "product" and step.path}


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("ask", [summed, multiplied, contracted])
@pytest.mark.parametrize("change", [decayed, delta, outer, in_place, fused])
def test_queries_keys_and_values_of_a_state_are_told_in_any_pass(change: Change, ask: Read, n: int) -> None:
    told = {"a": Role.QUERY, "b": Role.KEY, "c": Role.VALUE, "d": Role.OUT_PROJ}
    one = read(Mixer(change, ask), torch.randn(2, 1, D), torch.randn(2, H, K, V))
    several = read(Mixer(change, ask), torch.randn(1, n, D))
    for found in (one, several):
        assert told.items() <= roles(found).items()
        assert roles(found)["g"] not in told.values()
        assert [step.role for step in found.steps()].count(Role.RESIDUAL) == 1
