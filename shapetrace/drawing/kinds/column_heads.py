"""The heading of a column in a comparison: a model's name, its parameters, its key/value cache, with bars."""

from collections.abc import Iterator
from dataclasses import dataclass

from shapetrace.drawing.kinds.kv_cache import Cache, cache_of
from shapetrace.drawing.metrics import clean, shortened, wrapped
from shapetrace.drawing.primitives import Mark, Rect, Span, Text
from shapetrace.drawing.wording import Words, counted
from shapetrace.outlining.structure import Outline, Section

_BAR_PX = 8.0
_LINE_PX = 16.0


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """What the heading of a column says.

    Attributes:
        name: Name of the model.
        parameters: Of the compared section.
        whole: Of the whole model.
        cache: What one layer keeps of one token; None without attention.
    """

    name: str
    parameters: int
    whole: int
    cache: Cache | None


def head_of(outline: Outline, section: Section) -> ColumnHead:
    """Count what the heading of a column says."""
    whole = outline.totals.parameters
    parameters = section.parameters if section.path else whole
    return ColumnHead(clean(outline.model.name), parameters, whole, cache_of(outline))


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
        largest = max(other.cache.layer_bytes for other in among if other.cache)
        said = words.say("KV cache: {n} bytes per token and layer", n=counted(head.cache.layer_bytes))
        yield said, "data", head.cache.layer_bytes / largest if largest else 0


def _notes(head: ColumnHead, words: Words) -> Iterator[str]:
    """How the bytes of the cache come about, and how many they are in all layers."""
    cache = head.cache
    if cache is None:
        return
    if cache.latent:
        width = cache.parts[0][1]
        turned = [words.say("{n} rotated", n=width - cache.latent)] if width > cache.latent else []
        rest = [_product(part) for part in cache.parts[1:]]
        kept = " + ".join([words.say("latent {n}", n=cache.latent), *turned, *rest])
        kept = f"({kept})" if " + " in kept else kept
    elif len(set(cache.parts)) == 1 and len(cache.parts) == 2:
        kept = words.say("K and V: {n}", n=f"2 · {_product(cache.parts[0])}")
    else:
        kept = " + ".join(_product(part) for part in cache.parts)
    yield words.say("{kept} values · {n} bytes", kept=kept, n=cache.value_bytes)
    if cache.n_layers > 1:
        in_all = counted(cache.layer_bytes * cache.n_layers)
        yield words.say("{n} bytes per token in {layers} layers", n=in_all, layers=cache.n_layers)


def _product(part: tuple[int, int]) -> str:
    heads, width = part
    return f"{heads} · {width}" if heads > 1 else str(width)
