"""Cells: a few marks around a point (0, 0), with the box they need. Rows are made of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from shapetrace.drawing.layout.boxes import Box, box_of, enclosing
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Mark, Polygon, Rect, Span, Text

_PILL_HEIGHT_PX = 26.0
_PILL_PADDING_PX = 12.0
_STUB_PX = 9.0


@dataclass(frozen=True, slots=True)
class Cell:
    """Marks around their own origin.

    Attributes:
        marks: What is painted.
        boxes: The box of each mark.
        box: The box around all of it.
    """

    marks: tuple[Mark, ...]
    boxes: tuple[Box, ...]
    box: Box


def cell(marks: Iterable[Mark]) -> Cell:
    """Make a cell of marks."""
    kept = tuple(marks)
    boxes = tuple(map(box_of, kept))
    return Cell(kept, boxes, enclosing(boxes))


def operator(symbol: str) -> Cell:
    """An operator between two matrices: ``×``, ``+``, ``=``, ``→``."""
    return cell([Text(0, 7, (Span(symbol),), "operator", "middle")])


def pill(label: str) -> Cell:
    """A function: its name in a rounded frame, with an arrow through it."""
    width = width_px(label, "pill-text") + 2 * _PILL_PADDING_PX
    left, right = -width / 2, width / 2
    tip = right + _STUB_PX + 4
    return cell(
        [
            Line((((left - _STUB_PX, 0), (left, 0)), ((right, 0), (tip - 5, 0))), "arrow"),
            Polygon(((tip, 0), (tip - 6, -3.2), (tip - 6, 3.2)), "arrow-head"),
            Rect(left, -_PILL_HEIGHT_PX / 2, width, _PILL_HEIGHT_PX, "pill", _PILL_HEIGHT_PX / 2),
            Text(0, 4.5, (Span(label),), "pill-text", "middle"),
        ]
    )


def ending_pill(label: str) -> Cell:
    """A function whose result is not drawn again: a pill without an arrow behind it."""
    width = width_px(label, "pill-text") + 2 * _PILL_PADDING_PX
    left = -width / 2
    return cell(
        [
            Line((((left - _STUB_PX, 0), (left, 0)),), "arrow"),
            Rect(left, -_PILL_HEIGHT_PX / 2, width, _PILL_HEIGHT_PX, "pill", _PILL_HEIGHT_PX / 2),
            Text(0, 4.5, (Span(label),), "pill-text", "middle"),
        ]
    )


def norm_pill(label: str) -> Cell:
    """A norm between the rail and what it gives: smaller than other functions, which say more."""
    width = width_px(label, "note") + _PILL_PADDING_PX
    left, right, half = -width / 2, width / 2, _PILL_HEIGHT_PX / 2 - 2
    tip = right + _STUB_PX
    return cell(
        [
            Line((((left - 6, 0), (left, 0)), ((right, 0), (tip - 5, 0))), "arrow"),
            Polygon(((tip, 0), (tip - 6, -3.2), (tip - 6, 3.2)), "arrow-head"),
            Rect(left, -half, width, 2 * half, "pill", half),
            Text(0, 4, (Span(label),), "note", "middle"),
        ]
    )


def with_comma(before: Cell) -> Cell:
    """A cell with a comma behind it: less apart than what is multiplied."""
    return cell([*before.marks, Text(before.box.right + 3, 7, (Span(","),), "operator")])
