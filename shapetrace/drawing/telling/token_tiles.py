"""A tile whose axes count tokens: one row a token, words beside it, what padding adds behind a break."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from shapetrace.drawing.compact.tiles import Shown, TileStyle, name_marks, size_marks, stack_marks
from shapetrace.drawing.layout.boxes import around
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.frames import Frame, backs, body, frame_of
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Line, Mark, Point, Polygon, Rect, Span, Text, moved
from shapetrace.drawing.telling.tokens import TOKEN_PX, TokenAxis, axis_of
from shapetrace.outlining.structure import Operand

_WORD_PX = 74.0
_UPRIGHT_PX = 15.0
_TURNED_WORD_PX = 60.0
_BREAK_PX = 6.0
_STRIP_PX = 4.0
_TOOTH_PX = 4.0


@dataclass(frozen=True, slots=True)
class TileWords:
    """What is written and marked at a tile.

    Attributes:
        beside: Whether words stand beside the rows.
        above: Whether words stand above the columns.
        marked: A row in the marker colour; None for none.
        ink: Of the whole tile, if it is not that of its role.
    """

    beside: bool = False
    above: bool = False
    marked: int | None = None
    ink: str = ""


def token_tile(
    operand: Operand, style: TileStyle, shown: Shown, tokens: Mapping[int, TokenAxis], words: TileWords
) -> Cell:
    """Draw an operand around (0, 0); an axis that counts no tokens is drawn as everywhere.

    Of a pass of one rank of several, what this one has is drawn alone.
    """
    operand = replace(operand, shares=())
    plain = frame_of(operand, style.law, style.hatched, upright=shown.upright)
    rows, columns = axis_of(operand, plain.rows, tokens), axis_of(operand, plain.columns, tokens)
    upright_px = _UPRIGHT_PX if shown.upright and rows else plain.width
    frame = replace(
        plain, ink=words.ink or plain.ink,
        height=rows.length_px if rows else plain.height, width=columns.length_px if columns else upright_px,
        broken_down=plain.broken_down and not rows, broken_across=plain.broken_across and not columns,
    )  # fmt: skip
    if rows is None and columns is None:
        marks = [*body(frame, operand)]
    else:
        marks = [*_body(frame, operand, _Grid(rows, columns))]
    if words.marked is not None and frame.rows is not None:
        marks.append(_marked(frame, operand.shape[frame.rows], rows, words.marked))
    marks += _name(frame, operand, style, _Grid(rows, columns), shown)
    has_words = bool(words.beside and rows and rows.labels)
    if has_words and rows:
        marks += _beside(frame, rows, words.marked)
    if words.above and columns and columns.labels:
        marks += _above(frame, columns)
    marks += _sizes(frame, operand, style, shown, has_words=has_words and not (rows and rows.padded), marks=marks)
    marks += stack_marks(frame, operand, shown)
    return cell(marks)


def _sizes(
    frame: Frame, operand: Operand, style: TileStyle, shown: Shown, *, has_words: bool, marks: list[Mark]
) -> Iterator[Mark]:
    """Sizes outside of words: above those of the columns, left of those of the rows."""
    box = around(marks)
    for mark in size_marks(frame, operand, style, replace(shown, rows=shown.rows and not has_words)):
        if not isinstance(mark, Text):
            continue
        above = not mark.turned and mark.anchor == "middle"
        words_above = [m for m in marks if isinstance(m, Text) and m.ink == "token" and m.y < -frame.height / 2]
        if above and words_above:
            yield replace(mark, y=around(words_above).top - 3)
        elif not above and any(isinstance(m, Text) and m.ink.startswith("token") and m.anchor == "end" for m in marks):
            yield replace(mark, x=box.left - (5 if mark.turned else 4))
        else:
            yield mark


@dataclass(frozen=True, slots=True)
class _Grid:
    """Which axes of a tile count tokens."""

    rows: TokenAxis | None
    columns: TokenAxis | None


def _body(frame: Frame, operand: Operand, grid: _Grid) -> Iterator[Mark]:
    yield from backs(frame)
    hides = bool(operand.pattern in {"causal", "band"} or operand.cells) and grid.rows and grid.columns
    seen = seen_in(operand) if hides else None
    for piece in _pieces(frame, grid):
        yield Polygon(piece.outline, f"{frame.ink}-hollow" if seen and not piece.below else frame.ink)
    if frame.broken_across or frame.broken_down:
        return
    yield from _hairlines(frame, grid)
    if seen and grid.rows and grid.columns:
        yield from visible_cells(frame, grid.rows, grid.columns, seen)


def _marked(frame: Frame, n_rows: int, rows: TokenAxis | None, row: int) -> Rect:
    """The row that is told apart; where rows are thin, a strip at its place."""
    high = TOKEN_PX if rows else max(frame.height / max(n_rows, 1), _STRIP_PX)
    top = row * TOKEN_PX if rows else (frame.height - high) * row / max(n_rows - 1, 1)
    return Rect(-frame.width / 2, top - frame.height / 2, frame.width, high, "marker", 1)


def _name(frame: Frame, operand: Operand, style: TileStyle, grid: _Grid, shown: Shown) -> tuple[Mark, ...]:
    """The name, in the middle of what is no padding."""
    right = grid.columns.real * TOKEN_PX if grid.columns and grid.columns.padded else frame.width
    low = grid.rows.real * TOKEN_PX if grid.rows and grid.rows.padded else frame.height
    marks = tuple(name_marks(replace(frame, width=right, height=low), operand, style, shown))
    if right == frame.width and low == frame.height:
        return marks
    is_above = bool(marks) and isinstance(marks[0], Text) and marks[0].y < -low / 2
    return moved(marks, 0 if is_above else (right - frame.width) / 2, (low - frame.height) / 2)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a broken tile: its outline, and whether it holds padding rows under real columns."""

    outline: tuple[Point, ...]
    below: bool


def _pieces(frame: Frame, grid: _Grid) -> Iterator[_Piece]:
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
        at = axis.real * TOKEN_PX - length / 2
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


def _hairlines(frame: Frame, grid: _Grid) -> Iterator[Mark]:
    """Lines between tokens."""
    strokes: list[tuple[Point, Point]] = []
    right, low = frame.width / 2, frame.height / 2
    if grid.rows:
        ys = [TOKEN_PX * row - low for row in range(1, grid.rows.real + grid.rows.padded)]
        end = grid.columns.real * TOKEN_PX - right if grid.columns and grid.columns.padded else right
        strokes += [((-right, y), (end, y)) for y in ys[: grid.rows.real - (not grid.rows.padded)]]
    if grid.columns:
        xs = [TOKEN_PX * column - right for column in range(1, grid.columns.real + grid.columns.padded)]
        end = grid.rows.real * TOKEN_PX - low if grid.rows and grid.rows.padded else low
        strokes += [((x, -low), (x, end)) for x in xs]
    if strokes:
        yield Line(tuple(strokes), f"{frame.ink if frame.ink in _CUT else 'data'}-cut")


_CUT = frozenset({"data", "weight", "const"})


def seen_in(operand: Operand) -> Callable[[int, int], bool]:
    """Whether a row sees a column."""
    n_rows, n_columns = operand.shape[-2:]
    if operand.pattern == "causal":
        return lambda row, column: column <= row + n_columns - n_rows
    if operand.band is not None:
        below, above = operand.band
        return lambda row, column: -below <= column - (row + n_columns - n_rows) <= above
    cells = operand.cells
    if len(cells) == n_rows and all(len(line) == n_columns for line in cells):
        return lambda row, column: cells[row][column] == "1"
    return lambda _row, _column: True


def visible_cells(
    frame: Frame, rows: TokenAxis, columns: TokenAxis, seen: Callable[[int, int], bool]
) -> Iterator[Mark]:
    """Cells that are seen, filled; a line where seeing ends."""
    left, top = -frame.width / 2, -frame.height / 2
    edges: list[tuple[Point, Point]] = []
    for row in range(rows.real):
        y = top + row * TOKEN_PX
        filled = [column for column in range(columns.real) if seen(row, column)]
        for column in filled:
            yield Rect(left + column * TOKEN_PX, y, TOKEN_PX, TOKEN_PX, f"{frame.ink}-fill", 0)
        for column in range(columns.real):
            x = left + column * TOKEN_PX
            inside = seen(row, column)
            if column + 1 < columns.real and inside != seen(row, column + 1):
                edges.append(((x + TOKEN_PX, y), (x + TOKEN_PX, y + TOKEN_PX)))
            if row + 1 < rows.real and inside != seen(row + 1, column):
                edges.append(((x, y + TOKEN_PX), (x + TOKEN_PX, y + TOKEN_PX)))
    if edges:
        yield Line(tuple(edges), f"{frame.ink}-edge")


def _beside(frame: Frame, rows: TokenAxis, marked: int | None) -> Iterator[Mark]:
    for row, label in enumerate(rows.labels):
        ink = "token-marked" if row == marked else "token"
        y = -frame.height / 2 + (row + 0.5) * TOKEN_PX + 4
        if text := shortened(clean(label), ink, _WORD_PX):
            yield Text(-frame.width / 2 - 5, y, (Span(text),), ink, "end")


def _above(frame: Frame, columns: TokenAxis) -> Iterator[Mark]:
    """Words over the columns: characters upright, longer words turned."""
    words = [shortened(clean(label), "token", _TURNED_WORD_PX) for label in columns.labels]
    upright = all(width_px(word, "token") < TOKEN_PX for word in words)
    y = -frame.height / 2 - frame.lift - 5
    for column, word in enumerate(words):
        middle = -frame.width / 2 + (column + 0.5) * TOKEN_PX
        if word and upright:
            yield Text(middle, y, (Span(word),), "token", "middle")
        elif word:
            yield Text(middle + 4, y, (Span(word),), "token", turned=True)
