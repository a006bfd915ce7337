"""Above and below the rows: title, facts, legend; caption, and what the figure leaves out."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from shapetrace.drawing.inks import N_SHADES
from shapetrace.drawing.layout.boxes import around, box_of
from shapetrace.drawing.layout.names import name_spans
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean, width_px, wrapped
from shapetrace.drawing.primitives import Circle, Line, Mark, Polygon, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words
from shapetrace.outlining.structure import Operand

MARGIN_PX = 24.0
SENTENCE = "sentence"
"""The sign of what a legend says without one."""

_ROLES = (("data", "data", "data"), ("weight", "weight", "weights"), ("constant", "const", "constants"))
_SWATCH_PX = 14.0
_NARROW_PX = 400.0
_SIGN_PX = 90.0
KEPT_BAR_PX = 3.5
"""Width of the bar on the left of what was kept from an earlier pass: its tint alone is too close to data."""

_ENTRY_GAP_PX = 20.0


def heading(
    title: str, facts: Sequence[str], legend: Sequence[tuple[str, str]], width: float
) -> tuple[tuple[Mark, ...], float]:
    """Write the title, the facts below it, and the legend at the right of the title if it fits there.

    Args:
        title: The title.
        facts: Lines below it.
        legend: What is explained (``data``, ``match``, ``clash``, ``rail``, ``broken``, or a sentence) and its words.
        width: Width of the figure.

    Returns:
        The marks, and the y below them.
    """
    room = width - 2 * MARGIN_PX
    marks: list[Mark] = []
    y = 38.0
    for line in wrapped(title, "title", room, lines=2 if room > _NARROW_PX else 4):
        marks.append(Text(MARGIN_PX, y, (Span(line),), "title"))
        y += 26
    for fact in facts:
        for line in wrapped(fact, "subtitle", room, lines=3 if room > _NARROW_PX else 6, is_list=True):
            marks.append(Text(MARGIN_PX, y - 2, (Span(line),), "subtitle"))
            y += 19
    lines = _legend_lines(legend, room)
    first_right = box_of(marks[0]).right if marks else 0
    if len(lines) == 1 and width - MARGIN_PX - around(lines[0]).right > first_right + 30:
        marks += moved(lines[0], width - MARGIN_PX - around(lines[0]).right, 33)
        return tuple(marks), y
    for line_marks in lines:
        marks += moved(line_marks, MARGIN_PX, y + 6)
        y += 26
    return tuple(marks), y


def legend_of_roles(roles: Collection[str], hatched: Collection[str], words: Words) -> Iterator[tuple[str, str]]:
    """What blue, grey and dashed rectangles are: those that a figure has, hatched where its theme hatches them."""
    for role, ink, phrase in _ROLES:
        if role in roles:
            yield ink + ("+hatch" if ink in hatched else ""), words.say(phrase)


def legend_of_ranks(operands: Iterable[Operand], words: Words) -> Iterator[tuple[str, str]]:
    """What is one rank's of a matrix that lies on several."""
    shares = [share for operand in operands for share in operand.shares]
    if any(share.kind == "shard" and share.dim is not None for share in shares):
        yield "part", words.say("this rank's part, and the others'")
    if any(share.kind == "partial" for share in shares):
        yield "summand", words.say("a summand; the sum is over all ranks")


def legend_marks(legend: Sequence[tuple[str, str]], top: float, width: float) -> tuple[tuple[Mark, ...], float]:
    """Write a legend below what stands above it.

    Returns:
        The marks, and the y below them.
    """
    marks: list[Mark] = []
    y = top
    for line in _legend_lines(legend, width - 2 * MARGIN_PX):
        y += 26
        marks += moved(line, MARGIN_PX, y - 4)
    return tuple(marks), y


def _legend_lines(entries: Sequence[tuple[str, str]], room: float) -> list[tuple[Mark, ...]]:
    """Draw a legend in as many lines as it needs, each from x = 0 and around y = 0."""
    lines: list[tuple[Mark, ...]] = []
    x = 0.0
    for sign, words in entries:
        swatch = moved(_swatch(sign), -around(_swatch(sign)).left, 0) if sign != SENTENCE else ()
        at, ink = (around(swatch).right + 6, "legend") if swatch else (0.0, "note")
        width = at + width_px(words, ink)
        if not lines or x + width > room:
            lines.append(())
            x = 0.0
        lines[-1] += moved((*swatch, Text(at, 4.5, (Span(words),), ink)), x, 0)
        x += width + _ENTRY_GAP_PX
    return lines


_SHADES = tuple(round(N_SHADES * part) for part in (0.1, 0.3, 0.5, 0.75, 1))
"""Shades that a legend shows: from little to 1."""

_SIGNS: dict[str, tuple[Mark, ...]] = {
    "match": (Text(0, 4, (Span("64"),), "match"),),
    "kept": (Rect(-7, -7, _SWATCH_PX, _SWATCH_PX, "kept"), Rect(-7, -7, KEPT_BAR_PX, _SWATCH_PX, "kept-bar", 0)),
    "ring": (Rect(-7, -7, _SWATCH_PX, _SWATCH_PX, "data"), Rect(-4, -4, 8, 8, "marker-ring", 1)),
    "circle": (Line((((0, -7), (10, -7), (10, 7), (-10, 7), (-10, -7), (0, -7)),), "rail", 4),),
    "part": (
        *(Rect(place * 8 - 16, -7, 8, _SWATCH_PX, "data-others", 0) for place in range(1, 4)),
        Rect(-16, -7, 8, _SWATCH_PX, "data", 0),
    ),
    "picked": (Rect(-7, -7, _SWATCH_PX, _SWATCH_PX, "weight"), Line((((-7, 1), (7, 1)),), "data-edge")),
    "shade": tuple(Rect(11 * n - 33, -7, 11, _SWATCH_PX, f"data-shade-{shade}", 0) for n, shade in enumerate(_SHADES)),
    "summand": (Text(0, 4, (Span("Σ 8"),), "stack"),),
}


def _swatch(sign: str) -> tuple[Mark, ...]:
    half = _SWATCH_PX / 2
    if sign in _SIGNS:
        return _SIGNS[sign]
    if sign.startswith("run:"):
        return (Text(0, 4, name_spans(sign.removeprefix("run:"), "size-run", _SIGN_PX), "size-run"),)
    if sign == "clash":
        return (Text(0, 4, (Span("64"),), "clash"), Line((((0, 8), (13, 8)),), "clash-line"))
    if sign == "change":
        return (Text(0, 4, (Span("64"),), "shape"), Line((((0, 8), (13, 8)),), "change-line"))
    if sign == "rail":
        return (Line((((0, -half), (0, half - 3), (6, half - 3)),), "rail", 4), Circle(7, half - 3, 2.5, "rail-dot"))
    if sign == "broken":
        return (
            Polygon(((-10, -half), (-2, -half), (1, -2), (-3, 2), (-1, half), (-10, half)), "const-hollow"),
            Polygon(((10, -half), (2, -half), (5, -2), (1, 2), (3, half), (10, half)), "const-hollow"),
        )
    hatch = (Line((((-half, 0), (0, -half)), ((-half, half), (half, -half)), ((0, half), (half, 0))), "hatch"),)
    plain = Rect(-half, -half, _SWATCH_PX, _SWATCH_PX, sign.removesuffix("+hatch"))
    return (plain, *hatch) if sign.endswith("+hatch") else (plain,)


def captions(look: Look) -> Iterator[tuple[str, str]]:
    """The lines that the user wants below a figure."""
    if look.caption:
        yield from (("caption", clean(line)) for line in look.caption.split("\n"))


def footing(notes: Sequence[tuple[str, str]], top: float, width: float) -> tuple[tuple[Mark, ...], float]:
    """Write lines below the rows.

    Args:
        notes: Ink and words.
        top: Where the rows end.
        width: Width of the figure.

    Returns:
        The marks, and the y below them.
    """
    marks: list[Mark] = []
    y = top
    for ink, words in notes:
        for line in wrapped(words, ink, width - 2 * MARGIN_PX, lines=4, is_list=True):
            y += 19
            marks.append(Text(MARGIN_PX, y, (Span(line),), ink))
        y += 4
    return tuple(marks), y
