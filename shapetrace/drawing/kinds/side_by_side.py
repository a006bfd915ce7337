"""Two or three models side by side: the same work in one band, what differs in the headings."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapetrace.drawing.compact.equations import operands_in, sizes_in
from shapetrace.drawing.compact.scaling import SHORTEST_PX, law_for
from shapetrace.drawing.compact.tiles import TileStyle
from shapetrace.drawing.content.collapsing import collapse
from shapetrace.drawing.content.priming import activated, primed
from shapetrace.drawing.content.rows import MAX_DEPTH, Row, arrange, flattened, likeness, rows_in
from shapetrace.drawing.content.selecting import section_named
from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.framing import framed
from shapetrace.drawing.kinds.aligning import bands
from shapetrace.drawing.kinds.band_cells import FittedBands, fitted_bands
from shapetrace.drawing.kinds.band_painting import painted
from shapetrace.drawing.kinds.column_heads import head_of
from shapetrace.drawing.kinds.column_layout import ColumnLayout
from shapetrace.drawing.kinds.head_sharing import head_sharing
from shapetrace.drawing.kinds.quieting import quieted, sources_of
from shapetrace.drawing.kinds.stacking_cells import stacked
from shapetrace.drawing.layout.canvas import FOOTING, HEADING, on_canvas
from shapetrace.drawing.layout.captions import row_title
from shapetrace.drawing.layout.headings import captions, footing, heading, legend_of_ranks, legend_of_roles
from shapetrace.drawing.layout.running import legend_of_running
from shapetrace.drawing.layout.sharing import drawn_sizes
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.primitives import Figure, Group
from shapetrace.drawing.theme import Theme, theme_named
from shapetrace.drawing.wording import Words, words_in
from shapetrace.errors import UsageError
from shapetrace.outlining.roles import Role
from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Outline, Section, SectionKind

_MOST = 3
_NARROWEST_PX = 210.0
_ABREAST = frozenset({(Role.KEY, Role.VALUE), (Role.GATE, Role.UP), (Role.UP, Role.GATE)})
"""Roles of products of one operand that share a row."""


@framed
def compare(
    outlines: Sequence[Outline],
    *,
    section: str | None = "attention",
    theme: str = "default",
    lang: str = "en",
    look: Look | None = None,
) -> Figure:
    """Draw two or three models side by side.

    Args:
        outlines: What their traces mean.
        section: Path or kind of the section to compare; None for the whole models.
        theme: Name of a theme, or a TOML file.
        lang: Language of the words.
        look: Width, title and other choices.

    Returns:
        The figure, a column a model; in its heading the parameters, and the bytes that one token takes in the
        key/value cache.

    Raises:
        UsageError: If there are not two or three outlines, one has no such section, or the width is too small.
    """
    look = look or Look()
    if look.follow or look.entry:
        raise UsageError(
            f"{'follow' if look.follow else 'entry'} is of one model, a comparison of several: leave it out"
        )
    parts = parts_of(outlines, section)
    if look.width_px < len(outlines) * _NARROWEST_PX:
        needed = len(outlines) * _NARROWEST_PX
        raise UsageError(f"width is {look.width_px} px; {len(outlines)} models side by side need {needed:.0f}")
    words, colours = words_in(lang, look.templates), theme_named(theme, look.templates)
    heads = tuple(head_of(outline, part) for outline, part in zip(outlines, parts, strict=True))
    columns = ColumnLayout(look.width_px, len(outlines))
    running = [running_axes(outline) for outline in outlines]
    fitted = _fitted(parts, running, look, colours, words, columns.room)
    title = look.title or _title(outlines, parts[0], words)
    facts = (words.say("every shape recorded from a real forward pass"),)
    head, top = heading(title, facts, tuple(_legend(fitted, running, colours, words, look.dims)), look.width_px)
    body, height = painted(columns, fitted.bands, heads, words, top + 8)
    foot, height = footing(tuple(_notes(fitted, words, look)), height - 4, look.width_px)
    height += 14
    groups = on_canvas((Group(HEADING, head), *body, Group(FOOTING, foot)), look.width_px, height)
    desc = "\n".join(row_title(row, words) for row in fitted.rows())
    return Figure(f"comparison-{slug(parts[0].kind)}", title, desc, look.width_px, height, groups, colours, lang)


def parts_of(outlines: Sequence[Outline], section: str | None) -> list[Section]:
    """What is compared of each model.

    Raises:
        UsageError: If there are not two or three outlines, or one has no such section.
    """
    if not 2 <= len(outlines) <= _MOST:
        raise UsageError(f"got {len(outlines)} model{'s' * (len(outlines) != 1)} to compare; expected 2 or 3")
    return [outline.root if section is None else section_named(outline, section) for outline in outlines]


def rows_of(section: Section, look: Look) -> list[tuple[Row, SectionKind]]:
    """The rows of a section and the kinds of theirs; the value joins the key, and up the gate, if they are alike."""
    apart = replace(look, list_alike=True)
    kinds = {step.id: part.kind for part in section.sections() for step in part.steps()}
    rows: list[Row] = []
    items = flattened(collapse(arrange(section, apart), look.max_rows), section.path, MAX_DEPTH)
    for row in rows_in(primed(items, activated(section.steps()))):
        pair = (rows[-1].steps[0].role, row.steps[0].role) if rows and not row.folded else ()
        if pair in _ABREAST and likeness(rows[-1]) == likeness(row):
            rows[-1] = replace(rows[-1], alike=row.steps)
        else:
            rows.append(row)
    return [(row, row.folded.kind if row.folded else kinds[row.steps[0].id]) for row in rows]


def _fitted(
    parts: Sequence[Section],
    running: Sequence[frozenset[int]],
    look: Look,
    colours: Theme,
    words: Words,
    room_px: float,
) -> FittedBands:
    """The rows of all models, aligned and set."""
    sources = [sources_of(part) for part in parts]
    told = [quieted(rows_of(part, look), known) for part, known in zip(parts, sources, strict=True)]
    aligned = bands([[(each.row, each.kind) for each in column] for column in told], sources)
    styles = [TileStyle(law_for((), 1), look.dims, colours.hatched, running=each) for each in running]
    sharing = [head_sharing(part) for part in parts]
    return fitted_bands(stacked(aligned, told, sources), sharing, styles, words, room_px)


def _legend(
    fitted: FittedBands, running: Sequence[frozenset[int]], theme: Theme, words: Words, dims: str
) -> Iterator[tuple[str, str]]:
    operands = operands_in(fitted.rows())
    roles = {operand.role for operand in operands}
    yield from legend_of_roles(roles, theme.hatched, words)
    yield from legend_of_ranks(operands, words)
    if any(step.inner for row in fitted.rows() for step in row.steps):
        yield "match", words.say("inner sizes match")
    columns = zip(*(band for band in fitted.bands if len(band) == len(running)), strict=True)
    said = [
        entry
        for column, axes in zip(columns, running, strict=False)
        for entry in legend_of_running(
            operands_in(row for each in column if each for row in each.rows), axes, words, dims
        )
    ]
    yield from said[:1]
    if any(size in fitted.law.broken for operand in operands for size in drawn_sizes(operand)):
        yield "broken", words.say("not to scale")


def _notes(fitted: FittedBands, words: Words, look: Look) -> Iterator[tuple[str, str]]:
    yield from captions(look)
    sizes = sizes_in(fitted.rows())
    law = words.say("Side = {unit} px × ∛size: 8 times the size is 2 times the side.", unit=f"{fitted.law.unit_px:.1f}")
    if any(fitted.law.length_px(size) <= SHORTEST_PX for size in sizes):
        law += " " + words.say("No side is under {n} px.", n=f"{SHORTEST_PX:.0f}")
    yield "caption", law


def _title(outlines: Sequence[Outline], section: Section, words: Words) -> str:
    names = words.listed(tuple(words.say(clean(outline.model.name)) for outline in outlines))
    return words.say("{part}: {names}", part=words.say(clean(section.title)), names=names) if section.path else names
