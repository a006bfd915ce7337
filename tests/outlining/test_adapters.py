"""Low-rank adapters beside projections, and shortcuts that are no formula."""

import pytest
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


class Inline(nn.Module):
    """Written in one line, and joined inside the activation."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale, self.second = scale, nn.Linear(96, 24)
        self.first, self.a, self.b = (nn.Parameter(torch.randn(*s)) for s in ((24, 96), (24, 4), (4, 96)))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.second(F.relu(x @ self.first + (x @ self.a) @ self.b * self.scale))
        return x + made


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_an_adapter_that_is_joined_inside_an_activation_is_beside_the_first_product_of_an_mlp(scale: float) -> None:
    found = read(Inline(scale), torch.ones(1, 5, 24))
    assert titles(found) == ["Expand", "Low-rank down", "Low-rank up", "Add", "ReLU", "Shrink", "Residual"]
    assert [ref.name for ref in step(found, "ReLU").operands] == ["H"]


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up, self.down = LoRA(24, 96), LoRA(24, 96), LoRA(96, 24)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.down(F.silu(self.gate(x)) * self.up(x))
        return x + made


def test_gates_with_adapters_are_gates() -> None:
    found = read(Gated(), torch.ones(1, 5, 24))
    told = [title for title in titles(found) if title not in ("Low-rank down", "Low-rank up", "Add")]
    assert told == ["Gate", "Up", "SwiGLU", "Down", "Residual"]
    assert [ref.name for ref in step(found, "SwiGLU").operands] == ["G", "U"]


class Merged(nn.Module):
    """A weight with its adapter added to it, and a length of its own: DoRA."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.base, self.length = nn.Linear(n_in, n_out), nn.Parameter(torch.ones(n_out, 1))
        self.a, self.b = nn.Parameter(torch.randn(4, n_in)), nn.Parameter(torch.randn(n_out, 4))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.base.weight + self.b @ self.a
        return F.linear(x, self.length * weight / weight.norm(dim=1, keepdim=True), self.base.bias)


def test_a_layer_that_makes_its_weight_first_is_one_layer() -> None:
    found = read(nn.Sequential(nn.LayerNorm(24), MLP(Merged), nn.LayerNorm(24)), torch.ones(1, 5, 24))
    assert [s.kind for s in found.root.sections()][1:] == ["mlp"]


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
