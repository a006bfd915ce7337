"""The rows of a table that ids pick: bands where they are to be seen, hairlines where not, the ids beside."""

from collections.abc import Iterable, Iterator, Sequence

from shapetrace.drawing.layout.boxes import Box, around
from shapetrace.drawing.layout.frames import Frame, solid_across, solid_down
from shapetrace.drawing.metrics import ELLIPSIS
from shapetrace.drawing.primitives import Line, Mark, Point, Rect, Span, Text
from shapetrace.drawing.wording import Words
from shapetrace.ir import MOST_PICKS
from shapetrace.outlining.structure import Operand

_THINNEST_PX = 4.0
"""What is lower is a hairline."""
_CLEAR_PX = 3.0
_PITCH_PX = 12.0
_MOST_IDS = 2


def picked_marks(frame: Frame, operand: Operand, name: Sequence[Mark]) -> Iterator[Mark]:
    """Mark the rows that are picked, clear of the name; nothing where all are, or nobody knows which.

    Args:
        frame: The rectangle of a table.
        operand: The table.
        name: What is written on it.
    """
    if not operand.picks or frame.rows is None or frame.across or frame.down:
        return
    n_rows = operand.shape[frame.rows]
    if max(count for _, count in operand.picks) >= n_rows:
        return
    clear = around(name) if name else None
    strokes: list[tuple[Point, Point]] = []
    for first, count in dict.fromkeys(operand.picks):
        top, low = (frame.height * row / n_rows for row in (first, first + count))
        if low - top < _THINNEST_PX or frame.broken_across:
            strokes += _across(frame, _middle(frame, first, count, n_rows), clear)
            continue
        for start, stop in ((max(top, start), min(low, stop)) for start, stop in solid_down(frame)):
            if start < stop:
                yield Rect(-frame.width / 2, start - frame.height / 2, frame.width, stop - start, "data", 0)
    if strokes:
        yield Line(tuple(strokes), "data-edge")
    yield from _labels(frame, operand.picks, n_rows)


def _middle(frame: Frame, first: int, count: int, n_rows: int) -> float:
    """The middle of some rows; beside a zigzag that is there."""
    at = frame.height * (first + count / 2) / n_rows
    within = [min(max(at, low), high) for low, high in solid_down(frame)]
    return min(within, key=lambda y: abs(y - at)) - frame.height / 2


def _across(frame: Frame, y: float, clear: Box | None) -> Iterator[tuple[Point, Point]]:
    """A line across, where neither a zigzag nor the name is."""
    for start, stop in solid_across(frame, 0.0, frame.width):
        left, right = start - frame.width / 2, stop - frame.width / 2
        if clear is None or not clear.top - _CLEAR_PX < y < clear.bottom + _CLEAR_PX:
            yield (left, y), (right, y)
            continue
        for begin, end in ((left, clear.left - _CLEAR_PX), (clear.right + _CLEAR_PX, right)):
            if begin < end:
                yield (begin, y), (min(end, right), y)


def _labels(frame: Frame, picks: Sequence[tuple[int, int]], n_rows: int) -> Iterator[Text]:
    """The ids of the rows, on the right: those that are close to each other on one line, of many the first two."""
    places = sorted((_middle(frame, first, count, n_rows), first, count) for first, count in set(picks))
    lines: list[tuple[float, list[str]]] = []
    for y, first, count in places:
        if not lines or y - lines[-1][0] >= _PITCH_PX:
            lines.append((y, []))
        lines[-1][1].append(f"{first}" if count == 1 else f"{first}–{first + count - 1}")
    for y, ids in lines:
        text = ", ".join(ids[:_MOST_IDS]) + (f" {ELLIPSIS}" if len(ids) > _MOST_IDS else "")
        yield Text(frame.width / 2 + frame.lift + 5, y + 4, (Span(text),), "token")


def legend_of_picks(operands: Iterable[Operand], words: Words) -> Iterator[tuple[str, str]]:
    """What blue lines in a table are."""
    picks = [operand.picks for operand in operands if operand.picks and operand.picks[0][1] < operand.shape[-2]]
    if picks:
        some = any(len(each) == MOST_PICKS for each in picks)
        yield "picked", words.say("picked rows, the first of them" if some else "picked rows")
