"""Odd but legal models: numbers that are no floats, packed weights, recursion, thousands of modules, generators."""

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import shapetrace
from shapetrace.capture import capture
from tests.capture.oracles import names, state_of_torch, traced_output


def equations(trace: shapetrace.Trace) -> list[str]:
    return [step.equation for step in trace.outline().steps() if step.kind == "product"]


class Spectral(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, dtype=torch.cfloat))

    def forward(self, x: Tensor) -> Tensor:
        return (torch.fft.fft(x) @ self.weight).abs() > 1


def test_complex_numbers_are_multiplied_and_truth_values_come_out() -> None:
    model, x = Spectral(), torch.randn(2, 4)
    trace, (got,) = traced_output(model, x)
    assert torch.equal(got, model(x)) and got.dtype is torch.bool
    found = shapetrace.trace(model, x)
    assert equations(found) == ["[2,4]×[4,3]→[2,3]"]
    assert [trace.parameters[0].dtype, trace.tensors[trace.outputs[0]].dtype] == ["complex64", "bool"]
    assert found.totals.parameters == 12


class Graph(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.register_buffer("adjacency", torch.eye(5).to_sparse())

    def forward(self, x: Tensor) -> Tensor:
        return torch.sparse.mm(self.adjacency, self.fc(x))


def test_a_sparse_product_is_listed_as_not_counted() -> None:
    model, x = Graph(), torch.randn(5, 4)
    _, (got,) = traced_output(model, x)
    assert torch.equal(got, model(x))
    totals = shapetrace.trace(model, x).totals
    assert totals.flops == 2 * 5 * 4 * 3
    assert any("sparse" in name for name in totals.uncounted)


def test_packed_weights_of_a_quantised_model_are_run_and_not_counted_as_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this way of quantising is deprecated, and still met
        plain = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4)).eval()
        model = torch.ao.quantization.quantize_dynamic(plain, {nn.Linear}, dtype=torch.qint8)
        x = torch.randn(2, 8)
        _, (got,) = traced_output(model, x)
        trace = shapetrace.trace(model, x)
    assert torch.equal(got, model(x))
    assert trace.tensors[trace.outputs[0]].shape == (2, 4)
    assert trace.totals.parameters == sum(each.numel() for each in model.parameters()) == 0
    assert trace.totals.uncounted["linear_dynamic"] == 2


def test_a_scripted_model_as_a_whole_has_its_products_and_parameters() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, and still met
        model = torch.jit.script(nn.Sequential(nn.Linear(4, 3), nn.ReLU()))
        trace = shapetrace.trace(model, torch.ones(2, 4))
    assert equations(trace) == ["[2,4]×[4,3]→[2,3]"]
    assert trace.totals.parameters == 15


class Recurs(nn.Module):
    """Calls itself."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor, n: int = 3) -> Tensor:
        return self(self.fc(x), n - 1) if n else x


def test_a_model_that_calls_itself_is_recorded_as_deep_as_it_went() -> None:
    trace = shapetrace.trace(Recurs(), torch.ones(2, 4))
    assert [call.path for call in trace.calls] == ["", "fc", "", "fc", "", "fc", ""]
    assert [call.parent for call in trace.calls if call.path == ""] == [None, 0, 2, 4]
    assert trace.totals.parameters == 20 and trace.totals.matmul_flops == 3 * 2 * 2 * 4 * 4


def test_ten_thousand_modules_are_one_row() -> None:
    model = nn.Sequential(*(nn.Sequential(nn.Linear(4, 4, device="meta")) for _ in range(5_000)))
    trace = shapetrace.trace(model, torch.ones(2, 4, device="meta"))
    assert len(trace.calls) == 10_001
    assert [step.repeat for step in trace.outline().steps()] == [5_000]
    assert trace.totals.parameters == 5_000 * 20


class TracesItself(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.kept = nn.Linear(4, 4), [None]

    def forward(self, x: Tensor) -> Tensor:
        if self.kept[0] is None:
            self.kept[0] = self  # the inner pass does not trace again
            self.kept[0] = capture(self, (x,))
        return self.fc(x).exp()


def test_a_model_may_trace_itself_in_its_own_forward() -> None:
    model = TracesItself()
    before = state_of_torch(model)
    trace = capture(model, (torch.ones(2, 4),))
    assert names(model.kept[0]) == ["linear", "exp"]
    assert names(trace)[-2:] == ["linear", "exp"] and trace.calls[0].parent is None
    assert state_of_torch(model) == before


def test_a_generator_that_traces_is_left_in_the_middle_without_a_trace_that_runs() -> None:
    model, x = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.ones(2, 4)
    before = state_of_torch(model)

    def traces() -> Iterator[shapetrace.Trace]:
        for _ in range(3):
            yield shapetrace.trace(model, x)

    waiting = traces()
    first = next(waiting)
    assert state_of_torch(model) == before
    model(x)
    assert next(waiting) == first
    waiting.close()
    assert state_of_torch(model) == before


class Yields(nn.Module):
    """Its forward is a generator: a call of it runs nothing yet."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Any:
        for _ in range(3):
            x = self.fc(x)
            yield x


def test_what_a_generator_computes_later_is_not_of_the_pass() -> None:
    model, kept = Yields(), []
    model.register_forward_hook(lambda _module, _args, out: kept.append(out))
    trace = capture(model, (torch.ones(2, 4),))
    assert (trace.ops, trace.outputs, trace.failure) == ((), (), None)
    assert [tuple(each.shape) for each in kept[0]] == [(2, 4)] * 3
    assert str(shapetrace.trace(model, torch.ones(2, 4)))


async def traced_in_turns(n: int) -> list[str]:
    model = nn.Sequential(nn.Linear(4, 4), *[nn.ReLU()] * n)
    await asyncio.sleep(0)
    trace = capture(model, (torch.ones(2, 4),))
    await asyncio.sleep(0)
    return names(trace)


async def many() -> list[list[str]]:
    inline = (traced_in_turns(n) for n in range(4))
    beside = (asyncio.to_thread(lambda n=n: names(capture(nn.Sequential(*[nn.Tanh()] * n), (torch.ones(2),))))
              for n in range(1, 4))  # fmt: skip
    return await asyncio.gather(*inline, *beside)


@pytest.mark.filterwarnings("error")
def test_callers_that_take_turns_get_each_their_own() -> None:
    found = asyncio.run(many())
    assert found == [["linear", *["relu"] * n] for n in range(4)] + [["tanh"] * n for n in range(1, 4)]
