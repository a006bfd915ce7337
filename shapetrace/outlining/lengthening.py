"""How the FLOPs of a pass grow with the length of its input, told by the axes of its products alone."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Operand, Outline, Step


def flops_by_power(outline: Outline) -> Mapping[int, int] | None:
    """FLOPs by the power of the input's length that they grow with: ``{1: 260e9, 2: 32e9}``.

    An axis is as long as the input, or the model's own: one of a weight. None where a product has another one, such as
    rows that were chosen for an expert or several sequences: nobody knows from one pass how that grows.
    """
    running = running_axes(outline)
    if not running:
        return None
    weights = [operand for step in outline.steps() for operand in step.operands if operand.role == "weight"]
    own = frozenset(axis for weight in weights for axis in weight.axes if axis >= 0) - running
    known = _Known(running, own, frozenset({1, *(weight.stack for weight in weights)}))
    found: Counter[int] = Counter()
    for step in outline.steps():
        if step.flops:
            power = known.power(step)
            if power is None:
                return None
            found[power] += step.flops_in_all
    return found or None


@dataclass(frozen=True, slots=True)
class _Known:
    """Axes that are as long as the input, those that are the model's, and how many equal matrices it may have."""

    running: Collection[int]
    own: Collection[int]
    stacks: Collection[int]

    def power(self, step: Step) -> int | None:
        """With which power of the input's length the FLOPs of a product grow; None if nobody knows."""
        if step.inner is None or len(step.operands) != 2:
            return None
        read, other = step.operands
        if any(axis in self.running for operand in (read, other) if operand.role == "weight" for axis in operand.axes):
            return None
        axes = [*_axes(read), *(() if other.role == "weight" else _axes(other, step.inner[1]))]
        stacked = any(operand.stack not in self.stacks for operand in step.operands)
        if stacked or any(axis not in self.running and axis not in self.own for axis in axes):
            return None
        return sum(axis in self.running for axis in axes)


def _axes(operand: Operand, without: int | None = None) -> Iterator[int]:
    """The axes of a matrix that are longer than 1; -1 for one that nobody knows."""
    for place, size in enumerate(operand.shape):
        if size != 1 and place != without:
            yield operand.axes[place] if place < len(operand.axes) else -1
