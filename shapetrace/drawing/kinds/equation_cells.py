"""A step's equation as loose cells, for what lays them out itself: a page that is wide, or narrow, or asked to wrap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.layout.boxes import Box, around, box_of
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.equations import Slot, drawn_operands, equation_slots
from shapetrace.drawing.layout.matrices import Style
from shapetrace.drawing.layout.scale import Scale, scale_for
from shapetrace.drawing.layout.sharing import drawn_sizes
from shapetrace.drawing.primitives import Mark, Text
from shapetrace.drawing.wording import Words
from shapetrace.outlining.structure import Operand, Outline, Step

_SIZES = frozenset({"size", "match", "size-name", "match-name"})
_LOOSE = frozenset({"thread"})


@dataclass(frozen=True, slots=True)
class EquationCell:
    """One matrix of an equation, or a sign between two.

    Attributes:
        cell: Marks around (0, 0); the axis of the row is y = 0.
        column: The column that it keeps to; None if it keeps to none.
        operand: Which of the step's operands and results it shows, counted through; None for a sign.
        body: The rectangle of a matrix, its stack included.
        edges: Where the sizes of its axes are written, by axis.
        front: Of a stack, the rectangle of the matrix in front.
    """

    cell: Cell
    column: int | None
    operand: int | None = None
    body: Box | None = None
    edges: tuple[tuple[int, Box], ...] = ()
    front: Box | None = None


def page_scale(outlines: Sequence[Outline], zoom: float) -> Scale:
    """One law of lengths for all steps of some outlines: the same size is as long wherever it stands."""
    steps = (step for outline in outlines for step in outline.steps())
    operands = (operand for step in steps for operand in drawn_operands(Row((step,))))
    return replace(scale_for(size for operand in operands for size in drawn_sizes(operand)), zoom=zoom)


def equation_cells(step: Step, style: Style, words: Words) -> tuple[EquationCell, ...]:
    """The cells of a step, from left to right; matrices and signs take turns."""
    shown = (*step.operands, *step.results)
    slots = equation_slots(Row((step,)), style, words)
    first = 0 if step.operands else 1
    return tuple(
        _shown(slot, place // 2, shown) if place % 2 == first else EquationCell(slot.cell, slot.column)
        for place, slot in enumerate(slots)
    )


def _shown(slot: Slot, number: int, shown: tuple[Operand, ...]) -> EquationCell:
    shapes = [mark for mark in slot.cell.marks if not isinstance(mark, Text) and mark.ink not in _LOOSE]
    body, front = around(shapes), around(mark for mark in shapes if not mark.ink.endswith("-back"))
    edges = tuple(_edges(slot.cell.marks, body, len(shown[number].shape)))
    return EquationCell(slot.cell, slot.column, number, body, edges, front)


def _edges(marks: Sequence[Mark], body: Box, n_axes: int) -> Iterator[tuple[int, Box]]:
    """Sizes stand above a rectangle, those of its columns, or on its left."""
    for mark in marks:
        if isinstance(mark, Text) and mark.ink in _SIZES and n_axes:
            box = box_of(mark)
            above = box.bottom <= body.top + 4 and not mark.turned
            yield (n_axes - 1 if above or n_axes == 1 else n_axes - 2), box
