"""Which value a tensor object holds: in-place operations, views, writes, and objects that die."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from shapetrace import ir
from shapetrace.capture import capture
from tests.capture.oracles import kernels, names, only


class Runs(nn.Module):
    """A function as a model."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Tensor) -> Any:
        return self.function(*args)


def traced(function: Callable[..., Any], *args: Tensor) -> ir.Trace:
    return capture(Runs(function), args or (torch.ones(3, 4),))


def test_a_tensor_changed_in_place_is_a_new_value() -> None:
    trace = traced(lambda x: x.exp().add_(1))
    exp, add = trace.ops
    assert add.inputs == exp.outputs and add.outputs != exp.outputs
    assert trace.tensors[add.outputs[0]].alias_of == exp.outputs[0]
    assert trace.outputs == add.outputs[:1]


def test_a_view_of_what_was_changed_in_place_is_a_new_value() -> None:
    def change(x: Tensor) -> Tensor:
        y = x.exp()
        view = y.view(-1)
        y.mul_(2)
        return view.sin()

    trace = traced(change)
    assert only(trace, "sin").inputs != only(trace, "view").outputs
    assert set(only(trace, "sin").inputs) <= set(only(trace, "mul_").outputs)


def test_a_write_through_a_view_changes_its_base() -> None:
    def change(x: Tensor) -> Tensor:
        y = x.exp()
        y[:, 0].zero_()
        return y.sin()

    trace = traced(change)
    assert only(trace, "sin").inputs[0] in only(trace, "zero_").outputs


def test_writing_into_a_part_changes_the_whole() -> None:
    def change(x: Tensor) -> Tensor:
        y = torch.zeros(3, 4)
        y[:, 1:3] = x[:, :2]
        return y.sin()

    trace = traced(change)
    assert only(trace, "sin").inputs[0] in only(trace, "setitem").outputs
    assert trace.tensors[only(trace, "sin").inputs[0]].role == "data"
    assert trace.tensors[only(trace, "zeros").outputs[0]].role == "constant"


def test_out_is_written_to() -> None:
    def change(x: Tensor) -> Tensor:
        y = torch.zeros(3, 4)
        torch.add(x, 1, out=y)
        return y.sin()

    trace = traced(change)
    assert only(trace, "sin").inputs[0] in only(trace, "add").outputs
    assert trace.tensors[trace.outputs[0]].role == "data"


@pytest.mark.parametrize("name", ["data", "detach"])
def test_a_tensor_cut_from_its_graph_is_still_data(name: str) -> None:
    cut = {"data": lambda x: x.exp().data.sin(), "detach": lambda x: x.exp().detach().sin()}[name]
    trace = traced(cut)
    assert names(trace) == ["exp", name, "sin"]
    assert trace.tensors[trace.outputs[0]].role == "data"


def test_an_input_given_back_is_the_input() -> None:
    trace = traced(lambda x: x)
    assert trace.outputs == trace.inputs and trace.ops == ()


def test_one_tensor_given_twice_is_one_input() -> None:
    x = torch.ones(2, 2)
    trace = traced(torch.add, x, x)
    assert len(trace.inputs) == 1 and only(trace, "add").inputs == (0, 0)


def test_operands_of_equal_shape_stay_apart_and_in_order() -> None:
    trace = traced(lambda a, b: b - a, torch.ones(2, 2), torch.zeros(2, 2))
    assert only(trace, "sub").inputs == (1, 0)


def test_split_parts_are_values_of_their_own() -> None:
    trace = traced(lambda x: torch.cat([part.exp() for part in x.split(2, dim=1)], dim=1))
    assert len(set(only(trace, "split").outputs)) == 2
    assert len(set(only(trace, "cat").inputs)) == 2


def test_objects_that_die_are_not_mistaken_for_new_ones() -> None:
    def many(x: Tensor) -> Tensor:
        for _ in range(200):
            x = x + 1
        return x

    trace = traced(many)
    assert len({op.outputs for op in trace.ops}) == 200
    assert all(after.inputs == before.outputs for before, after in zip(trace.ops, trace.ops[1:], strict=False))


def test_no_tensor_is_kept_alive() -> None:
    dead: list[weakref.ref[Tensor]] = []

    def leave(x: Tensor) -> int:
        y = x.exp()
        z = y.view(-1)[1:]
        dead.extend(map(weakref.ref, (y, z, z.sin_())))
        return 3

    model, x = Runs(leave), torch.ones(2, 3)
    trace = capture(model, (x,))
    dead.append(weakref.ref(x))
    del x
    gc.collect()
    assert trace.outputs == ()
    assert [reference() for reference in dead] == [None] * 4


def test_no_tensor_is_kept_alive_while_the_model_runs() -> None:
    alive: list[int] = []

    def chain(x: Tensor) -> Tensor:
        seen = []
        for _ in range(20):
            x = x.exp().view(-1).view(3, 4)
            seen.append(weakref.ref(x))
            alive.append(sum(reference() is not None for reference in seen))
        return x

    with torch.no_grad():
        traced(chain)
    assert max(alive) <= 2


def test_a_failed_pass_keeps_no_tensor_alive_once_its_error_is_gone() -> None:
    dead: list[weakref.ref[Tensor]] = []

    def fail(x: Tensor) -> Tensor:
        y = x.exp()
        dead.append(weakref.ref(y))
        return y @ y

    try:
        traced(fail)
    except RuntimeError as error:
        trace = error.trace
    gc.collect()
    assert trace.failure.op == "matmul" and dead[0]() is None


def test_roles_tell_where_a_value_comes_from() -> None:
    model = Scaled()
    trace = capture(model, (torch.ones(2, 4),))
    roles = {op.name: trace.tensors[op.outputs[0]].role for op in trace.ops}
    assert roles == {"arange": "constant", "mul": "weight", "t": "weight", "matmul": "data", "zeros_like": "constant",
                     "add": "data"}  # fmt: skip
    origins = {tensor.name: (tensor.origin, tensor.role) for tensor in trace.tensors if tensor.name}
    assert origins == {"x": ("input", "data"), "W": ("parameter", "weight"), "scale": ("buffer", "constant")}


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.ones(4, 4))
        self.register_buffer("scale", torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        torch.arange(3)
        y = torch.matmul(x, torch.t(torch.mul(self.W, self.scale)))
        return torch.add(y, torch.zeros_like(y))


def test_fused_and_plain_spellings_run_the_same_kernels() -> None:
    one = traced(lambda x: torch.einsum("ij,kj->ik", x, x))
    assert {"bmm", "mm"} & set(kernels(one))
    assert len(one.ops) == 1
