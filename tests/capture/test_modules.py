"""Module calls: several times, by forward, aliased, in plain lists, lazy, never; and how deep they may nest."""

import sys
import threading
from collections.abc import Callable

import torch
from torch import Tensor, nn

from shapetrace import ir
from shapetrace.capture import capture
from shapetrace.formats.json import render
from shapetrace.outlining import outline


def paths(trace: ir.Trace) -> list[str]:
    return [call.path for call in trace.calls]


class Holds(nn.Module):
    """One layer, reached in a way that a subclass chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)


class Repeats(Holds):
    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = self.fc(x)
        return x


def test_a_module_called_three_times_is_three_calls() -> None:
    trace = capture(Repeats(), (torch.ones(2, 4),))
    assert paths(trace) == ["", "fc", "fc", "fc"]
    assert [op.call for op in trace.ops] == [1, 2, 3]
    assert outline(trace).totals.parameters == 20


class Bypasses(Holds):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc.forward(x)


def test_a_module_called_by_its_forward_runs_in_its_caller() -> None:
    trace = capture(Bypasses(), (torch.ones(2, 4),))
    assert paths(trace) == [""]
    assert trace.tensors[trace.ops[0].inputs[1]].name == "fc.weight"


class Aliases(Holds):
    def __init__(self) -> None:
        super().__init__()
        self.again = self.fc
        self.tied = nn.Linear(4, 4, bias=False)
        self.tied.weight = self.fc.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.tied(self.again(x))


def test_a_module_at_two_paths_has_the_first_and_its_weights_count_once() -> None:
    trace = capture(Aliases(), (torch.ones(2, 4),))
    assert paths(trace) == ["", "fc", "tied"]
    assert [(p.name, p.aliases) for p in trace.parameters] == [
        ("fc.weight", ("again.weight", "tied.weight")), ("fc.bias", ("again.bias",)),
    ]  # fmt: skip
    assert outline(trace).totals.parameters == 20


class Hides(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(4, 4), nn.Linear(4, 4)]
        self.named = {"last": nn.ReLU()}

    def forward(self, x: Tensor) -> Tensor:
        return self.named["last"](self.layers[1](self.layers[0](x)))


def test_modules_in_plain_containers_have_the_path_of_their_container() -> None:
    trace = capture(Hides(), (torch.ones(2, 4),))
    assert paths(trace) == ["", "layers[0]", "layers[1]", "named[last]"]
    assert trace.tensors[trace.ops[0].inputs[1]].role == "weight"


class Idles(Holds):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


def test_a_module_never_called_has_no_call_but_its_parameters_count() -> None:
    trace = capture(Idles(), (torch.ones(2, 4),))
    assert paths(trace) == [""]
    assert outline(trace).totals.parameters == 20


def test_a_lazy_module_has_its_shapes_after_the_pass() -> None:
    trace = capture(nn.Sequential(nn.LazyLinear(3)), (torch.ones(2, 4),))
    assert [(p.name, p.shape) for p in trace.parameters] == [("0.weight", (3, 4)), ("0.bias", (3,))]
    assert trace.tensors[trace.outputs[0]].shape == (2, 3)
    assert outline(trace).totals.matmul_flops == 2 * 2 * 3 * 4


class Catches(Holds):
    def forward(self, x: Tensor) -> Tensor:
        try:
            self.fc(x[:, :3])
        except RuntimeError:
            return self.fc(x)
        raise AssertionError("no error")


def test_a_model_that_catches_its_own_error_goes_on() -> None:
    trace = capture(Catches(), (torch.ones(2, 4),))
    assert trace.failure is None
    assert paths(trace) == ["", "fc", "fc"]
    assert trace.ops[-1].call == 2 and trace.calls[2].parent == 0


class Nests(nn.Module):
    def __init__(self, depth: int) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4, bias=False)
        self.inner = Nests(depth - 1) if depth else None

    def forward(self, x: Tensor) -> Tensor:
        return x + self.fc(x if self.inner is None else self.inner(x))


def test_modules_may_nest_as_deep_as_python_runs_them() -> None:
    depth, found = 210, []
    model, x = Nests(depth), torch.ones(2, 4)

    def run() -> None:
        model(x)  # 4 of the 1,000 levels that Python has a module
        trace = capture(model, (x,))
        found.extend([trace, render(outline(trace))])

    limit = sys.getrecursionlimit()
    thread = threading.Thread(target=run)  # whose stack is empty
    thread.start()
    thread.join()
    assert sys.getrecursionlimit() == limit
    assert len(found[0].calls) == 2 * depth + 2
    assert found[1].count("[2,4]×[4,4]→[2,4]") == depth + 1


def test_a_hundred_layers_fold_to_one() -> None:
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, device="meta")
    model = nn.TransformerEncoder(layer, 100, enable_nested_tensor=False)
    found = outline(capture(model, (torch.ones(2, 5, 16, device="meta"),)))
    assert {step.repeat for step in found.steps()} == {100}


class Detached(nn.Module):
    """Uses its weights through objects that were made before: without their gradient, flat, a part."""

    def __init__(self) -> None:
        super().__init__()
        self.wte, self.fc = nn.Embedding(9, 4), nn.Linear(4, 4)
        self.seen = [self.wte.weight.detach(), self.fc.weight.detach().view(-1), self.fc.bias.detach()[:2]]

    def forward(self, ids: Tensor) -> Tensor:
        table, flat, part = self.seen
        hidden = self.wte(ids) @ flat.view(4, 4).t()
        return (hidden @ table.t())[..., :2] + part


def test_a_weight_is_one_through_every_object_that_lies_in_its_memory() -> None:
    trace = capture(Detached(), (torch.ones(2, 3, dtype=torch.long),))
    named = [tensor.name for tensor in trace.tensors if tensor.origin == "parameter"]
    assert sorted(named) == ["fc.bias", "fc.weight", "wte.weight", "wte.weight"]
    assert outline(trace).totals.unused_parameters == 0
    assert [step.parameters for step in outline(trace).steps() if step.kind == "product"] == [16, 0]


def test_memory_in_which_two_weights_lie_names_none() -> None:
    model, whole = nn.Linear(4, 4), torch.zeros(20)
    model.weight, model.bias = nn.Parameter(whole[:16].view(4, 4)), nn.Parameter(whole[16:])
    trace = capture(Called(lambda x: model(x) + whole[16:], model), (torch.ones(2, 4),))
    assert [(t.role, t.name) for t in trace.tensors if t.shape == (20,)] == [("constant", "")]


class Called(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor], held: nn.Module) -> None:
        super().__init__()
        self.function, self.held = function, held

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)
