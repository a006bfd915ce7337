"""The widths of a figure: rails, and on their right captions above equations, and the rows set for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.content.following import told
from shapetrace.drawing.content.rails import Rail, rails_for
from shapetrace.drawing.content.rows import Item, Panel, Row, rows_in, unchained
from shapetrace.drawing.layout.equations import drawn_operands
from shapetrace.drawing.layout.fitting import fit_lines, too_long
from shapetrace.drawing.layout.headings import MARGIN_PX
from shapetrace.drawing.layout.headlines import headline
from shapetrace.drawing.layout.matrices import Style
from shapetrace.drawing.layout.painting import LANE_PX, Margins
from shapetrace.drawing.layout.scale import Scale, scale_for
from shapetrace.drawing.layout.sharing import drawn_sizes
from shapetrace.drawing.layout.stacking import FittedRow
from shapetrace.drawing.look import Look
from shapetrace.drawing.widths import COLUMN_PX
from shapetrace.drawing.wording import Words

_RIGHT_PX = (24.0, 28.0, 38.0)
"""What stays free on the right: without panels, with outer ones, with inner ones."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A figure with its cells and widths chosen, not yet laid out from top to bottom.

    Attributes:
        items: Rows and panels.
        rows: The rows with their cells, in order.
        rails: Residual rails.
        margins: Where the parts stand.
        style: What the matrices have in common.
    """

    items: tuple[Item, ...]
    rows: tuple[FittedRow, ...]
    rails: tuple[Rail, ...]
    margins: Margins
    style: Style


def plan(items: tuple[Item, ...], style: Style, words: Words, look: Look) -> Plan:
    """Choose the scale and set the rows."""
    right_px = _RIGHT_PX[_depth(items)]
    style = replace(style, scale=replace(_scale(items), zoom=style.scale.zoom))
    room = look.width_px - _margins(items, rails_for(items)).equation - right_px
    items = _split(items, style, words, room)
    rails = rails_for(items)
    margins = _margins(items, rails)
    rows = tuple(rows_in(items))
    room = look.width_px - margins.equation - right_px
    fitted = fit_lines(rows, style, words, room)
    used_px = max((line.right for lines in fitted.lines for line in lines), default=0.0)
    width = min(max(margins.equation + used_px + right_px, COLUMN_PX), look.width_px)
    captions = [
        headline(row, words, width - margins.equation - right_px, style.dims, _marked(row, style, words))
        for row in rows
    ]
    style = replace(style, scale=replace(style.scale, factor=fitted.factor))
    return Plan(items, tuple(map(FittedRow, rows, captions, fitted.lines)), rails, replace(margins, width=width), style)


def _marked(row: Row, style: Style, words: Words) -> str:
    """What is said of a row that is followed, or of an entry that is shown."""
    if style.entry is not None and any(step.id == style.entry.step.id for step in row.steps):
        return style.entry.said(words)
    return told(row.drawn(), style.follow, words)


def _margins(items: Sequence[Item], rails: Sequence[Rail]) -> Margins:
    n_lanes = max((rail.lane + 1 for rail in rails), default=0)
    left = MARGIN_PX + n_lanes * LANE_PX
    caption = left + (0, 8, 12)[_depth(items)] + (6 if n_lanes else 0)
    return Margins(lanes=left - LANE_PX + 5, card=left + 3, caption=caption, equation=caption, width=0.0)


def _depth(items: Sequence[Item]) -> int:
    return max((1 + _depth(item.items) for item in items if isinstance(item, Panel)), default=0)


def _scale(items: Sequence[Item]) -> Scale:
    operands = (operand for row in rows_in(items) for operand in drawn_operands(row))
    return scale_for(size for operand in operands for size in drawn_sizes(operand))


def _split(items: tuple[Item, ...], style: Style, words: Words, room_px: float) -> tuple[Item, ...]:
    """Give each step its own row where several together are too wide."""
    done: list[Item] = []
    for item in items:
        if isinstance(item, Panel):
            done.append(replace(item, items=_split(item.items, style, words, room_px)))
        elif len(item.steps) > 1 and not item.folded and too_long(item, style, words, room_px):
            done += unchained(item)
        else:
            done.append(item)
    return tuple(done)
