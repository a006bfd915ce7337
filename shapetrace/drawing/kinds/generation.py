"""A generation in one figure: prefill, first and last decode step in columns, what is kept told from what is new."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.content.following import legend_of_followed, title_of
from shapetrace.drawing.framing import framed
from shapetrace.drawing.generating.bands import Band, Setting, bands_of
from shapetrace.drawing.generating.billing import bill_groups
from shapetrace.drawing.generating.content import Layer, PassColumn, is_before
from shapetrace.drawing.generating.following import followed_in
from shapetrace.drawing.generating.gathering import layers_of
from shapetrace.drawing.generating.placing import Placed, PlacedBand, placed_band, ways
from shapetrace.drawing.generating.staging import staged
from shapetrace.drawing.generating.tiles import Lengths, lengths_for
from shapetrace.drawing.layout.canvas import FOOTING, HEADING, on_canvas
from shapetrace.drawing.layout.headings import MARGIN_PX, captions, footing, heading
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.primitives import Figure, Group, Line, Mark, Rect, Span, Text
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.widths import COLUMN_PX
from shapetrace.drawing.wording import Words, counted, words_in

_LEFT_PX = 132.0
_GAP_PX = 14.0
_INSIDE_PX = 8.0
_HEAD_PX = 48.0
_BOTTOM_PX = 18.0
_SEPARATOR = " · "
_MOST_LAYERS = 3
"""Kinds of layers that are drawn; what further ones there are is said."""


@framed
def generation_figure(
    columns: Sequence[PassColumn],
    *,
    theme: str = "default",
    lang: str = "en",
    look: Look | None = None,
    notes: Sequence[str] = (),
) -> Figure:
    """Draw passes of one model in columns, in the order given.

    Args:
        columns: At least one pass.
        theme: Name of a theme, or a TOML file.
        lang: Language of the words.
        look: Width, title and caption.
        notes: Lines below, in that language.

    Raises:
        UsageError: If there is no such theme or language.
    """
    look = look or Look()
    if look.follow:
        each = zip(columns, followed_in(columns, look.follow), strict=True)
        columns = [replace(column, follow=follow) for column, follow in each]
    words = words_in(lang, look.templates)
    width = min(look.width_px, COLUMN_PX)
    layers = layers_of(columns)
    edges = _edges(len(columns), width)
    setting = Setting(columns, words, edges[0][1] - edges[0][0] - 2 * _INSIDE_PX)
    bands = tuple(bands_of(layers[:_MOST_LAYERS], setting))
    lengths = _lengths(columns, layers[:_MOST_LAYERS], setting)
    name = clean(_main(columns).outline.model.name)
    title = clean(look.title or _title(columns, name, words))
    legend = tuple(_legend(columns, layers, lengths, words))
    head, top = heading(title, tuple(_facts(columns, layers, words)), legend, width)
    body = _body(bands, lengths, Placed(columns, edges, top + 10, words), animate=look.animate)
    below = [*notes, *_about_ids(columns, words)]
    foot, bottom = footing(tuple(_notes(layers, words, look, below)), body.bottom, width)
    height = bottom + _BOTTOM_PX
    groups = on_canvas((Group(HEADING, head), *body.groups, Group(FOOTING, foot)), width, height)
    desc = "\n".join(f"{band.title}: {' | '.join(band.told)}" for band in bands)
    drawn = Figure("generation", title, desc, width, height, groups, theme_named(theme, look.templates), lang)
    return replace(drawn, stages=body.stages)


def _edges(n: int, width: float) -> list[tuple[float, float]]:
    each = (width - _LEFT_PX - MARGIN_PX / 2 - _GAP_PX * (n - 1)) / n
    return [(_LEFT_PX + place * (each + _GAP_PX), _LEFT_PX + place * (each + _GAP_PX) + each) for place in range(n)]


def _lengths(columns: Sequence[PassColumn], layers: Sequence[Layer], setting: Setting) -> Lengths:
    """One law for all tiles."""
    room, widths = setting.room_px - 8, []
    rows = [ids.shape[-1] for each in columns for ids in (each.source, each.ids) if ids]
    for attended in (each for layer in layers for each in layer.passes):
        rows += attended.scores.results[0].shape[-2:]
        rows += [kept.n_rows for kept in attended.kept if kept]
        single = [attended.query, *(attended.summed.results[:1] if attended.summed else ())]
        widths += [(operand.shape[-1], room) for operand in single]
        pair = [*(kept.new for kept in attended.kept if kept), *attended.expanded]
        widths += [(operand.shape[-1], (room - 36) / 2) for operand in pair]
    vocabulary = max((each.logits.shape[-1] for each in columns if each.logits), default=0)
    return lengths_for(widths, rows, vocabulary, room)


def _title(columns: Sequence[PassColumn], name: str, words: Words) -> str:
    if (follow := columns[0].follow) is not None:
        return title_of(columns[0].outline, follow, words)
    return words.say("{model}: how it generates", model=name)


@dataclass(frozen=True, slots=True)
class _Body:
    """The columns from their heads down to the bill.

    Attributes:
        groups: All of it, in painting order.
        stages: Names of the groups that appear one after another, in an animated figure.
        bottom: The y below.
    """

    groups: list[Group]
    stages: tuple[str, ...]
    bottom: float


def _body(bands: Sequence[Band], lengths: Lengths, placed: Placed, *, animate: bool) -> _Body:
    y = placed.top + _HEAD_PX
    rows: list[PlacedBand] = []
    for band in bands:
        each = zip(band.cells, placed.columns, strict=True)
        cells = [draw(replace(lengths, follow=column.follow)) if draw else None for draw, column in each]
        row, y = placed_band(band, cells, y, placed)
        rows.append(row)
    inner = [(left + _INSIDE_PX, right - _INSIDE_PX) for left, right in placed.edges]
    rule = Line(tuple(((left, y), (right, y)) for left, right in inner), "rule")
    bills, y = bill_groups(placed.columns, inner, MARGIN_PX, y + 12, placed.words)
    panels = Group("columns", tuple(_panels(placed, y + 6)))
    found = list(ways(rows, placed))
    appearing, still = staged(rows, found) if animate else ([], [row.group for row in rows])
    if not animate:
        still.append(Group("next-ids", tuple(mark for way in found for mark in way)))
    groups = [panels, *appearing, *still, Group("rule", (rule,)), *bills]
    return _Body(groups, tuple(group.id for group in appearing), y + 8)


def _panels(placed: Placed, bottom: float) -> Iterator[Mark]:
    words = placed.words
    first = "Encoder" if is_before(placed.columns[0], placed.columns) else "Prefill"
    for place, (each, (left, right)) in enumerate(zip(placed.columns, placed.edges, strict=True)):
        yield Rect(left, placed.top, right - left, bottom - placed.top, "panel", 10)
        title = words.say("Decode step {n}", n=each.number) if each.number else words.say(first)
        if not each.is_cached:
            title = words.say("Pass {n}", n=each.number + 1)
        yield Text(placed.middle(place), placed.top + 21, (Span(title),), "corner", "middle")
        said = words.several("{n} tokens", each.n_tokens)
        if each.source:
            n_read, n_written = counted(each.source.shape[-1]), counted(each.n_tokens)
            said = words.say("encoder {n}", n=n_read) + _SEPARATOR + words.say("decoder {n}", n=n_written)
        said += _SEPARATOR + words.say("{n} before", n=counted(each.n_before)) if each.n_before else ""
        if each.n_tokens:
            yield Text(placed.middle(place), placed.top + 38, (Span(said),), "note", "middle")


def _main(columns: Sequence[PassColumn]) -> PassColumn:
    """The first pass of the model itself, not that of its encoder alone."""
    return next(each for each in columns if not is_before(each, columns))


def _facts(columns: Sequence[PassColumn], layers: Sequence[Layer], words: Words) -> Iterator[str]:
    yield _SEPARATOR.join(facts_of(_main(columns).outline.model, words))
    said = []
    if layers:
        heads, repeat = layers[0].passes[0].query.stack, sum(layer.repeat for layer in layers if not layer.crosses)
        said.append(words.say("one of {n} heads, in each of {layers} layers", n=heads, layers=repeat))
    if (cache := _main(columns).outline.cache) and columns[0].is_cached:
        said.append(words.say("cache: {n} bytes a token", n=counted(cache.bytes_per_token())))
    if said:
        yield _SEPARATOR.join(said)
    if (follow := columns[0].follow) is not None:
        n_all = columns[-1].n_before + columns[-1].n_tokens
        yield words.say("row {n} of {all}", n=counted(follow.number), all=counted(n_all))


def _legend(
    columns: Sequence[PassColumn], layers: Sequence[Layer], lengths: Lengths, words: Words
) -> Iterator[tuple[str, str]]:
    yield "data", words.say("data")
    yield "weight", words.say("weights")
    kept = [each for layer in layers for attended in layer.passes for each in attended.kept if each]
    if any(each.before for each in kept):
        yield "kept", words.say("read from the cache")
    if columns[0].follow is not None:
        yield from _legend_of_followed(columns, layers, words)
    elif kept:
        yield "marker", words.say("new in this pass, kept")
    if lengths.law.broken and any(each.logits for each in columns):
        yield "broken", words.say("not to scale")


def _legend_of_followed(
    columns: Sequence[PassColumn], layers: Sequence[Layer], words: Words
) -> Iterator[tuple[str, str]]:
    """What green is where a row is followed, and what a ring is, if there is one."""
    found: dict[str, str] = {}
    for place, column in enumerate(columns):
        attended = [layer.columns[place] for layer in layers]
        scores = [each.scores.results[0] for each in attended if each]
        found |= dict(legend_of_followed(column.follow, scores, words))
    yield from found.items()


def _notes(layers: Sequence[Layer], words: Words, look: Look, notes: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from captions(look)
    yield from (("caption", note) for note in notes)
    if len(layers) > _MOST_LAYERS:
        more = len(layers) - _MOST_LAYERS
        yield "caption", words.say("{n} more kinds of layers are not drawn", n=more)


def _about_ids(columns: Sequence[PassColumn], words: Words) -> Iterator[str]:
    if any(each.logits for each in columns):
        yield words.say("The next id is a box, not a word: shapes need no weights.")
