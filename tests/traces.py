"""Traces made by hand: no torch, no capture."""

from shapetrace.ir import Call, Failure, Kernel, Model, Op, Parameter, Tensor, Trace


def linear(*, failure: Failure | None = None) -> Trace:
    """One linear layer: [4,8] × [8,16] + [16] -> [4,16]."""
    tensors = (
        Tensor(0, (4, 8), "float32", "data", "input", "x"),
        Tensor(1, (16, 8), "float32", "weight", "parameter", "fc.weight"),
        Tensor(2, (16,), "float32", "weight", "parameter", "fc.bias"),
        Tensor(3, (8, 16), "float32", "weight", alias_of=1),
        Tensor(4, (4, 16), "float32", "data"),
    )
    kernels = (
        Kernel("aten.t.default", (1,), (3,)),
        Kernel("aten.addmm.default", (2, 0, 3), (4,), {"beta": 1, "alpha": 1.0, "note": None, "dims": [0, [1]]}),
    )
    op = Op(0, "linear", 1, (0, 1, 2), (4,), {}, kernels, "model.py:12 in forward")
    calls = (Call(0, "", "Net", None, (0,), (4,)), Call(1, "fc", "Linear", 0, (0,), (4,)))
    parameters = (Parameter("fc.weight", (16, 8), "float32", 4), Parameter("fc.bias", (16,), "float32", 4))
    model = Model("Net", {"layers": 1}, "cpu", ("The", "capital"))
    return Trace(model, (0,), (4,), tensors, (op,), calls, parameters, {"torch": "2.13.0"}, failure)
