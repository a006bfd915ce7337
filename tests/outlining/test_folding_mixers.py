"""Equal layers fold; what is alike in numbers alone does not: mixers of tokens and of channels, steps side by side."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.outlining.reading import read


class Mixer(nn.Module):
    """MLP-Mixer: the same layers once along tokens and once along channels."""

    def __init__(self, n_tokens: int, width: int, layers: int) -> None:
        super().__init__()
        self.tokens = nn.ModuleList(self._mlp(n_tokens) for _ in range(layers))
        self.channels = nn.ModuleList(self._mlp(width) for _ in range(layers))

    @staticmethod
    def _mlp(size: int) -> nn.Module:
        return nn.Sequential(nn.Linear(size, 24), nn.GELU(), nn.Linear(24, size))

    def forward(self, x: Tensor) -> Any:
        for tokens, channels in zip(self.tokens, self.channels, strict=True):
            x = x + tokens(x.mT).mT
            x = x + channels(x)
        return x


@pytest.mark.parametrize("n_tokens", [8, 16])
@pytest.mark.parametrize("layers", [1, 3])
def test_mixing_tokens_and_mixing_channels_are_two_things(n_tokens: int, layers: int) -> None:
    found = read(Mixer(n_tokens, 16, layers), torch.randn(2, n_tokens, 16))
    products = [(s.path, s.repeat) for s in found.steps() if s.kind == "product"]
    assert products == [(f"{mlp}.0.{i}", layers) for mlp in ("tokens", "channels") for i in (0, 2)]


def test_steps_beside_each_other_that_look_alike_are_no_layers() -> None:
    class Beside(nn.Module):
        """Three projections, each of its own mix of a row and the row before it, as RWKV has them."""

        def __init__(self) -> None:
            super().__init__()
            self.key, self.value, self.gate = (nn.Linear(8, 8) for _ in range(3))
            self.mix = nn.ParameterList(torch.rand(8) for _ in range(3))

        def forward(self, x: Tensor) -> Any:
            before = nn.functional.pad(x, (0, 0, 1, -1))
            k, v, g = (
                each(x * mix + before * (1 - mix))
                for each, mix in zip((self.key, self.value, self.gate), self.mix, strict=True)
            )
            return g.sigmoid() * (k * v).cumsum(1)

    products = [s for s in read(Beside(), torch.randn(2, 5, 8)).steps() if s.kind == "product"]
    assert [(s.path, s.repeat) for s in products] == [("key", 1), ("value", 1), ("gate", 1)]


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(24, 8)

    def forward(self, x: Tensor) -> Any:
        return x + self.down(self.up(self.norm(x)).relu())


class Scaled(nn.Module):
    """Layers of which every third is followed by a scale, as RWKV has them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(9))

    def forward(self, x: Tensor) -> Any:
        for place, layer in enumerate(self.layers):
            x = layer(x)
            x = x * 0.5 if place % 3 == 2 else x
        return x


def test_layers_with_a_step_behind_some_of_them_fold_inside_of_what_repeats() -> None:
    found = [(s.path, s.kind, s.repeat) for s in read(Scaled(), torch.randn(2, 5, 8)).steps()]
    assert ("layers.0.up", "product", 9) in found and found[-1] == ("", "pointwise", 3)


class Towers(nn.Module):
    """Two parts that are alike, behind others that are alike or not."""

    def __init__(self, *, is_same: bool) -> None:
        super().__init__()
        self.is_same = is_same
        self.one, self.other = (nn.Linear(8, 8) for _ in range(2))
        self.ends = nn.ModuleList(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 4)) for _ in range(2))

    def forward(self, x: Tensor, y: Tensor) -> Any:
        before = self.one(x), self.other(y) if self.is_same else self.other(y).tanh()
        return tuple(end(each) for end, each in zip(self.ends, before, strict=True))


@pytest.mark.parametrize(("is_same", "repeats"), [(True, [1, 1, 2, 2]), (False, [1, 1, 1, 1, 1, 1])])
def test_the_ends_of_two_towers_are_no_layers_unless_all_of_the_towers_is_alike(
    is_same: bool, repeats: list[int]
) -> None:
    found = read(Towers(is_same=is_same), torch.randn(2, 8), torch.randn(2, 8))
    assert [step.repeat for step in found.steps() if step.kind == "product"] == repeats
