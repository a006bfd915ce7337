"""The figure of an outline: what to show, how large, and where everything goes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from shapetrace.drawing.condensing.closing import has_room, opened_until, tallness
from shapetrace.drawing.condensing.gathering import lines_of
from shapetrace.drawing.condensing.lines import Framed, Line
from shapetrace.drawing.content.entry import entry_of
from shapetrace.drawing.content.following import fact_of, legend_of_followed, name_of
from shapetrace.drawing.content.rows import rows_in
from shapetrace.drawing.content.selecting import FAILURE
from shapetrace.drawing.content.subject import Subject, subject_of
from shapetrace.drawing.framing import framed
from shapetrace.drawing.kinds.failure import failure_figure
from shapetrace.drawing.kinds.map import map_figure
from shapetrace.drawing.kinds.mesh import mesh_figure
from shapetrace.drawing.kinds.overview import MOST_PX, NARROWEST_PX, overview_figure
from shapetrace.drawing.kinds.slow_motion import in_slow_motion
from shapetrace.drawing.kinds.story import story_figure
from shapetrace.drawing.layout.canvas import FOOTING, HEADING, on_canvas
from shapetrace.drawing.layout.captions import row_title
from shapetrace.drawing.layout.equations import drawn_operands
from shapetrace.drawing.layout.headings import SENTENCE, captions, footing, heading, legend_of_ranks, legend_of_roles
from shapetrace.drawing.layout.matrices import Style
from shapetrace.drawing.layout.painting import panel_group, rail_group, row_group
from shapetrace.drawing.layout.picking import legend_of_picks
from shapetrace.drawing.layout.planning import Plan, plan
from shapetrace.drawing.layout.running import legend_of_running
from shapetrace.drawing.layout.scale import Scale
from shapetrace.drawing.layout.shading import axes_of_weighed, is_shaded, legend_of_shades
from shapetrace.drawing.layout.sharing import drawn_sizes
from shapetrace.drawing.layout.stacking import Placement, lay_out
from shapetrace.drawing.layout.token_axes import TOKEN_PX, axes_of_entry, axes_of_followed
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.primitives import Figure, Group, Mark, Span, Text
from shapetrace.drawing.theme import Theme, theme_named
from shapetrace.drawing.wording import Words, words_in
from shapetrace.errors import UsageError
from shapetrace.outlining.following import Followed, followed
from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Outline

_BOTTOM_PX = 22.0
_FEW_STEPS = 30
_FULL = 0.92
"""How full a page is for which no more sections are opened."""
_CLOSINGS = 4
"""How often sections are closed for want of room, until the figure is as short as it should be."""
_WHOLE = {"map": map_figure, "story": story_figure, "mesh": mesh_figure}
"""Views that show the whole model alone."""


@framed
def figure(
    outline: Outline,
    *,
    section: str | None = None,
    step: int | None = None,
    theme: str = "default",
    lang: str = "en",
    look: Look | None = None,
) -> Figure:
    """Draw an outline, or one section or one step of it.

    Args:
        outline: What a trace means.
        section: Path of a section (``h.0.attn``; of any folded member: ``h.7.attn``) or its kind
            (``embedding``, ``attention``, ``mlp``, ``unembedding``), or ``failure`` for a pass that failed;
            None for the whole model.
        step: Number of one step, counted from 1 in the order of the table.
        theme: Name of a theme, or a TOML file.
        lang: Language of the words: ``en``, ``zh``.
        look: Width, title and other choices.

    Returns:
        The figure, at most 1200 px wide and 60 rows long.

    Raises:
        UsageError: If there is no such section, step, theme or language.
    """
    look = look or Look()
    if look.animate and not look.entry:
        raise UsageError(
            "a pass is drawn in one picture: animate a generation, --generate N --animate, or an entry, --entry 2,5"
        )
    words = words_in(lang, look.templates)
    colours = theme_named(theme, look.templates)
    if look.view in _WHOLE:
        if section is not None or step is not None:
            raise UsageError(f"the {look.view} is of the whole model: leave the section and the step out")
        return _WHOLE[look.view](outline, colours, words, look)
    if section == FAILURE and outline.explained:
        return failure_figure(outline, outline.explained, colours, words, look)
    step, entry = entry_of(outline, step, look.entry) if look.entry else (step, None)
    if look.view == "overview" and not (look.expand or section or step is not None):
        drawn = _overview(outline, colours, words, look) if look.width_px >= NARROWEST_PX else None
        if drawn is not None:
            return drawn
    subject = subject_of(outline, section, step, look, words)
    follow = followed(outline, look.follow) if look.follow else None
    if follow is not None:
        facts = (*subject.facts, fact_of(outline, follow, words))
        subject = replace(subject, facts=facts, title=look.title or _title(subject, follow, words))
    style = Style(Scale(), look.dims, colours.hatched, words.say("scalar"), shapes=False, follow=follow)
    style = replace(
        style,
        tokens=axes_of_entry(entry) or {**axes_of_weighed(outline.steps()), **axes_of_followed(follow)},
        entry=entry,
        running=running_axes(outline),
    )
    planned = plan(subject.items, style, words, look)
    footnotes = tuple(_footnotes(subject, outline.failure, words, look))
    drawn = _composed(subject, planned, colours, words, footnotes)
    return in_slow_motion(drawn) if look.animate else drawn


def _overview(outline: Outline, theme: Theme, words: Words, look: Look) -> Figure | None:
    """The pass on a page, or None if it cannot be; what is too long is said in a line, first what is alike."""

    def draw(lines: Sequence[Line]) -> Figure | None:
        return overview_figure(outline, lines, theme, words, look) if has_room(lines, look.max_rows) else None

    drawn: Figure | None = None
    for any_size in (False, True):
        lines = lines_of(outline, look, any_size=any_size)
        if not any(isinstance(line, Framed) for line in lines) and sum(1 for _ in outline.steps()) <= _FEW_STEPS:
            return None  # each has a row of its own
        drawn = draw(lines) or drawn
        if drawn is not None and drawn.height_px <= MOST_PX:
            return drawn

    def gather(closed: Collection[int]) -> tuple[Line, ...]:
        return lines_of(outline, look, any_size=True, closed=closed)

    room, best = MOST_PX, None
    for _ in range(_CLOSINGS):
        lines = opened_until(outline, gather, room, look.max_rows)
        drawn = draw(lines) or drawn
        if drawn is None:
            break
        fits = drawn.height_px <= MOST_PX
        if fits and (best is None or best.height_px < drawn.height_px):
            best = drawn
        if fits and drawn.height_px > _FULL * MOST_PX:
            break
        room = (tallness(lines) if fits else min(room, tallness(lines))) * MOST_PX / drawn.height_px
    return best or drawn


def _title(subject: Subject, follow: Followed, words: Words) -> str:
    """That of the part, and which row is followed through it."""
    return words.say("{title}: {sentence}", title=subject.title, sentence=name_of(follow, words))


def _composed(
    subject: Subject, planned: Plan, theme: Theme, words: Words, footnotes: tuple[tuple[str, str], ...]
) -> Figure:
    margins, title = planned.margins, clean(subject.title)
    legend = tuple(legend_of(planned, theme, words))
    head, top = heading(title, subject.facts, legend, margins.width)
    placement = lay_out(planned.items, planned.rows, top + 16)
    foot, bottom = footing(footnotes, placement.bottom + (20 if footnotes else 0), margins.width)
    height = bottom + _BOTTOM_PX
    groups = (
        Group(HEADING, head),
        *(panel_group(placed, margins, words) for placed in placement.panels),
        rail_group(planned.rails, placement, top + 8, margins),
        *(row_group(placed, margins, words) for placed in placement.rows),
        Group(FOOTING, (*_gaps(placement, planned, words), *foot)),
    )
    desc = "\n".join(row_title(fitted.row, words) for fitted in planned.rows)
    shown = on_canvas(groups, margins.width, height)
    return Figure(subject.name, title, desc, margins.width, height, shown, theme, words.lang)


def legend_of(planned: Plan, theme: Theme, words: Words) -> Iterator[tuple[str, str]]:
    """What the figure's signs mean, as sign and phrase: only those that it has."""
    rows = [fitted.row for fitted in planned.rows]
    operands = [operand for row in rows for operand in drawn_operands(row)]
    roles = {operand.role for operand in operands}
    yield from legend_of_roles(roles, theme.hatched, words)
    yield from legend_of_ranks(operands, words)
    if any(step.inner for row in rows if not row.folded and not row.emphasis for step in row.steps):
        yield "match", words.say("inner sizes match")
    yield from legend_of_picks(operands, words)
    steps = [step for row in rows if not row.folded for step in (*row.steps, *row.alike)]
    yield from legend_of_shades(steps, planned.style.tokens, words)
    yield from legend_of_running(operands, planned.style.running, words, planned.style.dims)
    if any(any(row.emphasis.axes) for row in rows if row.emphasis):
        yield "clash", words.say("sizes that do not fit")
    if planned.style.entry is not None:
        yield "marker", planned.style.entry.legend(words)
    yield from legend_of_followed(planned.style.follow, operands, words)
    if planned.rails:
        yield "rail", words.say("residual")
    if any(size in planned.style.scale.broken for operand in operands for size in drawn_sizes(operand)):
        yield "broken", words.say("not to scale")
    yield SENTENCE, words.say("to scale: 8 × the size is 2 × the side")
    if any(is_shaded(operand, planned.style.tokens) for operand in operands):
        yield SENTENCE, words.say("a cell is {n} px", n=f"{TOKEN_PX:.0f}")


def _footnotes(subject: Subject, failure: str, words: Words, look: Look) -> Iterator[tuple[str, str]]:
    if failure:
        yield "warning", words.say("The pass ended early: {reason}", reason=clean(failure))
    if n_folded := sum(row.folded is not None and not row.same_as for row in rows_in(subject.items)):
        phrase = "{n} sections are drawn as one row each." if n_folded > 1 else "1 section is drawn as one row."
        yield "caption", words.say(phrase, n=n_folded)
    yield from captions(look)


def _gaps(placement: Placement, planned: Plan, words: Words) -> Iterator[Mark]:
    for y, n_left_out in placement.gaps:
        text = "⋮ " + words.say("{n} more rows, not drawn", n=n_left_out)
        yield Text(planned.margins.caption, y, (Span(text),), "caption")
