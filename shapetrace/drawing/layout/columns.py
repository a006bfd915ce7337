"""Where the cells of equations stand: in columns where a section's rows fit them, wrapped where nothing else helps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.equations import Slot
from shapetrace.drawing.primitives import Mark, moved

GAP_PX = 11.0
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


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of rows that are aligned.

    Attributes:
        origins: The x of the cells' origins, by column.
    """

    origins: dict[int, float]


def columns_of(rows: Iterable[Sequence[Slot]]) -> Columns:
    """Make columns wide enough for every row that keeps to them."""
    left: dict[int, float] = {}
    right: dict[int, float] = {}
    for slots in rows:
        for slot in slots:
            if slot.column is not None:
                left[slot.column] = max(left.get(slot.column, 0), -slot.cell.box.left)
                right[slot.column] = max(right.get(slot.column, 0), slot.cell.box.right)
    origins: dict[int, float] = {}
    x = 0.0
    for column in sorted(left):
        origins[column] = x + left[column]
        x += left[column] + right[column] + GAP_PX
    return Columns(origins)


def aligned(slots: Sequence[Slot], columns: Columns, room_px: float) -> EquationLine:
    """One line in columns; a row that keeps to none has only its first cell in its column."""
    if any(slot.column is None for slot in slots):
        line = compact(slots)
        shift = max(columns.origins.get(0, 0.0) - line.cells[0][1], 0.0)
        return _line([(cell, x + shift) for cell, x in line.cells]) if line.right + shift <= room_px else line
    return _line([(slot.cell, columns.origins[slot.column]) for slot in slots if slot.column is not None])


def compact(slots: Sequence[Slot]) -> EquationLine:
    """One line as narrow as it can be."""
    placed = []
    x = 0.0
    for slot in slots:
        placed.append((slot.cell, x - slot.cell.box.left))
        x += slot.cell.box.right - slot.cell.box.left + GAP_PX
    return _line(placed)


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
