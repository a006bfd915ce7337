"""Attention without the usual softmax: what it is follows from what is summed over, and nothing of it is an MLP."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Role
from tests.outlining.reading import read

D, H, T = 32, 4, 6
Mixer = Callable[[Tensor, Tensor, Tensor], Tensor]


def elu(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (F.elu(q) + 1) @ ((F.elu(k) + 1).transpose(-2, -1) @ v)


def softmaxes(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return q.softmax(-1) @ (k.softmax(-2).transpose(-2, -1) @ v)


def running_sums(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q.unsqueeze(-2) @ (k.unsqueeze(-1) * v.unsqueeze(-2)).cumsum(2)).squeeze(-2)


def bare(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.transpose(-2, -1) / T) @ v


def decayed(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    i = torch.arange(T)
    return (q @ k.transpose(-2, -1) * (0.9 ** (i[:, None] - i)).tril()) @ v


def channels(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return ((q.transpose(-2, -1) @ k).softmax(-1) @ v.transpose(-2, -1)).transpose(-2, -1)


class Attention(nn.Module):
    def __init__(self, mixer: Mixer) -> None:
        super().__init__()
        self.mixer = mixer
        self.norm = nn.LayerNorm(D)
        self.a, self.b, self.c, self.d = (nn.Linear(D, D, bias=False) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        q, k, v = (layer(y).view(1, T, H, D // H).transpose(1, 2) for layer in (self.a, self.b, self.c))
        return x + self.d(self.mixer(q, k, v).transpose(1, 2).reshape(1, T, D))


@pytest.mark.parametrize("mixer", [elu, softmaxes, running_sums, bare, decayed, channels])
def test_queries_keys_values_and_output_are_told(mixer: Mixer) -> None:
    found = read(Attention(mixer), torch.randn(1, T, D))
    roles = {step.path: step.role for step in found.steps() if step.kind == "product"}
    assert roles == {"a": Role.QUERY, "b": Role.KEY, "c": Role.VALUE, "d": Role.OUT_PROJ}
    heads = {step.operands[1].stack for step in found.steps() if step.role in (Role.QUERY, Role.KEY, Role.VALUE)}
    assert heads == {H}
    assert "mlp" not in {section.kind for section in found.root.sections()}


class Mixing(nn.Module):
    """Scores, or weights, of all heads mixed with each other."""

    def __init__(self, *, before: bool) -> None:
        super().__init__()
        self.before, self.qkv, self.mix, self.out = before, nn.Linear(D, 3 * D), nn.Linear(H, H), nn.Linear(D, D)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).view(1, T, 3, H, D // H).permute(2, 0, 3, 1, 4)
        a = q @ k.transpose(-2, -1)
        a = self.heads(a).softmax(-1) if self.before else self.heads(a.softmax(-1))
        return self.out((a @ v).transpose(1, 2).reshape(1, T, D))

    def heads(self, a: Tensor) -> Tensor:
        return self.mix(a.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("before", [True, False])
def test_heads_that_are_mixed_are_still_attention(before: bool) -> None:
    found = read(Mixing(before=before), torch.randn(1, T, D))
    roles = [step.role for step in found.steps() if step.kind == "product"]
    assert roles == [Role.QUERY, Role.KEY, Role.VALUE, Role.MIX_HEADS, Role.OUT_PROJ]


class StateSpace(nn.Module):
    """A selective state-space mixer, step by step: no attention, no MLP, no gate of one."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.conv = nn.Linear(D, 2 * D), nn.Conv1d(D, D, 4, padding=3, groups=D)
        self.select, self.step, self.out = nn.Linear(D, 18), nn.Linear(2, D), nn.Linear(D, D)
        self.a, self.d = nn.Parameter(torch.ones(D, 8)), nn.Parameter(torch.ones(D))

    def forward(self, x: Tensor) -> Tensor:
        x, z = self.inner(x).chunk(2, -1)
        x = F.silu(self.conv(x.transpose(1, 2))[..., :T].transpose(1, 2))
        step, b, c = self.select(x).split([2, 8, 8], -1)
        step = F.softplus(self.step(step))
        decay, new = torch.exp(-step[..., None] * self.a), step[..., None] * b[:, :, None] * x[..., None]
        state, ys = torch.zeros(1, D, 8), []
        for t in range(T):
            state = decay[:, t] * state + new[:, t]
            ys.append((state * c[:, t, None]).sum(-1))
        return self.out((torch.stack(ys, 1) + x * self.d) * F.silu(z))


def test_a_state_space_mixer_keeps_the_names_of_its_modules() -> None:
    found = read(nn.Sequential(nn.LayerNorm(D), StateSpace()), torch.randn(1, T, D))
    assert {step.role for step in found.steps() if step.kind == "product"} <= {Role.OTHER, Role.SIDE_GATE}
    assert not {"mlp", "attention", "unembedding"} & {section.kind for section in found.root.sections()}


class RandomFeatures(nn.Module):
    """Performer: queries and keys become positive random features, of numbers that nobody learned."""

    def __init__(self, *, kept: bool) -> None:
        super().__init__()
        self.project, self.out, self.kept = nn.Linear(8, 24), nn.Linear(8, 8), kept
        self.register_buffer("numbers", torch.randn(5, 4))

    def forward(self, x: Tensor) -> Tensor:
        numbers = self.get_buffer("numbers") if self.kept else torch.ones(5, 4)

        def features(y: Tensor) -> Tensor:
            found: Tensor = y @ numbers.T - (y**2).sum(-1, keepdim=True) / 2
            return found.exp()

        q, k, v = self.project(x).view(*x.shape[:2], 3, 2, 4).permute(2, 0, 3, 1, 4)
        made: Tensor = self.out((features(q) @ (features(k).transpose(-2, -1) @ v)).transpose(1, 2).flatten(2))
        return made


@pytest.mark.parametrize("kept", [True, False])
def test_features_of_fixed_numbers_are_those_of_queries_and_keys(*, kept: bool) -> None:
    found = read(RandomFeatures(kept=kept), torch.randn(2, 6, 8))
    said = [(s.title, s.operands[1].stack) for s in found.steps() if s.kind in ("product", "contraction")]
    assert [title for title, _ in said if title != "Product"] == [
        "Query", "Key", "Value", "State", "Read state", "Output",
    ]  # fmt: skip
    assert [stack for title, stack in said[:3]] == [2, 2, 2]
