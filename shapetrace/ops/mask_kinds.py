"""What a mask is, by its cells: causal, a window, packed documents. Exact, and without torch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from shapetrace.ir import Pattern, PatternKind
from shapetrace.ops.mask_spans import Rows, diagonals, first, n_runs, runs, spans_of

_MOST_DRAWN = 32
"""Rows and columns of a mask whose cells are kept one by one."""

_MOST_RUNS = 512
"""Runs of columns or rows that are kept; a mask with more is told as other."""


def pattern_of(rows: Rows, n_columns: int) -> Pattern:
    """What one table of cells is.

    Args:
        rows: Bit j of row i is on where row i has column j on.
        n_columns: Columns of the table.
    """
    size = (len(rows), n_columns)
    found = next((kind for rule in _RULES if (kind := rule(rows, n_columns)) is not None), Pattern("other", size))
    before = n_columns - len(rows) + 1
    drawn = max(size) <= _MOST_DRAWN
    return replace(
        found,
        causal=found.kind != "none"
        and len(rows) > 1
        and all(row >> max(i + before, 0) == 0 for i, row in enumerate(rows)),
        cells=tuple(f"{row:0{n_columns}b}"[::-1] for row in rows) if drawn else None,
        spans=spans_of(rows, n_columns),
    )


def _plain(rows: Rows, n_columns: int) -> Pattern | None:
    """Whole columns, whole rows, or where some of both meet."""
    size, full = (len(rows), n_columns), first(n_columns)
    columns = next((row for row in rows if row), 0)
    if not columns:
        return Pattern("none", size)
    if any(row not in (0, columns) for row in rows) or n_runs(columns) > _MOST_RUNS:
        return None
    on = sum(1 << i for i, row in enumerate(rows) if row) if 0 in rows else first(len(rows))
    kind: PatternKind = "columns" if columns != full else "all" if 0 not in rows else "rows"
    return Pattern(kind, size, columns=_runs(columns, full), rows=_runs(on, first(len(rows))))


def _runs(on: int, full: int) -> tuple[tuple[int, int], ...] | None:
    """Runs of what is on, or None if that is everything."""
    return None if on == full else runs(on)


def _diagonal(rows: Rows, n_columns: int) -> Pattern | None:
    """Diagonals that are on or off as a whole."""
    n_rows, last = len(rows), n_columns - 1
    along = diagonals(rows, n_columns)
    if along is None:
        return None
    if along == first(n_rows + last) ^ 1 << last:
        return Pattern("off_diagonal", (n_rows, n_columns))
    places = runs(along)
    below, above = last - places[0][0], places[-1][1] - 1 - last
    if len(places) == 1:
        return _band(n_rows, n_columns, below, above)
    steps = {other[0] - one[0] for one, other in pairwise(places)}
    if len(steps) == 1 and all(b - a == 1 for a, b in places) and (along >> last & 1 or len(places) > 2):
        return Pattern("dilated", (n_rows, n_columns), below, above, step=steps.pop())
    return None


def _band(n_rows: int, n_columns: int, below: int, above: int) -> Pattern:
    kind: PatternKind = "window"
    if (below, above) == (n_columns - 1, 0):
        kind = "causal"
    elif (below, above) == (-1, n_rows - 1):
        kind = "future"
    elif (below, above) == (0, 0):
        kind = "diagonal"
    return Pattern(kind, (n_rows, n_columns), below, above)


def _prefix(rows: Rows, n_columns: int) -> Pattern | None:
    before, n = n_columns - len(rows) + 1, rows[0].bit_length()
    if n > before and all(row == first(max(n, i + before)) for i, row in enumerate(rows)):
        return Pattern("prefix", (len(rows), n_columns), prefix=n)
    return None


def _blocks(rows: Rows, n_columns: int) -> Pattern | None:
    """Blocks that follow each other, each with all its columns in all its rows, or causal."""
    before = n_columns - len(rows)
    starts = [(row & -row).bit_length() - 1 for row in rows]
    heads = [i for i, start in enumerate(starts) if i == 0 or start != starts[i - 1]]
    edges = [*(starts[i] for i in heads), n_columns]
    if len(heads) < 2 or edges[0] or any(one >= other for one, other in pairwise(edges)):
        return None
    sizes = tuple(stop - start for start, stop in pairwise(edges))
    heights = tuple(stop - start for start, stop in pairwise([*heads, len(rows)]))
    aligned = all(i + before == edge for i, edge in zip(heads[1:], edges[1:], strict=False))
    places = [place for place, height in enumerate(heights) for _ in range(height)]
    full = all(row == first(sizes[place]) << starts[i] for i, (row, place) in enumerate(zip(rows, places, strict=True)))
    grown = aligned and all(row == first(i + before + 1 - starts[i]) << starts[i] for i, row in enumerate(rows))
    if not full and not grown:
        return None
    return Pattern("blocks", (len(rows), n_columns), blocks=sizes, block_rows=() if aligned else heights)


def _padded(rows: Rows, n_columns: int) -> Pattern | None:
    """A causal mask, a prefix or a window of which some columns or rows are off altogether."""
    before, size = n_columns - len(rows), (len(rows), n_columns)
    columns, full = 0, first(n_columns)
    for row in rows:
        columns |= row
    seen = [(i, row) for i, row in enumerate(rows) if row]
    below = max(i + before - (row & -row).bit_length() + 1 for i, row in seen)
    above = max(row.bit_length() - 1 - i - before for i, row in seen)
    n = rows[0].bit_length()
    if n_runs(columns) > _MOST_RUNS:
        return None
    whole: tuple[tuple[Pattern, Callable[[int], int]], ...] = (
        (Pattern("causal", size, n_columns - 1, 0), lambda i: first(i + before + 1)),
        (Pattern("prefix", size, prefix=n), lambda i: first(max(n, i + before + 1))),
        (_band(*size, below, above), lambda i: first(i + before + 1 + above) & ~first(i + before - below)),
    )
    for kind, row_of in whole:
        expected = [row_of(i) & columns for i in range(len(rows))]
        if all(row in (0, want) for row, want in zip(rows, expected, strict=True)):
            on = sum(1 << i for i, (row, want) in enumerate(zip(rows, expected, strict=True)) if row or not want)
            padded = replace(kind, columns=_runs(columns, full), rows=_runs(on, first(len(rows))))
            return padded if n_runs(on) <= _MOST_RUNS else None
    return None


_RULES: Sequence[Callable[[Rows, int], Pattern | None]] = (_plain, _diagonal, _prefix, _blocks, _padded)
