"""Models that keep norms, mixers and feed-forward layers in lists: the layers are whole, and fold."""

import pytest
import torch
from torch import Tensor, nn

from tests.outlining.blocks import Attention, FeedForward
from tests.outlining.reading import read, titles


class Lists(nn.Module):
    """Attention and feed-forward layers with the norm before or after, all in lists of their own."""

    def __init__(self, n: int, pre: bool) -> None:
        super().__init__()
        self.table, self.head, self.pre = nn.Embedding(30, 24), nn.Linear(24, 30), pre
        self.mixers = nn.ModuleList(Attention() for _ in range(n))
        self.mlps = nn.ModuleList(FeedForward() for _ in range(n))
        self.norms = nn.ModuleList(nn.LayerNorm(24) for _ in range(2 * n))

    def forward(self, ids: Tensor) -> Tensor:
        x = self.table(ids)
        for i, pair in enumerate(zip(self.mixers, self.mlps, strict=True)):
            for j, layer in enumerate(pair):
                norm = self.norms[2 * i + j]
                x = x + layer(norm(x)) if self.pre else norm(x + layer(x))
        y: Tensor = self.head(x)
        return y


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("pre", [True, False])
def test_loose_steps_of_the_first_and_the_last_layer_stay_with_them(n: int, pre: bool) -> None:
    found = read(Lists(n, pre), torch.arange(5)[None])
    layers = [section for section in found.root.sections() if section.repeat > 1]
    assert [section.repeat for section in layers] == [n]
    assert titles(layers[0]).count("Residual") == titles(layers[0]).count("LayerNorm") == 2
    ends = [step for section in found.root.sections() if section.path.startswith("<emb") for step in section.steps()]
    assert [step.title for step in ends] in ([], ["Token lookup"])
    assert titles(found)[-1] == "Unembedding"
