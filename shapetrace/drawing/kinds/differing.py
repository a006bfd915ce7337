"""What two models differ in: the sums first, then side by side the steps that changed, were added or removed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapetrace.comparing import summarising
from shapetrace.comparing.structure import Change, Comparison
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.kinds.column_layout import ColumnLayout
from shapetrace.drawing.kinds.difference_bands import Band, Differing, Equal, Head, bands_of
from shapetrace.drawing.kinds.pairing import SIGNS, FittedChange, emphases, paired, tagged, titled
from shapetrace.drawing.kinds.sums import total_marks
from shapetrace.drawing.layout.equations import drawn_operands
from shapetrace.drawing.layout.fitting import fit_wrapped
from shapetrace.drawing.layout.group_names import uniquely_named
from shapetrace.drawing.layout.headings import MARGIN_PX, footing, heading
from shapetrace.drawing.layout.matrices import Style
from shapetrace.drawing.layout.scale import scale_for
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Figure, Group, Line, Mark, Rect, Span, Text, moved
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.wording import Words, words_in
from shapetrace.errors import UsageError

_NARROWEST_PX = 720
_FACTORS = (0.6, 0.5, 0.42, 0.36)
"""What all sides are multiplied with, so that an equation fits half of the width."""

_HEAD_PX = 34.0
_EQUAL_PX = 26.0
_PADDING_PX = 16.0


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
        UsageError: If there is no such theme or language, or the width is too small.
    """
    look = look or Look()
    if look.width_px < _NARROWEST_PX:
        raise UsageError(f"width is {look.width_px} px; two models side by side need {_NARROWEST_PX}")
    words, colours = words_in(lang, look.templates), theme_named(theme, look.templates)
    columns = ColumnLayout(look.width_px, 2)
    style = Style(scale_for(()), look.dims, colours.hatched, words.say("scalar"))
    bands, n_left_out = _first(bands_of(comparison, strict=strict), look.max_rows)
    fitted = _fitted([band.change for band in bands if isinstance(band, Differing)], style, words, columns)
    title = look.title or f"{clean(comparison.left)} ↔ {clean(comparison.right)}"
    legend = _legend(fitted, words)
    head, top = heading(title, _facts(comparison, words), legend, look.width_px)
    sums, height = total_marks(comparison, words, look.width_px - 2 * MARGIN_PX)
    named = _names(comparison, columns, top + 14 + height + 22) if fitted else ()
    body, y = _painted(bands, fitted, columns, top + 14 + height + (34 if fitted else 10), words)
    foot, bottom = footing(tuple(_notes(comparison, strict, n_left_out, words, look)), y, look.width_px)
    groups = (
        Group("canvas", (Rect(0, 0, look.width_px, bottom + 22, "background", 0),)),
        Group("heading", head),
        Group("sums", moved(sums, MARGIN_PX, top + 14)),
        Group("names", named),
        *body,
        Group("footing", foot),
    )
    desc = "\n".join(_described(pair.change, words) for pair in fitted)
    name = f"difference-{slug(comparison.left)}-{slug(comparison.right)}"
    shown = tuple(uniquely_named(group for group in groups if group.marks))
    return Figure(name, title, desc, look.width_px, bottom + 22, shown, colours, lang)


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


def _fitted(changes: Sequence[Change], style: Style, words: Words, columns: ColumnLayout) -> list[FittedChange]:
    """Choose one scale for all equations and set them."""
    pairs = [pair for change in changes for pair in zip(change.steps, emphases(change), strict=True)]
    rows = [Row((step,), emphasis=emphasis) for step, emphasis in pairs if step is not None]
    style = replace(style, scale=scale_for(n for row in rows for o in drawn_operands(row) for n in o.shape[-2:]))
    lines = iter(fit_wrapped(rows, style, words, columns.room, _FACTORS) if rows else ())
    return [FittedChange(change, tuple(next(lines) if step else () for step in change.steps)) for change in changes]  # type: ignore[arg-type]


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
    if look.caption:
        yield "caption", clean(look.caption)


def _legend(fitted: Sequence[FittedChange], words: Words) -> tuple[tuple[str, str], ...]:
    roles = {o.role for pair in fitted for step in pair.change.steps if step for o in drawn_operands(Row((step,)))}
    inks = (("data", "data", "data"), ("weight", "weight", "weights"), ("constant", "const", "constants"))
    found = [(ink, words.say(phrase)) for role, ink, phrase in inks if role in roles]
    changed = any(pair.change.status == "changed" for pair in fitted)
    return (*found, *([("change", words.say("sizes that changed"))] if changed else []))


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
