"""The tiles of a generation: rows made here, rows kept from before, scores, ids; one row is one token while few."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import cbrt

from shapetrace.drawing.compact.scaling import CubeLaw
from shapetrace.drawing.generating.content import Kept
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.following import Grid, even, followed_marks
from shapetrace.drawing.layout.frames import STACK_OFFSET_PX, Frame, backs, body, depth_of
from shapetrace.drawing.layout.headings import KEPT_BAR_PX
from shapetrace.drawing.layout.names import name_spans, stack_text
from shapetrace.drawing.layout.token_axes import TOKEN_PX, TokenAxis
from shapetrace.drawing.layout.token_bodies import seen_in, visible_cells
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Line, Mark, Point, Rect, Span, Text
from shapetrace.outlining.following import Followed
from shapetrace.outlining.structure import Operand

MOST_TOKENS = 11
"""Rows beyond which one row is no longer one token."""

_MOST_UNIT_PX = 11.0
_MOST_TALL_PX = 112.0
_GAP_PX = 6.0
_LEAST_NEW_PX = 5.0
_FAR = 4
_LEAST_BROKEN = 1000
_WORD_PX = 110.0
_SHAPE_PX = 15.0


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long sides are in one figure, and what is marked in one column.

    Attributes:
        law: The law of lengths.
        by_token: Whether one row is one token.
        follow: The row that is marked; None where what is new is marked.
    """

    law: CubeLaw
    by_token: bool
    follow: Followed | None = None

    @property
    def new_ink(self) -> str:
        """The ink of what is new in a pass: green means one thing at a time."""
        return "data" if self.follow else "marker"

    def rows_px(self, n: int) -> float:
        """Length of a side that counts tokens."""
        return TOKEN_PX * n if self.by_token else self.law.length_px(n)

    def columns_px(self, n: int) -> float:
        """Length of a side that counts features."""
        return self.law.length_px(n)


Drawer = Callable[[Lengths], Cell]


def lengths_for(widths: Iterable[tuple[int, float]], rows: Iterable[int], vocabulary: int, room_px: float) -> Lengths:
    """The largest unit with which everything has room.

    Args:
        widths: Sizes of features, each with the room that its side has.
        rows: Numbers of tokens.
        vocabulary: Columns of the logits, drawn broken where they are far more than all others.
        room_px: Width of a column.
    """
    rooms, counts = list(widths), [1, *rows]
    by_token = max(counts) <= MOST_TOKENS
    unit = min([_MOST_UNIT_PX, *(room / cbrt(size) for size, room in rooms if size)])
    if not by_token:
        unit = min(unit, _MOST_TALL_PX / cbrt(max(counts)), room_px / cbrt(max(counts)))
    largest = max([size for size, _ in rooms] + ([] if by_token else counts), default=1)
    is_far = vocabulary > _FAR * largest and vocabulary >= _LEAST_BROKEN
    return Lengths(CubeLaw(unit, largest, (vocabulary,) if is_far else ()), by_token)


def named(operand: Operand, marks: Iterable[Mark]) -> Cell:
    """A tile with its name above."""
    drawn = tuple(marks)
    made = cell(drawn)
    spans = name_spans(operand.name, "name-data", 100.0, transposed=operand.transposed)
    if not spans:
        return made
    return cell((*drawn, Text(0, made.box.top - 6, spans, "name-data", "middle")))


def plain_tile(operand: Operand, lengths: Lengths) -> Cell:
    """Rows of tokens that are made in this pass: (T, d)."""
    width, height = lengths.columns_px(operand.shape[-1]), lengths.rows_px(operand.shape[-2])
    frame = Frame("data", 0, 1, width, height, depth_of(operand), broken_across=operand.shape[-1] in lengths.law.broken)
    marks = [
        *body(frame, replace(operand, pattern="", band=None, cells=())),
        *_lines(frame, lengths, operand.shape[-2]),
        *_followed(frame, operand, lengths),
    ]
    return named(operand, marks)


def _followed(frame: Frame, operand: Operand, lengths: Lengths) -> Iterator[Mark]:
    """The row that is followed, its column, who looks at it."""
    rows, columns = even(frame.height, operand.shape[-2]), even(frame.width, operand.shape[-1])
    grid = Grid(rows, columns, cells=lengths.by_token)
    yield from followed_marks(replace(frame, rows=-2, columns=-1), operand, lengths.follow, grid)


def scores_tile(operand: Operand, lengths: Lengths) -> Cell:
    """Scores: rows that look, columns that are looked at, those that are seen filled."""
    n_rows, n_columns = operand.shape[-2:]
    frame = Frame("data", 0, 1, lengths.rows_px(n_columns), lengths.rows_px(n_rows), depth_of(operand))
    hides = operand.pattern in {"causal", "band"} or bool(operand.cells)
    if not lengths.by_token or not hides:
        lines = [*_lines(frame, lengths, n_rows), *_down(frame, lengths, n_columns)]
        return named(operand, [*body(frame, operand), *lines, *_followed(frame, operand, lengths)])
    hollow = Rect(-frame.width / 2, -frame.height / 2, frame.width, frame.height, "data-hollow")
    rows, columns = TokenAxis(n_rows, n_rows), TokenAxis(n_columns, n_columns)
    seen = visible_cells(frame, rows, columns, seen_in(operand))
    across = [*_lines(frame, lengths, n_rows), *_down(frame, lengths, n_columns)]
    return named(operand, [*backs(frame), hollow, *seen, *across, *_followed(frame, operand, lengths)])


def kept_tile(kept: Kept, lengths: Lengths) -> Cell:
    """Rows that were kept, under a bar, and behind them those that this pass adds: green, where no row is followed."""
    operand = kept.new
    n_new, n_found = operand.shape[-2], kept.before.shape[-2] if kept.before else 0
    width = lengths.columns_px(operand.shape[-1])
    high_new = max(lengths.rows_px(n_new), _LEAST_NEW_PX) if not n_found or lengths.by_token else _LEAST_NEW_PX
    if kept.is_whole:
        high_new = 0.0
    high_found = lengths.rows_px(n_found) if n_found else 0.0
    gap = _GAP_PX if kept.in_place and n_found else 0.0
    height = high_found + gap + high_new
    top, left, depth = -height / 2, -width / 2, depth_of(operand)
    marks: list[Mark] = []
    if n_found:
        marks += _part("kept", (left, top, width, high_found), depth)
        marks += _across(left, width, top, n_found, lengths)
        marks.append(Rect(left, top, KEPT_BAR_PX, high_found, "kept-bar", 0))
    if not kept.is_whole:
        box = (left, top + high_found + gap, width, high_new)
        marks += _new(kept, box, depth if gap or not n_found else 0, lengths)
        marks += _own_row(operand, box, lengths.follow)
    if kept.before:
        marks += _own_row(kept.before, (left, top, width, high_found), lengths.follow)
    return named(operand, marks)


def _own_row(operand: Operand, box: tuple[float, float, float, float], follow: Followed | None) -> Iterator[Rect]:
    """The row that is followed."""
    row = follow.index(operand, -2) if follow else None
    if row is not None:
        left, top, width, height = box
        start, stop = even(height, operand.shape[-2])(row, row + 1)
        yield Rect(left, top + start, width, stop - start, "marker", 1)


def _new(kept: Kept, box: tuple[float, float, float, float], depth: int, lengths: Lengths) -> Iterator[Mark]:
    """The rows that this pass makes; those that a window drops at once are not kept."""
    left, top, width, height = box
    n_new = kept.new.shape[-2]
    dropped = height * (n_new - kept.n_written) / n_new if kept.n_written < n_new else 0.0
    if dropped:
        yield from _part("data", (left, top, width, dropped), depth)
    yield from _part(lengths.new_ink, (left, top + dropped, width, height - dropped), 0 if dropped else depth)
    yield from _across(left, width, top, n_new, lengths, f"{lengths.new_ink}-cut")


def _part(ink: str, box: tuple[float, float, float, float], depth: int) -> Iterator[Rect]:
    left, top, width, height = box
    back = "marker-back" if ink == "marker" else "data-back"
    for behind in range(depth, 0, -1):
        yield Rect(left + behind * STACK_OFFSET_PX, top - behind * STACK_OFFSET_PX, width, height, back)
    yield Rect(left, top, width, height, ink)


def ids_tile(operand: Operand, lengths: Lengths, next_id: str) -> Cell:
    """Ids, one under another, with their words where they are known; one behind a prefill is what was chosen last."""
    n = operand.shape[-1]
    labels = operand.labels if len(operand.labels) == n else ()
    if n == 1 and next_id and not labels:
        return next_tile(next_id, is_marked=lengths.follow is None or lengths.follow.index(operand, -1) is not None)
    words = [shortened(clean(label), "token-marked", _WORD_PX) for label in labels] if lengths.by_token else []
    width = max([*(width_px(word, "token-marked") + 14 for word in words), 30.0])
    height = lengths.rows_px(n)
    own = lengths.follow.index(operand, -1) if lengths.follow else None
    marks: list[Mark] = [Rect(-width / 2, -height / 2, width, height, lengths.new_ink)]
    marks += _across(-width / 2, width, -height / 2, n, lengths, f"{lengths.new_ink}-cut")
    if own is not None:
        start, stop = even(height, n)(own, own + 1)
        marks.append(Rect(-width / 2, start - height / 2, width, stop - start, "marker", 1))
    for row, word in enumerate(words):
        y = -height / 2 + (row + 0.5) * TOKEN_PX + 4
        marks.append(Text(0, y, (Span(word),), _word_ink(is_marked=not lengths.follow or row == own), "middle"))
    return cell(marks)


def next_tile(words: str, *, is_marked: bool = True) -> Cell:
    """The id that was chosen: a box, for shapes need no word; green, unless another row is followed."""
    width, ink = width_px(words, "token-marked") + 18, "marker" if is_marked else "data"
    text = Text(0, 4, (Span(words),), _word_ink(is_marked=is_marked), "middle")
    return cell([Rect(-width / 2, -10, width, 20, ink, 3), text])


def _word_ink(*, is_marked: bool) -> str:
    return "token-marked" if is_marked else "token"


def stacked(operand: Operand) -> str:
    """`` ×12``: how many there are of a tile; "" for one."""
    text = stack_text(operand)
    return f" {text}" if text else ""


def _places(length: float, n: int, lengths: Lengths) -> list[float]:
    """Where one token ends and the next begins."""
    return [TOKEN_PX * place - length / 2 for place in range(1, n)] if lengths.by_token else []


def _lines(frame: Frame, lengths: Lengths, n_rows: int) -> list[Mark]:
    return _cuts([((-frame.width / 2, y), (frame.width / 2, y)) for y in _places(frame.height, n_rows, lengths)])


def _down(frame: Frame, lengths: Lengths, n_columns: int) -> list[Mark]:
    return _cuts([((x, -frame.height / 2), (x, frame.height / 2)) for x in _places(frame.width, n_columns, lengths)])


def _across(left: float, width: float, top: float, n: int, lengths: Lengths, ink: str = "data-cut") -> list[Mark]:
    ys = [top + TOKEN_PX * row for row in range(1, n)] if lengths.by_token else []
    return _cuts([((left, y), (left + width, y)) for y in ys], ink)


def _cuts(strokes: Sequence[tuple[Point, Point]], ink: str = "data-cut") -> list[Mark]:
    """Lines between tokens; none where there is one token."""
    return [Line(tuple(strokes), ink)] if strokes else []


def shape_text(operand: Operand) -> str:
    """``[5, 64] ×12``: what is written below a tile."""
    return f"[{', '.join(map(str, operand.shape[-2:]))}]{stacked(operand)}"


def with_shape(draw: Drawer, lines: Sequence[str], lengths: Lengths, *, told: Sequence[str] = ()) -> Cell:
    """A tile with what is written below it: its shape, and what is told of the row that is followed."""
    drawn = draw(lengths)
    marks = list(drawn.marks)
    middle = (drawn.box.left + drawn.box.right) / 2
    for place, line in enumerate((*lines, *told)):
        ink, y = "shape" if place < len(lines) else "follow", drawn.box.bottom + (place + 1) * _SHAPE_PX
        marks.append(Text(middle, y, (Span(line.strip()),), ink, "middle"))
    return cell(marks)
