"""The body of a matrix: plain, stacked, broken by a zigzag, half empty under a causal mask, a band, sliced, hatched."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from shapetrace.drawing.layout.names import stack_sizes
from shapetrace.drawing.layout.sharing import Cut, cut_of, grid, n_behind
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Mark, Point, Polygon, Rect, Span
from shapetrace.ops.mask_spans import all_spans
from shapetrace.outlining.structure import Operand

STACK_OFFSET_PX = 4.0
_ZIGZAG_GAP_PX = 7.0
_ZIGZAG_PX = 5.0
_ZIGZAG_CLEAR_PX = 7.0
ZIGZAG_AT = 0.68
"""Where the gap of a broken side is, as a part of it: off the middle, which is the name's."""

_INKS = {"data": "data", "weight": "weight", "constant": "const"}
_SMALLEST_SLICE_PX = 4.0
_THINNEST_BAND_PX = 10.0
_HATCH_PITCH_PX = 7.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of one operand, its centre at (0, 0).

    Attributes:
        ink: ``data``, ``weight`` or ``const``.
        rows: Position of the axis drawn from top to bottom; None if there is none.
        columns: Position of the axis drawn from left to right; None if there is none.
        width: Width in px.
        height: Height in px.
        depth: Further rectangles behind it: 0, 1 or 2.
        broken_across: Whether its width is not to scale.
        broken_down: Whether its height is not to scale.
        hatched: Whether it is hatched.
        across: How its width is cut among ranks; None where it is not.
        down: How its height is.
        others: How many of the rectangles behind it are those of other ranks, the farthest ones.
    """

    ink: str
    rows: int | None
    columns: int | None
    width: float
    height: float
    depth: int = 0
    broken_across: bool = False
    broken_down: bool = False
    hatched: bool = False
    across: Cut | None = None
    down: Cut | None = None
    others: int = 0

    @property
    def lift(self) -> float:
        """How far the stack reaches up and to the right of the front rectangle."""
        return self.depth * STACK_OFFSET_PX

    @property
    def own(self) -> tuple[float, float, float, float]:
        """The middle, the width and the height of what this rank has; of several pieces the first."""
        (left, right), (top, bottom) = next(grid(self.across, self.down, self.width, self.height))
        return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


class Law(Protocol):
    """How long sides are."""

    @property
    def broken(self) -> tuple[int, ...]:
        """Sizes that are drawn broken."""

    def length_px(self, size: int) -> float:
        """Length of the side of a size."""


def frame_of(operand: Operand, law: Law, hatched: frozenset[str], *, upright: bool) -> Frame:
    """The rectangle of an operand.

    Args:
        operand: (…, m, n) is m high and n wide, the axes before are a stack; (n) is a row.
        law: The law of lengths.
        hatched: Inks whose rectangles are hatched.
        upright: True to draw a single axis as a column.
    """
    n_axes = len(operand.shape)
    rows = n_axes - 2 if n_axes > 1 else 0 if n_axes and upright else None
    columns = n_axes - 1 if n_axes > 1 else 0 if n_axes and not upright else None
    down, across = (_cut(operand, axis, law) for axis in (rows, columns))
    n_rows = down.whole if down else 1 if rows is None else operand.shape[rows]
    n_columns = across.whole if across else 1 if columns is None else operand.shape[columns]
    ink, others = _INKS[operand.role], n_behind(operand)
    return Frame(
        ink, rows, columns, width=law.length_px(n_columns), height=law.length_px(n_rows),
        depth=others + depth_of(operand),
        broken_across=n_columns in law.broken, broken_down=n_rows in law.broken, hatched=ink in hatched,
        across=across, down=down, others=others,
    )  # fmt: skip


def depth_of(operand: Operand) -> int:
    """Rectangles behind the first of a stack: 0, 1 or 2."""
    sizes = stack_sizes(operand)
    return 0 if 0 in sizes else min(math.prod(sizes), 3) - 1


def _cut(operand: Operand, axis: int | None, law: Law) -> Cut | None:
    """How a side is cut; a whole that is not to scale is not drawn, but this rank's part of it."""
    cut = cut_of(operand, axis)
    return None if cut is None or cut.whole in law.broken else cut


def sliced(operand: Operand, width: float) -> tuple[Span, ...]:
    """``12·64``: pieces side by side; nothing where there are none, or no room."""
    axis = len(operand.shape) - 1
    if operand.pattern != "slices" or operand.slices < 2 or cut_of(operand, axis) or operand.shape[-1] % operand.slices:
        return ()
    text = f"{operand.slices}·{operand.shape[-1] // operand.slices}"
    return (Span(text),) if width_px(text, "size") <= width + 16 else ()


def backs(frame: Frame) -> Iterator[Rect]:
    """The rectangles behind the first, those of other ranks as outlines."""
    for behind in range(frame.depth, 0, -1):
        shift = behind * STACK_OFFSET_PX
        ink = f"{frame.ink}-ghost" if behind > frame.depth - frame.others else f"{frame.ink}-back"
        yield Rect(shift - frame.width / 2, -shift - frame.height / 2, frame.width, frame.height, ink)


def body(frame: Frame, operand: Operand) -> Iterator[Mark]:
    """Paint the rectangle of an operand, without its text."""
    x, y = -frame.width / 2, -frame.height / 2
    yield from backs(frame)
    if frame.across or frame.down:
        yield from _parted(frame)
    elif frame.broken_across or frame.broken_down:
        yield from _broken(frame)
    elif operand.pattern == "causal":
        yield from _causal(frame, *operand.shape[-2:])
    elif operand.band is not None:
        yield from band_body(frame, operand.shape, operand.band)
    elif operand.cells:
        yield from _cells(frame, operand.cells)
    else:
        yield Rect(x, y, frame.width, frame.height, frame.ink)
    if frame.hatched:
        yield Line(tuple(stroke for part in _parts(frame) for stroke in _hatching(*part)), "hatch")
    if operand.pattern == "slices" and operand.slices > 1 and not frame.across:
        yield cuts(frame, operand.slices)


def _parted(frame: Frame) -> Iterator[Mark]:
    """A whole that is cut: outlines of all parts, this rank's filled."""
    right, low = frame.width / 2, frame.height / 2
    yield Rect(-right, -low, frame.width, frame.height, f"{frame.ink}-others")
    strokes = [((x, -low), (x, low)) for x in (frame.across.cuts(frame.width) if frame.across else ())]
    strokes += [((-right, y), (right, y)) for y in (frame.down.cuts(frame.height) if frame.down else ())]
    yield Line(tuple(strokes), f"{frame.ink}-cut")
    for (left, end), (top, bottom) in grid(frame.across, frame.down, frame.width, frame.height):
        yield Rect(left, top, end - left, bottom - top, frame.ink)


def _causal(frame: Frame, n_rows: int, n_columns: int) -> Iterator[Mark]:
    """Row i sees the columns up to i; with fewer rows than columns, the earlier columns are seen by all."""
    right, low = frame.width / 2, frame.height / 2
    start = -right + frame.width * max(n_columns - n_rows, 0) / n_columns
    yield Rect(-right, -low, frame.width, frame.height, f"{frame.ink}-hollow")
    yield Polygon(((-right, -low), (start, -low), (right, low), (-right, low)), f"{frame.ink}-fill")
    yield Line((((start, -low), (right, low)),), f"{frame.ink}-diagonal")
    yield Line((((-right, -low), (-right, low), (right, low)),), f"{frame.ink}-edge")


def band_body(frame: Frame, shape: tuple[int, ...], band: tuple[int, int]) -> Iterator[Mark]:
    """Row i sees the columns near i; a band too thin to be seen is drawn a little wider."""
    n_rows, n_columns = shape[-2:]
    thinnest = _THINNEST_BAND_PX * n_columns / frame.width
    below, above = max(band[0], thinnest - band[1]), band[1]
    near = list(_edge(n_columns - n_rows + above, 1, (0, n_rows), n_columns))
    far = list(_edge(n_columns - n_rows - below, 1, (0, n_rows), n_columns))
    place = _placing(frame, n_rows, n_columns)

    yield Rect(-frame.width / 2, -frame.height / 2, frame.width, frame.height, f"{frame.ink}-hollow")
    yield Polygon(tuple(map(place, (*near, *reversed(far)))), f"{frame.ink}-fill")
    sides = tuple((place(a), place(b)) for line in (near, far) for a, b in pairwise(line) if a[0] != b[0])
    yield Line(sides, f"{frame.ink}-diagonal")


def _cells(frame: Frame, cells: tuple[str, ...]) -> Iterator[Mark]:
    """The cells that are seen: runs that go on in the next rows, straight or slanting, are one polygon."""
    n_rows, n_columns = len(cells), len(cells[0])
    place = _placing(frame, n_rows, n_columns)
    yield Rect(-frame.width / 2, -frame.height / 2, frame.width, frame.height, f"{frame.ink}-hollow")
    for row, height, start, stop, start_step, stop_step, count, every in all_spans(
        [int(cell[::-1], 2) for cell in cells], n_columns
    ):
        for further in range(0, count * max(every, 1), max(every, 1)):
            within = (row, row + height)
            left = _edge(start + further - start_step / 2, start_step, within, n_columns)
            right = _edge(stop + further - stop_step / 2, stop_step, within, n_columns)
            yield Polygon(tuple(map(place, (*left, *reversed(list(right))))), f"{frame.ink}-fill")


def _placing(frame: Frame, n_rows: int, n_columns: int) -> Callable[[Point], Point]:
    """From (column, row) to px."""
    return lambda point: ((point[0] / n_columns - 0.5) * frame.width, (point[1] / n_rows - 0.5) * frame.height)


def _edge(start: float, step: int, within: tuple[int, int], n_columns: int) -> Iterator[Point]:
    """A line down some rows from a column, slanting or not, kept between the first column and the last."""
    top, low = within
    crossing = (top + at - start for at in (0, n_columns)) if step else ()
    rows = sorted({top, low, *(row for row in crossing if top < row < low)})
    yield from ((min(max(start + step * (row - top), 0), n_columns), row) for row in rows)


def cuts(frame: Frame, n_slices: int) -> Line:
    """Lines between the slices; as many as can be told apart."""
    while frame.width / n_slices < _SMALLEST_SLICE_PX and n_slices > 2:
        n_slices = (n_slices + 1) // 2
    xs = [-frame.width / 2 + frame.width / n_slices * i for i in range(1, n_slices)]
    return Line(tuple(((x, -frame.height / 2), (x, frame.height / 2)) for x in xs), f"{frame.ink}-cut")


def _broken(frame: Frame) -> Iterator[Mark]:
    """Two halves with a zigzag gap between; broken both ways, only across is shown."""
    right, low = frame.width / 2, frame.height / 2
    middle = (frame.width if frame.broken_across else frame.height) * (ZIGZAG_AT - 0.5)
    near, far = middle - _ZIGZAG_GAP_PX / 2, middle + _ZIGZAG_GAP_PX / 2
    if frame.broken_across:
        edge = [(x, y) for y, x in _zigzag(frame.height)]
        yield Polygon(((-right, -low), *(_shift(p, near, 0) for p in edge), (-right, low)), frame.ink)
        yield Polygon(((right, -low), *(_shift(p, far, 0) for p in edge), (right, low)), frame.ink)
    else:
        edge = list(_zigzag(frame.width))
        yield Polygon(((-right, -low), *(_shift(p, 0, near) for p in edge), (right, -low)), frame.ink)
        yield Polygon(((-right, low), *(_shift(p, 0, far) for p in edge), (right, low)), frame.ink)


def _zigzag(length: float) -> Iterator[Point]:
    """Points along a line of this length centred at 0, to and fro across it."""
    n_teeth = 4 if length > 40 else 2
    for i in range(n_teeth + 1):
        yield (-length / 2 + length * i / n_teeth, (_ZIGZAG_PX if i % 2 else -_ZIGZAG_PX) / 2)


def _shift(point: Point, dx: float, dy: float) -> Point:
    return (point[0] + dx, point[1] + dy)


def solid_across(frame: Frame, start: float, stop: float) -> Iterator[tuple[float, float]]:
    """Of a span of the width, from the left edge on, what is clear of a zigzag."""
    if not frame.broken_across:
        yield start, stop
        return
    gap = frame.width * ZIGZAG_AT
    for low, high in ((0.0, gap - _ZIGZAG_CLEAR_PX), (gap + _ZIGZAG_CLEAR_PX, frame.width)):
        if max(start, low) < min(stop, high):
            yield max(start, low), min(stop, high)


def solid_down(frame: Frame) -> Iterator[tuple[float, float]]:
    """Of the height, from the top edge on, what is clear of a zigzag."""
    if not frame.broken_down or frame.broken_across:
        yield 0.0, frame.height
        return
    gap = frame.height * ZIGZAG_AT
    yield 0.0, gap - _ZIGZAG_CLEAR_PX
    yield gap + _ZIGZAG_CLEAR_PX, frame.height


def _parts(frame: Frame) -> list[tuple[float, float, float, float]]:
    """Left, top, width and height of what is to be hatched: both sides of a zigzag."""
    left, top = -frame.width / 2, -frame.height / 2
    if frame.across or frame.down:
        own = grid(frame.across, frame.down, frame.width, frame.height)
        return [(x, y, end - x, bottom - y) for (x, end), (y, bottom) in own]
    if not (frame.broken_across or frame.broken_down):
        return [(left, top, frame.width, frame.height)]
    whole = frame.width if frame.broken_across else frame.height
    near, far = whole * ZIGZAG_AT - _ZIGZAG_CLEAR_PX, whole * ZIGZAG_AT + _ZIGZAG_CLEAR_PX
    if frame.broken_across:
        return [(left, top, near, frame.height), (left + far, top, whole - far, frame.height)]
    return [(left, top, frame.width, near), (left, top + far, frame.width, whole - far)]


def _hatching(left: float, top: float, width: float, height: float) -> Iterator[tuple[Point, Point]]:
    """Diagonals at 45 degrees, cut at the edges of a rectangle."""
    for reach in (i * _HATCH_PITCH_PX for i in range(1, int((width + height) / _HATCH_PITCH_PX) + 1)):
        start = (left + min(reach, width), top + reach - min(reach, width))
        end = (left + reach - min(reach, height), top + min(reach, height))
        if start[1] < top + height and end[0] < left + width:
            yield start, end
