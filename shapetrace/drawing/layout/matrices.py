"""One operand as a cell: a rectangle to scale, its name, the sizes at its edges, its shape."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shapetrace.drawing.content.emphasis import Pointed
from shapetrace.drawing.content.entry import Entry, Numbers, Spot
from shapetrace.drawing.inks import SHIFT_PX
from shapetrace.drawing.layout.boxes import around
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.following import entry_marks, followed_marks, number_marks
from shapetrace.drawing.layout.frames import ZIGZAG_AT, Frame, frame_of, sliced
from shapetrace.drawing.layout.names import name_spans, shape_pieces, stack_spans
from shapetrace.drawing.layout.picking import picked_marks
from shapetrace.drawing.layout.running import run_ink
from shapetrace.drawing.layout.scale import Scale
from shapetrace.drawing.layout.shading import is_shaded
from shapetrace.drawing.layout.sharing import size_text
from shapetrace.drawing.layout.token_axes import TokenAxis
from shapetrace.drawing.layout.token_bodies import token_body, token_frame, token_pitches
from shapetrace.drawing.metrics import ELLIPSIS, clean, shortened, width_px
from shapetrace.drawing.primitives import Line, Mark, Point, Span, Text
from shapetrace.outlining.following import Followed
from shapetrace.outlining.structure import Operand

_NAME_ROOM_PX = 150.0
_SHAPE_ROOM_PX = 200.0
_TOKEN_ROOM_PX = 90.0
_TOKEN_PITCH_PX = 14.0
_THREAD_PX = 26.0
_MOST_TOKENS = 7
_DESCENT_PX = 6.0
"""How much more height a name needs between two cuts: its subscript touches none."""


@dataclass(frozen=True, slots=True)
class Style:
    """What the matrices of one figure have in common.

    Attributes:
        scale: The law of lengths.
        dims: ``numbers``, ``names`` or ``both``.
        hatched: Inks whose rectangles are hatched.
        scalar: The word for a value without axes.
        shapes: True to write the whole shape below each rectangle, besides the sizes at its edges.
        follow: The position that is marked; None for none.
        tokens: Axes on which one row is one token.
        entry: An entry of the product that is drawn; None for none.
        spot: What of it is marked in one matrix.
        numbers: What is written into the cells of one matrix; () for nothing.
        running: Axes that are as long as what the pass was given.
        named_above: True to write names above, also where they would fit: beside another that does not.
    """

    scale: Scale
    dims: str = "numbers"
    hatched: frozenset[str] = frozenset()
    scalar: str = "scalar"
    shapes: bool = True
    follow: Followed | None = None
    tokens: Mapping[int, TokenAxis] = field(default_factory=dict)
    entry: Entry | None = None
    spot: Spot | None = None
    numbers: Numbers = ()
    running: frozenset[int] = frozenset()
    named_above: bool = False


_PLAIN = Pointed("change")


def matrix(
    operand: Operand,
    style: Style,
    *,
    inner: int | None = None,
    upright: bool = False,
    pointed: Pointed = _PLAIN,
    counted: bool = True,
) -> Cell:
    """Draw an operand: (…, m, n) is m high and n wide, the axes before are a stack; (n) is a row.

    Args:
        operand: What to draw.
        style: What the figure's matrices have in common.
        inner: Position of the axis that a product sums over, written in the accent colour.
        upright: True to draw a single axis as a column.
        pointed: Axes that the figure points at.
        counted: True to write how many matrices a stack has.
    """
    plain = frame_of(operand, style.scale, style.hatched, upright=upright)
    frame, grid = token_frame(plain, operand, style.tokens)
    marks = [*token_body(frame, operand, grid)]
    marks += followed_marks(frame, operand, style.follow, token_pitches(frame, operand, grid))
    marks += entry_marks(frame, operand, style.spot)
    name = tuple(_name(frame, operand, replace(style, named_above=True) if is_shaded(operand, style.tokens) else style))
    marks += number_marks(frame, style.numbers)
    marks += [*picked_marks(frame, operand, name), *_edges(frame, operand, style, inner, pointed), *name]
    if style.shapes or not operand.shape:
        marks += _shape(frame, operand, style, pointed)
    if counted and (stacked := stack_spans(operand, style.dims)):
        place = (frame.width / 2 + frame.lift + 4, 7 - frame.height / 2 - frame.lift)
        marks.append(Text(*place, stacked, pointed.stack_ink))
    if operand.labels and operand.shape:
        marks += _tokens(frame, operand, style.follow, right=around(marks).left - 4)
    return cell(marks)


def _edges(frame: Frame, operand: Operand, style: Style, inner: int | None, pointed: Pointed) -> Iterator[Mark]:
    """The sizes: of the columns above, of the rows on the left; an edge that is pointed at is thick."""
    inner_axis = None if inner is None else inner % max(len(operand.shape), 1)
    left, top = -frame.width / 2, -frame.height / 2
    if frame.columns is not None:
        ink = pointed.size_ink(frame.columns, "match" if frame.columns == inner_axis else "size")
        if pointed.has_edge(frame.columns):
            yield Line((((left, top), (-left, top)),), "clash-edge")
        ink = _named_ink(operand, frame.columns, style, ink)
        spans = sliced(operand, frame.width) if ink == "size" else ()
        spans = spans or _size_spans(operand, frame.columns, style, ink)
        above = frame.lift + 5 + _lowered(spans)
        ink = run_ink(ink, operand, frame.columns, style.running)
        yield Text(frame.lift / 2, -frame.height / 2 - above, spans, ink, "middle")
    if frame.rows is not None:
        ink = pointed.size_ink(frame.rows, "match" if frame.rows == inner_axis else "size")
        if pointed.has_edge(frame.rows):
            yield Line((((left, top), (left, -top)),), "clash-edge")
        ink = _named_ink(operand, frame.rows, style, ink)
        spans = _size_spans(operand, frame.rows, style, ink)
        ink = run_ink(ink, operand, frame.rows, style.running)
        if 14 < width_px(spans, ink) <= frame.height + 2:
            yield Text(-frame.width / 2 - 5 - _lowered(spans), 0, spans, ink, "middle", turned=True)
        else:
            yield Text(-frame.width / 2 - 5, 4, spans, ink, "end")


def _named_ink(operand: Operand, axis: int, style: Style, ink: str) -> str:
    """The ink of a size that is a name: letters larger than their subscripts, which are as small as text may be."""
    is_named = style.dims != "numbers" and axis < len(operand.dims) and bool(operand.dims[axis])
    return f"{ink}-name" if is_named and ink in {"size", "match"} else ink


def _lowered(spans: tuple[Span, ...]) -> float:
    """How far a subscript reaches below the line."""
    return max(SHIFT_PX[span.shift] for span in spans)


def _size_spans(operand: Operand, axis: int, style: Style, ink: str) -> tuple[Span, ...]:
    name = operand.dims[axis] if style.dims != "numbers" and axis < len(operand.dims) else ""
    return name_spans(name, ink, 80) or (Span(size_text(operand, axis)),)


def _shape(frame: Frame, operand: Operand, style: Style, pointed: Pointed) -> Iterator[Mark]:
    """The shape below, and lines below those of its sizes that are pointed at: they need no colour."""
    pieces = _shape_pieces(operand, style)
    named = tuple(span for spans, _ in pieces for span in spans)
    spans = named if any(span.shift for span in named) else (Span("".join(span.text for span in named)),)
    y = frame.height / 2 + 15
    yield Text(0, y, spans, "shape", "middle")
    x = -width_px(spans, "shape") / 2
    for piece, axis in pieces:
        end = x + width_px(piece, "shape")
        if axis in pointed.axes:
            yield Line((((x, y + 4), (end, y + 4)),), f"{pointed.reason}-line")
        x = end


def _shape_pieces(operand: Operand, style: Style) -> list[tuple[tuple[Span, ...], int | None]]:
    """What is written for a shape, and the axis that each piece tells of: None for what is between."""
    if not operand.shape:
        return [((Span(style.scalar),), None)]
    plain: list[tuple[tuple[Span, ...], int | None]] = [
        ((Span(text),), axis) for text, axis in shape_pieces(operand.shape)
    ]
    if style.dims != "names" or not any(operand.dims):
        return plain
    named: list[tuple[tuple[Span, ...], int | None]] = [((Span("["),), None)]
    for axis in range(len(operand.shape)):
        named += [(_size_spans(operand, axis, style, "shape"), axis), ((Span(", "),), None)]
    named[-1] = ((Span("]"),), None)
    fits = width_px([span for spans, _ in named for span in spans], "shape") <= _SHAPE_ROOM_PX
    return named if fits else plain


def _name(frame: Frame, operand: Operand, style: Style) -> Iterator[Mark]:
    """The name: inside where it fits, above the rectangle otherwise."""
    ink, spans = _name_spans(frame, operand)
    if not spans:
        return
    x, y, _, _ = _name_room(frame, operand)
    if style.named_above or style.numbers or not _fits_inside(frame, operand):
        above = _lowered(spans) + 6.0
        if frame.columns is not None:
            named = _named_ink(operand, frame.columns, style, "size")
            above += (12 if named == "size" else 14) + _lowered(_size_spans(operand, frame.columns, style, named))
        yield Text(frame.lift / 2, -frame.height / 2 - frame.lift - above, spans, ink, "middle")
    else:
        yield Text(x, y + 4.5, spans, ink, "middle")


def _name_spans(frame: Frame, operand: Operand) -> tuple[str, tuple[Span, ...]]:
    ink = f"name-{frame.ink}"
    return ink, name_spans(operand.name, ink, _NAME_ROOM_PX, transposed=operand.transposed)


def _fits_inside(frame: Frame, operand: Operand) -> bool:
    ink, spans = _name_spans(frame, operand)
    _, _, width, height = _name_room(frame, operand)
    return not spans or (width_px(spans, ink) <= width - 5 and height >= 18)


def named_alike(operands: Sequence[Operand], style: Style) -> Style:
    """The style for matrices of one list: all have their names inside, or none."""
    plain = ((each, frame_of(each, style.scale, style.hatched, upright=False)) for each in operands)
    inside = all(_fits_inside(token_frame(frame, each, style.tokens)[0], each) for each, frame in plain)
    return style if inside else replace(style, named_above=True)


def _name_room(frame: Frame, operand: Operand) -> tuple[float, float, float, float]:
    """The middle of the name, and the width and height that it may have: of a cut matrix, in this rank's part."""
    if frame.across or frame.down:
        x, y, width, height = frame.own
        return x, y, width, height - _DESCENT_PX
    x, y = _name_place(frame, operand)
    return x, y, frame.width - 2 * abs(x), frame.height


def _name_place(frame: Frame, operand: Operand) -> Point:
    """The middle of the name: clear of a causal diagonal and of a zigzag."""
    if frame.broken_across:
        return -frame.width * (1 - ZIGZAG_AT) / 2, 0
    if frame.broken_down:
        return 0, -frame.height * (1 - ZIGZAG_AT) / 2
    if operand.pattern == "causal" and min(frame.width, frame.height) > 40:
        return -frame.width * 0.2, frame.height * 0.2
    return 0, 0


def _tokens(frame: Frame, operand: Operand, follow: Followed | None, *, right: float) -> Iterator[Mark]:
    """Words beside the rows, each with a thread to its row; of many, the first few and the last."""
    n_labels, n_rows = len(operand.labels), operand.shape[frame.rows or 0]
    shown: list[int | None] = list(range(n_labels))
    own = None if follow is None else follow.index(operand, frame.rows or 0)
    if n_labels > _MOST_TOKENS:
        shown = [*shown[: _MOST_TOKENS - 3], None, *shown[-2:]]
    for row, y in zip(shown, _token_axes(shown, n_labels < n_rows, frame.height), strict=True):
        word = ELLIPSIS if row is None else shortened(clean(operand.labels[row]), "token", _TOKEN_ROOM_PX)
        if not word:
            continue
        ink = "token" if row is None or row != own else "token-marked"
        yield Text(right - _THREAD_PX - 4, y + 4, (Span(word),), ink, "end")
        if row is not None:
            target = frame.height * ((row + 0.5) / max(n_rows, n_labels) - 0.5)
            yield Line((((right - _THREAD_PX, y), (right - 6, target), (right, target)),), "thread")


def _token_axes(shown: list[int | None], at_top: bool, height: float) -> list[float]:
    """Where the words stand: around the middle, or at the top and the bottom of a long column."""
    n_shown, spare = len(shown), height - len(shown) * _TOKEN_PITCH_PX
    axes = [(place - (n_shown - 1) / 2) * _TOKEN_PITCH_PX for place in range(n_shown)]
    if spare <= 0:
        return axes
    if None in shown:
        gap = shown.index(None)
        return [y + (0 if place == gap else -spare / 2 if place < gap else spare / 2) for place, y in enumerate(axes)]
    return [y - spare / 2 for y in axes] if at_top else axes
