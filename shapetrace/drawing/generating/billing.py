"""The bill below each column: bytes moved as a bar, and in numbers; FLOPs, and FLOPs a byte."""

from collections.abc import Iterator, Sequence

from shapetrace.drawing.generating.content import PassColumn
from shapetrace.drawing.layout.headings import KEPT_BAR_PX
from shapetrace.drawing.primitives import Group, Mark, Point, Rect, Span, Text
from shapetrace.drawing.wording import Words, bytes_text, flops_text
from shapetrace.outlining.billing import Bill

LINE_PX = 19.0
_BAR_PX = 11.0
_THINNEST_PX = 1.0


def bill_groups(
    columns: Sequence[PassColumn], edges: Sequence[tuple[float, float]], left: float, top: float, words: Words
) -> tuple[list[Group], float]:
    """Draw what each pass costs, a line each.

    Args:
        columns: The passes.
        edges: Left and right of each column, inside.
        left: Of the titles.
        top: Where the first line begins.
        words: Of the figure.

    Returns:
        The groups, and the y below them.
    """
    bills, written = [each.bill for each in columns], "data" if columns[0].follow else "marker"
    most = max((bill.moved for bill in bills), default=1) or 1
    y = top
    bars: list[Mark] = [Text(left, y + 10, (Span(words.say("bytes moved")),), "legend")]
    for bill, (start, end) in zip(bills, edges, strict=True):
        bars += _bar(bill, (start, y), (end - start) / most, written)
    groups = [Group("bytes-moved", tuple(bars), words.say("bytes moved"))]
    y += LINE_PX + 4
    for name, told in _lines(bills):
        marks = [Text(left, y + 10, (Span(words.say(name)),), "legend")]
        marks += [Text(start, y + 10, (Span(text),), "figure") for text, (start, _) in zip(told, edges, strict=True)]
        groups.append(Group(name.replace(" ", "-"), tuple(marks), f"{words.say(name)}: {', '.join(told)}"))
        y += LINE_PX
    return groups, y


def _lines(bills: Sequence[Bill]) -> Iterator[tuple[str, list[str]]]:
    yield "weights read", [bytes_text(bill.weights_read) for bill in bills]
    yield "cache read", [bytes_text(bill.cache_read) for bill in bills]
    yield "cache written", [bytes_text(bill.cache_written) for bill in bills]
    yield "FLOPs", [flops_text(bill.flops) for bill in bills]
    yield "FLOPs a byte", [f"{bill.flops_a_byte:,.1f}" for bill in bills]


def _bar(bill: Bill, at: Point, px_a_byte: float, written: str) -> Iterator[Mark]:
    """Weights in grey, what was kept in light blue under its bar, what is added as new rows are."""
    x, y = at
    for n, ink in ((bill.weights_read, "bar-left"), (bill.cache_read, "kept"), (bill.cache_written, written)):
        if not n:
            continue
        width = max(n * px_a_byte, _THINNEST_PX)
        yield Rect(x, y, width, _BAR_PX, ink, 0)
        if ink == "kept" and width > 2 * KEPT_BAR_PX:
            yield Rect(x, y, KEPT_BAR_PX, _BAR_PX, "kept-bar", 0)
        x += width
