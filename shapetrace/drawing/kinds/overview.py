"""The overview: a whole pass for a column of 700 px, with norms and residual sums as marks on a rail."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial

from shapetrace.drawing.compact.lines import shared_unit
from shapetrace.drawing.compact.scaling import law_for
from shapetrace.drawing.compact.tiles import TileStyle
from shapetrace.drawing.condensing.cells import equation_cells, hung_cells
from shapetrace.drawing.condensing.laying import Laying, lines_in
from shapetrace.drawing.condensing.levels import Edges, Stream, inside_of, outermost
from shapetrace.drawing.condensing.lines import Equation, Framed, Hung, Join, Line, every
from shapetrace.drawing.content.following import fact_of, legend_of_followed, title_of
from shapetrace.drawing.content.shares import shares_of
from shapetrace.drawing.content.subject import overview_facts
from shapetrace.drawing.layout.canvas import FOOTING, HEADING, on_canvas
from shapetrace.drawing.layout.captions import row_title
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.columns import EquationLine
from shapetrace.drawing.layout.equations import drawn_operands
from shapetrace.drawing.layout.headings import SENTENCE, captions, footing, heading, legend_of_ranks, legend_of_roles
from shapetrace.drawing.layout.picking import legend_of_picks
from shapetrace.drawing.layout.running import legend_of_running
from shapetrace.drawing.layout.sharing import drawn_sizes
from shapetrace.drawing.layout.strip import strip
from shapetrace.drawing.layout.token_axes import axes_of_followed
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.primitives import Figure, Group
from shapetrace.drawing.theme import Theme
from shapetrace.drawing.widths import COLUMN_PX
from shapetrace.drawing.wording import Words
from shapetrace.outlining.following import followed
from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Operand, Outline

NARROWEST_PX = 300.0
MOST_PX = 2400.0
"""How tall an overview should be at most."""
_MOST_BOTTOM_PX = MOST_PX - 60
"""Where what closes the figure ends: the footing comes below."""

_UNITS_PX = (2.1, 4.7)
_SIDE_PX = 60.0
_TOP_GAP_PX = 10.0
_BOTTOM_PX = 18.0
_SHRINKING = 0.88


def overview_figure(outline: Outline, lines: Sequence[Line], theme: Theme, words: Words, look: Look) -> Figure | None:
    """Draw the lines of a pass; see the module. None if something in them is wider than the figure may be."""
    width = min(look.width_px, COLUMN_PX)
    follow = followed(outline, look.follow) if look.follow else None
    edges = outermost(width, _has_rail(lines))
    rooms = dict(_rooms(lines, edges, 0))
    drawn = [line for line in every(lines) if isinstance(line, Equation)]
    operands = [operand for line in drawn for operand in drawn_operands(line.row)]
    sizes = [size for operand in operands for size in drawn_sizes(operand)]

    running = running_axes(outline)

    def style(unit_px: float) -> TileStyle:
        return TileStyle(law_for(sizes, unit_px), look.dims, theme.hatched, follow, axes_of_followed(follow), running)

    def draw(line: Line, unit_px: float) -> tuple[Cell, ...]:
        if isinstance(line, Equation):
            return equation_cells(line, style(unit_px), words)
        return hung_cells(line.steps, words, rooms[id(line)]) if isinstance(line, Hung) else ()

    law = law_for(
        sizes, shared_unit([(partial(draw, line), rooms[id(line)]) for line in drawn], sizes, _UNITS_PX, _SIDE_PX)
    )
    title = clean(look.title or words.say("{model}: one forward pass", model=clean(outline.model.name)))
    facts = overview_facts(outline, words)
    if follow is not None:
        title, facts = look.title or title_of(outline, follow, words), (*facts, fact_of(outline, follow, words))
    legend = tuple(_legend(lines, style(law.unit_px), operands, theme, words))
    head, top = heading(title, facts, legend, width)
    laid = _laid(lines, draw, edges, top + _TOP_GAP_PX, style(law.unit_px), words)
    if laid is None:
        return None
    body, bottom = laid
    closing, end = strip(shares_of(outline), bottom, width, words)
    closing, bottom = (closing, end) if end <= _MOST_BOTTOM_PX else ((), bottom)
    foot, bottom = footing(tuple(_notes(outline, words, look)), bottom - 8, width)
    height = bottom + _BOTTOM_PX
    groups = on_canvas((Group(HEADING, head), *body, Group(FOOTING, (*closing, *foot))), width, height)
    desc = "\n".join(row_title(line.row, words) for line in drawn)
    return Figure("overview", title, desc, width, height, groups, theme, words.lang)


def _laid(
    lines: Sequence[Line],
    draw: Callable[[Line, float], tuple[Cell, ...]],
    edges: Edges,
    top: float,
    style: TileStyle,
    words: Words,
) -> tuple[tuple[Group, ...], float] | None:
    """The lines at their places, and the y below them: closer to each other, then smaller, where they are many."""
    rooms = dict(_rooms(lines, edges, 0))

    @cache
    def wrapped(unit: float) -> Mapping[int, tuple[EquationLine, ...]]:
        return {id(line): lines_in(line, draw(line, unit), rooms[id(line)]) for line in every(lines)}

    laid: tuple[tuple[Group, ...], float] | None = None
    for unit, tight in _tries(style.law.unit_px):
        if any(each.right > rooms[number] for number, them in wrapped(unit).items() for each in them):
            continue
        laying = Laying(wrapped(unit), words, tight, style.follow)
        bottom = laying.level(lines, edges, top, Stream(), 0)
        laid = tuple(laying.groups), bottom
        if bottom <= _MOST_BOTTOM_PX:
            break
    return laid


def _tries(unit_px: float) -> Iterator[tuple[float, bool]]:
    """Units, and whether the lines are close to each other: first what is read best."""
    yield unit_px, False
    yield unit_px, True
    while unit_px > _UNITS_PX[0]:
        unit_px = max(unit_px * _SHRINKING, _UNITS_PX[0])
        yield unit_px, True


def _has_rail(lines: Iterable[Line]) -> bool:
    return any(isinstance(line, Join) or (isinstance(line, Equation) and line.lead) for line in every(lines))


def _rooms(lines: Iterable[Line], edges: Edges, depth: int) -> Iterator[tuple[int, float]]:
    for line in lines:
        yield id(line), edges.room
        if isinstance(line, Framed):
            yield from _rooms(line.lines, inside_of(edges, depth), depth + 1)


def _legend(
    lines: Iterable[Line], style: TileStyle, operands: Sequence[Operand], theme: Theme, words: Words
) -> Iterator[tuple[str, str]]:
    yield from legend_of_roles({operand.role for operand in operands}, theme.hatched, words)
    yield from legend_of_ranks(operands, words)
    yield "match", words.say("inner sizes match")
    yield from legend_of_picks(operands, words)
    yield from legend_of_running(operands, style.running, words, style.dims)
    yield from legend_of_followed(style.follow, operands, words)
    if any(isinstance(line, Join) for line in every(lines)):
        yield "rail", words.say("residual")
    if style.law.broken:
        yield "broken", words.say("not to scale")
    yield SENTENCE, words.say("to scale: 8 × the size is 2 × the side")


def _notes(outline: Outline, words: Words, look: Look) -> Iterator[tuple[str, str]]:
    if outline.failure:
        yield "warning", words.say("The pass ended early: {reason}", reason=clean(outline.failure))
    yield from captions(look)
