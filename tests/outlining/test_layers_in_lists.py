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


class Unlike(nn.Module):
    """Layers in lists of which the first one is unlike the others."""

    def __init__(self, after: bool) -> None:
        super().__init__()
        widths, self.after = (24, 16, 16, 16), after
        self.norms = nn.ModuleList(nn.LayerNorm(8) for _ in widths)
        self.up, self.down = (nn.ModuleList(nn.Linear(*n) for n in sizes) for sizes in (
            [(8, width) for width in widths], [(width, 8) for width in widths]))  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for norm, up, down in zip(self.norms, self.up, self.down, strict=True):
            x = norm(x + down(up(x).relu())) if self.after else x + down(up(norm(x)).relu())
        return x


@pytest.mark.parametrize(
    ("after", "layer"),
    [
        (True, ["Expand", "ReLU", "Shrink", "Residual", "LayerNorm"]),
        (False, ["LayerNorm", "Expand", "ReLU", "Shrink", "Residual"]),
    ],
)
def test_a_layer_begins_behind_what_closes_the_one_before(after: bool, layer: list[str]) -> None:
    found = read(Unlike(after), torch.randn(1, 5, 8))
    assert [step.title for step in found.steps()] == layer * 2
    assert [step.repeat for step in found.steps()] == [1] * 5 + [3] * 5
