"""Two or three models side by side: the same work in one band, what differs in the headings."""

from collections.abc import Sequence
from dataclasses import replace

from shapetrace.drawing.content.collapsing import collapse
from shapetrace.drawing.content.rows import MAX_DEPTH, Panel, Row, arrange, flattened, likeness, rows_in
from shapetrace.drawing.content.selecting import section_named
from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.kinds.aligning import Band, bands
from shapetrace.drawing.kinds.column_heads import head_of
from shapetrace.drawing.kinds.column_layout import ColumnLayout, painted
from shapetrace.drawing.kinds.single import legend_of, uniquely_named
from shapetrace.drawing.layout.captions import row_caption, row_title
from shapetrace.drawing.layout.equations import drawn_operands
from shapetrace.drawing.layout.fitting import fit_wrapped
from shapetrace.drawing.layout.headings import footing, heading
from shapetrace.drawing.layout.matrices import Style
from shapetrace.drawing.layout.painting import Margins
from shapetrace.drawing.layout.planning import Plan
from shapetrace.drawing.layout.scale import scale_for
from shapetrace.drawing.layout.stacking import FittedRow
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.primitives import Figure, Group, Rect
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.wording import Words, words_in
from shapetrace.errors import UsageError
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Outline, Section, SectionKind

_MOST = 3
_NARROWEST_PX = 360.0
_FACTORS = (0.46, 0.42)
"""What all sides are multiplied with, so that an equation fits a column."""


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
    parts = parts_of(outlines, section)
    if look.width_px < len(outlines) * _NARROWEST_PX:
        needed = len(outlines) * _NARROWEST_PX
        raise UsageError(f"width is {look.width_px} px; {len(outlines)} models side by side need {needed:.0f}")
    words, colours = words_in(lang, look.templates), theme_named(theme, look.templates)
    heads = tuple(head_of(outline, part) for outline, part in zip(outlines, parts, strict=True))
    columns = ColumnLayout(look.width_px, len(outlines))
    aligned = bands([rows_of(part, look) for part in parts])
    style = Style(scale_for(()), look.dims, colours.hatched, words.say("scalar"))
    planned = _planned(parts, aligned, style, words, columns)
    title = look.title or _title(outlines, parts[0], words)
    facts = (words.say("every shape recorded from a real forward pass"),)
    head, top = heading(title, facts, tuple(legend_of(planned, colours, words)), look.width_px)
    body, height = painted(columns, _fitted_bands(aligned, planned), heads, words, top + 12)
    notes = (("caption", clean(look.caption)),) if look.caption else ()
    foot, height = footing(notes, height, look.width_px)
    height += 12 if notes else 0
    canvas = Group("canvas", (Rect(0, 0, look.width_px, height, "background", 0),))
    groups = tuple(uniquely_named((canvas, Group("heading", head), *body, *([Group("footing", foot)] if foot else []))))
    desc = "\n".join(row_title(fitted.row, words) for fitted in planned.rows)
    return Figure(f"comparison-{slug(parts[0].kind)}", title, desc, look.width_px, height, groups, colours, lang)


def parts_of(outlines: Sequence[Outline], section: str | None) -> list[Section]:
    """What is compared of each model.

    Raises:
        UsageError: If there are not two or three outlines, or one has no such section.
    """
    if not 2 <= len(outlines) <= _MOST:
        raise UsageError(f"got {len(outlines)} model{'s' * (len(outlines) != 1)} to compare; expected 2 or 3")
    return [outline.root if section is None else section_named(outline, section) for outline in outlines]


def _planned(
    parts: Sequence[Section], aligned: Sequence[Band], style: Style, words: Words, columns: ColumnLayout
) -> Plan:
    """Choose one scale for all columns and set their rows."""
    items = tuple(
        Panel(part, tuple(row for band in aligned if (row := band[place]) is not None))
        for place, part in enumerate(parts)
    )
    rows = list(rows_in(items))
    style = replace(style, scale=scale_for(n for row in rows for o in drawn_operands(row) for n in o.shape[-2:]))
    lines = fit_wrapped(rows, style, words, columns.room, _FACTORS)
    captions = [row_caption(row, words, columns.room) for row in rows]
    return Plan(items, tuple(map(FittedRow, rows, captions, lines)), (), Margins(0, 0, 0, 0, columns.width), style)


def _fitted_bands(aligned: Sequence[Band], planned: Plan) -> list[tuple[FittedRow | None, ...]]:
    """The bands with set rows in place of rows."""
    waiting = iter(planned.rows)
    columns = [[next(waiting) if band[place] else None for band in aligned] for place in range(len(planned.items))]
    return list(zip(*columns, strict=True))


def rows_of(section: Section, look: Look) -> list[tuple[Row, SectionKind]]:
    """The rows of a section and the kinds of theirs; the value joins the key if they are alike."""
    apart = replace(look, list_alike=True)
    kinds = {step.id: part.kind for part in section.sections() for step in part.steps()}
    rows: list[Row] = []
    for row in rows_in(flattened(collapse(arrange(section, apart), look.max_rows), section.path, MAX_DEPTH)):
        pair = (rows[-1].steps[0].role, row.steps[0].role) if rows and not row.folded else ()
        if pair == (Role.KEY, Role.VALUE) and likeness(rows[-1]) == likeness(row):
            rows[-1] = replace(rows[-1], alike=row.steps)
        else:
            rows.append(row)
    return [(row, row.folded.kind if row.folded else kinds[row.steps[0].id]) for row in rows]


def _title(outlines: Sequence[Outline], section: Section, words: Words) -> str:
    names = words.listed(tuple(words.say(clean(outline.model.name)) for outline in outlines))
    return words.say("{part}: {names}", part=words.say(clean(section.title)), names=names) if section.path else names
