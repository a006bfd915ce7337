"""Names of norms, against torch's own functions of these names."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.capture import capture
from shapetrace.ir import Op, Trace
from shapetrace.ops.kinds import op_kind
from shapetrace.ops.norms import norm_of

ROWS = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
IMAGES = torch.randn(2, 8, 4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
HEADS = ROWS.view(2, 5, 2, 4)

Function = Callable[..., Tensor]


class Norm(nn.Module):
    """A function of data, or of data and this module's weights."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function, self.conv = function, nn.Conv2d(8, 8, 1, dtype=torch.float64)
        self.w, self.b = (nn.Parameter(torch.linspace(0.5, 1.5, 8, dtype=torch.float64)) for _ in range(2))
        self.register_buffer("mean", torch.rand(8, dtype=torch.float64))
        nn.init.dirac_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self) if self.function.__code__.co_argcount == 2 else self.function(x)


def norm_in(function: Function, x: Tensor) -> str:
    trace = capture(Norm(function), (x,))
    return norm_of(working(trace), trace)


def working(trace: Trace) -> list[Op]:
    return [op for op in trace.ops if op_kind(op) in ("pointwise", "norm", "reduce")]


def standard(x: Tensor, dims: int | tuple[int, ...]) -> Tensor:
    return (x - x.mean(dims, keepdim=True)) / torch.sqrt(x.var(dims, keepdim=True, unbiased=False) + 1e-5)


def root_mean_square(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def reversible(x: Tensor) -> Tensor:
    mean = x.mean(1, keepdim=True).detach()
    deviation = torch.sqrt(torch.var(x, 1, keepdim=True, unbiased=False) + 1e-5).detach()
    return (x - mean) / deviation


def group_norm(x: Tensor, groups: int) -> Tensor:
    return standard(x.view(x.size(0), groups, -1), -1).view(x.shape)


def by_variance_and_mean(x: Tensor) -> Tensor:
    variance, mean = torch.var_mean(x, -1, keepdim=True, correction=0)
    return (x - mean) * torch.rsqrt(variance + 1e-5)


def by_squares(x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()


def weighed(x: Tensor, weight: Tensor) -> Tensor:
    """Scaled, and back again: what is scaled is the same norm."""
    return x * weight / weight


def over_channels(x: Tensor) -> Tensor:
    return F.layer_norm(x.movedim(1, -1), (8,)).movedim(-1, 1)


CASES: list[tuple[str, Tensor, Function, list[Function]]] = [
    ("LayerNorm", ROWS, lambda x: F.layer_norm(x, (8,)), [
        lambda x: standard(x, -1),
        lambda x, m: weighed(standard(x, -1), m.w) + m.b - m.b,
        by_variance_and_mean,
        by_squares,
    ]),
    ("LayerNorm", IMAGES, over_channels, [
        lambda x, m: weighed(standard(x, 1), m.w[:, None, None]),
        lambda x, m: standard(m.conv(x), 1),
        lambda x: standard(x.movedim(1, -1), -1).movedim(-1, 1),
    ]),
    ("LayerNorm", IMAGES, lambda x: F.layer_norm(x, (8, 4, 6)), [lambda x: standard(x, (1, 2, 3))]),
    ("LayerNorm", HEADS, lambda x: F.layer_norm(x, (4,)), [lambda x: standard(x, -1)]),
    ("RMSNorm", ROWS, lambda x: F.rms_norm(x, (8,)), [
        root_mean_square,
        lambda x, m: weighed(root_mean_square(x.float()).to(x.dtype), 1 + m.w),
        lambda x: F.normalize(x, dim=-1) * math.sqrt(8),
        lambda x: x / (x.norm(dim=-1, keepdim=True) * 8**-0.5 + 1e-8),
        lambda x: F.rms_norm(x, (8,)),
    ]),
    ("RMSNorm", HEADS, lambda x: F.rms_norm(x, (4,)), [root_mean_square]),
    ("L2 norm", ROWS, lambda x: F.normalize(x, dim=-1), [
        lambda x: F.normalize(x, dim=-1),
        lambda x: x * torch.rsqrt(x.pow(2).sum(-1, keepdim=True) + 1e-9),
    ]),
    ("L2 norm", ROWS, lambda x: F.normalize(x, dim=1), [lambda x: x / x.norm(dim=1, keepdim=True)]),
    ("Instance norm", ROWS, lambda x: F.instance_norm(x.transpose(1, 2)).transpose(1, 2), [
        lambda x: standard(x, 1),
        lambda x, m: weighed(reversible(x), m.w) + m.b - m.b,
    ]),
    ("Instance norm", IMAGES, F.instance_norm, [
        lambda x: F.instance_norm(x),  # noqa: PLW0108 - it is asked for its arguments
        lambda x, m: standard(m.conv(x), (2, 3)),
        lambda x, m: standard(m.conv(x).flatten(2), -1).view(x.shape),
    ]),
    ("GroupNorm", IMAGES, lambda x: F.group_norm(x, 2), [
        lambda x: F.group_norm(x, 2),
        lambda x, m: group_norm(m.conv(x), 2),
        lambda x, m: weighed(group_norm(x, 2), m.w[:, None, None]),
    ]),
    ("BatchNorm", IMAGES, lambda x: F.batch_norm(x, None, None, training=True), [
        lambda x: F.batch_norm(x, None, None, training=True),
        lambda x, m: standard(m.conv(x), (0, 2, 3)),
    ]),
    ("BatchNorm", ROWS[0], lambda x: F.batch_norm(x, None, None, training=True), [lambda x: standard(x, 0)]),
]  # fmt: skip


@pytest.mark.parametrize(("case", "which"), [(i, j) for i, case in enumerate(CASES) for j in range(len(case[3]))])
def test_what_is_written_out_is_torchs_function_of_that_name(case: int, which: int) -> None:
    name, x, expected, functions = CASES[case]
    assert norm_in(functions[which], x) == name
    torch.testing.assert_close(Norm(functions[which])(x), expected(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, m: (x - m.mean) / (m.w + 1e-5),
        lambda x, m: (x - x.mean(1, keepdim=True)) / m.w,
        lambda x: x - x.mean(1, keepdim=True),
        lambda x: x / x.abs().mean(1, keepdim=True),
        lambda x: x / x.sum(-1, keepdim=True),
        lambda x: x.exp() / x.exp().sum(-1, keepdim=True),
        lambda x: (x - x.amin(-1, keepdim=True)) / (x.amax(-1, keepdim=True) - x.amin(-1, keepdim=True)),
        lambda x: (x[:1] - x[1:].mean(-1, keepdim=True)) / x[1:].std(-1, keepdim=True),
        lambda x: (x - x.mean()) / (x.std() + 1e-8),
        lambda x: x * torch.sigmoid(x.mean(1, keepdim=True)),
        lambda x, m: F.relu(x) * m.w,
    ],
)
def test_what_is_no_norm_has_no_name(function: Function) -> None:
    assert norm_in(function, ROWS) == ""


@pytest.mark.parametrize(
    "function",
    [
        lambda x, m: root_mean_square(x * F.silu(x @ torch.diag(m.w))),
        lambda x, m: root_mean_square(x) * F.silu(x @ torch.diag(m.w)),
        lambda x, m: root_mean_square(x) * (1 + x @ torch.diag(m.w)) + m.b,
    ],
)
def test_a_gate_before_or_after_a_norm_leaves_it_one(function: Function) -> None:
    assert norm_in(function, ROWS) == "RMSNorm"


def test_statistics_that_others_read_too_are_looked_up() -> None:
    def function(x: Tensor, m: Norm) -> Tensor:
        mean, deviation = x.mean(1, keepdim=True), x.std(1, keepdim=True)
        return torch.tanh((x - mean) / deviation @ torch.diag(m.w)) * deviation + mean

    trace = capture(Norm(function), (ROWS,))
    by_name = {op.name: op for op in trace.ops}
    assert norm_of([by_name["sub"], by_name["div"]], trace) == "Instance norm"
    assert norm_of(trace.ops[-2:], trace) == ""
