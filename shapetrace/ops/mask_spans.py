"""The cells of a mask as few numbers, exactly: rows of bits to spans and back.

Bit j of row i is on where row i has column j on.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

from shapetrace.ir import Span

Rows = Sequence[int]

MOST_SPANS = 128
MOST_CELLS = 1 << 26
"""Masks with more cells are not looked at."""


def first(n: int) -> int:
    """The first n columns; none if n is negative."""
    return (1 << max(n, 0)) - 1


def runs(bits: int) -> tuple[tuple[int, int], ...]:
    """Start and stop of each run of ones."""
    found, at = [], 0
    while bits:
        gap = (bits & -bits).bit_length() - 1
        bits >>= gap
        length = (~bits & (bits + 1)).bit_length() - 1
        found.append((at + gap, at + gap + length))
        at += gap + length
        bits >>= length
    return tuple(found)


def n_runs(bits: int) -> int:
    """How many runs of ones there are."""
    return (bits & ~(bits << 1)).bit_count()


def diagonals(rows: Rows, n_columns: int) -> int | None:
    """The diagonals that are on, if each is on or off as a whole: bit 0 is the one through the last row's first column.

    The diagonal through the last corner is bit ``n_columns - 1``.
    """
    full = first(n_columns)
    if any((one << 1) & full != other & ~1 for one, other in pairwise(rows)):
        return None
    bits, n_rows = rows[-1], len(rows)
    for i, row in enumerate(rows[:-1]):
        bits |= (row >> (n_columns - 1)) << (n_columns - 1 + n_rows - 1 - i)
    return bits


def spans_of(rows: Rows, n_columns: int) -> tuple[Span, ...] | None:
    """Rows as spans; None if that takes too many."""
    found = tuple(islice(all_spans(rows, n_columns), MOST_SPANS + 1))
    return found if len(found) <= MOST_SPANS else None


def all_spans(rows: Rows, n_columns: int) -> Iterator[Span]:
    """Rows as spans, as many as that takes."""
    along = diagonals(rows, n_columns)
    if along is not None:
        shift, n_rows = len(rows) - 1, len(rows)
        pieces = [(start - shift, stop - shift, 1, 1) for start, stop in runs(along)]
        yield from _repeated(0, n_rows, pieces)
        return
    for start, n_rows, pieces in _groups(rows):
        yield from _repeated(start, n_rows, pieces)


def coarse(rows: Rows, n_columns: int, most: int) -> list[str]:
    """At most so many rows and columns, each as a text of 1 and 0: 1 where at least half of the cells are on."""
    n_down, n_across = min(most, len(rows)), min(most, n_columns)
    down = [len(rows) * i // n_down for i in range(n_down + 1)]
    across = [n_columns * j // n_across for j in range(n_across + 1)]

    def is_on(above: int, below: int, left: int, right: int) -> bool:
        on = sum(((row >> left) & first(right - left)).bit_count() for row in rows[above:below])
        return 2 * on >= (below - above) * (right - left)

    return [
        "".join("01"[is_on(above, below, left, right)] for left, right in pairwise(across))
        for above, below in pairwise(down)
    ]


def _groups(rows: Rows) -> Iterable[tuple[int, int, list[tuple[int, int, int, int]]]]:
    """Rows that follow each other and whose runs stay or move on by one: first row, rows, pieces."""
    at = 0
    while at < len(rows):
        start, before = at, runs(rows[at])
        steps: list[tuple[int, int]] | None = None
        at += 1
        while at < len(rows):
            if rows[at] == rows[at - 1]:
                after, moved = before, [(0, 0)] * len(before)
            elif n_runs(rows[at]) != len(before):
                break
            else:
                after = runs(rows[at])
                moved = [(c - a, d - b) for (a, b), (c, d) in zip(before, after, strict=True)]
            if (steps is not None and moved != steps) or any(step not in (0, 1) for pair in moved for step in pair):
                break
            before, steps, at = after, moved, at + 1
        pairs = zip(runs(rows[start]), steps or [(0, 0)] * len(before), strict=True)
        yield start, at - start, [(a, b, *step) for (a, b), step in pairs]


def _repeated(row: int, n_rows: int, pieces: Sequence[tuple[int, int, int, int]]) -> list[Span]:
    """Spans of one group of rows; runs of one length at equal distances become one."""
    found: list[Span] = []
    for start, stop, start_step, stop_step in pieces:
        if found:
            *_, a, b, c, d, count, every = last = found[-1]
            distance = start - (a + (count - 1) * every)
            if (b - a, c, d) == (stop - start, start_step, stop_step) and distance == (
                every if count > 1 else distance
            ):
                found[-1] = (*last[:6], count + 1, distance)
                continue
        found.append((row, n_rows, start, stop, start_step, stop_step, 1, 0))
    return found


def rows_of(spans: Iterable[Span], n_rows: int, n_columns: int) -> list[int]:
    """Spans as rows."""
    full = first(n_columns)
    rows = [0] * n_rows
    for at, height, start, stop, start_step, stop_step, count, every in spans:
        if start_step == stop_step:
            low = min(start, 0)
            bits = sum(first(stop - start) << (start - low + k * every) for k in range(count))
            for i in range(height):
                shift = start_step * i + low
                rows[at + i] |= (bits << shift if shift >= 0 else bits >> -shift) & full
        else:
            for i in range(height):
                for k in range(count):
                    low = max(start + i * start_step + k * every, 0)
                    high = min(stop + i * stop_step + k * every, n_columns)
                    rows[at + i] |= first(high - low) << low
    return rows
