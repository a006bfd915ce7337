"""From positions to marks: panels, rails, captions and equations, each row a group with a name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapetrace.drawing.content.rails import Rail
from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.layout.captions import row_title
from shapetrace.drawing.layout.columns import painted_lines
from shapetrace.drawing.layout.stacking import PlacedPanel, PlacedRow, Placement
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Circle, Group, Line, Mark, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words
from shapetrace.outlining.structure import Section

PANEL_X_PX = 12.0
LANE_PX = 9.0
_CORNER_PX = 16.0
_HOOK_PX = 11.0
_BEND_PX = 6.0
_PLUS_PX = 7.0


@dataclass(frozen=True, slots=True)
class Margins:
    """The vertical lines that a figure's parts stand on.

    Attributes:
        lanes: The x of the lane beside the text; the others are to its left.
        card: The left edge of inner panels.
        caption: The left edge of captions.
        equation: The left edge of equations.
        width: Width of the figure.
    """

    lanes: float
    card: float
    caption: float
    equation: float
    width: float


def panel_group(placed: PlacedPanel, margins: Margins, words: Words) -> Group:
    """Paint the frame of a section, its title and its ×N in the corner."""
    section = placed.panel.section
    left = PANEL_X_PX if placed.depth == 0 else margins.card
    right = margins.width - PANEL_X_PX - placed.depth * 12
    ink = "panel" if placed.depth == 0 else "card"
    marks: list[Mark] = [Rect(left, placed.top, right - left, placed.bottom - placed.top, ink, 12 - 3 * placed.depth)]
    title = words.say(clean(section.title))
    title = f"{title} ×{section.repeat}" if section.repeat > 1 else title
    title = f"{title} · {words.note(section.window)}" if section.window else title
    title = shortened(title, "corner", (right - left) * 0.6)
    marks.append(Text(right - _CORNER_PX, placed.top + 25, (Span(title),), "corner", "end"))
    path_right = right - _CORNER_PX - width_px(title, "corner") - 12
    if path := shortened(members(section), "corner-path", path_right - left - _CORNER_PX):
        marks.append(Text(path_right, placed.top + 25, (Span(path),), "corner-path", "end"))
    return Group(f"panel-{slug(section.path)}", tuple(marks), f"{title} {members(section)}".strip())


def members(section: Section) -> str:
    """``h.0 … h.11``: which modules a section stands for."""
    if section.repeat > 1 and len({*section.members}) > 1:
        return clean(f"{section.members[0]} … {section.members[-1]}")
    return clean(section.module)


def row_group(placed: PlacedRow, margins: Margins, words: Words) -> Group:
    """Paint a row: its caption, and its equation below it."""
    fitted = placed.fitted
    marks = list(moved(fitted.caption.marks, margins.caption, placed.axis - fitted.above))
    marks += painted_lines(fitted.lines, margins.equation, placed.axis)
    return Group(slug(fitted.row.id), tuple(marks), row_title(fitted.row, words))


def rail_group(rails: Sequence[Rail], placement: Placement, top: float, margins: Margins) -> Group:
    """Paint the residual rails."""
    return Group("rails", tuple(mark for rail in rails for mark in _rail(rail, placement, top, margins)))


def _rail(rail: Rail, placement: Placement, top: float, margins: Margins) -> Iterator[Mark]:
    end = placement.rows[rail.target].axis
    if rail.source is not None:
        start = placement.rows[rail.source].axis
    else:
        start = next((placed.top + 21 for placed in placement.panels if placed.panel is rail.panel), top)
    right = margins.caption - _HOOK_PX
    x = margins.lanes - rail.lane * LANE_PX
    yield Line((((right, start), (x, start), (x, end), (right, end)),), "rail", _BEND_PX)
    if placement.rows[rail.target].fitted.row.is_line:
        yield from _plus(right, end)
    else:
        yield Circle(right, end, 3, "rail-dot")


def _plus(x: float, y: float) -> Iterator[Mark]:
    """The sign of a residual add."""
    yield Circle(x, y, _PLUS_PX, "data-hollow")
    yield Line((((x - 4, y), (x + 4, y)), ((x, y - 4), (x, y + 4))), "data-edge")
