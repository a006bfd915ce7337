"""A failed operation as the rules read it, and what a rule finds."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shapetrace.failing.modules import describe, module_of
from shapetrace.failing.origins import Origins
from shapetrace.failing.structure import FailureKind, Part, written
from shapetrace.ir import Failure, Tensor, Trace
from shapetrace.language import Text, say

Shape = tuple[int, ...]


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
    def shapes(self) -> tuple[Shape, ...]:
        """Their shapes."""
        return tuple(tensor.shape for tensor in self.tensors)

    @cached_property
    def origins(self) -> Origins:
        """Who made which value."""
        return Origins(self.trace)

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

    @property
    def args(self) -> list[Any]:
        """Positional arguments, "tensor" for a tensor; empty if they were tensors alone."""
        found = self.failure.attrs.get("args")
        return found if isinstance(found, list) else []

    def arg(self, name: str, position: int, default: Any = None) -> Any:
        """A plain argument by its name or its position."""
        if name in self.failure.attrs:
            return self.failure.attrs[name]
        return self.args[position] if position < len(self.args) else default

    def name(self, position: int) -> Text:
        """What to call an operand: ``x``, ``fc2.weight``, ``the result of fc1``."""
        return self.origins.name(self.tensors[position].id)

    def named(self, position: int) -> Text:
        """The same with its shape: ``the mask [2,5,5]``."""
        return shaped(self.name(position), self.shapes[position])

    def applied(self, position: int, call: str) -> Text:
        """An operand with a method called: ``x.unsqueeze(1)``."""
        name = self.name(position)
        return name + call if isinstance(name, str) else say("{call} on {name}", name=name, call=call)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found.

    Attributes:
        reason: One sentence.
        fits: What would fit.
        clash: The numbers that do not: ``768 ≠ 512``.
        marks: Clashing axes by the position of the operand.
        shown: Positions of operands in the order in which they are read; None is all of them.
        turned: Positions whose last two axes are read the other way round.
        operator: What stands between them.
        kind: What sort of error it is.
        parts: What to show instead of the operands, where there are no tensors to show.
    """

    reason: Text
    fits: tuple[Text, ...] = ()
    clash: Text = ""
    marks: dict[int, tuple[int, ...]] = field(default_factory=dict)
    shown: tuple[int, ...] | None = None
    turned: frozenset[int] = frozenset()
    operator: str = ""
    kind: FailureKind = "shape"
    parts: tuple[Part, ...] = ()


def shaped(name: Text, shape: Shape) -> Text:
    """A name with a shape: ``the mask [2,5,5]``."""
    return say("{name} {shape}", name=name, shape=written(shape))


def with_size(shape: Shape, axis: int, size: int) -> Shape:
    """The same shape with another size in one axis."""
    return (*shape[:axis], size, *shape[axis + 1 :])


def unequal(left: int | str, right: int | str) -> str:
    """Two sizes that should be one: ``768 ≠ 512``."""
    return f"{left} ≠ {right}"


def unequal_axes(left: int, right: int) -> Text:
    """Two numbers of axes that should be one: ``3 ≠ 2 axes``."""
    return say("{left} ≠ {right} axes", left=left, right=right)


def choices(*candidates: Text) -> tuple[Text, ...]:
    """Suggestions without empty ones, each once."""
    return tuple({str(candidate): candidate for candidate in candidates if candidate}.values())
