"""Equal layers fold; what mixes tokens does not fold with what mixes channels, also where there are as many."""

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
