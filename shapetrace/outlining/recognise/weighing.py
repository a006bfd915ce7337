"""What turns scores into weights: a softmax, the same written out (exp, sum, divide), or an activation."""

from dataclasses import dataclass

from shapetrace.ir import Op
from shapetrace.ops.kinds import all_have, has, names_of
from shapetrace.outlining.flow import Flow

_MOST_STEPS = 3


@dataclass(frozen=True, slots=True)
class Weighing:
    """One place where scores become weights.

    Attributes:
        source: Tensor id of the scores.
        ops: Operations that do it; the last one makes the weights.
        name: ``softmax``, or the activation's name.
    """

    source: int
    ops: tuple[int, ...]
    name: str = "softmax"

    def dim(self, flow: Flow) -> int:
        """Axis of the scores along which weights sum to one; the last if it is not said."""
        for op in (flow.trace.ops[i] for i in self.ops):
            for kernel in op.kernels:
                dims = kernel.args.get("dim")
                dim = dims[0] if isinstance(dims, list) and len(dims) == 1 else dims
                if isinstance(dim, int) and ("softmax" in kernel.name or "sum" in kernel.name):
                    return dim
        return -1


def weighings(flow: Flow) -> dict[int, Weighing]:
    """Every softmax of a trace, by the operation that makes its result."""
    found: dict[int, Weighing] = {}
    for op in flow.trace.ops:
        if flow.kinds[op.id] == "softmax":
            found[op.id] = Weighing(op.inputs[0], (op.id,))
        elif "div" in names_of(op.kernels) and len(op.inputs) == 2:
            written = _written_out(flow, op)
            if written is not None:
                found[op.id] = written
    return found


def _written_out(flow: Flow, division: Op) -> Weighing | None:
    """``e / e.sum()`` of ``e = exp(x - x.max())``."""
    numerator, denominator = (flow.root(value) for value in division.inputs)
    total, after = _behind(flow, denominator, "sum")
    if total is None or flow.root(total.inputs[0]) != numerator:
        return None
    exponential, masking = _behind(flow, numerator, "exp")
    if exponential is None:
        return None
    source, shift = _unshifted(flow, exponential.inputs[0])
    return Weighing(source, (*shift, exponential.id, *reversed(masking), total.id, *reversed(after), division.id))


def _behind(flow: Flow, value: int, name: str) -> tuple[Op | None, list[int]]:
    """The operation of this name that a value comes from, and what small things were done to it since."""
    passed: list[int] = []
    for _ in range(_MOST_STEPS):
        op = flow.op_of(value)
        if op is None or not op.inputs:
            break
        if name in names_of(op.kernels):
            return op, passed
        if not all_have(op, "keeps form"):
            break
        passed.append(op.id)
        value = flow.root(next((v for v in op.inputs if flow.is_data(v) and flow.is_floating(v)), op.inputs[0]))
    return None, passed


def _unshifted(flow: Flow, value: int) -> tuple[int, list[int]]:
    """What a value was before its maximum was taken off, and the operations that did."""
    op = flow.op_of(value)
    if op is None or "sub" not in names_of(op.kernels) or len(op.inputs) != 2:
        return value, []
    source, maximum = op.inputs
    largest = flow.op_of(maximum)
    if largest is None or not has(largest, "peak"):
        return value, []
    if flow.root(largest.inputs[0]) != flow.root(source):
        return value, []
    return source, [largest.id, op.id]


def maxima_between(flow: Flow, between: list[int]) -> list[int]:
    """Operations that find the largest score, for one of these operations to take off: part of a safe softmax."""
    makers = [flow.op_of(value) for op in between for value in flow.trace.ops[op].inputs]
    found = [op.id for op in makers if op is not None and has(op, "peak") and op.id not in between]
    return sorted(set(found))
