"""The body of a matrix whose axes count tokens: hairlines between rows, padding behind a break, stairs of cells."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from shapetrace.drawing.layout.following import ALL, Grid, Pitch, even_grid
from shapetrace.drawing.layout.frames import Frame, backs, body, cuts
from shapetrace.drawing.layout.shading import shaded_cells
from shapetrace.drawing.layout.token_axes import TokenAxis, axis_of
from shapetrace.drawing.primitives import Line, Mark, Point, Polygon, Rect
from shapetrace.outlining.following import seen_by_row
from shapetrace.outlining.structure import Operand

_BREAK_PX = 6.0
_TOOTH_PX = 4.0


@dataclass(frozen=True, slots=True)
class TokenGrid:
    """Which axes of a matrix count tokens."""

    rows: TokenAxis | None
    columns: TokenAxis | None


def token_frame(
    frame: Frame, operand: Operand, tokens: Mapping[int, TokenAxis], *, upright_px: float = 0.0
) -> tuple[Frame, TokenGrid]:
    """The rectangle with one row, or column, a token where axes count them; a single column is so wide if it does."""
    grid = TokenGrid(axis_of(operand, frame.rows, tokens), axis_of(operand, frame.columns, tokens))
    width = grid.columns.length_px if grid.columns else upright_px if upright_px and grid.rows else frame.width
    return replace(
        frame, width=width, height=grid.rows.length_px if grid.rows else frame.height,
        broken_down=frame.broken_down and not grid.rows, broken_across=frame.broken_across and not grid.columns,
    ), grid  # fmt: skip


def token_pitches(frame: Frame, operand: Operand, grid: TokenGrid) -> Grid:
    """Where rows and columns are: tokens are all as long, others to scale."""
    to_scale = even_grid(frame, operand)
    rows = _tokens(grid.rows) if grid.rows else to_scale.rows
    columns = _tokens(grid.columns) if grid.columns else to_scale.columns
    return Grid(rows, columns, cells=bool(grid.rows and grid.columns), shown=(_real(grid.rows), _real(grid.columns)))


def _real(axis: TokenAxis | None) -> int:
    """How many indices of an axis have a place of their own."""
    return axis.real if axis else ALL


def _tokens(axis: TokenAxis) -> Pitch:
    return lambda start, stop: (start * axis.pitch_px, stop * axis.pitch_px)


def token_body(frame: Frame, operand: Operand, grid: TokenGrid) -> Iterator[Mark]:
    """Paint the rectangle of an operand, without its text."""
    if not (grid.rows or grid.columns):
        yield from body(frame, operand)
        return
    yield from backs(frame)
    shaded = bool(operand.weighed and grid.rows and grid.columns and not (grid.rows.padded or grid.columns.padded))
    hides = bool(operand.pattern in {"causal", "band"} or operand.cells) and grid.rows and grid.columns
    seen = seen_in(operand) if hides else None
    for piece in _pieces(frame, grid):
        yield Polygon(piece.outline, f"{frame.ink}-hollow" if shaded or (seen and not piece.below) else frame.ink)
    if frame.broken_across or frame.broken_down:
        return
    if shaded:
        yield from shaded_cells(frame, operand.weighed)
    yield from _hairlines(frame, grid)
    if operand.pattern == "slices" and operand.slices > 1 and not (grid.columns or (grid.rows and grid.rows.padded)):
        yield cuts(frame, operand.slices)
    if seen and grid.rows and grid.columns:
        yield from visible_cells(frame, grid.rows, grid.columns, seen, filled=not shaded)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a broken tile: its outline, and whether it holds padding rows under real columns."""

    outline: tuple[Point, ...]
    below: bool


def _pieces(frame: Frame, grid: TokenGrid) -> Iterator[_Piece]:
    """The tile, or two or four parts of it with zigzags where padding begins."""
    across = _spans(frame.width, grid.columns, frame.broken_across)
    down = _spans(frame.height, grid.rows, frame.broken_down)
    for row, (top, low) in enumerate(down):
        for column, (left, right) in enumerate(across):
            ragged = (row > 0, column < len(across) - 1, row < len(down) - 1, column > 0)
            yield _Piece(tuple(_ring((left, top, right, low), ragged)), row > column)


def _spans(length: float, axis: TokenAxis | None, broken: bool) -> list[tuple[float, float]]:
    """Start and end of the parts of an axis, around 0."""
    if axis is not None and axis.padded:
        at = axis.real * axis.pitch_px - length / 2
        return [(-length / 2, at + 4), (at + 4 + _BREAK_PX, length / 2)]
    if broken:
        at = length * 0.18
        return [(-length / 2, at - _BREAK_PX / 2), (at + _BREAK_PX / 2, length / 2)]
    return [(-length / 2, length / 2)]


def _ring(box: tuple[float, float, float, float], ragged: tuple[bool, bool, bool, bool]) -> Iterator[Point]:
    """The corners of a rectangle; sides that are broken are zigzags: top, right, bottom, left."""
    left, top, right, low = box
    corners = ((left, top), (right, top), (right, low), (left, low))
    for side, rough in enumerate(ragged):
        (x0, y0), (x1, y1) = corners[side], corners[(side + 1) % 4]
        n_teeth = 4 if rough else 1
        for tooth in range(n_teeth):
            part = tooth / n_teeth
            push = (_TOOTH_PX if tooth % 2 else 0) / 2
            x, y = x0 + (x1 - x0) * part, y0 + (y1 - y0) * part
            yield (x + push, y) if side % 2 else (x, y + push)


def _hairlines(frame: Frame, grid: TokenGrid) -> Iterator[Mark]:
    """Lines between tokens."""
    strokes: list[tuple[Point, Point]] = []
    right, low = frame.width / 2, frame.height / 2
    if grid.rows:
        ys = [grid.rows.pitch_px * row - low for row in range(1, grid.rows.real + grid.rows.padded)]
        end = grid.columns.real * grid.columns.pitch_px - right if grid.columns and grid.columns.padded else right
        strokes += [((-right, y), (end, y)) for y in ys[: grid.rows.real - (not grid.rows.padded)]]
    if grid.columns:
        xs = [grid.columns.pitch_px * column - right for column in range(1, grid.columns.real + grid.columns.padded)]
        end = grid.rows.real * grid.rows.pitch_px - low if grid.rows and grid.rows.padded else low
        strokes += [((x, -low), (x, end)) for x in xs]
    if strokes:
        yield Line(tuple(strokes), f"{frame.ink if frame.ink in _CUT else 'data'}-cut")


_CUT = frozenset({"data", "weight", "const"})


def seen_in(operand: Operand) -> Callable[[int, int], bool]:
    """Whether a row sees a column; what nobody knows is drawn as seen."""

    def sees(row: int, column: int) -> bool:
        seen = seen_by_row(operand, row)
        return seen is None or any(start <= column < stop for start, stop in seen)

    return sees


def visible_cells(
    frame: Frame, rows: TokenAxis, columns: TokenAxis, seen: Callable[[int, int], bool], *, filled: bool = True
) -> Iterator[Mark]:
    """Cells that are seen, filled unless they are shaded; a line where seeing ends."""
    left, top = -frame.width / 2, -frame.height / 2
    high, wide = rows.pitch_px, columns.pitch_px
    edges: list[tuple[Point, Point]] = []
    for row in range(rows.real):
        y = top + row * high
        for column in (column for column in range(columns.real) if filled and seen(row, column)):
            yield Rect(left + column * wide, y, wide, high, f"{frame.ink}-fill", 0)
        for column in range(columns.real):
            x = left + column * wide
            inside = seen(row, column)
            if column + 1 < columns.real and inside != seen(row, column + 1):
                edges.append(((x + wide, y), (x + wide, y + high)))
            if row + 1 < rows.real and inside != seen(row + 1, column):
                edges.append(((x, y + high), (x + wide, y + high)))
    if edges:
        yield Line(tuple(edges), f"{frame.ink}-edge")
