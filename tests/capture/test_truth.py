"""A trace against what PyTorch itself saw."""

import pytest
import torch

from shapetrace.capture import capture
from tests.capture.oracles import recorded_shapes, shapes_of, traced_output, with_real_shapes
from tests.capture.samples import NAMES, in_dtype, results, samples


@pytest.mark.parametrize("name", NAMES)
def test_every_module_call_has_the_shapes_it_really_gave(name: str) -> None:
    model, args, kwargs = samples()[name]
    trace, seen = with_real_shapes(model, *args, **kwargs)
    assert sorted(recorded_shapes(trace)) == sorted(seen)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_bit_for_bit_those_of_an_untraced_run(name: str, training: bool, dtype: torch.dtype) -> None:
    expected = results(name, training, dtype)
    model, args, kwargs = in_dtype(samples()[name], dtype)
    assert all(each.dtype is dtype for each in model.parameters())
    torch.manual_seed(1)
    trace, found = traced_output(model.train(training), *args, **kwargs)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert shapes_of(trace, trace.outputs) == tuple(tuple(tensor.shape) for tensor in expected)


@pytest.mark.parametrize("name", NAMES)
def test_every_kernel_is_owned_and_every_value_is_made_once(name: str) -> None:
    model, args, kwargs = samples()[name]
    trace = capture(model, args, kwargs)
    kernels = [kernel for op in trace.ops for kernel in op.kernels]
    inside = {value for kernel in kernels for value in (*kernel.inputs, *kernel.outputs)}
    assert {value for op in trace.ops if op.kernels for value in op.outputs} <= inside
    made = [value for kernel in kernels if not is_view(kernel.name) for value in kernel.outputs]
    assert len(made) == len(set(made))
    assert not set(made) & set(trace.inputs)


def is_view(kernel: str) -> bool:
    namespace, name, overload = kernel.split(".")
    schema = getattr(getattr(getattr(torch.ops, namespace), name), overload)._schema
    return any(returned.alias_info is not None for returned in schema.returns)


def test_memory_used_again_inside_one_operation_is_a_new_value() -> None:
    trace = capture(Power(), (torch.eye(16),))
    outputs = [kernel.outputs for op in trace.ops for kernel in op.kernels]
    assert len(outputs) == len(set(outputs)) >= 4


class Power(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.matrix_power(x, 9)
