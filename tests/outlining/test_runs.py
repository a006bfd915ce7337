"""Where a run of element-wise operations ends: a sum of branches, a Fourier transform and a gate are told apart."""

import pytest
import torch
from torch import Tensor, nn

from tests.outlining.reading import read, step, titles

X = torch.ones(2, 8, 16)


class Skips(nn.Module):
    """The sum of what several convolutions gave, activated at last."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.filters, self.gates, self.skips = (nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in range(n)) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor | float = 0.0
        for filtering, gate, skip in zip(self.filters, self.gates, self.skips, strict=True):
            total = skip(torch.tanh(filtering(x)) * torch.sigmoid(gate(x))) + total
        return torch.relu(torch.as_tensor(total))


@pytest.mark.parametrize("n", [2, 4])
def test_skip_connections_are_added_before_the_activation(n: int) -> None:
    *_, total, activation = read(Skips(n), X).steps()
    assert (total.title, len(total.operands)) == ("Add", n)
    assert (activation.title, len(activation.operands)) == ("ReLU", 1)


def test_a_gate_of_two_activations_has_both_names() -> None:
    assert titles(read(Skips(2), X)).count("Tanh ⊙ Sigmoid") == 2


class LongConvolution(nn.Module):
    """A convolution as long as its input, by Fourier transforms."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel, self.enter = nn.Parameter(torch.ones(8, 16)), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.fft.irfft(torch.fft.rfft(self.enter(x), n=32) * torch.fft.rfft(self.kernel, n=32), n=32)
        return nn.functional.gelu(y[..., :16])


def test_a_fourier_transform_is_no_part_of_an_activation() -> None:
    _, *found = (title for title in titles(read(LongConvolution(), X)) if title != "Select")
    assert found == ["Fourier transform", "Multiply", "Fourier transform", "GELU"]


class Joint(nn.Module):
    """Each frame with each label: two projections that meet in a table."""

    def __init__(self) -> None:
        super().__init__()
        self.frames, self.labels, self.out = nn.Linear(16, 12), nn.Linear(16, 12), nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(torch.relu(self.frames(x)[:, :, None] + self.labels(x)[:, None]))
        return y


def test_branches_that_are_spread_over_each_other_are_added_by_themselves() -> None:
    assert titles(read(Joint(), X))[2:4] == ["Add", "ReLU"]


class Divided(nn.Module):
    """A value over another one, in the shape that it lends, or over a number."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.layer = kind, nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        if self.kind == "normalize":
            return nn.functional.normalize(y, dim=-1)
        if self.kind == "expand_as":
            return y / y.norm(dim=-1, keepdim=True).expand_as(y)
        return y / (x.exp() if self.kind == "data" else 3.0)


@pytest.mark.parametrize(
    ("kind", "title"),
    [("normalize", "L2 norm"), ("expand_as", "L2 norm"), ("data", "Exp, divide"), ("number", "Scale")],
)
def test_a_value_that_lends_its_shape_is_not_the_one_that_is_expanded(kind: str, title: str) -> None:
    assert titles(read(Divided(kind), X))[1:] == [title]


class Pooled(nn.Module):
    """A mean over positions, of all or of those that a mask keeps, and its norm: as sentences are compared."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.proj, self.kind = nn.Linear(8, 8), kind

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        y = self.proj(x)
        pooled = y.mean(1) if self.kind == "mean" else (y * keep[..., None]).sum(1) / keep.sum(1, keepdim=True)
        return (
            nn.functional.normalize(pooled, dim=-1)
            if self.kind != "by hand"
            else pooled * (pooled**2).sum(-1, True).rsqrt()
        )


@pytest.mark.parametrize(
    ("kind", "before"), [("mean", "Mean"), ("masked", "Multiply, sum, divide"), ("by hand", "Multiply, sum, divide")]
)
def test_what_is_done_before_a_norm_is_no_part_of_it(kind: str, before: str) -> None:
    found = read(Pooled(kind), torch.ones(2, 5, 8), torch.ones(2, 5))
    assert titles(found)[1:] == [before, "L2 norm"]
    assert step(found, "L2 norm").equation == "[2,8]"


@pytest.mark.parametrize(
    ("model", "shape", "title"),
    [
        (nn.ConvTranspose2d(4, 2, 2, stride=2), (1, 4, 3, 3), "Transposed convolution"),
        (nn.ConvTranspose1d(4, 2, 3), (1, 4, 9), "Transposed convolution"),
        (nn.Conv2d(4, 2, 2, stride=2), (1, 4, 6, 6), "Convolution"),
        (nn.LogSoftmax(-1), (2, 3), "Log-softmax"),
        (nn.Softmax(-1), (2, 3), "Softmax"),
    ],
)
def test_a_variant_of_a_function_is_called_so(model: nn.Module, shape: tuple[int, ...], title: str) -> None:
    assert titles(read(model, torch.ones(shape))) == [title]


class Slerp(nn.Module):
    """A normed branch is mixed with the stream, number by number, and the mix is normed: nGPT."""

    def __init__(self) -> None:
        super().__init__()
        self.proj, self.share = nn.Linear(8, 8), nn.Parameter(torch.full((8,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.proj(x)
        y = y / y.norm(dim=-1, keepdim=True)
        mixed = x + self.share.abs() * (y - x)
        return mixed / mixed.norm(dim=-1, keepdim=True)


def test_a_norm_ends_where_another_stream_is_added() -> None:
    norms = [s for s in read(Slerp(), torch.randn(2, 5, 8)).steps() if s.title == "L2 norm"]
    assert len(norms) == 2
    assert [len(s.operands) for s in norms] == [1, 1]


class Gated(nn.Module):
    """A linear recurrence, number by number, whose states are put side by side and weighed by a gate: RG-LRU."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.gate = (nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.a(x).sigmoid(), self.b(x)
        h, states = torch.zeros(len(x), 8), []
        for t in range(x.shape[1]):
            h = a[:, t] * h + b[:, t]
            states.append(h)
        return torch.stack(states, 1) * nn.functional.gelu(self.gate(x))


def test_states_of_a_loop_are_put_side_by_side_before_they_are_weighed() -> None:
    found = read(Gated(), torch.randn(2, 5, 8))
    assert titles(found)[-2:] == ["gate", "GELU"]
    assert "Concat" in titles(found)
    assert len(step(found, "GELU").operands) == 2
