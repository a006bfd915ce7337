"""Ranks as cells: the innermost axis of their mesh from left to right, the next one down, others as blocks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Mark, Rect, Span, Text
from shapetrace.outlining.ranks import Ranks

_CELL_PX = (30.0, 62.0)
_HEIGHT_PX = 26.0
_GAP_PX = 9.0
_SKIP_PX = 22.0
_AROUND_PX = 4.0
_BLOCK_PX = 34.0
_MOST_COLUMNS, _MOST_ROWS, _MOST_BLOCKS = 14, 6, 2
_LABEL = "size"

Axis = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Mesh:
    """Ranks in their axes.

    Attributes:
        outer: Axes of the blocks, outermost first.
        down: The axis of the rows.
        across: The axis of the columns.
        place: Where this rank stands along each axis.
        talking: Axes along which it talks.
    """

    outer: tuple[Axis, ...]
    down: Axis
    across: Axis
    place: Mapping[str, int]
    talking: frozenset[str]

    def rank(self, block: int, row: int, column: int) -> int:
        """The number of a rank."""
        return (block * self.down[1] + row) * self.across[1] + column

    @property
    def block(self) -> int:
        """The block that this rank is in."""
        block = 0
        for name, size in self.outer:
            block = block * size + self.place.get(name, 0)
        return block

    def names(self, block: int) -> str:
        """A block by its place along the outer axes: ``pp 1``."""
        parts = []
        for name, size in reversed(self.outer):
            parts.append(f"{name} {block % size}")
            block //= size
        return " · ".join(reversed(parts))


def mesh_of(ranks: Ranks) -> Mesh:
    """How ranks stand; axes of a single rank are left out."""
    axes = [axis for axis in ranks.axes if axis[1] > 1] or [("", ranks.size)]
    inner = [("", 1), ("", 1), *axes][-2:]
    talking = frozenset(axis for circle in ranks.circles for axis in circle.axes)
    place = dict(ranks.place) if ranks.axes else {"": ranks.rank}
    return Mesh(tuple(axes[:-2]), inner[0], inner[1], place, talking)


def grid_marks(mesh: Mesh, left: float, right: float, top: float) -> tuple[tuple[Mark, ...], float]:
    """Draw all ranks, or the first, the last and those around this one.

    Returns:
        The marks, and the y below them.
    """
    n_blocks = prod(size for _, size in mesh.outer)
    marks: list[Mark] = []
    y = top
    for block in shown(n_blocks, mesh.block, _MOST_BLOCKS):
        if block is None:
            marks.append(Text(left, y + 12, (Span("⋮"),), "label"))
            y += _SKIP_PX
            continue
        if mesh.outer:
            marks.append(Text(left, y + 10, (Span(mesh.names(block)),), "corner"))
            y += 20
        found, y = _block(mesh, block, (left, right), y)
        marks += found
        y += _BLOCK_PX if n_blocks > 1 else 0
    return tuple(marks), y


def shown(n: int, at: int, most: int) -> list[int | None]:
    """Which of n things are drawn: all, or the first ones, the one that matters, and the last; None for a gap."""
    if n <= most:
        return list(range(n))
    kept = sorted({*range(max(most - 2, 1)), at, n - 1})
    places: list[int | None] = []
    for before, place in zip([-1, *kept], kept, strict=False):
        places += [None, place] if place > before + 1 else [place]
    return places


def _block(mesh: Mesh, block: int, bounds: tuple[float, float], top: float) -> tuple[list[Mark], float]:
    left, right = bounds
    rows = shown(mesh.down[1], mesh.place.get(mesh.down[0], 0), _MOST_ROWS)
    names = [f"{mesh.down[0]} {row}" for row in rows if row is not None] if mesh.down[1] > 1 else []
    start = left + (max(width_px(name, _LABEL) for name in names) + 10 if names else 0)
    most = int((right - start - 2 * _SKIP_PX) / (_CELL_PX[0] + _GAP_PX))
    columns = shown(mesh.across[1], mesh.place.get(mesh.across[0], 0), min(most, _MOST_COLUMNS))
    skipped = columns.count(None)
    room = right - start - skipped * _SKIP_PX
    wide = min(max(room / (len(columns) - skipped) - _GAP_PX, _CELL_PX[0]), _CELL_PX[1])
    xs = list(_places(columns, start, wide))
    ys = list(_places(rows, top + 18, _HEIGHT_PX))
    marks = [*_labels(mesh, columns, xs, wide, top), *_row_labels(mesh, rows, ys, start)]
    for row, y in zip(rows, ys, strict=True):
        for column, x in zip(columns, xs, strict=True):
            marks += _cell(mesh, (block, row, column), x, y, wide)
    if block == mesh.block:
        marks += _circles(mesh, (columns, xs, wide), (rows, ys))
    last = ys[-1] + _HEIGHT_PX
    return marks, last + _AROUND_PX


def _places(shown: Sequence[int | None], start: float, long: float) -> Iterator[float]:
    at = start
    for each in shown:
        yield at
        at += _SKIP_PX if each is None else long + _GAP_PX


def _labels(mesh: Mesh, columns: Sequence[int | None], xs: Sequence[float], wide: float, top: float) -> Iterator[Mark]:
    for column, x in zip(columns, xs, strict=True):
        name = f"{mesh.across[0]} {column}".strip()
        text = name if width_px(name, _LABEL) <= wide else str(column)
        if column is not None and mesh.across[0]:
            yield Text(x + wide / 2, top + 9, (Span(text),), _LABEL, "middle")


def _row_labels(mesh: Mesh, rows: Sequence[int | None], ys: Sequence[float], start: float) -> Iterator[Mark]:
    for row, y in zip(rows, ys, strict=True):
        if row is not None and mesh.down[1] > 1:
            yield Text(start - 10, y + _HEIGHT_PX / 2 + 4, (Span(f"{mesh.down[0]} {row}"),), _LABEL, "end")


def _cell(mesh: Mesh, at: tuple[int, int | None, int | None], x: float, y: float, wide: float) -> Iterator[Mark]:
    block, row, column = at
    if row is None or column is None:
        if row is None and column is not None:
            yield Text(x + wide / 2, y + 15, (Span("⋮"),), "note", "middle")
        elif row is not None:
            yield Text(x + _SKIP_PX / 2 - _GAP_PX / 2, y + _HEIGHT_PX / 2 + 4, (Span("…"),), "note", "middle")
        return
    mine = (mesh.block, mesh.place.get(mesh.down[0], 0), mesh.place.get(mesh.across[0], 0))
    yield Rect(x, y, wide, _HEIGHT_PX, "data" if (block, row, column) == mine else "data-others", 4)
    number = str(mesh.rank(block, row, column))
    if width_px(number, _LABEL) + 4 <= wide:
        yield Text(x + wide / 2, y + _HEIGHT_PX / 2 + 4, (Span(number),), _LABEL, "middle")


def _circles(
    mesh: Mesh, across: tuple[Sequence[int | None], Sequence[float], float],
    down: tuple[Sequence[int | None], Sequence[float]],
) -> Iterator[Mark]:  # fmt: skip
    """Lines around those who talk: this rank's row, or its column."""
    columns, xs, wide = across
    rows, ys = down
    row, column = (mesh.place.get(axis[0], 0) for axis in (mesh.down, mesh.across))
    y, x = ys[rows.index(row)], xs[columns.index(column)]
    if mesh.across[0] in mesh.talking:
        yield _around(xs[0], y, xs[-1] + wide, y + _HEIGHT_PX)
    if mesh.down[0] in mesh.talking:
        yield _around(x, ys[0], x + wide, ys[-1] + _HEIGHT_PX)


def _around(left: float, top: float, right: float, bottom: float) -> Line:
    left, top, right, bottom = left - _AROUND_PX, top - _AROUND_PX, right + _AROUND_PX, bottom + _AROUND_PX
    middle = ((left + right) / 2, top)  # not from a corner: it would stay sharp
    return Line(((middle, (right, top), (right, bottom), (left, bottom), (left, top), middle),), "rail", 6)
