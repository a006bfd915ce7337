"""Where the cells of equations stand: on one line with equal gaps, wrapped where nothing else helps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.equations import Slot
from shapetrace.drawing.primitives import Mark, moved

GAP_PX = 11.0
"""The least gap between the cells of a line."""

_WIDEST_GAP_PX = 24.0
_LINE_GAP_PX = 16.0


@dataclass(frozen=True, slots=True)
class EquationLine:
    """Cells side by side on one axis.

    Attributes:
        cells: Each with the x of its origin, the line starting at 0.
        above: How far they reach up from the axis.
        below: How far they reach down.
        right: How far they reach to the right.
    """

    cells: tuple[tuple[Cell, float], ...]
    above: float
    below: float
    right: float


def compact(slots: Sequence[Slot], gap_px: float = GAP_PX) -> EquationLine:
    """One line with equal gaps, as narrow as it can be."""
    placed = []
    x = 0.0
    for slot in slots:
        placed.append((slot.cell, x - slot.cell.box.left))
        x += slot.cell.box.right - slot.cell.box.left + gap_px
    return _line(placed)


def spread(slots: Sequence[Slot], room_px: float) -> EquationLine:
    """One line whose gaps are as wide as the room allows, up to what the eye still reads as one equation."""
    free = (room_px - compact(slots).right) / max(len(slots) - 1, 1)
    return compact(slots, GAP_PX + min(max(free, 0.0), _WIDEST_GAP_PX - GAP_PX))


def broken_at_link(slots: Sequence[Slot]) -> list[Sequence[Slot]]:
    """Two lines, the second starting with what links operands and results: ``=``; one if nothing does."""
    at = next((place for place, slot in enumerate(slots) if slot.is_link), 0)
    return [slots[:at], slots[at:]] if at else [slots]


def wrapped(slots: Sequence[Slot], room_px: float) -> tuple[EquationLine, ...]:
    """Several lines where one is too wide; an operator starts the line of what follows it."""
    lines: list[list[Slot]] = [[]]
    for chunk in _chunks(slots, room_px):
        if lines[-1] and compact([*lines[-1], *chunk]).right > room_px:
            lines.append([])
        lines[-1] += chunk
    return tuple(compact(line) for line in lines if line)


def widest_cell(slots: Sequence[Slot]) -> float:
    """Width of the widest part that cannot be wrapped."""
    return max((slot.cell.box.right - slot.cell.box.left for slot in slots), default=0.0)


def line_axes(lines: Sequence[EquationLine]) -> list[float]:
    """Where the axes of a row's lines are, from that of the first."""
    axes = [0.0] if lines else []
    for upper, lower in pairwise(lines):
        axes.append(axes[-1] + upper.below + _LINE_GAP_PX + lower.above)
    return axes


def depth_below(lines: Sequence[EquationLine]) -> float:
    """How far the lines of a row reach down from the axis of the first; 0 if there are none."""
    return line_axes(lines)[-1] + lines[-1].below if lines else 0


def painted_lines(lines: Sequence[EquationLine], left: float, axis: float) -> list[Mark]:
    """The marks of an equation, from its left edge on, around the axis of its first line."""
    return [
        mark
        for line, below in zip(lines, line_axes(lines), strict=True)
        for cell, x in line.cells
        for mark in moved(cell.marks, left + x, axis + below)
    ]


def _chunks(slots: Sequence[Slot], room_px: float) -> list[list[Slot]]:
    """Parts that stay on one line: an operator or a pill and what follows it, if they have room."""
    chunks: list[list[Slot]] = [[]]
    for slot in slots:
        if chunks[-1] and (not chunks[-1][-1].glued or compact([*chunks[-1], slot]).right > room_px):
            chunks.append([])
        chunks[-1].append(slot)
    return [chunk for chunk in chunks if chunk]


def _line(placed: Sequence[tuple[Cell, float]]) -> EquationLine:
    if not placed:
        return EquationLine((), 0, 0, 0)
    return EquationLine(
        tuple(placed),
        above=max(-cell.box.top for cell, _ in placed),
        below=max(cell.box.bottom for cell, _ in placed),
        right=max(x + cell.box.right for cell, x in placed),
    )
