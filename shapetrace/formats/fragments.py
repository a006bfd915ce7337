"""Marks as a piece of SVG that a page's own style sheet paints: classes alone, no colours, nothing around it."""

from collections.abc import Sequence
from html import escape

from shapetrace.drawing.inks import SHIFTED_SIZE_PX
from shapetrace.drawing.primitives import Circle, Group, Line, Mark, Polygon, Rect, Text
from shapetrace.formats.svg import (
    common_anchor,
    corners,
    ink_class,
    path_data,
    px,
    shape_runs,
    shift_px,
    text_runs,
    xml_text,
)


def fragment(marks: Sequence[Mark]) -> str:
    """Write marks in the order in which a figure paints them: shapes by ink, then text."""
    group = Group("", tuple(marks))
    plain = _run(shape_runs(group)) + _run(text_runs(group, mono=False))
    mono = _run(text_runs(group, mono=True))
    return plain + (f'<g class="m">{mono}</g>' if mono else "")


def _run(runs: Sequence[tuple[str, list[Mark]]]) -> str:
    return "".join(_inked(ink, marks) for ink, marks in runs)


def _inked(ink: str, marks: list[Mark]) -> str:
    anchor = common_anchor(marks)
    given = f' class="{ink_class(ink)}"' + (f' text-anchor="{anchor}"' if anchor != "middle" else "")
    if len(marks) == 1:
        return _written(marks[0], anchor, given)
    return f"<g{given}>{''.join(_written(mark, anchor, '') for mark in marks)}</g>"


def _written(mark: Mark, anchor: str, given: str) -> str:
    if isinstance(mark, Text):
        return _text(mark, anchor, given)
    if isinstance(mark, Rect):
        size = f'x="{px(mark.x)}" y="{px(mark.y)}" width="{px(mark.width)}" height="{px(mark.height)}"'
        return f"<rect{given} {size}" + (f' rx="{px(mark.radius)}"/>' if mark.radius else "/>")
    if isinstance(mark, Circle):
        return f'<circle{given} cx="{px(mark.x)}" cy="{px(mark.y)}" r="{px(mark.radius)}"/>'
    if isinstance(mark, Polygon):
        return f'<path{given} d="{corners(mark)}"/>'
    assert isinstance(mark, Line)
    return f'<path{given} d="{path_data(mark)}"/>'


def _text(text: Text, anchor: str, given: str) -> str:
    place = f'x="{px(text.x)}" y="{px(text.y)}"'
    if text.turned:
        place = f'transform="rotate(-90)" x="{px(-text.y)}" y="{px(text.x)}"'
    own = f' text-anchor="{text.anchor}"' if text.anchor != anchor else ""
    whole = f"<title>{escape(xml_text(text.whole))}</title>" if text.whole else ""
    return f"<text{given} {place}{own}>{whole}{''.join(_span(text, i) for i in range(len(text.spans)))}</text>"


def _span(text: Text, place: int) -> str:
    span, moved = text.spans[place], shift_px(text, place)
    written = escape(xml_text(span.text))
    if not moved and not span.shift and not span.slanted:
        return written
    slant = ' font-style="italic"' if span.slanted else ""
    down = f' dy="{moved}"' if moved else ""
    small = f' font-size="{SHIFTED_SIZE_PX}"' if span.shift else ""
    return f"<tspan{down}{small}{slant}>{written}</tspan>"
