"""The heading of a column in a comparison: a model's name, its parameters, its key/value cache, with bars."""

from collections.abc import Iterator
from dataclasses import dataclass

from shapetrace.drawing.metrics import clean, shortened, wrapped
from shapetrace.drawing.primitives import Mark, Rect, Span, Text
from shapetrace.drawing.wording import Words, counted
from shapetrace.outlining.kept import Cache, CachedLayers
from shapetrace.outlining.structure import WINDOW, Outline, Section

_BAR_PX = 8.0
_LINE_PX = 16.0


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """What the heading of a column says.

    Attributes:
        name: Name of the model.
        parameters: Of the compared section.
        whole: Of the whole model.
        cache: What all layers keep of one token; None where nothing is kept.
    """

    name: str
    parameters: int
    whole: int
    cache: Cache | None


def head_of(outline: Outline, section: Section) -> ColumnHead:
    """Count what the heading of a column says."""
    whole = outline.totals.parameters
    parameters = section.parameters if section.path else whole
    return ColumnHead(clean(outline.model.name), parameters, whole, outline.cache)


def head_marks(head: ColumnHead, among: tuple[ColumnHead, ...], words: Words, room: float) -> tuple[Mark, ...]:
    """Write the heading of a column from its upper left corner, (0, 0); bars are to the largest of all columns."""
    marks: list[Mark] = [Text(0, 15, (Span(shortened(words.say(head.name), "label", room)),), "label")]
    y = 15.0
    for text, ink, share in _bars(head, among, words):
        y += 20
        marks.append(Text(0, y, (Span(shortened(text, "legend", room)),), "legend"))
        marks.append(Rect(0, y + 7, max(room * share, 2), _BAR_PX, ink, 2))
        y += 7 + _BAR_PX
        for note in _notes(head, words) if ink == "data" else ():
            for line in wrapped(note, "note", room, lines=2):
                y += _LINE_PX
                marks.append(Text(0, y, (Span(line),), "note"))
    return tuple(marks)


def _bars(head: ColumnHead, among: tuple[ColumnHead, ...], words: Words) -> Iterator[tuple[str, str, float]]:
    """Words, ink and length of each bar, the length from 0 to 1."""
    most = max(other.parameters for other in among)
    text = words.say("{n} parameters", n=counted(head.parameters))
    if head.whole != head.parameters:
        text += " · " + words.say("{n} in the model", n=counted(head.whole))
    yield text, "weight", head.parameters / most if most else 0
    if head.cache:
        caches = [other.cache for other in among if other.cache]
        by_layer = all(_of_one_layer(cache) is not None for cache in caches)
        lengths = [_of_one_layer(cache) or 0 if by_layer else cache.bytes_per_token() for cache in caches]
        own = lengths[caches.index(head.cache)]
        said = "KV cache: {n} bytes per token and layer" if by_layer else "KV cache: {n} bytes per token"
        yield words.say(said, n=counted(own)), "data", own / max(lengths)


def _of_one_layer(cache: Cache) -> int | None:
    """Bytes that each layer keeps of one token, if all keep the same."""
    in_all = cache.bytes_per_token()
    return in_all // cache.n_layers if len(cache.layers) == 1 and in_all % cache.n_layers == 0 else None


def _notes(head: ColumnHead, words: Words) -> Iterator[str]:
    """How the bytes of the cache come about, and how many they are in all layers."""
    cache = head.cache
    if cache is None:
        return
    for group in cache.layers:
        said = [words.say("{kept} values · {n} bytes", kept=_kept(group, words), n=cache.itemsize)]
        if group.window is not None:
            said.append(words.say(WINDOW, n=group.window))
        if group.tokens_per_row > 1:
            said.append(words.say("one row for {n} tokens", n=group.tokens_per_row))
        if len(cache.layers) > 1:
            said.append(words.several("{n} layers", group.n_layers))
        yield " · ".join(said)
    if cache.n_layers > 1:
        in_all = counted(cache.bytes_per_token())
        yield words.say("{n} bytes per token in {layers} layers", n=in_all, layers=cache.n_layers)


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
