"""One operand in little room: a rectangle, its name, each size once at its edge, the number of its stack below."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from shapetrace.drawing.compact.scaling import CubeLaw
from shapetrace.drawing.inks import SHIFT_PX
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.frames import ZIGZAG_AT, Frame, body
from shapetrace.drawing.layout.names import name_spans, stack_sizes, stack_text
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Mark, Span, Text
from shapetrace.outlining.structure import Operand

_NAME_ROOM_PX = 120.0
_SIZE_ROOM_PX = 60.0
_LOWEST_NAME_PX = 15.0
_SLACK_PX = 9.0
"""How much longer than its side, and the stack behind it, a turned size may be."""

_INKS = {"data": "data", "weight": "weight", "constant": "const"}


@dataclass(frozen=True, slots=True)
class TileStyle:
    """What the tiles of one figure have in common.

    Attributes:
        law: The law of lengths.
        dims: ``numbers``, ``names`` or ``both``: what stands at the edges.
        hatched: Inks whose rectangles are hatched.
    """

    law: CubeLaw
    dims: str = "numbers"
    hatched: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shown:
    """What is written at an operand.

    Attributes:
        inner: Axes of its shape over which products sum, in the accent colour.
        rows: Whether the size of its rows is written.
        stack: Whether the number of its stack is written.
        upright: Whether a single axis is drawn as a column.
    """

    inner: frozenset[int] = frozenset()
    rows: bool = True
    stack: bool = True
    upright: bool = False


def tile(operand: Operand, style: TileStyle, shown: Shown) -> Cell:
    """Draw an operand around (0, 0)."""
    frame = frame_of(operand, style, shown)
    marks: list[Mark] = [
        *body(frame, operand),
        *size_marks(frame, operand, style, shown),
        *name_marks(frame, operand, style),
    ]
    if shown.stack and (text := stack_text(operand)):
        left = max(frame.lift / 2 - width_px(text, "stack") / 2, -frame.width / 2)
        marks.append(Text(left, frame.height / 2 + 12, (Span(text),), "stack"))
    return cell(marks)


def frame_of(operand: Operand, style: TileStyle, shown: Shown) -> Frame:
    """The rectangle of an operand."""
    n_axes = len(operand.shape)
    rows = n_axes - 2 if n_axes > 1 else 0 if n_axes and shown.upright else None
    columns = n_axes - 1 if n_axes > 1 else 0 if n_axes and not shown.upright else None
    n_rows = 1 if rows is None else operand.shape[rows]
    n_columns = 1 if columns is None else operand.shape[columns]
    ink = _INKS[operand.role]
    stacked = stack_sizes(operand)
    return Frame(
        ink, rows, columns,
        width=style.law.length_px(n_columns), height=style.law.length_px(n_rows),
        depth=0 if 0 in stacked else min(math.prod(stacked), 3) - 1,
        broken_across=n_columns in style.law.broken, broken_down=n_rows in style.law.broken,
        hatched=ink in style.hatched,
    )  # fmt: skip


def size_marks(frame: Frame, operand: Operand, style: TileStyle, shown: Shown) -> Iterator[Mark]:
    """Sizes at the edges: those of the columns above, of the rows on the left."""
    if frame.columns is not None:
        ink = "match" if frame.columns in shown.inner else "size"
        spans = _sliced(operand, frame.width) if ink == "size" else ()
        spans = spans or size_spans(operand, frame.columns, style, ink)
        yield Text(frame.lift / 2, -frame.height / 2 - frame.lift - 4 - lowered(spans), spans, ink, "middle")
    if frame.rows is not None and (shown.rows or frame.rows in shown.inner):
        ink = "match" if frame.rows in shown.inner else "size"
        spans = size_spans(operand, frame.rows, style, ink)
        if 14 < width_px(spans, ink) <= frame.height + 2 * frame.lift + _SLACK_PX:
            yield Text(-frame.width / 2 - 5 - lowered(spans), 0, spans, ink, "middle", turned=True)
        else:
            yield Text(-frame.width / 2 - 4, 4, spans, ink, "end")


def size_spans(operand: Operand, axis: int, style: TileStyle, ink: str) -> tuple[Span, ...]:
    """What is written for a size."""
    name = operand.dims[axis] if style.dims != "numbers" and axis < len(operand.dims) else ""
    return name_spans(name, ink, _SIZE_ROOM_PX) or (Span(str(operand.shape[axis])),)


def lowered(spans: tuple[Span, ...]) -> float:
    """How far a subscript reaches below the line."""
    return max(SHIFT_PX[span.shift] for span in spans)


def _sliced(operand: Operand, width: float) -> tuple[Span, ...]:
    """``12·64``: pieces side by side."""
    if operand.pattern != "slices" or operand.slices < 2 or operand.shape[-1] % operand.slices:
        return ()
    text = f"{operand.slices}·{operand.shape[-1] // operand.slices}"
    return (Span(text),) if width_px(text, "size") <= width + 16 else ()


def name_marks(frame: Frame, operand: Operand, style: TileStyle) -> Iterator[Mark]:
    """The name: inside where it fits, above the size of the columns otherwise."""
    ink = f"name-{frame.ink}"
    spans = name_spans(operand.name, ink, _NAME_ROOM_PX, transposed=operand.transposed)
    if not spans:
        return
    x, y = _name_place(frame, operand)
    if width_px(spans, ink) + 5 > frame.width - 2 * abs(x) or frame.height < _LOWEST_NAME_PX:
        above = lowered(spans) + 5.0
        if frame.columns is not None:
            above += 11 + lowered(size_spans(operand, frame.columns, style, "size"))
        yield Text(frame.lift / 2, -frame.height / 2 - frame.lift - above, spans, ink, "middle")
    else:
        yield Text(x, y + 4.5, spans, ink, "middle")


def _name_place(frame: Frame, operand: Operand) -> tuple[float, float]:
    """The middle of the name: clear of a causal diagonal and of a zigzag."""
    if frame.broken_across:
        return -frame.width * (1 - ZIGZAG_AT) / 2, 0
    if frame.broken_down:
        return 0, -frame.height * (1 - ZIGZAG_AT) / 2
    if operand.pattern == "causal":
        return -frame.width * 0.2, frame.height * 0.2
    return 0, 0
