"""Bands painted: one panel a model, what does the same work on one line."""

from collections.abc import Iterator, Sequence

from shapetrace.drawing.compact.lines import axes_below, height_px, painted_at
from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.kinds.band_cells import FittedBand, FittedCell
from shapetrace.drawing.kinds.column_heads import ColumnHead, head_marks
from shapetrace.drawing.kinds.column_layout import PADDING_PX, ColumnLayout
from shapetrace.drawing.layout.boxes import around
from shapetrace.drawing.layout.captions import row_title
from shapetrace.drawing.primitives import Group, Line, Mark, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words

_ABOVE_PX = 8.0
_CAPTION_GAP_PX = 6.0
_BELOW_PX = 10.0


def painted(
    columns: ColumnLayout, bands: Sequence[FittedBand], heads: tuple[ColumnHead, ...], words: Words, top: float
) -> tuple[list[Group], float]:
    """Paint the columns from ``top`` down.

    Returns:
        The groups, and the y below the panels.
    """
    painted_heads = [head_marks(head, heads, words, columns.room) for head in heads]
    y = top + PADDING_PX + max(around(marks).bottom for marks in painted_heads) + _BELOW_PX
    rows: list[Group] = []
    rules: list[Mark] = []
    for band in bands:
        rules += _rules(columns, y)
        captions = max((_caption_px(each) for each in band if each), default=0)
        start = y + _ABOVE_PX + captions + _CAPTION_GAP_PX
        above = max((each.lines[0].above for each in band if each), default=0)
        tallest = max((above - each.lines[0].above + height_px(each.lines) for each in band if each), default=0)
        for place, each in enumerate(band):
            if each is None and not any(other.rows for other in band if other):
                continue  # whose heads share what is not known of it
            if each is None:
                none = Text(columns.left(place), start + above + 4, (Span(words.say("none")),), "note")
                rows.append(Group("none", (none,)))
            else:
                axes = axes_below(each.lines, start + above - each.lines[0].above)
                rows.append(_cell(each, columns.left(place), y + _ABOVE_PX, axes, words))
        y = start + tallest + _BELOW_PX
    panels = [
        Group(
            f"column-{place + 1}",
            (_frame(columns, place, top, y), *moved(marks, columns.left(place), top + PADDING_PX)),
            heads[place].name,
        )
        for place, marks in enumerate(painted_heads)
    ]
    return [*panels, Group("bands", tuple(rules)), *rows], y


def _frame(columns: ColumnLayout, place: int, top: float, bottom: float) -> Rect:
    return Rect(columns.left(place) - PADDING_PX, top, columns.room + 2 * PADDING_PX, bottom - top, "panel", 10)


def _rules(columns: ColumnLayout, y: float) -> Iterator[Line]:
    """Thin lines above a band."""
    for place in range(columns.n_columns):
        left = columns.left(place)
        yield Line((((left, y), (left + columns.room, y)),), "rule")


def _cell(each: FittedCell, left: float, top: float, axes: Sequence[float], words: Words) -> Group:
    marks = list(moved(each.caption.marks, left, top))
    marks += painted_at(each.lines, axes, left)
    kept = tuple(mark for mark in marks if not (hasattr(mark, "plain") and not mark.plain))
    return Group(
        slug(each.rows[0].id) if each.rows else "heads", kept, "; ".join(row_title(row, words) for row in each.rows)
    )


def _caption_px(each: FittedCell) -> float:
    return max(each.caption.box.bottom, 0)
