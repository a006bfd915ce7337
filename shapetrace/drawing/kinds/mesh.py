"""The ranks of a pass: how they stand, which of them talk, what one of them holds."""

from collections.abc import Iterator

from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.content.ranking import facts_of_ranks, talks_of
from shapetrace.drawing.layout.canvas import FOOTING, HEADING, on_canvas
from shapetrace.drawing.layout.headings import MARGIN_PX, captions, footing, heading
from shapetrace.drawing.layout.rank_grid import Mesh, grid_marks, mesh_of
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean, width_px, wrapped
from shapetrace.drawing.primitives import Figure, Group, Mark, Rect, Span, Text
from shapetrace.drawing.theme import Theme
from shapetrace.drawing.widths import COLUMN_PX
from shapetrace.drawing.wording import Words, bytes_text, counted
from shapetrace.errors import UsageError
from shapetrace.outlining.ranks import Circle, Ranks
from shapetrace.outlining.structure import Outline

_LINE_PX = 19.0
_BAR_PX = 14.0
_BOTTOM_PX = 18.0
_SEPARATOR = " · "


def mesh_figure(outline: Outline, theme: Theme, words: Words, look: Look) -> Figure:
    """Draw the ranks of a pass; see the module.

    Raises:
        UsageError: If the pass is not one of several ranks.
    """
    ranks = outline.ranks
    if ranks is None or ranks.size < 2:
        raise UsageError("the mesh is of a pass of one rank of several: say how many with --tp, --world ...")
    width = min(look.width_px, COLUMN_PX)
    model = words.say(clean(outline.model.name))
    title = clean(look.title or words.say("{model} on {n} ranks", model=model, n=counted(ranks.size)))
    held = outline.totals.parameters
    facts = [facts_of(outline.model, words), facts_of_ranks(ranks, held, words)]
    legend = [("data", words.say("this rank"))]
    legend += [("circle", words.say("ranks that talk to each other"))] if ranks.circles else []
    head, top = heading(title, [_SEPARATOR.join(each) for each in facts if each], legend, width)
    mesh = mesh_of(ranks)
    grid, y = grid_marks(mesh, MARGIN_PX, width - MARGIN_PX, top + 14)
    said, y = _lines(tuple(_said(ranks, mesh, words)), y + 24, width)
    bar, y = _held(ranks, held, words, y + 10, width)
    foot, y = footing(tuple(captions(look)), y, width)
    body = Group("ranks", grid, title), Group("talks", said), Group("held", bar)
    height = y + _BOTTOM_PX
    groups = on_canvas((Group(HEADING, head), *body, Group(FOOTING, foot)), width, height)
    desc = "\n".join(f"{name}: {text}" for name, text in _said(ranks, mesh, words))
    return Figure("mesh", title, desc, width, height, groups, theme, words.lang)


def _said(ranks: Ranks, mesh: Mesh, words: Words) -> Iterator[tuple[str, str]]:
    """Of each axis, who talks along it; of one without, that nobody does."""
    told = {axis for circle in ranks.circles for axis in circle.axes}
    for circle in ranks.circles:
        yield " = ".join(circle.axes), _talk(circle, words)
    for name, size in (*mesh.outer, mesh.down, mesh.across):
        if name and name not in told:
            yield name, words.say("{n} ranks, which send each other nothing in a forward pass", n=counted(size))


def _talk(circle: Circle, words: Words) -> str:
    parts = [words.say("ranks {members}", members=circle.members)] if circle.members else []
    parts.append(talks_of(circle, words))
    if circle.sent:
        parts.append(words.say("a rank sends {bytes}", bytes=bytes_text(circle.sent)))
    return _SEPARATOR.join(parts)


def _lines(said: tuple[tuple[str, str], ...], top: float, width: float) -> tuple[tuple[Mark, ...], float]:
    """Names of axes, and beside them what is said."""
    start = MARGIN_PX + max((width_px(name, "label") for name, _ in said), default=0.0) + 14
    marks: list[Mark] = []
    y = top
    for name, text in said:
        marks.append(Text(MARGIN_PX, y, (Span(name),), "label"))
        for line in wrapped(text, "legend", width - MARGIN_PX - start, lines=3):
            marks.append(Text(start, y, (Span(line),), "legend"))
            y += _LINE_PX
        y += 3
    return tuple(marks), y


def _held(ranks: Ranks, held: int, words: Words, top: float, width: float) -> tuple[tuple[Mark, ...], float]:
    """A bar of all parameters, with those of this rank filled."""
    room = width - 2 * MARGIN_PX
    share = held / ranks.parameters if ranks.parameters else 0.0
    said = words.say("this rank holds {n} of {all} parameters", n=counted(held), all=counted(ranks.parameters))
    marks, y = _paragraph(f"{said} ({100 * share:.1f} %)", top, room)
    marks.append(Rect(MARGIN_PX, y - 10, room, _BAR_PX, "weight-hollow", 3))
    marks.append(Rect(MARGIN_PX, y - 10, max(room * min(share, 1.0), 2.0), _BAR_PX, "weight", 3))
    y += _BAR_PX - 10
    if ranks.whole:
        names = words.enumerated(words.say(kind) for kind in ranks.whole)
        told = words.say("not sharded, every rank has all of it: {names}", names=names)
        lines, y = _paragraph(told, y + _LINE_PX, room)
        marks += lines
    return tuple(marks), y


def _paragraph(text: str, top: float, room: float) -> tuple[list[Mark], float]:
    lines = wrapped(text, "legend", room, lines=3)
    marks: list[Mark] = [
        Text(MARGIN_PX, top + place * _LINE_PX, (Span(line),), "legend") for place, line in enumerate(lines)
    ]
    return marks, top + len(lines) * _LINE_PX
