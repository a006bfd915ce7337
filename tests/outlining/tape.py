"""Traces written down by hand, one operation a line: no torch, no capture."""

from collections.abc import Mapping, Sequence
from typing import Any

from shapetrace.ir import Call, Kernel, Model, Op, Parameter, Tensor, Trace
from shapetrace.outlining.passes import PASSES, run


class Tape:
    """A trace in the making. Every method gives the id of the value that it made."""

    def __init__(self, *, calls: Sequence[tuple[str, str]] = ()) -> None:
        """Start with the module calls, path and class name each; the model itself is there."""
        paths = [("", "Net"), *calls]
        parents = [max((i for i, (p, _) in enumerate(paths[:n]) if _holds(p, path)), default=None)
                   for n, (path, _) in enumerate(paths)]  # fmt: skip
        self._calls = [Call(i, path, kind, parents[i]) for i, (path, kind) in enumerate(paths)]
        self._tensors: list[Tensor] = []
        self._ops: list[Op] = []
        self._parameters: list[Parameter] = []
        self._at = 0

    def at(self, path: str) -> None:
        """What follows runs in this module."""
        self._at = next(call.id for call in self._calls if call.path == path)

    def input(self, *shape: int, dtype: str = "float32") -> int:
        return self._value(Tensor(len(self._tensors), shape, dtype, "data", "input", f"x{len(self._tensors)}"))

    def weight(self, name: str, *shape: int) -> int:
        assert name not in {parameter.name for parameter in self._parameters}
        self._parameters.append(Parameter(name, shape, "float32", 4))
        return self._value(Tensor(len(self._tensors), shape, "float32", "weight", "parameter", name))

    def kept(self, *shape: int) -> int:
        """A buffer: rows of an earlier pass."""
        return self._value(Tensor(len(self._tensors), shape, "float32", "data", "input", f"past{len(self._tensors)}"))

    def _value(self, tensor: Tensor) -> int:
        self._tensors.append(tensor)
        return tensor.id

    def op(self, name: str, inputs: Sequence[int], *shape: int, dtype: str = "float32", **args: Any) -> int:
        """One operation of one kernel with one result."""
        return self.ops(name, inputs, [(shape, dtype)], **args)[0]

    def ops(
        self, name: str, inputs: Sequence[int], made: Sequence[tuple[tuple[int, ...], str]], **args: Any
    ) -> list[int]:
        """One operation of one kernel with several results."""
        roles = {self._tensors[value].role for value in inputs}
        role = next((role for role in ("data", "weight") if role in roles), "constant")
        outs = [self._value(Tensor(len(self._tensors), shape, dtype, role)) for shape, dtype in made]
        kernel = Kernel(f"aten.{name}.default", tuple(inputs), tuple(outs), args)
        self._ops.append(Op(len(self._ops), name, self._at, tuple(inputs), tuple(outs), {}, (kernel,)))
        return outs

    def shape(self, value: int) -> tuple[int, ...]:
        return self._tensors[value].shape

    def times(self, left: int, right: int) -> int:
        """(m, k) x (k, n), or a batch of them."""
        one, two = self._tensors[left].shape, self._tensors[right].shape
        return self.op("bmm" if len(one) == 3 else "mm", (left, right), *one[:-1], two[-1])

    def linear(self, x: int, name: str, n: int) -> int:
        """A product with a weight (k, n) of its own."""
        return self.times(x, self.weight(name, self._tensors[x].shape[-1], n))

    def like(self, name: str, *inputs: int, **args: Any) -> int:
        """An element-wise operation, or anything that keeps the shape of its first operand."""
        return self.op(name, inputs, *self._tensors[inputs[0]].shape, **args)

    def heads(self, x: int, count: int) -> int:
        """(T, h·s) as (h, T, s)."""
        rows, columns = self._tensors[x].shape
        split = self.op("view", (x,), rows, count, columns // count, size=[rows, count, columns // count])
        return self.op("transpose", (split,), count, rows, columns // count, dim0=0, dim1=1)

    def turned(self, x: int) -> int:
        """The last two axes changed about."""
        *before, rows, columns = self._tensors[x].shape
        return self.op("transpose", (x,), *before, columns, rows, dim0=-2, dim1=-1)

    def joined(self, x: int) -> int:
        """(h, T, s) as (T, h·s)."""
        count, rows, columns = self._tensors[x].shape
        back = self.op("transpose", (x,), rows, count, columns, dim0=0, dim1=1)
        return self.op("view", (back,), rows, count * columns, size=[rows, count * columns])

    def attention(self, x: int, heads: int, context: int | None = None) -> int:
        """Attention written out, with a weight each for queries, keys, values and output."""
        context, width = x if context is None else context, self._tensors[x].shape[-1]
        path, number = self._calls[self._at].path, len(self._ops)
        q_name, k_name, v_name, o_name = (f"{path}.{part}{number}".lstrip(".") for part in "qkvo")
        q, k, v = (self.heads(self.linear(of, name, width), heads)
                   for of, name in ((x, q_name), (context, k_name), (context, v_name)))  # fmt: skip
        weights = self.like("_softmax", self.times(q, self.turned(k)), dim=-1)
        return self.linear(self.joined(self.times(weights, v)), o_name, width)

    def trace(self, *outputs: int) -> Trace:
        read = tuple(t.id for t in self._tensors if t.origin == "input")
        return Trace(Model("Net"), read, outputs, tuple(self._tensors), tuple(self._ops), tuple(self._calls),
                     tuple(self._parameters))  # fmt: skip


def _holds(outer: str, path: str) -> bool:
    return path != outer and (not outer or path.startswith(f"{outer}."))


def until(gives: str, trace: Trace) -> Mapping[str, Any]:
    """All results up to the one that is asked for."""
    end = next(place for place, each in enumerate(PASSES) if each.gives == gives) + 1
    return run(PASSES[:end], trace=trace, fused=False)
