"""What two models differ in: the sums first, then side by side the steps that changed, were added or removed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from shapetrace.comparing import summarising
from shapetrace.comparing.structure import Change, Comparison
from shapetrace.drawing.compact.equations import row_cells, sizes_in
from shapetrace.drawing.compact.lines import shared_unit, wrapped
from shapetrace.drawing.compact.scaling import law_for
from shapetrace.drawing.compact.tiles import TileStyle
from shapetrace.drawing.content.priming import activated, with_primes
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.framing import framed
from shapetrace.drawing.kinds.changed_sizes import size_marks
from shapetrace.drawing.kinds.column_layout import ColumnLayout
from shapetrace.drawing.kinds.difference_bands import Band, Differing, Equal, Head, bands_of, once
from shapetrace.drawing.kinds.pairing import SIGNS, FittedChange, emphases, paired, tagged, titled
from shapetrace.drawing.kinds.sums import total_marks
from shapetrace.drawing.layout.canvas import FOOTING, HEADING, on_canvas
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.columns import EquationLine
from shapetrace.drawing.layout.equations import drawn_operands
from shapetrace.drawing.layout.headings import MARGIN_PX, captions, footing, heading, legend_of_roles
from shapetrace.drawing.layout.running import legend_of_running
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Figure, Group, Line, Mark, Rect, Span, Text, moved
from shapetrace.drawing.theme import Theme, theme_named
from shapetrace.drawing.widths import COLUMN_PX
from shapetrace.drawing.wording import Words, words_in

_UNITS_PX = (1.2, 3.6)
_SIDE_PX = 46.0

_HEAD_PX = 34.0
_EQUAL_PX = 26.0
_PADDING_PX = 16.0


@framed
def difference(
    comparison: Comparison, *, strict: bool = False, theme: str = "default", lang: str = "en", look: Look | None = None
) -> Figure:
    """Draw a comparison.

    Args:
        comparison: Two outlines, aligned.
        strict: True to draw also steps that multiply nothing and differ because products do.
        theme: Name of a theme, or a TOML file.
        lang: Language of the words.
        look: Width, title and other choices.

    Returns:
        The figure: sums, then a band for each step that differs, at most 60; equal steps are a line.

    Raises:
        UsageError: If there is no such theme or language.
    """
    look = look or Look()
    width = min(look.width_px, COLUMN_PX)  # wider, its equations would be no clearer
    words, colours = words_in(lang, look.templates), theme_named(theme, look.templates)
    columns = ColumnLayout(width, 2)
    style = TileStyle(law_for((), 1), look.dims, colours.hatched)
    bands, n_left_out = _first(once(bands_of(comparison, strict=strict)), look.max_rows)
    styles = [replace(style, running=axes) for axes in comparison.running]
    makers = activated(step for change in comparison.changes for step in change.steps if step is not None)
    fitted = _fitted([band for band in bands if isinstance(band, Differing)], styles, makers, columns.room)
    title = look.title or f"{clean(comparison.left)} ↔ {clean(comparison.right)}"
    legend = tuple(_legend(fitted, comparison, colours, words))
    head, top = heading(title, _facts(comparison, words), legend, width)
    sums, height = total_marks(comparison, words, width - 2 * MARGIN_PX)
    sizes, sizes_px = size_marks(comparison, words, width - 2 * MARGIN_PX)
    below = top + 14 + height + 4
    named = _names(comparison, columns, below + sizes_px + 30) if fitted else ()
    body, y = _painted(bands, fitted, columns, below + sizes_px + (42 if fitted else 10), words)
    foot, bottom = footing(tuple(_notes(comparison, strict, n_left_out, words, look)), y, width)
    groups = (
        Group(HEADING, head),
        Group("sums", moved(sums, MARGIN_PX, top + 14)),
        Group("sizes", moved(sizes, MARGIN_PX, below)),
        Group("names", named),
        *body,
        Group(FOOTING, foot),
    )
    height = bottom + 22
    desc = "\n".join(_described(pair.change, words) for pair in fitted)
    name = f"difference-{slug(comparison.left)}-{slug(comparison.right)}"
    return Figure(name, title, desc, width, height, on_canvas(groups, width, height), colours, lang)


def _names(comparison: Comparison, columns: ColumnLayout, y: float) -> tuple[Mark, ...]:
    """What stands on which side."""
    names = (comparison.left, comparison.right)
    return tuple(
        Text(columns.left(place), y, (Span(shortened(clean(name), "label", columns.room)),), "label")
        for place, name in enumerate(names)
    )


def _first(bands: list[Band], most: int) -> tuple[list[Band], int]:
    """As many bands as a figure may have, and how many steps are left out."""
    places = [place for place, band in enumerate(bands) if isinstance(band, Differing)]
    if len(places) <= most:
        return bands, 0
    return bands[: places[most]], len(places) - most


def _fitted(
    bands: Sequence[Differing], styles: Sequence[TileStyle], makers: frozenset[str], room: float
) -> list[FittedChange]:
    """Choose one law for all equations and set them, with a style a side."""
    pairs = [tuple(_rows(band, makers)) for band in bands]
    rows = [(row, style) for pair in pairs for row, style in zip(pair, styles, strict=True) if row is not None]
    sizes = sizes_in(row for row, _ in rows)

    def cells(row: Row, style: TileStyle, unit_px: float) -> tuple[Cell, ...]:
        return row_cells(row, replace(style, law=law_for(sizes, unit_px)))

    unit = shared_unit([(partial(cells, row, style), room) for row, style in rows], sizes, _UNITS_PX, _SIDE_PX)

    def lines(row: Row | None, style: TileStyle) -> tuple[EquationLine, ...]:
        return wrapped(cells(row, style, unit), room) if row else ()

    (left, right) = styles
    return [FittedChange(band, (lines(a, left), lines(b, right))) for band, (a, b) in zip(bands, pairs, strict=True)]


def _rows(band: Differing, makers: frozenset[str]) -> Iterator[Row | None]:
    """The row of each side; None where there is none."""
    for place, (step, emphasis) in enumerate(zip(band.change.steps, emphases(band.change), strict=True)):
        alike = tuple(with_primes(other, makers) for change in band.alike if (other := change.steps[place]) is not None)
        yield Row((with_primes(step, makers),), alike=alike, emphasis=emphasis) if step is not None else None


def _facts(comparison: Comparison, words: Words) -> tuple[str, ...]:
    cause = summarising.settings(comparison)
    return tuple(filter(None, (words.told(summarising.verdict(comparison)), cause)))


def _notes(
    comparison: Comparison, strict: bool, n_left_out: int, words: Words, look: Look
) -> Iterator[tuple[str, str]]:
    if n_left_out:
        yield "caption", "⋮ " + words.say("{n} more rows, not drawn", n=n_left_out)
    for phrase in summarising.forms(comparison, strict=strict):
        yield "caption", words.told(phrase)
    yield from captions(look)


def _legend(
    fitted: Sequence[FittedChange], comparison: Comparison, theme: Theme, words: Words
) -> Iterator[tuple[str, str]]:
    roles = {o.role for pair in fitted for step in pair.change.steps if step for o in drawn_operands(Row((step,)))}
    yield from legend_of_roles(roles, theme.hatched, words)
    if any(pair.change.status == "changed" for pair in fitted):
        yield "change", words.say("sizes that changed")
    for place, axes in enumerate(comparison.running):
        steps = (step for pair in fitted if (step := pair.change.steps[place]) is not None)
        operands = [operand for step in steps for operand in drawn_operands(Row((step,)))]
        if said := tuple(legend_of_running(operands, axes, words)):
            yield from said
            break


def _painted(
    bands: Sequence[Band], fitted: Sequence[FittedChange], columns: ColumnLayout, top: float, words: Words
) -> tuple[list[Group], float]:
    """Paint the bands from ``top`` down; steps of one section stand in one panel."""
    waiting, groups = iter(fitted), list[Group]()
    left, room = columns.left(0), columns.left(1) + columns.room - columns.left(0)
    y, start = top, top
    marks: list[Mark] = []
    for place, band in enumerate(bands):
        if isinstance(band, Head) and marks:
            groups += _panel(marks, start, y, left, room)
            marks, start = [], y + 12
            y = start
        if isinstance(band, Head):
            marks += _head(band, left, y, room, words)
            y += _HEAD_PX
        elif isinstance(band, Equal):
            marks.append(Text(left, y + 18, (Span(_equal(band, words, room)),), "note"))
            y += _EQUAL_PX
        else:
            if place and not isinstance(bands[place - 1], Head):
                marks.append(Line((((left, y), (left + room, y)),), "rule"))
            painted, y = paired(next(waiting), columns, y, words)
            marks += painted
    groups += _panel(marks, start, y, left, room) if marks else []
    return groups, y + 4


def _panel(marks: list[Mark], top: float, bottom: float, left: float, room: float) -> list[Group]:
    frame = Rect(left - _PADDING_PX, top, room + 2 * _PADDING_PX, bottom - top, "panel", 12)
    return [Group("section", (frame, *marks))]


def _head(band: Head, left: float, y: float, room: float, words: Words) -> Iterator[Mark]:
    """``Block ×24 › Attention``; a section that differs itself says how."""
    last = band.changes[-1]
    if last.differs and not band.again:
        yield from tagged(last, left, y + 22, room, words)
        return
    title = " › ".join(_title(change, words) for change in band.changes)
    yield Text(left, y + 22, (Span(shortened(title, "corner", room * 0.6)),), "corner")
    side = last.right or last.left
    path = clean(side.place) if side else ""
    x = left + width_px(shortened(title, "corner", room * 0.6), "corner") + 12
    if path:
        yield Text(x, y + 22, (Span(shortened(path, "corner-path", left + room - x)),), "corner-path")


def _title(change: Change, words: Words) -> str:
    side = change.right or change.left
    return titled(side, words) if side else ""


def _equal(band: Equal, words: Words, room: float) -> str:
    titles = ", ".join(words.say(clean(title)) for title in dict.fromkeys(band.titles))
    n = len(band.titles)
    told = (
        words.say("= {n} equal steps: {titles}", n=n, titles=titles)
        if n > 1
        else words.say("= equal: {titles}", titles=titles)
    )
    return shortened(told, "note", room)


def _described(change: Change, words: Words) -> str:
    sides = [side.equation for side in (change.left, change.right) if side]
    side = change.right or change.left
    title = side.title + side.times if side else ""
    return f"{words.say(SIGNS[change.status])} {title}: {' → '.join(dict.fromkeys(sides))}"
