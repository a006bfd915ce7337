"""Columns side by side: one panel a model, rows of a band on one line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.kinds.column_heads import Score, score_marks
from shapetrace.drawing.layout.boxes import around
from shapetrace.drawing.layout.columns import line_axes
from shapetrace.drawing.layout.headings import MARGIN_PX
from shapetrace.drawing.layout.stacking import SetRow
from shapetrace.drawing.primitives import Group, Line, Mark, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words

_GAP_PX = 14.0
_PADDING_PX = 16.0
_ABOVE_PX = 14.0
_BELOW_PX = 16.0
_CAPTION_GAP_PX = 8.0

SetBand = tuple[SetRow | None, ...]


@dataclass(frozen=True, slots=True)
class Abreast:
    """Where columns stand.

    Attributes:
        width: Width of the figure.
        n_columns: How many there are.
    """

    width: float
    n_columns: int

    @property
    def pitch(self) -> float:
        """From the left edge of a column to that of the next."""
        return (self.width - 2 * MARGIN_PX + _GAP_PX) / self.n_columns

    @property
    def room(self) -> float:
        """Width inside a column."""
        return self.pitch - _GAP_PX - 2 * _PADDING_PX

    def left(self, place: int) -> float:
        """The left edge inside a column."""
        return MARGIN_PX + place * self.pitch + _PADDING_PX


def painted(
    sheet: Abreast, bands: Sequence[SetBand], scores: tuple[Score, ...], words: Words, top: float
) -> tuple[list[Group], float]:
    """Paint the columns from ``top`` down.

    Returns:
        The groups, and the height of the figure.
    """
    heads = [score_marks(score, scores, words, sheet.room) for score in scores]
    y = top + _PADDING_PX + max(around(head).bottom for head in heads) + _BELOW_PX
    rows: list[Group] = []
    rules: list[Mark] = []
    for band in bands:
        rules += _rules(sheet, y)
        captions = max(_height(set_row) for set_row in band if set_row)
        equations = max(set_row.lines[0].above for set_row in band if set_row)
        axis = y + _ABOVE_PX + captions + _CAPTION_GAP_PX + equations
        rows += [_row(set_row, sheet.left(place), y + _ABOVE_PX, axis) for place, set_row in enumerate(band) if set_row]
        absent = [sheet.left(place) for place, set_row in enumerate(band) if not set_row]
        rules += [Text(x, y + _ABOVE_PX + 13, (Span("—"),), "note") for x in absent]
        y = axis + max(_depth(set_row) for set_row in band if set_row) + _BELOW_PX
    panels = [
        Group(f"column-{place + 1}", (_frame(sheet, place, top, y), *moved(head, sheet.left(place), top + _PADDING_PX)),
              scores[place].name)
        for place, head in enumerate(heads)
    ]  # fmt: skip
    return [*panels, Group("bands", tuple(rules)), *rows], y + MARGIN_PX


def _frame(sheet: Abreast, place: int, top: float, bottom: float) -> Rect:
    return Rect(sheet.left(place) - _PADDING_PX, top, sheet.room + 2 * _PADDING_PX, bottom - top, "panel", 12)


def _rules(sheet: Abreast, y: float) -> Iterator[Line]:
    """Thin lines above a band."""
    for place in range(sheet.n_columns):
        left = sheet.left(place)
        yield Line((((left, y), (left + sheet.room, y)),), "rule")


def _row(set_row: SetRow, left: float, top: float, axis: float) -> Group:
    """Paint a caption, and its equation below it."""
    marks = list(moved(set_row.caption.marks, left, top - set_row.caption.box.top))
    for line, at in zip(set_row.lines, line_axes(set_row.lines), strict=True):
        for cell, x in line.cells:
            marks += moved(cell.marks, left + x, axis + at)
    return Group(slug(set_row.row.id), tuple(marks))


def _height(set_row: SetRow) -> float:
    return set_row.caption.box.bottom - set_row.caption.box.top


def _depth(set_row: SetRow) -> float:
    """How far an equation reaches down from its first axis."""
    return line_axes(set_row.lines)[-1] + set_row.lines[-1].below
