"""A generation in one figure: prefill, first and last decode step in columns, what is kept told from what is new."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.framing import framed
from shapetrace.drawing.generating.bands import Band, Setting, bands_of
from shapetrace.drawing.generating.billing import bill_groups
from shapetrace.drawing.generating.content import Layer, PassColumn, is_before, layers_of
from shapetrace.drawing.generating.tiles import Lengths, lengths_for
from shapetrace.drawing.layout.boxes import Box
from shapetrace.drawing.layout.canvas import FOOTING, HEADING, on_canvas
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.headings import MARGIN_PX, captions, footing, heading
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean, wrapped
from shapetrace.drawing.primitives import Figure, Group, Line, Mark, Polygon, Rect, Span, Text, moved
from shapetrace.drawing.telling.rich import rich_spans
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.widths import COLUMN_PX
from shapetrace.drawing.wording import Words, counted, words_in

_TITLES_PX = 104.0
_LEFT_PX = 132.0
_GAP_PX = 14.0
_INSIDE_PX = 8.0
_HEAD_PX = 48.0
_BAND_GAP_PX = 18.0
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
    words = words_in(lang, look.templates)
    width = min(look.width_px, COLUMN_PX)
    layers = layers_of(columns)
    edges = _edges(len(columns), width)
    setting = Setting(columns, words, edges[0][1] - edges[0][0] - 2 * _INSIDE_PX)
    bands = tuple(bands_of(layers[:_MOST_LAYERS], setting))
    lengths = _lengths(columns, layers[:_MOST_LAYERS], setting)
    name = clean(_main(columns).outline.model.name)
    title = clean(look.title or words.say("{model}: how it generates", model=name))
    legend = tuple(_legend(columns, layers, lengths, words))
    head, top = heading(title, tuple(_facts(columns, layers, words)), legend, width)
    body, bottom = _body(bands, lengths, _Placed(columns, edges, top + 10, words))
    below = [*notes, *_about_ids(columns, words)]
    foot, bottom = footing(tuple(_notes(layers, words, look, below)), bottom, width)
    height = bottom + _BOTTOM_PX
    groups = on_canvas((Group(HEADING, head), *body, Group(FOOTING, foot)), width, height)
    desc = "\n".join(f"{band.title}: {' | '.join(band.told)}" for band in bands)
    return Figure("generation", title, desc, width, height, groups, theme_named(theme, look.templates), lang)


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where the columns stand.

    Attributes:
        columns: They.
        edges: Left and right of each.
        top: Of all.
        words: Of the figure.
    """

    columns: Sequence[PassColumn]
    edges: Sequence[tuple[float, float]]
    top: float
    words: Words

    def middle(self, place: int) -> float:
        """The x around which a column is set."""
        return sum(self.edges[place]) / 2


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


def _body(bands: Sequence[Band], lengths: Lengths, placed: _Placed) -> tuple[list[Group], float]:
    """The columns from their heads down to the bill, and the y below."""
    y = placed.top + _HEAD_PX
    groups: list[Group] = []
    boxes: dict[str, list[Box | None]] = {}
    for band in bands:
        cells = [draw(lengths) if draw else None for draw in band.cells]
        group, boxes[band.id], y = _band(band, cells, y, placed)
        groups.append(group)
    inner = [(left + _INSIDE_PX, right - _INSIDE_PX) for left, right in placed.edges]
    rule = Line(tuple(((left, y), (right, y)) for left, right in inner), "rule")
    bills, y = bill_groups([each.bill for each in placed.columns], inner, MARGIN_PX, y + 12, placed.words)
    panels = Group("columns", tuple(_panels(placed, y + 6)))
    ways = Group("next-ids", tuple(_ways(boxes, placed)))
    return [panels, *groups, ways, Group("rule", (rule,)), *bills], y + 8


def _panels(placed: _Placed, bottom: float) -> Iterator[Mark]:
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


def _band(
    band: Band, cells: Sequence[Cell | None], top: float, placed: _Placed
) -> tuple[Group, list[Box | None], float]:
    """One band: its title in the middle of its height, each cell in the middle of its column."""
    titles = [(line, "label", 17.0) for line in wrapped(band.title, "label", _TITLES_PX, lines=2)]
    titles += [
        (line, "note", 14.0) for note in band.notes if note for line in wrapped(note, "note", _TITLES_PX, lines=3)
    ]
    tall = max([each.box.bottom - each.box.top for each in cells if each] + [sum(step for *_, step in titles)])
    middle = top + tall / 2
    marks: list[Mark] = []
    y = middle - sum(step for *_, step in titles) / 2
    for line, ink, step in titles:
        y += step
        marks.append(Text(MARGIN_PX, y - 4, rich_spans(line), ink))
    boxes: list[Box | None] = []
    for place, each in enumerate(cells):
        if each is None:
            boxes.append(None)
            continue
        dx = placed.middle(place) - (each.box.left + each.box.right) / 2
        dy = middle - (each.box.top + each.box.bottom) / 2
        drawn = list(moved(each.marks, dx, dy))
        marks += drawn
        boxes.append(_marked(drawn))
    return Group(band.id, tuple(marks), f"{band.title}: {' | '.join(band.told)}"), boxes, top + tall + _BAND_GAP_PX


def _marked(marks: Sequence[Mark]) -> Box | None:
    """Where the last box of a new id, or of several, stands in a cell."""
    rects = [mark for mark in marks if isinstance(mark, Rect) and mark.ink == "marker"]
    return (
        Box(rects[-1].x, rects[-1].y, rects[-1].x + rects[-1].width, rects[-1].y + rects[-1].height) if rects else None
    )


def _ways(boxes: dict[str, list[Box | None]], placed: _Placed) -> Iterator[Mark]:
    """The id that a pass chooses is what the next one reads: a line to its input, dashed over passes not shown."""
    starts, ends = boxes.get("logits"), boxes.get("input")
    if not starts or not ends:
        return
    for place, (start, end) in enumerate(zip(starts, ends[1:], strict=False)):
        if start is None or end is None:
            continue
        follows = placed.columns[place + 1].number == placed.columns[place].number + 1
        x = (placed.edges[place][1] + placed.edges[place + 1][0]) / 2
        y = end.bottom - min(10.0, (end.bottom - end.top) / 2)
        low = start.bottom - 10
        stroke = ((start.right, low), (x, low), (x, y), (end.left - 6, y))
        yield Line((stroke,), "marker-way" if follows else "marker-later", 6)
        yield Polygon(((end.left - 1, y), (end.left - 7, y - 3.5), (end.left - 7, y + 3.5)), "marker-tip")


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


def _legend(
    columns: Sequence[PassColumn], layers: Sequence[Layer], lengths: Lengths, words: Words
) -> Iterator[tuple[str, str]]:
    yield "data", words.say("data")
    yield "weight", words.say("weights")
    kept = [each for layer in layers for attended in layer.passes for each in attended.kept if each]
    if any(each.before for each in kept):
        yield "kept", words.say("read from the cache")
    if kept:
        yield "marker", words.say("new in this pass, kept")
    if lengths.law.broken and any(each.logits for each in columns):
        yield "broken", words.say("not to scale")


def _notes(layers: Sequence[Layer], words: Words, look: Look, notes: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from captions(look)
    yield from (("caption", note) for note in notes)
    if len(layers) > _MOST_LAYERS:
        more = len(layers) - _MOST_LAYERS
        yield "caption", words.say("{n} more kinds of layers are not drawn", n=more)


def _about_ids(columns: Sequence[PassColumn], words: Words) -> Iterator[str]:
    if any(each.logits for each in columns):
        yield words.say("The next id is a box, not a word: shapes need no weights.")
