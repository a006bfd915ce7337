"""A failed operation as the rules read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from shapetrace.failing.identity import Identity
from shapetrace.failing.modules import describe, module_of
from shapetrace.failing.operands import Operand, Shape
from shapetrace.failing.origins import Origins
from shapetrace.ir import Failure, Op, Plain, Tensor, Trace
from shapetrace.language import Text, say

RANGE = "index_range"
"""Attribute of a failed operation: smallest and largest of its integers, where the recorder could look."""


@dataclass(frozen=True)
class Operation:
    """A function with its operands, as it failed or as it could be.

    Attributes:
        name: Name of the function, without the underscore of one that works in place.
        operands: What it was given.
        attrs: Its plain arguments: by name, and positional ones as the list ``args``.
        in_place: Whether it changes its first operand.
    """

    name: str
    operands: tuple[Operand, ...]
    attrs: Mapping[str, Plain] = field(default_factory=dict)
    in_place: bool = False

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Shapes of the operands."""
        return tuple(operand.shape for operand in self.operands)

    @property
    def args(self) -> list[Any]:
        """Positional arguments, "tensor" for a tensor; empty if they were tensors alone."""
        found = self.attrs.get("args")
        return found if isinstance(found, list) else []

    def arg(self, name: str, position: int, default: Any = None) -> Any:
        """A plain argument by its name or its position."""
        if name in self.attrs:
            return self.attrs[name]
        return self.args[position] if position < len(self.args) else default

    def with_arg(self, name: str, position: int, value: Any) -> "Operation":
        """The same with another plain argument."""
        if name not in self.attrs and position < len(self.args):
            return replace(
                self, attrs={**self.attrs, "args": [*self.args[:position], value, *self.args[position + 1 :]]}
            )
        return replace(self, attrs={**self.attrs, name: value})

    def with_operands(self, changed: Mapping[int, Operand]) -> "Operation":
        """The same with other operands at some positions."""
        return replace(self, operands=tuple(changed.get(i, operand) for i, operand in enumerate(self.operands)))

    def dim(self, name: str, position: int, default: int, n_axes: int) -> int | None:
        """An axis argument counted from the front; None if there is no such axis."""
        value = self.arg(name, position, default)
        return value % n_axes if isinstance(value, int) and n_axes and -n_axes <= value < n_axes else None


@dataclass(frozen=True)
class Case:
    """One failure.

    Attributes:
        trace: The pass that it ended.
        failure: The failure itself.
    """

    trace: Trace
    failure: Failure

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """Operands of the operation; of a module that raised by itself, what went into the module."""
        ids = self.failure.inputs
        if not self.failure.op and self.trace.calls:
            ids = self.trace.calls[self.call_id].inputs or self.trace.inputs
        return tuple(self.trace.tensors[i] for i in ids)

    @cached_property
    def operation(self) -> Operation:
        """The operation as it failed."""
        found = self.failure.attrs.get(RANGE)
        largest = (found[0], found[1]) if isinstance(found, list) and len(found) == 2 else None
        operands = tuple(replace(self.operand(t), largest=largest if "int" in t.dtype else None) for t in self.tensors)
        return Operation(self.op, operands, self.failure.attrs, self.failure.op.endswith("_"))

    def operand(self, tensor: Tensor) -> Operand:
        """A recorded tensor as an operand."""
        return Operand(
            self.identity.atoms, self.identity.of(tensor.id), tensor.dtype, tensor.role, names=self.names(tensor)
        )

    def names(self, tensor: Tensor) -> tuple[str, ...]:
        """Names of a tensor's sizes where they were proved, "" for those that are a number; () if none was."""
        sizes = self.trace.sizes
        places = sizes.axes[tensor.id] if sizes and tensor.id < len(sizes.axes) else ()
        found = tuple(sizes.formulas[place] if sizes and place >= 0 else "" for place in places)
        return tuple("" if name.isdigit() else name for name in found) if any(found) else ()

    @cached_property
    def identity(self) -> Identity:
        """Which axis is which."""
        return Identity(self.trace)

    @cached_property
    def origins(self) -> Origins:
        """Who made which value."""
        return Origins(self.trace)

    def crossed(self, value: int) -> Op | None:
        """A function on the way to a value in which examples met all others: (B) − (B, 1) is (B, B)."""
        ops = [self.trace.ops[i] for i in sorted(self.origins.behind(value))]
        return next((op for op in ops if len(op.inputs) == 2 and op.outputs and self._crosses(op)), None)

    def _crosses(self, op: Op) -> bool:
        shapes, made = [self.trace.tensors[i].shape for i in op.inputs], self.trace.tensors[op.outputs[0]].shape
        if len(shapes[0]) == len(shapes[1]) or made in shapes or any(len(shape) > len(made) for shape in shapes):
            return False
        padded = [(1,) * (len(made) - len(shape)) + shape for shape in shapes]
        n_examples = sum(any(map(self.identity.examples, self.identity.of(i))) for i in op.inputs)
        return n_examples == 2 and tuple(map(max, *padded)) == made and op.name not in ("matmul", "einsum", "outer")

    @property
    def op(self) -> str:
        """Name of the function, without the underscore of one that works in place."""
        return self.failure.op.removeprefix("aten.").rstrip("_")

    @property
    def call_id(self) -> int:
        """The module call that was running."""
        return module_of(self.trace, self.failure.call)

    @property
    def module(self) -> str:
        """What the running module is: ``Linear 512→10``."""
        return describe(self.trace, self.call_id) if self.trace.calls else ""

    @property
    def path(self) -> str:
        """Where the running module is."""
        return self.trace.calls[self.call_id].path if self.trace.calls else ""

    def name(self, position: int) -> Text:
        """What to call an operand: ``x``, ``fc2.weight``, ``the result of fc1``."""
        return self.origins.name(self.tensors[position].id)

    def says(self, message: str | Sequence[str]) -> bool:
        """Whether the exception says one of these."""
        return any(words in self.failure.message for words in ([message] if isinstance(message, str) else message))


def on(name: Text, calls: str) -> Text:
    """A value with methods called: ``x.unsqueeze(1)``, ``.unsqueeze(1) on the result of fc1``."""
    return name + calls if isinstance(name, str) else say("{call} on {name}", name=name, call=calls)
