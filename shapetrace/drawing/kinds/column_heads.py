"""The heading of a column in a comparison: a model's name, its parameters, its key/value cache, with bars."""

from collections.abc import Iterator
from dataclasses import dataclass

from shapetrace.drawing.metrics import clean, wrapped
from shapetrace.drawing.primitives import Mark, Rect, Span, Text
from shapetrace.drawing.wording import Words, counted
from shapetrace.outlining.kept import Cache, CachedLayers
from shapetrace.outlining.structure import WINDOW, Outline, Section

_BAR_PX = 8.0
_LINE_PX = 15.0
_NAME_PX = 17.0


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """What the heading of a column says.

    Attributes:
        name: Name of the model.
        parameters: Of the compared section.
        whole: Of the whole model.
        cache: What all layers keep of one token; None where nothing is kept, or what is compared looks at no keys.
    """

    name: str
    parameters: int
    whole: int
    cache: Cache | None


def head_of(outline: Outline, section: Section) -> ColumnHead:
    """Count what the heading of a column says."""
    whole = outline.totals.parameters
    parameters = section.parameters if section.path else whole
    attends = any(step.kind == "scores" for step in section.steps())
    return ColumnHead(clean(outline.model.name), parameters, whole, outline.cache if attends else None)


def head_marks(head: ColumnHead, among: tuple[ColumnHead, ...], words: Words, room: float) -> tuple[Mark, ...]:
    """Write the heading of a column from its upper left corner, (0, 0); bars are to the largest of all columns."""
    marks: list[Mark] = []
    y = -3.0
    for line in wrapped(words.say(head.name), "label", room, lines=2):
        y += _NAME_PX
        marks.append(Text(0, y, (Span(line),), "label"))
    for bar in _bars(head, among, words):
        y += 6
        for line in wrapped(bar.text, "legend", room, lines=2):
            y += _LINE_PX
            marks.append(Text(0, y, (Span(line),), "legend"))
        marks.append(Rect(0, y + 6, max(room * bar.share, 2), _BAR_PX, bar.ink, 2))
        y += 6 + _BAR_PX
        for note in bar.notes:
            for line in wrapped(note, "note", room, lines=2):
                y += _LINE_PX
                marks.append(Text(0, y, (Span(line),), "note"))
    return tuple(marks)


@dataclass(frozen=True, slots=True)
class _Bar:
    """A number with its bar.

    Attributes:
        text: The number and what it counts.
        ink: Of the bar.
        share: Length of the bar, from 0 to 1.
        notes: What is said below.
    """

    text: str
    ink: str
    share: float
    notes: tuple[str, ...] = ()


def _bars(head: ColumnHead, among: tuple[ColumnHead, ...], words: Words) -> Iterator[_Bar]:
    most = max(other.parameters for other in among)
    text = words.say("{n} parameters", n=counted(head.parameters))
    whole = (words.say("{n} in the model", n=counted(head.whole)),) if head.whole != head.parameters else ()
    yield _Bar(text, "weight", head.parameters / most if most else 0, whole)
    if head.cache:
        caches = [other.cache for other in among if other.cache]
        by_layer = all(_of_one_layer(cache) is not None for cache in caches)
        lengths = [_of_one_layer(cache) or 0 if by_layer else cache.bytes_per_token() for cache in caches]
        own = lengths[caches.index(head.cache)]
        text = words.say("{n} bytes of cache a token", n=counted(own))
        yield _Bar(text, "data", own / max(lengths), tuple(_notes(head.cache, words, by_layer=by_layer)))


def _of_one_layer(cache: Cache) -> int | None:
    """Bytes that each layer keeps of one token, if all keep the same."""
    in_all = cache.bytes_per_token()
    return in_all // cache.n_layers if len(cache.layers) == 1 and in_all % cache.n_layers == 0 else None


def _notes(cache: Cache, words: Words, *, by_layer: bool) -> Iterator[str]:
    """How the bytes of the cache come about, and what they are of."""
    for group in cache.layers:
        said = [words.say("{kept} × {n} bytes", kept=_kept(group, words), n=cache.itemsize)]
        if group.window is not None:
            said.append(words.say(WINDOW, n=group.window))
        if group.tokens_per_row > 1:
            said.append(words.say("one row for {n} tokens", n=group.tokens_per_row))
        if len(cache.layers) > 1:
            said.append(words.several("{n} layers", group.n_layers))
        yield " · ".join(said)
    if cache.n_layers > 1 and by_layer:
        yield words.say("in one layer; {n} in all {layers}", n=counted(cache.bytes_per_token()), layers=cache.n_layers)
    elif cache.n_layers > 1:
        yield words.say("in all {layers} layers", layers=cache.n_layers)


def _kept(group: CachedLayers, words: Words) -> str:
    """The numbers that one layer keeps, as a sum."""
    if group.latent:
        beside = [words.say("{n} rotated", n=_product(part)) for part in group.parts[1:]]
        kept = " + ".join([words.say("latent {n}", n=group.latent), *beside])
        return f"({kept})" if beside else kept
    if len(set(group.parts)) == 1 and len(group.parts) == 2:
        return words.say("K and V: {n}", n=f"2 · {_product(group.parts[0])}")
    return " + ".join(map(_product, group.parts))


def _product(part: tuple[int, int]) -> str:
    heads, width = part
    return f"{heads} · {width}" if heads > 1 else str(width)
