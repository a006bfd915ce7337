"""The strip that closes a figure of a whole: parameters and FLOPs of each part, side by side."""

from collections.abc import Iterator, Sequence

from shapetrace.drawing.content.shares import Share
from shapetrace.drawing.layout.headings import MARGIN_PX
from shapetrace.drawing.metrics import shortened, width_px
from shapetrace.drawing.primitives import Line, Mark, Rect, Span, Text
from shapetrace.drawing.wording import Words, flops_text, short

_ROW_PX = 15.5
_HEAD_PX = 19.0
_HIGH_PX = 7.0
_LONGEST_PX = 120.0
_SHORTEST_PX = 24.0
_GAP_PX = 12.0
_LEAST_PX = 1.5
_NAME_PX = 140.0


def strip(shares: Sequence[Share], top: float, width: float, words: Words) -> tuple[tuple[Mark, ...], float]:
    """A row for each part, from a hairline on.

    Args:
        shares: What parts own and cost.
        top: Where it begins.
        width: Width of the figure.
        words: The language.

    Returns:
        The marks, and the y below them; none where there is one part, or too little room.
    """
    titles = [shortened(words.say(share.title), "legend", _NAME_PX) for share in shares]
    counts = [(short(share.parameters), flops_text(share.flops) if share.flops else "0") for share in shares]
    numbers = max((width_px(said, "shape") for each in counts for said in each), default=0.0)
    percent = width_px("100.0 %", "shape")
    name = max((width_px(title, "legend") for title in titles), default=0)
    room = width - 2 * MARGIN_PX - _NAME_PX - 2 * (numbers + percent + 3 * _GAP_PX)
    length = min(room / 2, _LONGEST_PX)
    if len(shares) < 2 or length < _SHORTEST_PX:
        return (), top
    column = length + numbers + percent + 3 * _GAP_PX
    marks: list[Mark] = [Line((((MARGIN_PX, top), (width - MARGIN_PX, top)),), "rule")]
    left = MARGIN_PX + name + _GAP_PX
    for place, said in enumerate(("parameters", "FLOPs")):
        marks.append(Text(left + place * column, top + 15, (Span(words.say(said)),), "note"))
    y = top + _HEAD_PX
    wholes = [sum(share.parameters for share in shares), sum(share.flops for share in shares)]
    for title, share, both in zip(titles, shares, counts, strict=True):
        y += _ROW_PX
        marks.append(Text(MARGIN_PX, y - 4, (Span(title),), "legend"))
        for place, (n, ink) in enumerate(((share.parameters, "weight-bar"), (share.flops, "data-bar"))):
            part = n / wholes[place] if wholes[place] else 0.0
            marks += _bar(left + place * column, y, (length, numbers, percent), (part, both[place]), ink)
    return tuple(marks), y


def _bar(x: float, y: float, widths: tuple[float, float, float], said: tuple[float, str], ink: str) -> Iterator[Mark]:
    """How much of a whole a part is: as a bar, as a number, in percent."""
    length, number, percent = widths
    part, count = said
    yield Rect(x, y - 11, length, _HIGH_PX, "groove", 2)
    if part:
        yield Rect(x, y - 11, max(length * part, _LEAST_PX), _HIGH_PX, ink, 2)
    end = x + length + _GAP_PX / 2 + number
    yield Text(end, y - 4, (Span(count),), "shape", "end")
    yield Text(end + _GAP_PX / 2 + percent, y - 4, (Span(f"{100 * part:.1f} %"),), "shape", "end")
