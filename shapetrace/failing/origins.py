"""Where a value came from: back through views and element-wise functions to what gave it its size."""

from collections.abc import Container

from shapetrace.failing.modules import describe, module_of
from shapetrace.failing.operands import METHODS, REDUCING
from shapetrace.failing.structure import written
from shapetrace.ir import Op, Tensor, Trace
from shapetrace.language import Phrase, Text, joined, say

_MOST_STEPS = 4
_PIECES = frozenset("getitem chunk split split_with_sizes narrow select unbind contiguous detach".split())
"""Functions whose result is still called by the name of what it is a piece of."""

_PREPARES = _PIECES | frozenset(
    """view reshape transpose permute flatten unflatten unsqueeze squeeze T mT t expand movedim swapaxes to type float
    half bfloat16 double clone repeat relu gelu silu sigmoid tanh dropout softmax log_softmax leaky_relu elu exp sqrt
    neg layer_norm rms_norm batch_norm max_pool1d max_pool2d avg_pool1d avg_pool2d adaptive_avg_pool1d
    adaptive_avg_pool2d mean interpolate pad masked_fill zeros_like ones_like full_like empty_like abs clamp log long
    int""".split()
)
"""Functions of one value, told as ``then relu``: what was there before them is what people look for."""

_WITH_NUMBERS = frozenset(
    """add sub rsub mul div truediv rtruediv pow eq ne lt le gt ge invert bitwise_not logical_not bool cos sin rsqrt
    sqrt square tril triu cumsum""".split()
)
"""The same of functions that may have a second value, where they have none."""

_CASTS = frozenset("to type float half bfloat16 double".split())

_TOLD = {
    "input": "input {name} {shape}",
    "parameter": "parameter {name} {shape}",
    "buffer": "buffer {name} {shape}",
    "made": "a tensor made elsewhere {shape}",
}


class Origins:
    """Who made which value of a trace."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._made_by = {value: op for op in trace.ops for value in op.outputs if value not in op.inputs}
        self._parents = {call.parent for call in trace.calls if call.kind == "module"} | _running(trace)

    def made_by(self, value: int) -> Op | None:
        """The function that made a value; None for what no function made."""
        return self._made_by.get(value)

    def behind(self, value: int) -> frozenset[int]:
        """All operations that had a part in a value."""
        found: set[int] = set()
        stack = [value]
        while stack:
            op = self._made_by.get(stack.pop())
            if op is not None and op.id not in found:
                found.add(op.id)
                stack += op.inputs
        return frozenset(found)

    def before_views(self, value: int) -> tuple[int, list[Op]]:
        """The value that a value is a view of, and the views from first to last."""
        steps: list[Op] = []
        while (op := self._made_by.get(value)) is not None and op.name in METHODS and op.name not in REDUCING:
            steps.insert(0, op)
            value = op.inputs[0]
        return value, steps

    def made_alike(self, value: int) -> Op | None:
        """The function that gave a value its shape, before those of one value that keep it; None if none did."""
        while (op := self._made_by.get(value)) is not None and len(op.inputs) == 1 and _prepares(op):
            if self._trace.tensors[op.inputs[0]].shape != self._trace.tensors[value].shape:
                break
            value = op.inputs[0]
        return op

    def before(self, value: int, among: Container[int]) -> int:
        """The value of the same shape, out of some, that a value was made from step by step; else itself."""
        shape = self._trace.tensors[value].shape
        values = [op.inputs[0] for op in reversed(self._back(value)[1])]
        return next((each for each in values if each in among and self._trace.tensors[each].shape == shape), value)

    def is_input(self, value: int) -> bool:
        """Whether a value is an input of the model, or a view of one."""
        return self._trace.tensors[self.before_views(value)[0]].origin == "input"

    def is_cast(self, value: int) -> bool:
        """Whether the code gave a value its type on its way."""
        return any(op.name.rstrip("_") in _CASTS for op in self._back(value)[1])

    def maker(self, op: Op) -> str:
        """Path of the module that made a value, if that module does little else."""
        call = module_of(self._trace, op.call)
        found = self._trace.calls[call]
        return "" if call in self._parents else found.path or found.type

    def name(self, value: int) -> Text:
        """What to call a value: its own name, or ``the result of fc1``."""
        tensor = self._trace.tensors[value]
        if tensor.name:
            return tensor.name
        op = self._made_by.get(value)
        if op is None:
            return say("a tensor made elsewhere")
        root, then = self._back(value)
        named = self._trace.tensors[root].name
        if named and all(each.name in _PIECES for each in then):
            return named
        made = [each for each in (self._made_by.get(root), *then) if each is not None]
        makers = [maker for each in reversed(made) if (maker := self.maker(each))]
        return say("the result of {maker}", maker=makers[0] if makers else op.name.rstrip("_"))

    def told(self, value: int) -> Text:
        """Where a value came from, in a few words: ``fc1 (Linear 512→768) produced [4,768], then relu``."""
        root, then = self._back(value)
        tensor, op = self._trace.tensors[root], self._made_by.get(root)
        steps = self._steps(then, op)
        made = (
            _told_named(tensor)
            if op is None or (tensor.name and tensor.origin != "made")
            else self._told_op(op, tensor)
        )
        if len(steps) > _MOST_STEPS:
            steps = ["…", *steps[-_MOST_STEPS:]]
        return joined(made, *steps, by="{first}, then {second}")

    def _told_op(self, op: Op, tensor: Tensor) -> Phrase:
        call = self._trace.calls[module_of(self._trace, op.call)]
        if self.maker(op):
            what = describe(self._trace, call.id)
            maker = f"{call.path} ({what})" if call.path else what
            return say("{maker} produced {shape}", maker=maker, shape=written(tensor.shape))
        if op.line:
            return say("{maker} produced {shape} at {line}", maker=op.name, shape=written(tensor.shape), line=op.line)
        return say("{maker} produced {shape}", maker=op.name, shape=written(tensor.shape))

    def _steps(self, ops: list[Op], maker: Op | None) -> list[Text]:
        """Functions on the way: ``relu``, ``flatten to [2,400]``; those of one module are that module."""
        steps: list[Text] = []
        running = module_of(self._trace, maker.call) if maker is not None else None
        for place, op in enumerate(ops):
            call = module_of(self._trace, op.call)
            follower = ops[place + 1] if place + 1 < len(ops) else None
            inside = self.maker(op) and self._trace.calls[call].path
            if inside and follower is not None and module_of(self._trace, follower.call) == call:
                continue
            steps.append(self._step(op, named=call != running))
        return steps

    def _step(self, op: Op, *, named: bool) -> Text:
        """One function on the way: ``relu``, ``flatten to [2,400]``, ``ln_f (LayerNorm 768)``."""
        call = self._trace.calls[module_of(self._trace, op.call)]
        path = call.path if named and self.maker(op) else ""
        name = f"{path} ({describe(self._trace, call.id)})" if path else op.name
        shapes = [self._trace.tensors[i].shape for i in (*op.inputs[:1], *op.outputs[:1])]
        return say("{name} to {shape}", name=name, shape=written(shapes[1])) if len(set(shapes)) > 1 else name

    def _back(self, value: int) -> tuple[int, list[Op]]:
        """The value before views and functions of one value, and these functions from first to last."""
        steps: list[Op] = []
        while (op := self._made_by.get(value)) is not None and (not steps or op.id < steps[0].id):
            tensor = self._trace.tensors[value]
            named = tensor.name and tensor.alias_of is None
            if named or not op.inputs or not _prepares(op):
                break
            steps.insert(0, op)
            value = op.inputs[0]
        return value, steps


def _prepares(op: Op) -> bool:
    name = op.name.rstrip("_")
    return name in _PREPARES or (name in _WITH_NUMBERS and len(op.inputs) == 1)


def _running(trace: Trace) -> set[int]:
    """Module calls that the failure ended: they have no result."""
    call = trace.failure.call if trace.failure is not None and trace.calls else None
    found: set[int] = set()
    while call is not None:
        found.add(call)
        call = trace.calls[call].parent
    return found


def _told_named(tensor: Tensor) -> Phrase:
    template = "{name} {shape}" if tensor.name.startswith(tensor.origin) else _TOLD[tensor.origin]
    return say(template, name=tensor.name, shape=written(tensor.shape))
