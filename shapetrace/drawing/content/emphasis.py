"""What a row points at: sizes that do not fit, or that differ from those of another model."""

from dataclasses import dataclass
from typing import Literal

Reason = Literal["clash", "change"]


@dataclass(frozen=True, slots=True)
class Pointed:
    """What is pointed at in one operand.

    Attributes:
        reason: ``clash``: the size, its edge and its place in the shape are red. ``change``: its place is underlined.
        axes: Axes of its shape.
        stack: Whether it is the number of its matrices too.
    """

    reason: Reason
    axes: frozenset[int] = frozenset()
    stack: bool = False

    def size_ink(self, axis: int, plain: str) -> str:
        """The ink of a size at an edge, instead of its plain one."""
        return "clash" if self.has_edge(axis) else plain

    def has_edge(self, axis: int) -> bool:
        """Whether the edge of an axis is drawn thick."""
        return self.reason == "clash" and axis in self.axes

    @property
    def stack_ink(self) -> str:
        """The ink of the number of its matrices."""
        if not self.stack:
            return "stack"
        return "clash" if self.reason == "clash" else "match"


@dataclass(frozen=True, slots=True)
class Emphasis:
    """What is pointed at in a step.

    Attributes:
        reason: See `Pointed`.
        axes: Of each operand, then of each result, axes of its shape; none for those that are missing.
        stacks: Which of them have a stack that is pointed at, by the same count.
    """

    reason: Reason
    axes: tuple[frozenset[int], ...] = ()
    stacks: frozenset[int] = frozenset()

    def at(self, place: int) -> Pointed:
        """What is pointed at in an operand, or, counted on, in a result."""
        axes = self.axes[place] if place < len(self.axes) else frozenset()
        return Pointed(self.reason, axes, place in self.stacks)
