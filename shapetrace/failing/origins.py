"""Where a value came from: back through views and element-wise functions to what gave it its size."""

from shapetrace.failing.modules import describe, module_of
from shapetrace.failing.structure import written
from shapetrace.ir import Op, Tensor, Trace

_MOST_STEPS = 4
_PREPARES = frozenset(
    """view reshape transpose permute flatten unflatten unsqueeze squeeze contiguous to type float half bfloat16 double
    chunk split split_with_sizes getitem T mT t expand detach clone movedim swapaxes narrow select unbind repeat
    relu gelu silu sigmoid tanh dropout softmax log_softmax leaky_relu elu exp sqrt neg layer_norm rms_norm batch_norm
    max_pool1d max_pool2d avg_pool1d avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d mean interpolate pad
    masked_fill abs clamp log long int""".split()
)
"""Functions of one value, told as ``then relu``: what was there before them is what people look for."""


class Origins:
    """Who made which value of a trace."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._made_by = {value: op for op in trace.ops for value in op.outputs if value not in op.inputs}
        self._parents = {call.parent for call in trace.calls if call.kind == "module"}

    def name(self, value: int) -> str:
        """What to call a value: its own name, or ``the result of fc1``."""
        tensor = self._trace.tensors[value]
        if tensor.name:
            return tensor.name
        op = self._made_by.get(value)
        if op is None:
            return "a tensor made elsewhere"
        root, then = self._back(value)
        if self._trace.tensors[root].name and not any(map(self._maker, then)):
            return self._trace.tensors[root].name
        made = [each for each in (self._made_by.get(root), *then) if each is not None]
        makers = [maker for each in reversed(made) if (maker := self._maker(each))]
        return f"the result of {makers[0] if makers else op.name}"

    def told(self, value: int) -> str:
        """Where a value came from, in a few words: ``fc1 (Linear 512→768) produced [4,768], then relu``."""
        root, then = self._back(value)
        steps = [self._step(each) for each in then]
        tensor, op = self._trace.tensors[root], self._made_by.get(root)
        words = [_told_named(tensor) if op is None or tensor.name else self._told_op(op, tensor)]
        if len(steps) > _MOST_STEPS:
            steps = ["…", *steps[-_MOST_STEPS:]]
        words += [f"then {step}" for step in steps]
        return ", ".join(word for word in words if word)

    def _told_op(self, op: Op, tensor: Tensor) -> str:
        call = self._trace.calls[module_of(self._trace, op.call)]
        if self._maker(op):
            what = describe(self._trace, call.id)
            return f"{f'{call.path} ({what})' if call.path else what} produced {written(tensor.shape)}"
        line = f" at {op.line}" if op.line else ""
        return f"{op.name} produced {written(tensor.shape)}{line}"

    def _step(self, op: Op) -> str:
        """One function on the way: ``relu``, ``flatten to [2,400]``, ``ln_f (LayerNorm 768)``."""
        call = self._trace.calls[module_of(self._trace, op.call)]
        name = f"{call.path} ({describe(self._trace, call.id)})" if call.path and self._maker(op) else op.name
        shapes = [self._trace.tensors[i].shape for i in (*op.inputs[:1], *op.outputs[:1])]
        return f"{name} to {written(shapes[1])}" if len(set(shapes)) > 1 else name

    def _maker(self, op: Op) -> str:
        """Path of the module that made a value, if that module does little else."""
        call = module_of(self._trace, op.call)
        found = self._trace.calls[call]
        return "" if call in self._parents else found.path or found.type

    def _back(self, value: int) -> tuple[int, list[Op]]:
        """The value before views and functions of one value, and these functions from first to last."""
        steps: list[Op] = []
        while (op := self._made_by.get(value)) is not None:
            tensor = self._trace.tensors[value]
            named = tensor.name and tensor.alias_of is None
            if named or op.name.rstrip("_") not in _PREPARES or not op.inputs:
                break
            steps.insert(0, op)
            value = op.inputs[0]
        return value, steps


def _told_named(tensor: Tensor) -> str:
    what = {"input": "input", "parameter": "parameter", "buffer": "buffer", "made": "a tensor made elsewhere"}
    name = "" if tensor.name == tensor.origin else tensor.name
    return " ".join(part for part in (what[tensor.origin], name, written(tensor.shape)) if part)
