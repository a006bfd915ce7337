"""What a pass leaves behind while it runs: operations with their kernels, and calls."""

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from msgspec.structs import replace

from shapetrace.capture.known_values import KnownValues
from shapetrace.capture.plain import plain, tensors_in
from shapetrace.capture.registry import Registry
from shapetrace.errors import TooManyOpsError
from shapetrace.ir import Call, Kernel, Op, Plain, Role

_POSITIONS = {
    "scaled_dot_product_attention": (
        "query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa",
    ),
    "multi_head_attention_forward": ("query", "key", "value", "embed_dim_to_check", "num_heads"),
}  # fmt: skip
"""Names of positional arguments that the outline reads and that are not in a kernel's schema."""

_PLACES = (torch.device, torch.memory_format)
"""Types of arguments that say where a result lies, and not what it is."""

_SHAPE_ONLY = ("zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "new_")
"""Functions whose result takes its shape, but no value, from their operand."""


Gives = Literal["new", "view", "chance"]
"""What a kernel gives: new memory, a view of an operand's, or numbers that chance made."""


@dataclass(slots=True)
class OpenOp:
    """An operation that is running."""

    name: str
    inputs: list[int]
    attrs: dict[str, Plain]
    line: str
    kernels: list[Kernel] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    told: set[int] = field(default_factory=set)
    """Results that operations of their own, inside this one, have given already."""


class Recorder:
    """Collects the facts of one pass.

    Attributes:
        registry: Which tensor object holds which value.
        ops: Finished operations.
        calls: Calls, parents before children.
        failing: The innermost operation that raised, if one did.
        raising: The innermost call that an exception left, and that exception.
        most_ops: Operations after which recording stops with an error; 0 if there is no limit.
        is_paused: Whether kernels run without being taken down.
        twins: What is known on meta while kernels run there in place of others, for their shapes alone.
    """

    def __init__(self, registry: Registry, most_ops: int = 0) -> None:
        self.registry = registry
        self.most_ops = most_ops
        self.ops: list[Op] = []
        self.calls: list[Call] = []
        self.failing: tuple[OpenOp, int, BaseException] | None = None
        self.raising: tuple[int, BaseException] | None = None
        self._scopes: list[int] = []
        self._open: OpenOp | None = None
        self._times = 1
        self.is_paused = False
        self.twins: KnownValues | None = None

    @contextmanager
    def repeating(self, times: int) -> Iterator[None]:
        """Kernels of the block are taken down once, and ran so often."""
        before, self._times = self._times, times
        try:
            yield
        finally:
            self._times = before

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Kernels of the block run and are not taken down: something else tells what they did."""
        self.is_paused = True
        try:
            yield
        finally:
            self.is_paused = False

    @property
    def is_open(self) -> bool:
        """Whether a function is running that owns the kernels; none does while autograd runs backward."""
        return self._open is not None

    @property
    def scope(self) -> int:
        """Id of the running call."""
        return self._scopes[-1] if self._scopes else 0

    def enter_call(self, call: Call) -> int:
        """Open a module call or a composite function."""
        self.calls.append(call)
        self._scopes.append(call.id)
        return call.id

    def leave_call(self, call: int, outputs: Any) -> None:
        """Close a call, and any that an exception left open inside it."""
        if call not in self._scopes:
            return
        while self._scopes.pop() != call:
            pass
        found = tuple(known for t in tensors_in(outputs) if (known := self.registry.known(t)) is not None)
        self.calls[call] = replace(self.calls[call], outputs=found)

    def leave_raising(self, call: int, error: BaseException) -> None:
        """Remember the innermost call that an exception left."""
        if self.raising is None or self.raising[1] is not error:
            self.raising = (call, error)

    def open_op(
        self, name: str, operands: Sequence[torch.Tensor], args: Sequence[Any], kwargs: dict[str, Any], line: str
    ) -> OpenOp:
        """Start an operation: read its operands before anything changes them."""
        self._open = OpenOp(name, list(map(self.registry.read, operands)), _attrs(name, args, kwargs), line)
        return self._open

    def close_op(self, opened: OpenOp, result: Any) -> None:
        """Finish an operation; what neither ran a kernel nor gave a tensor leaves no trace."""
        self._open = None
        role = self.role_of(opened.name, opened.inputs)
        outputs = [self.registry.write(tensor, role) for tensor in tensors_in(result)]
        outputs += [value for value in opened.changed if value not in outputs]
        self.registry.forget_passed()
        if opened.told and not opened.kernels:
            outputs = [value for value in outputs if value not in opened.told]
        if opened.kernels or outputs:
            self._append(opened, tuple(outputs))

    def fail_op(self, opened: OpenOp, error: BaseException) -> None:
        """Remember the innermost operation that raised."""
        self._open = None
        self.registry.forget_passed()
        if self.failing is None or self.failing[2] is not error:
            self.failing = (opened, self.scope, error)

    def fail_function(
        self, name: str, args: Sequence[Any], kwargs: dict[str, Any], line: str, error: BaseException
    ) -> None:
        """Remember a composite function whose own code raised: it is the operation that failed.

        One that called what raised is a call that failed: it has its operands.
        """
        inputs = [self.registry.read(tensor) for tensor in tensors_in((tuple(args), tuple(kwargs.values())))]
        if self.failing is not None and self.failing[2] is error:
            self.calls[self.scope] = replace(self.calls[self.scope], inputs=tuple(inputs))
            return
        if self.raising is not None and self.raising[1] is error:
            return
        self.fail_op(OpenOp(name, inputs, _attrs(name, args, kwargs), line), error)

    def record_kernel(
        self, name: str, inputs: list[int], args: dict[str, Plain], result: Any, mutated: Any, *, gives: Gives
    ) -> None:
        """Take down one ATen operator that has run; one that no operation owns becomes an operation."""
        is_view = gives == "view"
        role = self.role_of(name, inputs)
        changed = [value for tensor in mutated for value in self.registry.change(tensor, role)]
        outputs = [self.registry.made(tensor, role, is_view=is_view) for tensor in tensors_in(result)]
        outputs += [value for value in changed if value not in outputs]
        if role != "constant":
            self.registry.note_weighted(inputs, outputs)
        self.registry.note_chance(inputs, outputs, is_chance=gives == "chance")
        kernel = Kernel(name, tuple(inputs), tuple(outputs), args, self._times)
        if self._open is not None:
            self._open.kernels.append(kernel)
            self._open.changed += changed
            return
        self._append(OpenOp(name.rpartition(".")[0], inputs, args, "", [kernel]), tuple(outputs))

    def record_collective(
        self, name: str, inputs: list[int], args: dict[str, Plain], result: Any, written: Sequence[torch.Tensor]
    ) -> None:
        """Take down a kernel by which ranks talk, as an operation of its own, also inside one that is running."""
        role = "data" if not inputs else self.registry.role_of(inputs)
        outputs = [value for tensor in written for value in self.registry.change(tensor, role)]
        if not written:
            outputs += [self.registry.made(tensor, role, is_view=False) for tensor in tensors_in(result)]
        opened = self._open
        if opened is not None and opened.kernels:
            self._append(opened, _last_made(opened.kernels))
            opened.kernels = []
            opened.inputs = [*opened.inputs, *outputs]
        if opened is not None:
            opened.told.update(outputs)
        kernel = Kernel(name, tuple(inputs), tuple(outputs), args)
        word, line = name.split(".")[1].strip("_"), "" if opened is None else opened.line
        self._append(OpenOp(word, inputs, args, line, [kernel]), tuple(outputs))

    def role_of(self, name: str, inputs: Sequence[int]) -> Role:
        """Role of a function's result."""
        if _takes_no_value(name):
            return "constant"
        return self.registry.role_of(inputs)

    def fold_composite(self, call: int, first_op: int, name: str, line: str) -> None:
        """Close a composite function: one that made a single operation is that operation."""
        if self.failing is not None and self.failing[1] == call:  # kept: the failure names it
            return
        if self.calls[-1].id == call and len(self.ops) - first_op <= 1:
            self.calls.pop()
            parent = self.scope
            for op in self.ops[first_op:]:
                self.ops[op.id] = replace(op, name=name, call=parent, line=line)

    def _append(self, opened: OpenOp, outputs: tuple[int, ...]) -> None:
        if self.most_ops and len(self.ops) == self.most_ops:
            raise TooManyOpsError(f"the pass makes more than {self.most_ops:,} operations")
        kernels = tuple(opened.kernels)
        op = Op(
            len(self.ops), opened.name, self.scope, tuple(opened.inputs), outputs, opened.attrs, kernels, opened.line
        )
        self.ops.append(op)


@functools.cache
def _takes_no_value(name: str) -> bool:
    return name.rpartition("aten.")[2].startswith(_SHAPE_ONLY)


def _last_made(kernels: Sequence[Kernel]) -> tuple[int, ...]:
    """What kernels made and none of them read."""
    read = {value for kernel in kernels for value in kernel.inputs}
    return tuple(dict.fromkeys(value for kernel in kernels for value in kernel.outputs if value not in read))


def _attrs(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Plain]:
    """Plain arguments of a call; positional ones as one list where their names are not known."""
    attrs: dict[str, Plain] = {}
    names = _POSITIONS.get(name)
    if names is not None:
        attrs.update((key, plain(value)) for key, value in zip(names, args, strict=False))
    elif any(not isinstance(value, torch.Tensor) for value in args):
        attrs["args"] = [plain(value) for value in args]
    for key, value in kwargs.items():
        if value is not None and not isinstance(value, _PLACES):
            attrs[key] = plain(value)
    return attrs
