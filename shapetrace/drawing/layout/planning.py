"""The widths of a figure: rails, captions and equations side by side, and the rows set for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.content.rails import Rail, rails_for
from shapetrace.drawing.content.rows import Item, Panel, rows_in, unchained
from shapetrace.drawing.layout.captions import row_caption
from shapetrace.drawing.layout.equations import drawn_operands
from shapetrace.drawing.layout.fitting import fit_lines, too_long
from shapetrace.drawing.layout.headings import MARGIN_PX
from shapetrace.drawing.layout.matrices import Style
from shapetrace.drawing.layout.painting import LANE_PX, Margins
from shapetrace.drawing.layout.scale import Scale, scale_for
from shapetrace.drawing.layout.stacking import FittedRow
from shapetrace.drawing.look import Look
from shapetrace.drawing.wording import Words

_CAPTION_PX = (112.0, 196.0)
_CAPTION_GAP_PX = 24.0
_NARROWEST_PX = 600.0
_RIGHT_PX = (24.0, 34.0, 42.0)
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
    caption_px = min(max(look.width_px * 0.17, _CAPTION_PX[0]), _CAPTION_PX[1])
    right_px = _RIGHT_PX[_depth(items)]
    widest = _margins(items, rails_for(items), caption_px)
    style = replace(style, scale=replace(_scale(items), zoom=style.scale.zoom))
    items = _split(items, style, words, look.width_px - widest.equation - right_px)
    rails = rails_for(items)
    captions = [row_caption(row, words, caption_px) for row in rows_in(items)]
    margins = _margins(items, rails, max((cell.box.right for cell in captions), default=0.0))
    lines = fit_lines(items, style, words, look.width_px - margins.equation - right_px)
    rows = tuple(map(FittedRow, rows_in(items), captions, lines))
    used_px = max((line.right for row in rows for line in row.lines), default=0.0)
    width = min(max(margins.equation + used_px + right_px, _NARROWEST_PX), look.width_px)
    return Plan(items, rows, rails, replace(margins, width=width), style)


def _margins(items: Sequence[Item], rails: Sequence[Rail], caption_px: float) -> Margins:
    n_lanes = max((rail.lane + 1 for rail in rails), default=0)
    depth = _depth(items)
    left = MARGIN_PX + n_lanes * LANE_PX
    caption = left + (0, 14, 18)[depth] + (6 if n_lanes else 0)
    return Margins(
        lanes=left - LANE_PX + 5,
        card=left + 3,
        caption=caption,
        equation=caption + caption_px + _CAPTION_GAP_PX,
        width=0.0,
    )


def _depth(items: Sequence[Item]) -> int:
    return max((1 + _depth(item.items) for item in items if isinstance(item, Panel)), default=0)


def _scale(items: Sequence[Item]) -> Scale:
    operands = (operand for row in rows_in(items) for operand in drawn_operands(row))
    return scale_for(size for operand in operands for size in operand.shape[-2:])


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
