"""Inside the transforms of ``torch.func`` weights stay weights, and products are recorded with what they read."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jacfwd, jacrev, jvp, stack_module_state, vmap

from shapetrace.capture import capture
from shapetrace.capture.known_calls import building
from shapetrace.ir import Kernel, Trace
from shapetrace.outlining import outline
from tests.capture.oracles import Counting, traced_output


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(torch.tanh(self.a(x)))


def weights_of(net: nn.Module) -> dict[str, Tensor]:
    return dict(net.named_parameters())


def loss(net: nn.Module, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    return ((functional_call(net, weights, (x,)) - x) ** 2).mean()


class Uses(nn.Module):
    """A small net, run by one of the transforms."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.net, self.way = Net(), way

    def forward(self, x: Tensor) -> Any:
        net, weights = self.net, weights_of(self.net)
        kept = {name: weight.detach() for name, weight in weights.items()}
        ways = {
            "vmap": lambda: vmap(net)(x),
            "nested vmap": lambda: vmap(vmap(net))(x.view(2, 3, 8)),
            "another axis": lambda: vmap(net, in_dims=1)(x.T),
            "functional_call": lambda: functional_call(net, kept, (x,)),
            "grad": lambda: grad(lambda weights: loss(net, weights, x))(weights),
            "a gradient an example": lambda: vmap(grad(lambda w, y: loss(net, w, y)), in_dims=(None, 0))(kept, x),
            "jvp": lambda: jvp(net, (x,), (torch.ones_like(x),)),
            "jacobians": lambda: (vmap(jacrev(net))(x), vmap(jacfwd(net))(x)),
        }
        return ways[self.way]()


pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # in jvp
WAYS = ["vmap", "nested vmap", "another axis", "functional_call", "grad", "a gradient an example", "jvp", "jacobians"]


def products(trace: Trace) -> list[Kernel]:
    return [kernel for op in trace.ops for kernel in op.kernels if kernel.name.split(".")[1] in ("mm", "addmm", "bmm")]


def origins(trace: Trace, value: int) -> set[str]:
    """Names of the parameters that a value was made from."""
    made_by = {out: op.inputs for op in reversed(trace.ops) for out in op.outputs if out not in op.inputs}
    inner = {out: k.inputs for op in trace.ops for k in op.kernels for out in k.outputs if out not in k.inputs}
    todo, names, seen = [value], set(), set[int]()
    while todo:
        at = todo.pop()
        names |= {trace.tensors[at].name} if trace.tensors[at].origin == "parameter" else set()
        todo += [before for before in (*made_by.get(at, ()), *inner.get(at, ())) if before not in seen]
        seen.update(todo)
    return names


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("way", WAYS)
def test_weights_stay_weights(way: str, device: str) -> None:
    with building():
        model = Uses(way).to(device)
    trace = capture(model, (torch.randn(6, 8),))
    named = {tensor.name: tensor.role for tensor in trace.tensors if tensor.origin == "parameter"}
    assert named == {f"net.{name}": "weight" for name in weights_of(Net())}
    assert outline(trace).totals.unused_parameters == 0
    forward = products(trace)[:1] + [k for k in products(trace) if "net.b.weight" in origins(trace, k.inputs[-1])][:1]
    assert [origins(trace, kernel.inputs[-1]) & {"net.a.weight", "net.b.weight"} for kernel in forward] == [
        {"net.a.weight"}, {"net.b.weight"}
    ]  # fmt: skip
    assert all(trace.tensors[kernel.inputs[-1]].role == "weight" for kernel in forward)


@pytest.mark.parametrize("way", WAYS)
def test_every_kernel_is_recorded_once_with_the_work_that_torch_counts(way: str) -> None:
    model, x = Uses(way), torch.randn(6, 8)
    with Counting() as counting:
        model(x)
    trace = capture(model, (x,))
    assert outline(trace).totals.matmul_flops == counting.flops
    assert [op.name for op in trace.ops if not op.kernels and "." in op.name] == []


@pytest.mark.parametrize("way", WAYS)
def test_what_comes_out_is_what_comes_out_untraced(way: str) -> None:
    model, x = Uses(way), torch.randn(6, 8)
    trace, seen = traced_output(model, x)
    expected = torch.utils._pytree.tree_leaves(model(x))
    assert all(torch.equal(one, other) for one, other in zip(seen, expected, strict=True))
    assert {trace.tensors[i].role for i in trace.outputs} == {"data"}


def test_a_fast_weight_is_data_and_what_it_was_made_from_is_a_weight() -> None:
    class Learns(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = Net()

        def forward(self, x: Tensor) -> Tensor:
            weights = weights_of(self.net)
            steps = grad(lambda weights: loss(self.net, weights, x))(weights)
            return functional_call(self.net, {name: weights[name] - 0.1 * steps[name] for name in weights}, (x,))

    trace = capture(Learns(), (torch.randn(6, 8),))
    last = products(trace)[-1]
    assert trace.tensors[last.inputs[-1]].role == "data"
    assert origins(trace, last.inputs[-1]) >= {"net.a.weight", "net.b.weight"}


class Ensemble(nn.Module):
    """Three nets, run as one over their stacked weights."""

    def __init__(self, kept: str) -> None:
        super().__init__()
        nets = [Net() for _ in range(3)]
        self.kept = kept
        self.weights, _ = stack_module_state(nets)
        if kept == "as parameters":
            self.held = nn.ParameterDict({name.replace(".", "_"): each for name, each in self.weights.items()})
        if kept == "as nets":
            self.nets = nn.ModuleList(nets)
        base = copy.deepcopy(nets[0]).to("meta")
        self.base = [base] if kept == "hidden" else base

    def forward(self, x: Tensor) -> Tensor:
        base, weights = self.base, self.weights
        if isinstance(base, list):
            base = base[0]
        if self.kept == "as parameters":
            weights = {name: self.held[name.replace(".", "_")] for name in weights}
        if self.kept == "as nets":
            weights, _ = stack_module_state(list(self.nets))
        return vmap(lambda own: functional_call(base, own, (x,)))(weights)


@pytest.mark.parametrize(
    ("kept", "name"),
    [
        ("as parameters", "held.a_weight"), ("as nets", "nets.2.a.weight"), ("beside", "base.a.weight"),
        ("hidden", "base[0].a.weight"),
    ],
)  # fmt: skip
def test_stacked_weights_of_an_ensemble_are_weights_with_names(kept: str, name: str) -> None:
    trace = capture(Ensemble(kept), (torch.randn(6, 8),))
    first = products(trace)[0]
    assert trace.tensors[first.inputs[1]].role == "weight"
    assert trace.tensors[first.inputs[1]].shape == (3, 8, 16)
    assert name in origins(trace, first.inputs[1])


def test_a_mask_inside_vmap_is_known() -> None:
    class Attends(nn.Module):
        def forward(self, q: Tensor) -> Tensor:
            seen = torch.ones(5, 5, dtype=torch.bool).tril()
            return vmap(lambda one: (one @ one.T).masked_fill(~seen, -torch.inf).softmax(-1) @ one, in_dims=1)(q)

    trace = capture(Attends(), (torch.randn(5, 3, 4),))
    assert [tensor.pattern.kind for tensor in trace.tensors if tensor.pattern is not None] == ["future"]
