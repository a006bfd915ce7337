"""How the FLOPs of a pass grow with the length of its input, told by the axes of its products alone."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from shapetrace.outlining.roles import Role
from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Operand, Outline, Step

_DEEPEST = 4
"""Steps that are gone back through to what made a column: parts put together, rotated, multiplied with a weight."""


def flops_by_power(outline: Outline) -> Mapping[int, int] | None:
    """FLOPs by the power of the input's length that they grow with: ``{1: 260e9, 2: 32e9}``.

    An axis is as long as the input, or the model's own: one of a weight, what is made of such columns alone, the
    experts that each row chooses; or several of these in one. None where a product has another one, such as several
    sequences: nobody knows from one pass how that grows.
    """
    running = running_axes(outline)
    if not running:
        return None
    steps = {step.id: step for step in outline.steps()}
    weights = [operand for step in steps.values() for operand in step.operands if operand.role == "weight"]
    chosen = (step.results[0] for step in steps.values() if step.role is Role.CHOOSE_EXPERTS and step.results)
    of_rows = (each.axes for each in chosen if len(each.axes) > 1 and each.axes[-2] in running)  # not rows of experts
    own = {axis for weight in weights for axis in weight.axes} | {axes[-1] for axes in of_rows}
    stacks = frozenset({1, *(weight.stack for weight in weights)})
    known = _Known(running, frozenset(axis for axis in own if axis >= 0) - running, stacks, outline.axis_parts, steps)
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
    """What is known of the axes of a pass.

    Attributes:
        running: Those that are as long as the input.
        own: Those that are the model's.
        stacks: How many equal matrices there may be.
        parts: What an axis is made of.
        steps: All steps by their ids.
    """

    running: Collection[int]
    own: Collection[int]
    stacks: Collection[int]
    parts: Mapping[int, tuple[int, ...]]
    steps: Mapping[str, Step]

    def power(self, step: Step) -> int | None:
        """With which power of the input's length the FLOPs of a product grow; None if nobody knows."""
        if step.inner is None or len(step.operands) != 2:
            return None
        read, other = step.operands
        if any(axis in self.running for operand in (read, other) if operand.role == "weight" for axis in operand.axes):
            return None
        if any(operand.stack not in self.stacks for operand in step.operands):
            return None
        summed = max(
            _axis(read, step.inner[0]), _axis(other, step.inner[1])
        )  # one axis, which one of both may not know
        powers = [self._of_axis(read, place, summed if place == step.inner[0] else -1) for place in _places(read)]
        if other.role != "weight":
            powers += [self._of_axis(other, place) for place in _places(other) if place != step.inner[1]]
        known = [power for power in powers if power is not None]
        return sum(known) if len(known) == len(powers) else None

    def _of_axis(self, operand: Operand, place: int, axis: int = -1) -> int | None:
        """With which power of the input's length an axis grows."""
        axis = max(axis, _axis(operand, place))
        parts = self.parts.get(axis, (axis,))
        if all(part in self.running or part in self.own for part in parts):
            return sum(part in self.running for part in parts)
        return 0 if self._is_own(operand, place) else None

    def _is_own(self, operand: Operand, place: int, depth: int = _DEEPEST) -> bool:
        """Whether an axis is the columns that a weight gave, also where these were rotated or put together."""
        maker = self.steps.get(operand.made_by)
        is_last = place == (0 if operand.transposed else len(operand.shape) - 1)
        if _axis(operand, place) in self.own:
            return True
        if maker is None or not is_last or depth == 0 or len(maker.results) != 1:
            return False
        if maker.results[0].shape[-1] != operand.shape[place]:
            return False
        if maker.inner is not None:
            return len(maker.operands) > 1 and maker.operands[1].role == "weight"
        data = [each for each in maker.operands if each.role == "data" and each.shape]
        widths = [each.shape[-1] for each in data]
        is_rotated = maker.kind == "position" and widths == [operand.shape[place]]
        is_joined = maker.kind == "concat" and sum(widths) == operand.shape[place] and len(data) == len(maker.operands)
        return (is_rotated or is_joined) and all(
            self._is_own(each, 0 if each.transposed else len(each.shape) - 1, depth - 1) for each in data
        )


def _places(operand: Operand) -> Iterator[int]:
    """The axes of a matrix that are longer than 1."""
    return (place for place, size in enumerate(operand.shape) if size != 1)


def _axis(operand: Operand, place: int) -> int:
    """The number of an axis; -1 for one that nobody knows."""
    return operand.axes[place] if place < len(operand.axes) else -1
