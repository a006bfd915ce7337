"""A tile whose axes count tokens: one row a token, words beside it, what padding adds behind a break."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from shapetrace.drawing.compact.tiles import Shown, TileStyle, name_marks, size_marks, stack_marks
from shapetrace.drawing.layout.boxes import around
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.following import followed_marks
from shapetrace.drawing.layout.frames import Frame, frame_of
from shapetrace.drawing.layout.names import name_spans
from shapetrace.drawing.layout.picking import picked_marks
from shapetrace.drawing.layout.shading import is_shaded
from shapetrace.drawing.layout.token_axes import TOKEN_PX, TokenAxis
from shapetrace.drawing.layout.token_bodies import TokenGrid, token_body, token_frame, token_pitches
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Mark, Rect, Span, Text, moved
from shapetrace.outlining.structure import Operand

_NAME_ROOM_PX = 120.0
_WORD_PX = 74.0
_UPRIGHT_PX = 15.0
_TURNED_WORD_PX = 60.0
_STRIP_PX = 4.0


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
    plain = replace(plain, ink=words.ink or plain.ink)
    frame, grid = token_frame(plain, operand, tokens, upright_px=_UPRIGHT_PX if shown.upright else 0.0)
    rows, columns = grid.rows, grid.columns
    marks = [*token_body(frame, operand, grid)]
    if words.marked is not None and frame.rows is not None:
        marks.append(_marked(frame, operand.shape[frame.rows], rows, words.marked))
    marks += followed_marks(frame, operand, style.follow, token_pitches(frame, operand, grid))
    shaded = is_shaded(operand, tokens)
    name = () if shaded else _name(frame, operand, style, grid, shown)
    marks += [*picked_marks(frame, operand, name), *name]
    has_words = bool(words.beside and rows and rows.labels)
    if has_words and rows:
        own = style.follow.index(operand, frame.rows or 0) if style.follow else None
        marks += _beside(frame, rows, {words.marked, own})
    if words.above and columns and columns.labels:
        marks += _above(frame, columns, style.follow.index(operand, -1) if style.follow else None)
    marks += _sizes(frame, operand, style, shown, has_words=has_words and not (rows and rows.padded), marks=marks)
    marks += stack_marks(frame, operand, style, shown)
    if shaded:  # no text stands on shades
        spans, ink = name_spans(operand.name, f"name-{frame.ink}", _NAME_ROOM_PX), f"name-{frame.ink}"
        marks.append(Text(frame.lift / 2, around(marks).top - 5, spans, ink, "middle"))
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
        words_above = [
            m for m in marks if isinstance(m, Text) and m.ink.startswith("token") and m.y < -frame.height / 2
        ]
        if above and words_above:
            yield replace(mark, y=around(words_above).top - 3)
        elif not above and any(isinstance(m, Text) and m.ink.startswith("token") and m.anchor == "end" for m in marks):
            yield replace(mark, x=box.left - (5 if mark.turned else 4))
        else:
            yield mark


def _marked(frame: Frame, n_rows: int, rows: TokenAxis | None, row: int) -> Rect:
    """The row that is told apart; where rows are thin, a strip at its place."""
    high = TOKEN_PX if rows else max(frame.height / max(n_rows, 1), _STRIP_PX)
    top = row * TOKEN_PX if rows else (frame.height - high) * row / max(n_rows - 1, 1)
    return Rect(-frame.width / 2, top - frame.height / 2, frame.width, high, "marker", 1)


def _name(frame: Frame, operand: Operand, style: TileStyle, grid: TokenGrid, shown: Shown) -> tuple[Mark, ...]:
    """The name, in the middle of what is no padding."""
    right = grid.columns.real * TOKEN_PX if grid.columns and grid.columns.padded else frame.width
    low = grid.rows.real * TOKEN_PX if grid.rows and grid.rows.padded else frame.height
    marks = tuple(name_marks(replace(frame, width=right, height=low), operand, style, shown))
    if right == frame.width and low == frame.height:
        return marks
    is_above = bool(marks) and isinstance(marks[0], Text) and marks[0].y < -low / 2
    return moved(marks, 0 if is_above else (right - frame.width) / 2, (low - frame.height) / 2)


def _beside(frame: Frame, rows: TokenAxis, marked: set[int | None]) -> Iterator[Mark]:
    for row, label in enumerate(rows.labels):
        ink = "token-marked" if row in marked else "token"
        y = -frame.height / 2 + (row + 0.5) * TOKEN_PX + 4
        if text := shortened(clean(label), ink, _WORD_PX):
            yield Text(-frame.width / 2 - 5, y, (Span(text),), ink, "end")


def _above(frame: Frame, columns: TokenAxis, marked: int | None) -> Iterator[Mark]:
    """Words over the columns: characters upright, longer words turned."""
    words = [shortened(clean(label), "token", _TURNED_WORD_PX) for label in columns.labels]
    upright = all(width_px(word, "token") < TOKEN_PX for word in words)
    y = -frame.height / 2 - frame.lift - 5
    for column, word in enumerate(words):
        middle = -frame.width / 2 + (column + 0.5) * TOKEN_PX
        ink = "token-marked" if column == marked else "token"
        if word and upright:
            yield Text(middle, y, (Span(word),), ink, "middle")
        elif word:
            yield Text(middle + 4, y, (Span(word),), ink, turned=True)
