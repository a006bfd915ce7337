"""A figure as SVG: one file that is light or dark as its reader prefers, and that any page can hold.

Presentation attributes carry the light theme for programs that know no style sheets. A style sheet under a
class of the figure's own repeats them, so that a page's rules do not reach in, and adds the dark theme. Its rules
are important ones: a page may address figures by an id, or everything with ``!important``. An element with a class
is an ink; every other one inherits.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from markupsafe import Markup

from shapetrace.drawing.inks import SHAPES, SHIFT_PX, SHIFTED_SIZE_PX, TEXTS
from shapetrace.drawing.primitives import Figure, Group, Line, Mark, Point, Polygon, Text, has_slanted
from shapetrace.formats.contract import Format
from shapetrace.formats.moving import FAINT, motion
from shapetrace.formats.templating import rendered

SANS = (
    "ui-sans-serif, system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, DejaVu Sans, "
    "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, sans-serif"
)
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"

ROOT_ATTRIBUTES = {
    "fill": "muted",
    "font-size": "13",
    "stroke-width": "1.3",
    "text-anchor": "middle",
    "direction": "ltr",
}
MONO_ATTRIBUTES = {"font-size": "10.5"}
"""What the document, and each group of monospaced text, says once for all inside."""

_PLAIN_WEIGHT = 400
_PAINTED = tuple(SHAPES)

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, escaped or not."""

_OURS = re.compile(r'<svg xmlns="[^"]*" class="(s[0-9a-f]{6})" [^>]*aria-labelledby="\1-title \1-desc"')


def render(
    figure: Figure, *, prefix: str = "", templates: Path | None = None, styled: bool = True, n_there: int | None = None
) -> str:
    """Write a figure as an SVG document.

    Args:
        figure: What to write.
        prefix: Start of its ids and its class; by default made from what the figure holds, so that two
            figures can be in one page.
        templates: Folder of the user, whose ``figure.svg`` comes before ours.
        styled: True to have a style sheet; rasterisers draw the light theme from attributes alone.
        n_there: Of an animated figure: how many stages have appeared; None draws all of it.
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "-", prefix) or _prefix(figure)
    values = {
        "figure": figure,
        "prefix": name,
        "styled": styled,
        "attributes": own_attributes,
        "rules": rules,
        "ink_class": ink_class,
        "shift_px": shift_px,
        "has_slanted": has_slanted,
        "shape_runs": shape_runs,
        "text_runs": text_runs,
        "common_anchor": common_anchor,
        "root_attributes": ROOT_ATTRIBUTES,
        "mono_attributes": MONO_ATTRIBUTES,
        "shifted_size_px": SHIFTED_SIZE_PX,
        "sans": SANS,
        "mono": MONO,
        "motion": partial(motion, figure.stages, name),
        "waiting": () if n_there is None else figure.stages[n_there:],
        "faint": FAINT,
    }
    filters = {"px": px, "xml": xml_text, "path": path_data, "corners": corners}
    return rendered("figure.svg", values, filters=filters, templates=templates)


def looks_like_one(start: str) -> bool:
    """Whether a text begins as the figures that we write."""
    return _OURS.match(start) is not None


def px(value: float) -> str:
    """Write a coordinate with at most one decimal."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def xml_text(text: str) -> str:
    """Drop what XML 1.0 forbids; escaping is the template's."""
    return _FORBIDDEN.sub("", text)


def attributes(ink: str) -> dict[str, str]:
    """Presentation attributes of an ink, colours still as names in the theme, by attribute."""
    if ink in TEXTS:
        text = TEXTS[ink]
        given = {"fill": text.colour, "font-size": px(text.size_px)}
        given |= {"font-weight": str(text.weight)} if text.weight != _PLAIN_WEIGHT else {}
        return given | ({"font-style": "italic"} if text.italic else {})
    shape = SHAPES[ink]
    given = {"fill": shape.fill or "none"}
    given |= {"fill-opacity": f"{shape.opacity:.2g}"} if shape.opacity < 1 else {}
    if shape.line:
        given |= {"stroke": shape.line, "stroke-width": px(shape.width_px)}
    if shape.dash:
        given["stroke-dasharray"] = " ".join(map(px, shape.dash))
    return given


def own_attributes(ink: str) -> dict[str, str]:
    """Those attributes of an ink that the elements around it do not say already."""
    around = ROOT_ATTRIBUTES | (MONO_ATTRIBUTES if ink in TEXTS and TEXTS[ink].mono else {})
    return {name: value for name, value in attributes(ink).items() if around.get(name) != value}


def rules(figure: Figure, prefix: str, *, dark: bool) -> Markup:
    """Style rules of all inks in a figure; of the dark theme only the colours. Inks that say the same share one."""
    colours = figure.theme.dark if dark else figure.theme.colours
    shared: dict[str, list[str]] = {}
    for ink in sorted({mark.ink for mark in figure.marks()}):
        shared.setdefault(_declared(ink, colours, dark), []).append(f".{prefix} .{ink_class(ink)}")
    lines = (f"{','.join(selectors)}{{{declared}}}" for declared, selectors in shared.items())
    return Markup("\n".join(lines))  # noqa: S704 - inks are ours, colours are checked to be #rrggbb


def ink_class(ink: str) -> str:
    """The class of an ink: pages have classes such as ``title`` and ``card`` of their own."""
    return f"s-{ink}"


def _declared(ink: str, colours: dict[str, str], dark: bool) -> str:
    """What the attributes of an ink say; the template has rules for inks without one of them."""
    given = attributes(ink)
    if dark:
        given = {name: value for name, value in given.items() if name in {"fill", "stroke"}}
    elif ink in TEXTS:
        given |= {"font-size": f"{given['font-size']}px"}
    elif given.get("stroke-width") == ROOT_ATTRIBUTES["stroke-width"]:
        del given["stroke-width"]
    return ";".join(f"{name}:{colours.get(value, value)}!important" for name, value in given.items())


def shape_runs(group: Group) -> list[tuple[str, list[Mark]]]:
    """Shapes of a group by ink, in the painting order of the inks."""
    found: dict[str, list[Mark]] = {}
    for mark in group.marks:
        if not isinstance(mark, Text):
            found.setdefault(mark.ink, []).append(mark)
    return sorted(found.items(), key=lambda run: _PAINTED.index(run[0]))


def text_runs(group: Group, *, mono: bool) -> list[tuple[str, list[Mark]]]:
    """Text of a group by ink, of the monospaced inks or of the others; it is painted after all shapes."""
    found: dict[str, list[Mark]] = {}
    for mark in group.marks:
        if isinstance(mark, Text) and TEXTS[mark.ink].mono == mono:
            found.setdefault(mark.ink, []).append(mark)
    return list(found.items())


def common_anchor(marks: list[Mark]) -> str:
    """Where all these texts have their anchor; ``middle``, the default, if they differ or are shapes."""
    anchors = {mark.anchor for mark in marks if isinstance(mark, Text)}
    return anchors.pop() if len(anchors) == 1 else "middle"


def shift_px(text: Text, place: int) -> str:
    """How far a span is moved down from the one before it; empty if it is not."""
    before = SHIFT_PX[text.spans[place - 1].shift] if place else 0.0
    moved = SHIFT_PX[text.spans[place].shift] - before
    return px(moved) if moved else ""


def corners(polygon: Polygon) -> str:
    """Write a polygon as a path: steps from corner to corner are shorter than places."""
    return f"{_steps(polygon.points)}z"


def _steps(points: Sequence[Point]) -> str:
    places = [(round(x, 1), round(y, 1)) for x, y in points]
    steps = (_step(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(places))
    return re.sub(r"(l[^a-z]*)l(?=-)", r"\1", f"M{_point(places[0])}{''.join(steps)}")


def _step(right: float, down: float) -> str:
    if px(down) == "0":
        return f"h{px(right)}" if px(right) != "0" else ""
    return f"l{px(right)} {px(down)}".replace(" -", "-") if px(right) != "0" else f"v{px(down)}"


def path_data(line: Line) -> str:
    """Write the strokes of a line, bends rounded."""
    return "".join(_stroke(stroke, line.radius) for stroke in line.strokes)


def _stroke(points: tuple[Point, ...], radius: float) -> str:
    if len(points) == 2:
        return _steps(points)
    written = [f"M{px(points[0][0])} {px(points[0][1])}"]
    for before, bend, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _towards(bend, before, radius), _towards(bend, after, radius)
        written.append(f"L{_point(start)}Q{_point(bend)} {_point(end)}" if radius else f"L{_point(bend)}")
    written.append(f"L{_point(points[-1])}")
    return "".join(written)


def _towards(origin: Point, target: Point, distance: float) -> Point:
    length = math.dist(origin, target) or 1.0
    part = min(distance / length, 0.5)
    return (origin[0] + (target[0] - origin[0]) * part, origin[1] + (target[1] - origin[1]) * part)


def _point(point: Point) -> str:
    return f"{px(point[0])} {px(point[1])}"


def _prefix(figure: Figure) -> str:
    """A name for the ids of this very figure: its own, and a digest of what it holds."""
    held = (figure.title, figure.groups, figure.theme, *figure.stages)
    digest = hashlib.sha256(repr(held).encode(errors="replace"))
    return f"s{digest.hexdigest()[:6]}"


FORMAT = Format("svg", "svg", figure=lambda figure, options: render(figure, templates=options.templates), in_pages=True)
