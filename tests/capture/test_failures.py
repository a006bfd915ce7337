"""A model that raises: its own exception, where it happened, and what ran before."""

import contextlib

import pytest
import torch
from torch import Tensor, nn

from shapetrace import ir
from shapetrace.capture import capture
from shapetrace.outlining import outline
from shapetrace.serialize import from_json, to_json


class Mismatch(nn.Module):
    """The second layer does not fit the first."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(5, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


LINE = f"tests/capture/test_failures.py:{Mismatch.forward.__code__.co_firstlineno + 1} in Mismatch.forward"


def failed(model: nn.Module, *args: Tensor) -> tuple[Exception, ir.Trace]:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each test looks at what came
        capture(model, args)
    return caught.value, caught.value.trace


def test_the_model_s_own_exception_comes_through() -> None:
    model, x = Mismatch(), torch.ones(3, 4)
    with pytest.raises(RuntimeError) as untraced:
        model(x)
    error, _ = failed(model, x)
    assert type(error) is RuntimeError and str(error) == str(untraced.value)
    assert error.__notes__ == [f"while tracing Mismatch, in layers.2, at {LINE}"]


def test_the_failure_names_the_operation_and_its_operands() -> None:
    _, trace = failed(Mismatch(), torch.ones(3, 4))
    failure = trace.failure
    assert (failure.type, failure.op, trace.calls[failure.call].path) == ("RuntimeError", "linear", "layers.2")
    assert [trace.tensors[i].shape for i in failure.inputs] == [(3, 6), (2, 5), (2,)]
    assert failure.line == LINE


def test_what_ran_before_is_kept_and_can_be_read() -> None:
    _, trace = failed(Mismatch(), torch.ones(3, 4))
    assert [op.name for op in trace.ops] == ["linear", "relu"]
    assert from_json(to_json(trace)) == trace
    found = outline(trace)
    assert [step.equation for step in found.steps() if step.kind == "product"] == ["[3,4]×[4,6]→[3,6]"]
    assert found.failure.startswith("RuntimeError: mat1 and mat2 shapes cannot be multiplied")


class Own(nn.Module):
    """Raises by itself, outside of any operation."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.exp()
        raise KeyError(f"no {y.size(0)}")


def test_an_error_of_the_model_s_own_code_names_no_operation() -> None:
    _, trace = failed(Own(), torch.ones(3, 4))
    assert (trace.failure.type, trace.failure.op, trace.failure.inputs) == ("KeyError", "", ())
    assert trace.failure.line.endswith("in Own.forward")


def test_inputs_that_do_not_fit_forward_fail_before_anything_ran() -> None:
    error, trace = failed(Own(), torch.ones(1), torch.ones(1))
    assert isinstance(error, TypeError) and trace.ops == ()
    assert outline(trace).failure.startswith("TypeError")


def test_an_earlier_error_that_was_caught_is_not_the_failure() -> None:
    class Recovers(Own):
        def forward(self, x: Tensor) -> Tensor:
            with contextlib.suppress(RuntimeError):
                x @ x
            raise ValueError("later")

    _, trace = failed(Recovers(), torch.ones(3, 4))
    assert (trace.failure.type, trace.failure.op) == ("ValueError", "")


def test_a_failure_inside_a_composite_names_the_innermost_operation() -> None:
    model = nn.MultiheadAttention(16, 4)
    _, trace = failed(model, torch.ones(5, 1, 16), torch.ones(5, 1, 16), torch.ones(6, 1, 16))
    assert trace.failure is not None
    assert trace.calls[trace.failure.call].type in ("MultiheadAttention", "multi_head_attention_forward")


def test_a_failure_on_meta_that_needs_values_is_the_model_s_own() -> None:
    class Looks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4, device="meta")

        def forward(self, x: Tensor) -> Tensor:
            return x if self.fc(x).sum().item() > 0 else -x

    _, trace = failed(Looks(), torch.ones(2, 4, device="meta"))
    assert trace.failure.op == "item"
