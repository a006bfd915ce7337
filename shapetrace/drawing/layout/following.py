"""What is marked in a matrix: the row or column of one position, and an entry of a product with what makes it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from shapetrace.drawing.content.entry import number_text
from shapetrace.drawing.layout.frames import Frame, solid_across
from shapetrace.drawing.primitives import Mark, Rect, Span, Text
from shapetrace.outlining.following import SCORED, Followed, Runs, seen_by_row, sees_column
from shapetrace.outlining.structure import Operand

_THINNEST_PX = 2.4
_SHORTEST_PX = 5.0
_INSET_PX = 2.5

ALL = 1 << 40
"""More rows than any matrix has."""

Pitch = Callable[[int, int], tuple[float, float]]
"""Where indices from one to another begin and end along a side, in px from its start."""


@dataclass(frozen=True, slots=True)
class Grid:
    """How the two sides of a matrix are cut into rows and columns.

    Attributes:
        rows: Along the height.
        columns: Along the width.
        cells: Whether each entry has a cell of its own, and is marked alone.
        shown: Rows and columns that have a place of their own: what pads is a short end without any.
    """

    rows: Pitch
    columns: Pitch
    cells: bool = False
    shown: tuple[int, int] = (ALL, ALL)

    def clipped(self, run: tuple[int, int], axis: int) -> tuple[int, int]:
        """The part of a run of rows, or columns, that has a place."""
        return min(run[0], self.shown[axis]), min(run[1], self.shown[axis])


def even(length_px: float, size: int) -> Pitch:
    """All indices equally long; one that could not be seen is a little longer."""

    def pitch(start: int, stop: int) -> tuple[float, float]:
        one = length_px / max(size, 1)
        low, high = start * one, stop * one
        missing = max(min(_THINNEST_PX, length_px) - (high - low), 0.0)
        low = min(max(low - missing / 2, 0.0), length_px)
        return low, min(max(high, low + min(_THINNEST_PX, length_px)), length_px)

    return pitch


def even_grid(frame: Frame, operand: Operand) -> Grid:
    """The grid of a matrix that is drawn to scale."""
    n_rows = operand.shape[frame.rows] if frame.rows is not None else 1
    n_columns = operand.shape[frame.columns] if frame.columns is not None else 1
    return Grid(even(frame.height, n_rows), even(frame.width, n_columns))


def followed_marks(frame: Frame, operand: Operand, follow: Followed | None, grid: Grid | None = None) -> Iterator[Mark]:
    """The row of a position, as far as it sees; its column, and in scores who sees it."""
    if follow is None or frame.across or frame.down:
        return
    grid = grid or even_grid(frame, operand)
    row, column = (None if axis is None else follow.index(operand, axis) for axis in (frame.rows, frame.columns))
    n_columns = operand.shape[-1] if frame.columns is not None else 1
    is_scored = operand.part in SCORED and len(operand.shape) > 1
    if column is not None and not is_scored:
        yield _box(frame, (0.0, frame.height), grid.columns(column, column + 1))
    if row is not None:
        seen = seen_by_row(operand, row) if is_scored else None
        for start, stop in seen or ((0, n_columns),):
            yield from _stripe(frame, grid, row, (start, stop), each=grid.cells and is_scored)
    if column is not None and is_scored:
        yield from _rings(frame, grid, sees_column(operand, column) or (), row, column)


def _stripe(frame: Frame, grid: Grid, row: int, run: tuple[int, int], *, each: bool) -> Iterator[Rect]:
    """Part of a row; where entries have cells, one by one."""
    if grid.cells:
        run = grid.clipped(run, 1)
    if row >= grid.shown[0]:
        return
    pieces = [(n, n + 1) for n in range(*run)] if each else [run]
    for start, stop in pieces:
        for across in solid_across(frame, *grid.columns(start, stop)):
            yield _box(frame, grid.rows(row, row + 1), across)


def _rings(frame: Frame, grid: Grid, seeing: Runs, own: int | None, column: int) -> Iterator[Rect]:
    """Who sees a column: a ring a cell, or around runs of rows."""
    across = grid.columns(column, column + 1)
    for run in seeing:
        start, stop = grid.clipped(run, 0)
        if start >= stop or column >= grid.shown[1]:
            continue
        pieces = [(n, n + 1) for n in range(start, stop)] if grid.cells else [(start, stop)]
        for first, last in pieces:
            if grid.cells and first == own:
                continue
            inset = _INSET_PX if grid.cells else 0.0
            yield _box(frame, grid.rows(first, last), across, ink="marker-ring", inset=inset)


def entry_marks(frame: Frame, operand: Operand, entry: tuple[int | None, int | None] | None) -> Iterator[Mark]:
    """A row, a column, or the entry where both meet, counted from 0."""
    if entry is None or entry == (None, None):
        return
    grid = even_grid(frame, operand)
    down, across = (0.0, frame.height), (0.0, frame.width)
    if entry[0] is not None:
        down = grid.rows(entry[0], entry[0] + 1)
    if entry[1] is not None:
        across = grid.columns(entry[1], entry[1] + 1)
    if None not in entry:
        down, across = _grown(down, frame.height), _grown(across, frame.width)
    yield _box(frame, down, across)


def number_marks(frame: Frame, numbers: Sequence[Sequence[float]]) -> Iterator[Mark]:
    """The numbers of a matrix, each in its cell."""
    for row, line in enumerate(numbers):
        y = frame.height * ((row + 0.5) / len(numbers) - 0.5)
        for column, number in enumerate(line):
            x = frame.width * ((column + 0.5) / len(line) - 0.5)
            yield Text(x, y + 4, (Span(number_text(number)),), "number", "middle")


def _grown(span: tuple[float, float], length_px: float) -> tuple[float, float]:
    """At least so long that an entry is seen among thousands."""
    missing = max(min(_SHORTEST_PX, length_px) - (span[1] - span[0]), 0.0)
    low = min(max(span[0] - missing / 2, 0.0), length_px - (span[1] - span[0]) - missing)
    return low, low + (span[1] - span[0]) + missing


def _box(
    frame: Frame, down: tuple[float, float], across: tuple[float, float], *, ink: str = "marker", inset: float = 0.0
) -> Rect:
    x, y = across[0] - frame.width / 2 + inset, down[0] - frame.height / 2 + inset
    return Rect(x, y, across[1] - across[0] - 2 * inset, down[1] - down[0] - 2 * inset, ink, 1)
