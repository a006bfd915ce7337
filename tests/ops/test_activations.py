"""Names of activations, against torch's own functions of these names."""

import math
from collections.abc import Callable, Iterator
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.capture import capture
from shapetrace.ops.activations import activation_of, gate_of
from tests.ops.chains import Runs

X = 3 * torch.randn(64, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y, W, B = X.flip(0) + 0.1, nn.Parameter(X[0].detach().abs() + 0.2), nn.Parameter(X[1].detach().clone())

Function = Callable[..., Tensor]

TORCHS: dict[str, Function] = {
    "GELU": F.gelu, "SiLU": F.silu, "Quick GELU": lambda x: x * torch.sigmoid(1.702 * x), "Mish": F.mish,
    "ReLU²": lambda x: F.relu(x).square(), "ReLU": F.relu, "ReLU6": F.relu6, "SELU": F.selu, "ELU": F.elu,
    "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Softplus": F.softplus, "Hardswish": F.hardswish, "CELU": F.celu,
    "Hardsigmoid": F.hardsigmoid, "LogSigmoid": F.logsigmoid, "LeakyReLU": F.leaky_relu, "Hardtanh": F.hardtanh,
}  # fmt: skip


def tanh_gelu(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + torch.tanh(torch.sqrt(torch.tensor(2 / math.pi)) * (x + 0.044715 * x**3)))


class Activation(nn.Module):
    """A function of data and of two weights."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function, self.w, self.b = function, W, B

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        given = {"x": x, "y": y, "w": self.w, "b": self.b}
        code = getattr(self.function, "__code__", None)  # torch's own take x alone
        return (
            self.function(*(given[name] for name in code.co_varnames[: code.co_argcount])) if code else self.function(x)
        )


def named(function: Function) -> tuple[str, str]:
    """Names of the activation and of the gate that a function is."""
    trace = capture(Activation(function), (X, Y))
    return activation_of(trace.ops, trace), gate_of(trace.ops, trace)


def multiplied(x: Tensor, one: Function, other: Function | None = None) -> Tensor:
    return one(x) * (other or one)(x)


WRITTEN_OUT: list[tuple[str, Function]] = [
    ("GELU", lambda x: x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))),
    ("GELU", F.gelu),
    ("SiLU", lambda x: x * torch.sigmoid(x)),
    ("SiLU", lambda x: x / (1 + torch.exp(-x))),
    ("SiLU", lambda x: x * torch.sigmoid(x.float()).to(x.dtype)),
    ("Quick GELU", lambda x: x * torch.sigmoid(1.702 * x)),
    ("ReLU²", lambda x: multiplied(x.relu(), lambda r: r)),
    ("ReLU²", lambda x: multiplied(x.relu(), lambda r: r.view(-1)).view_as(x)),
    ("ReLU²", lambda x: torch.square(F.relu(x))),
    ("ReLU²", lambda x: F.relu(x) ** 2),
    ("ReLU²", lambda x: x * F.relu(x)),
    ("ReLU", lambda x: x.clamp(min=0)),
    ("ReLU", lambda x: torch.maximum(x, torch.zeros_like(x))),
    ("ReLU", lambda x: torch.where(x > 0, x, 0.0)),
    ("Mish", lambda x: x * torch.tanh(F.softplus(x))),
    ("Mish", lambda x: x * torch.tanh(torch.log(1 + torch.exp(x)))),
    ("ReLU6", lambda x: x.clamp(0, 6)),
    ("SELU", torch.selu),
    ("Hardswish", lambda x: x * F.relu6(x + 3) / 6),
    ("Sigmoid", lambda x: 1 / (1 + torch.exp(-x))),
    ("LeakyReLU", lambda x: torch.where(x > 0, x, 0.01 * x)),
]


@pytest.mark.parametrize("number", range(len(WRITTEN_OUT)))
def test_what_is_written_out_is_torchs_function_of_that_name(number: int) -> None:
    name, function = WRITTEN_OUT[number]
    assert named(function) == (name, "")
    torch.testing.assert_close(function(X), TORCHS[name](X), rtol=1e-6, atol=1e-6)


def test_the_hyperbolic_gelu_with_its_constant_in_a_tensor_is_gelu() -> None:
    assert named(tanh_gelu) == ("GELU", "")
    torch.testing.assert_close(tanh_gelu(X), F.gelu(X, approximate="tanh"), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("Snake", lambda x, w: x + (w + 1e-9).reciprocal() * torch.sin(w * x).pow(2)),
        ("Snake", lambda x: x + torch.sin(2.5 * x) ** 2 / 2.5),
        ("Swish", lambda x, w: x * torch.sigmoid(w * x)),
        ("Swish", lambda x: x * torch.sigmoid(1.5 * x)),
        ("PReLU", lambda x, w: torch.where(x > 0, x, w * x)),
        ("LeakyReLU", lambda x: F.leaky_relu(x, 0.3)),
        ("ELU", lambda x: F.elu(x, 2.0)),
        ("GLU", lambda x: F.glu(x, -1)),
        ("Tanh ⊙ Sigmoid", lambda x, y: torch.tanh(x) * torch.sigmoid(y)),
        ("Tanh ⊙ Sigmoid", lambda x: torch.tanh(x[:, :3]) * torch.sigmoid(x[:, 3:])),
    ],
)
def test_activations_with_parameters_and_gates_have_names(name: str, function: Function) -> None:
    assert named(function) == (name, "")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("ReLU", lambda x: 2 * F.relu(x)),
        ("ReLU", lambda x, w: F.relu(x) * w),
        ("ReLU", lambda x, y: F.relu(x + y)),
        ("SiLU", lambda x, y: F.silu(torch.cat([x, y]) + 1)),
        ("ReLU²", lambda x, w, b: w * F.relu(x) ** 2 + b),
        ("Tanh", lambda x, w, b: torch.tanh(0.5 * x) * w + b),
        ("Tanh", lambda x: 30 * torch.tanh(x / 30)),
    ],
)
def test_numbers_and_weights_around_an_activation_are_scales(name: str, function: Function) -> None:
    assert named(function) == (name, "")


@pytest.mark.parametrize(
    ("gate", "function"),
    [
        ("ReLU", lambda x, y: F.relu(x) * y),
        ("SiLU", lambda x, y: y * F.silu(x)),
        ("SiLU", lambda x, y: x * torch.sigmoid(x) * y),
        ("GELU", lambda x, y: F.gelu(x) * (y + 1) * 0.5),
        ("Sigmoid", lambda x, y: x * torch.sigmoid(y)),
        ("Sigmoid", lambda x: x[:, :3] * torch.sigmoid(x[:, 3:])),
    ],
)
def test_other_data_that_is_multiplied_makes_a_gate(gate: str, function: Function) -> None:
    assert named(function) == ("", gate)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * x,
        lambda x: 2 * x + 1,
        torch.exp,
        lambda x, y: torch.exp(x) * y,
        lambda x, y: x * y,
        lambda x, y: F.relu(x * y),
        lambda x: F.relu(x.cumsum(0)),
        lambda x: F.max_pool1d(F.relu(x), 2),
        lambda x, y: F.relu(x) + y,
        lambda x, y: F.relu(x) * y * y,
        lambda x: F.relu(torch.tanh(x)),
        lambda x: F.relu(x) ** 3,
        lambda x: x * torch.tanh(x),
        lambda x: x * torch.sigmoid(2 * x + 1),
        torch.cos,
        lambda x: torch.exp(x) / torch.exp(x).sum(-1, keepdim=True),
        lambda x: 0.5 * x * (1 + torch.tanh(0.9 * (x + 0.044715 * x**3))),
        lambda x: x.clamp(torch.tensor(-3.0), torch.tensor(3.0)),
    ],
)
def test_near_misses_have_no_name(function: Function) -> None:
    assert named(function) == ("", "")


@pytest.mark.parametrize("moved", [lambda r: r.flip(0), lambda r: r.t(), lambda r: r.mT, lambda r: r[:, :1]])
def test_results_of_different_places_are_no_square(moved: Function) -> None:
    assert named(lambda x: multiplied(F.relu(x[:6]), lambda r: r, moved))[0] != "ReLU²"


UNARY: dict[str, Function] = {
    "relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softplus": F.softplus, "neg": torch.neg,
    "square": torch.square, "plus 3": lambda x: x + 3, "twice": lambda x: 2 * x, "clamp": lambda x: x.clamp(0, 6),
    "1.702": lambda x: 1.702 * x, "sixth": lambda x: x / 6, "half": lambda x: x / 2, "plus 1": lambda x: x + 1,
    "erf": torch.erf, "root": lambda x: x / math.sqrt(2),
}  # fmt: skip
BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mul": torch.mul, "add": torch.add, "max": torch.maximum}


def programs() -> Iterator[list[tuple[str, int, int]]]:
    """All short programs: each step is a function and the places of its operands among the results so far."""
    steps = [[(name, 0, i) for name in UNARY for i in range(n)] for n in (1, 2, 3)]
    joins = [(name, i, j) for name in BINARY for i, j in ((0, 1), (0, 2), (1, 2), (2, 2))]
    yield from (list(program) for program in product(steps[0], steps[1]))
    yield from ([one, other, join] for one, other in product(steps[0], steps[1]) for join in joins)


def run(program: list[tuple[str, int, int]], x: Tensor) -> Tensor:
    results = [x]
    for name, one, other in program:
        results.append(UNARY[name](results[other]) if name in UNARY else BINARY[name](results[one], results[other]))
    return results[-1]


def is_affine_of(y: Tensor, function: Function) -> bool:
    """Whether y is a scale and shift of a function of a scale and shift of X, by least squares."""
    for scale, shift in product(
        (1, -1, 2, -2, 4, 0.5, -0.5, 1.702, -1.702, 1 / 6, -1 / 6, 0.5**0.5, -(0.5**0.5)), (0, 1, 3)
    ):
        for moved in (scale * X + shift, scale * (X + shift)):
            columns = torch.stack([function(moved).flatten(), torch.ones(X.numel(), dtype=X.dtype)], 1)
            if (
                columns @ torch.linalg.lstsq(columns, y.flatten()[:, None]).solution - y.flatten()[:, None]
            ).abs().max() < 1e-4:
                return True
    return False


PROGRAMS = list(programs())


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.integers(0, len(PROGRAMS) - 1))
def test_a_name_is_never_wrong(number: int) -> None:
    program = PROGRAMS[number]
    trace = capture(Runs(lambda x: run(program, x)), (X,))
    name = activation_of(trace.ops, trace)
    if name in TORCHS.keys() - {"LeakyReLU"}:  # whose slope may be another
        assert is_affine_of(run(program, X), TORCHS[name]), program


def test_the_check_of_names_can_fail() -> None:
    assert is_affine_of(3 * F.relu(2 * X) + 1, F.relu)
    assert not is_affine_of(F.silu(X), F.relu)
