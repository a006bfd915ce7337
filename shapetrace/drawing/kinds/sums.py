"""The sums of two models as a small table: name, both numbers, how much more, and a bar for each."""

from collections.abc import Iterator

from shapetrace.comparing import summarising
from shapetrace.comparing.structure import Comparison, Quantity, Total
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Mark, Rect, Span, Text
from shapetrace.drawing.wording import Words, counted, flops_text

ROW_PX = 30.0
_NAME_PX = 160.0
_GAP_PX = 34.0
_GROWTH_PX = 80.0
_BAR_PX = 8.0
_LEAST_BAR_PX = 2.0
_SHORTEST_PX = 60.0
"""Less room than this for the longer bar, and there are none."""

_INKS = ("bar-left", "bar-right")


def total_marks(comparison: Comparison, words: Words, room: float) -> tuple[tuple[Mark, ...], float]:
    """Write the table from its upper left corner, (0, 0).

    Args:
        comparison: What is compared.
        words: The language.
        room: How wide it may be.

    Returns:
        The marks, and the height.
    """
    totals = summarising.totals(comparison)
    cells = [[_number(total, n) for n in (total.left, total.right)] for total in totals]
    widest = [
        max([width_px(row[place], "figure") for row in cells] + [_least(name, room)])
        for place, name in enumerate((comparison.left, comparison.right))
    ]
    ends = (_NAME_PX + widest[0], _NAME_PX + widest[0] + _GAP_PX + widest[1])
    start = ends[1] + _GAP_PX + 60
    marks: list[Mark] = []
    for end, most, name, ink in zip(ends, widest, (comparison.left, comparison.right), _INKS, strict=True):
        text = shortened(clean(name), "legend", most)
        marks.append(Text(end, 12, (Span(text),), "legend", "end"))
        marks.append(Rect(end - width_px(text, "legend") - 14, 4, _BAR_PX, _BAR_PX, ink, 2))
    for place, (total, row) in enumerate(zip(totals, cells, strict=True), start=1):
        y = place * ROW_PX
        marks.append(Text(0, y + 10, (Span(words.say(total.of)),), "legend"))
        marks += [Text(end, y + 10, (Span(text),), "figure", "end") for end, text in zip(ends, row, strict=True)]
        marks.append(Text(ends[1] + _GAP_PX, y + 10, (Span(summarising.growth(total) or "="),), "figure"))
        if room - start - _GAP_PX > _SHORTEST_PX:
            marks += _bars(total, start + _GAP_PX, y, room)
    return tuple(marks), ROW_PX * (len(totals) + 1)


def _least(name: str, room: float) -> float:
    """Room for a name above its column, up to a limit."""
    return min(width_px(clean(name), "legend"), 150.0, (room - _NAME_PX - 2 * _GAP_PX - _GROWTH_PX) / 2)


def _bars(total: Total, left: float, y: float, room: float) -> Iterator[Rect]:
    """Two bars, the left model's above; the longer one takes all room."""
    most = max(total.left, total.right)
    for place, (n, ink) in enumerate(zip((total.left, total.right), _INKS, strict=True)):
        yield Rect(left, y - 3 + place * (_BAR_PX + 2), max((room - left) * n / most, _LEAST_BAR_PX), _BAR_PX, ink, 2)


def _number(total: Total, n: int) -> str:
    return flops_text(n) if total.of is Quantity.FLOPS else counted(n)
