"""Columns side by side: one panel a model, rows of a band on one line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.kinds.column_heads import ColumnHead, head_marks
from shapetrace.drawing.layout.boxes import around
from shapetrace.drawing.layout.columns import depth_below, painted_lines
from shapetrace.drawing.layout.headings import MARGIN_PX
from shapetrace.drawing.layout.stacking import FittedRow
from shapetrace.drawing.primitives import Group, Line, Mark, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words

_GAP_PX = 14.0
_PADDING_PX = 16.0
_ABOVE_PX = 14.0
_BELOW_PX = 16.0
_CAPTION_GAP_PX = 8.0

FittedBand = tuple[FittedRow | None, ...]


@dataclass(frozen=True, slots=True)
class ColumnLayout:
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
    columns: ColumnLayout, bands: Sequence[FittedBand], heads: tuple[ColumnHead, ...], words: Words, top: float
) -> tuple[list[Group], float]:
    """Paint the columns from ``top`` down.

    Returns:
        The groups, and the height of the figure.
    """
    painted_heads = [head_marks(head, heads, words, columns.room) for head in heads]
    y = top + _PADDING_PX + max(around(marks).bottom for marks in painted_heads) + _BELOW_PX
    rows: list[Group] = []
    rules: list[Mark] = []
    for band in bands:
        rules += _rules(columns, y)
        captions = max(_height(fitted) for fitted in band if fitted)
        equations = max(fitted.lines[0].above for fitted in band if fitted)
        axis = y + _ABOVE_PX + captions + _CAPTION_GAP_PX + equations
        rows += [_row(fitted, columns.left(place), y + _ABOVE_PX, axis) for place, fitted in enumerate(band) if fitted]
        absent = [columns.left(place) for place, fitted in enumerate(band) if not fitted]
        rules += [Text(x, y + _ABOVE_PX + 13, (Span("—"),), "note") for x in absent]
        y = axis + max(depth_below(fitted.lines) for fitted in band if fitted) + _BELOW_PX
    panels = [
        Group(
            f"column-{place + 1}",
            (_frame(columns, place, top, y), *moved(marks, columns.left(place), top + _PADDING_PX)),
            heads[place].name,
        )
        for place, marks in enumerate(painted_heads)
    ]
    return [*panels, Group("bands", tuple(rules)), *rows], y + MARGIN_PX


def _frame(columns: ColumnLayout, place: int, top: float, bottom: float) -> Rect:
    return Rect(columns.left(place) - _PADDING_PX, top, columns.room + 2 * _PADDING_PX, bottom - top, "panel", 12)


def _rules(columns: ColumnLayout, y: float) -> Iterator[Line]:
    """Thin lines above a band."""
    for place in range(columns.n_columns):
        left = columns.left(place)
        yield Line((((left, y), (left + columns.room, y)),), "rule")


def _row(fitted: FittedRow, left: float, top: float, axis: float) -> Group:
    """Paint a caption, and its equation below it."""
    marks = list(moved(fitted.caption.marks, left, top - fitted.caption.box.top))
    marks += painted_lines(fitted.lines, left, axis)
    return Group(slug(fitted.row.id), tuple(marks))


def _height(fitted: FittedRow) -> float:
    return fitted.caption.box.bottom - fitted.caption.box.top
