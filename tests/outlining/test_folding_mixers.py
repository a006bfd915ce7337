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
