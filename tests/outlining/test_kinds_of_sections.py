"""What sections are called: by what is in them, and never attention, MLP or experts for something else."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.classifying import held
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.roles import Role
from shapetrace.outlining.sections import Node
from shapetrace.outlining.structure import Section
from tests.outlining.reading import read


def kinds(section: Section) -> dict[str, str]:
    """Kinds by path, groups and the model left out."""
    return {each.path: each.kind for each in section.sections() if each.path and not each.path.startswith("<")}


def stacked(layer: Any, *inputs: Tensor, n: int = 2) -> dict[str, str]:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(layer() for _ in range(n))

        def forward(self, x: Tensor) -> Any:
            for each in self.layers:
                x = each(x)
            return x

    return kinds(read(Model(), *inputs).root)


class StateSpace(nn.Module):
    """Mamba-2 in chunks: products of what one convolution mixed, under a decay, and a state from chunk to chunk."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.inner, self.out = nn.LayerNorm(8), nn.Linear(8, 32 + 4), nn.Linear(16, 8)
        self.conv = nn.Conv1d(32, 32, 3, groups=32, padding=2)

    def forward(self, x: Tensor) -> Any:
        B, T, _ = x.shape
        mixed, dt = self.inner(self.norm(x)).split((32, 4), -1)
        v, b, c = F.silu(self.conv(mixed.mT)[..., :T].mT).split((16, 8, 8), -1)
        v = v.reshape(B, T, 4, 4) * F.softplus(dt).unsqueeze(-1)
        b, c = (each.reshape(B, T, 1, 8).expand(-1, -1, 4, -1) for each in (b, c))
        v, b, c = (F.pad(each, (0, 0, 0, 0, 0, 8 - T)).view(B, 2, 4, 4, -1) for each in (v, b, c))
        decay = F.pad(F.softplus(dt), (0, 0, 0, 8 - T)).view(B, 2, 4, 4).permute(0, 3, 1, 2).cumsum(-1)
        scores = (c[:, :, :, None] * b[:, :, None]).sum(-1).permute(0, 4, 1, 2, 3)
        weights = scores * torch.exp(decay.unsqueeze(-1) - decay.unsqueeze(-2)).tril()
        inside = torch.einsum("bhctl,bclhp->bcthp", weights, v)
        state = torch.einsum("bclhn,bclhp->bchpn", b, v)
        between = torch.einsum("bcthn,bchpn->bcthp", c, state.cumsum(1) - state)
        return x + self.out((inside + between).reshape(B, 8, 16)[:, :T])


def test_a_state_space_model_is_no_attention() -> None:
    assert stacked(StateSpace, torch.randn(2, 5, 8)) == {"layers.0": "block"}


class Mixing(nn.Module):
    """A mixer beside what comes in, then an MLP of the layer's own."""

    Mixer: type[nn.Module]

    def __init__(self) -> None:
        super().__init__()
        self.mixer, self.up, self.down = self.Mixer(), nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Any:
        x = x + self.mixer(x)
        return x + self.down(F.gelu(self.up(x)))


class Stepwise(Mixing):
    """A state that is carried from row to row, in a module of its own beside an MLP."""

    class Mixer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.decay, self.out = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Any:
            u, a, state, made = self.inner(x), self.decay(x).sigmoid(), torch.zeros(len(x), 8), []
            for t in range(x.shape[1]):
                state = a[:, t] * state + u[:, t]
                made.append((state.unsqueeze(1) @ u[:, t].unsqueeze(2)).squeeze(2) * state)
            return self.out(torch.stack(made, 1))


def test_a_loop_inside_a_layer_makes_no_block_of_it_that_is_called_by_its_class() -> None:
    found = read(nn.Sequential(Stepwise(), Stepwise()), torch.randn(2, 6, 8))
    layer = next(each for each in found.root.sections() if each.path == "0")
    assert (layer.title, layer.kind, layer.repeat) == ("Block", "block", 2)
    loops = {each.kind: each.repeat for each in layer.sections() if each.repeat > 2}
    assert loops == {"other": 6}


class Fourier(Mixing):
    """A mixer that nobody recognises, and an MLP of the layer's own."""

    class Mixer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Any:
            return self.two(torch.fft.fft2(self.one(x)).real)


def test_a_layer_with_a_mixer_that_nobody_knows_is_no_mlp() -> None:
    assert stacked(Fourier, torch.randn(2, 5, 8)) == {
        "layers.0": "block", "layers.0.mixer": "other", "layers.0.<mlp>": "mlp"
    }  # fmt: skip


class ChoosesKeys(nn.Module):
    """Rows that fit best are looked up and added: nothing is an expert."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Any:
        places = (self.one(x) @ x.mT).topk(2, -1)[1]
        chosen = x.unsqueeze(1).expand(-1, 5, -1, -1).gather(2, places.unsqueeze(-1).expand(-1, -1, -1, 8))
        return x + self.two(chosen.mean(2))


def test_what_chooses_rows_is_no_section_of_experts() -> None:
    assert "experts" not in stacked(ChoosesKeys, torch.randn(2, 5, 8)).values()


class Speaks(nn.Module):
    """A decoder's step as a module: words looked up, words scored."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.cell, self.head = nn.Embedding(9, 8), nn.GRUCell(8, 8), nn.Linear(8, 9)

    def forward(self, word: Tensor, state: Tensor) -> Any:
        state = self.cell(self.words(word), state)
        return self.head(state), state


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.step = Speaks()

    def forward(self, text: Tensor) -> Any:
        state, made = torch.zeros(2, 8), []
        for t in range(text.shape[1]):
            scores, state = self.step(text[:, t], state)
            made.append(scores)
        return torch.stack(made, 1)


@pytest.mark.parametrize("length", [2, 4])
def test_a_module_that_looks_words_up_and_scores_them_is_no_embedding(length: int) -> None:
    assert kinds(read(Decoder(), torch.zeros(2, length, dtype=torch.int64)).root) == {"step": "other"}


@pytest.mark.parametrize(("role", "kind"), [(Role.DISPATCH, "block"), (Role.ROUTER, "experts")])
def test_a_layer_that_copies_rows_for_experts_below_is_a_block(role: Role, kind: str) -> None:
    """A layer with a mixer that nobody knows; one that routes itself is the experts' own."""
    mixer, experts = Node("layer.mixer", "Mixer"), Node("layer.experts", "Experts", kind="experts")
    steps = Draft((0,), "select", (), (), key=0), Draft((1,), "residual", (), (), key=1)
    assert held(Node("layer", "Layer", (mixer, *steps, experts)), {0: role}) == kind
