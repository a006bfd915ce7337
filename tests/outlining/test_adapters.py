"""Low-rank adapters beside projections, and shortcuts that are no formula."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.outlining.blocks import LoRA
from tests.outlining.reading import read, step, titles


class MLP(nn.Module):
    def __init__(self, linear: type[nn.Module]) -> None:
        super().__init__()
        self.up, self.down = linear(24, 96), linear(96, 24)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))


def test_layers_with_adapters_keep_their_names_and_places() -> None:
    found = read(MLP(LoRA), torch.ones(1, 5, 24))
    adapter = ["Low-rank down", "Low-rank up", "Add"]
    assert titles(found) == ["Expand", *adapter, "GELU", "Shrink", *adapter]
    assert [s.title for s in found.root.sections()][1:] == []


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.proj = LoRA(24, 72), LoRA(24, 24)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, 4, 6).permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, T, C))


def test_attention_with_adapters_is_attention() -> None:
    found = read(Attention(), torch.ones(1, 5, 24))
    products = [s for s in found.steps() if s.kind == "product"]
    assert [s.title for s in products[:4]] == ["Query", "Key", "Value", "Low-rank down"]
    assert {s.results[0].stack for s in products if s.title in ("Query", "Key", "Value")} == {4}
    assert step(found, "Output").operands[0].name == "Z"


def test_a_narrow_product_with_an_activation_is_no_adapter() -> None:
    class Bottleneck(LoRA):
        def forward(self, x: Tensor) -> Tensor:
            return self.base(x) + self.B(F.relu(self.A(x)))

    assert "Low-rank down" not in titles(read(Bottleneck(24, 24), torch.ones(1, 5, 24)))


class Shortcut(nn.Module):
    """The last block of a residual network that changes the width."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.shortcut = nn.Conv2d(3, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)) + self.shortcut(x))


def test_branches_that_meet_are_added_before_the_activation() -> None:
    found = read(Shortcut(), torch.ones(1, 3, 6, 6))
    assert titles(found) == ["Convolution", "BatchNorm", "Convolution", "Add", "ReLU"]
    assert step(found, "Add").equation == "[8,6,6]+[8,6,6]→[8,6,6]"


class Prefixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cls, self.proj = nn.Parameter(torch.ones(1, 1, 24)), nn.Linear(24, 24)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.cls.expand(x.size(0), -1, -1), self.proj(x)], dim=1)


def test_what_is_put_side_by_side_keeps_its_order() -> None:
    concat = step(read(Prefixed(), torch.ones(1, 5, 24)), "Concat")
    assert [o.role for o in concat.operands] == ["weight", "data"]
