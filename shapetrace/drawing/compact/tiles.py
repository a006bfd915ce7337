"""One operand in little room: a rectangle, its name, each size once at its edge, the number of its stack below."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from shapetrace.drawing.compact.scaling import CubeLaw
from shapetrace.drawing.inks import SHIFT_PX
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.following import followed_marks
from shapetrace.drawing.layout.frames import ZIGZAG_AT, Frame, body, frame_of, sliced
from shapetrace.drawing.layout.names import name_spans, stack_spans
from shapetrace.drawing.layout.picking import picked_marks
from shapetrace.drawing.layout.running import run_ink
from shapetrace.drawing.layout.sharing import size_text
from shapetrace.drawing.layout.token_axes import TokenAxis
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Mark, Span, Text
from shapetrace.outlining.following import Followed
from shapetrace.outlining.structure import Operand

_NAME_ROOM_PX = 120.0
_SIZE_ROOM_PX = 60.0
_LOWEST_NAME_PX = 15.0
_SLACK_PX = 9.0
"""How much longer than its side, and the stack behind it, a turned size may be."""

_REACH_PX = 3.0
_UNDER_PX = 3.0
_RAISED_PX = 3.0
_ZIGZAG_PX = 16.0
"""How far the edge of a broken tile reaches into it."""
_DESCENT_PX = 6.0
"""How much more height a name needs between two cuts: its subscript touches none."""


@dataclass(frozen=True, slots=True)
class TileStyle:
    """What the tiles of one figure have in common.

    Attributes:
        law: The law of lengths.
        dims: ``numbers``, ``names`` or ``both``: what stands at the edges.
        hatched: Inks whose rectangles are hatched.
        follow: The position that is marked; None for none.
        tokens: Axes on which one row is one token.
        running: Axes that are as long as what the pass was given.
    """

    law: CubeLaw
    dims: str = "numbers"
    hatched: frozenset[str] = frozenset()
    follow: Followed | None = None
    tokens: Mapping[int, TokenAxis] = field(default_factory=dict)
    running: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Shown:
    """What is written at an operand.

    Attributes:
        inner: Axes of its shape over which products sum, in the accent colour.
        rows: Whether the size of its rows is written.
        stack: Whether the number of its stack is written.
        upright: Whether a single axis is drawn as a column.
        changed: Axes of its shape whose sizes differ from those of another model: underlined, and always written.
        restacked: Whether the number of its stack differs too.
        clashing: Axes of its shape that do not fit: red, their edges thick, and always written.
        clashing_stack: Whether the number of its stack does not fit.
    """

    inner: frozenset[int] = frozenset()
    rows: bool = True
    stack: bool = True
    upright: bool = False
    changed: frozenset[int] = frozenset()
    restacked: bool = False
    clashing: frozenset[int] = frozenset()
    clashing_stack: bool = False

    def ink(self, axis: int) -> str:
        """The ink of a size."""
        if axis in self.clashing:
            return "clash"
        return "match" if axis in self.inner or axis in self.changed else "size"

    def line(self, axis: int) -> str:
        """The ink of the line below a size; "" for none."""
        return "clash-line" if axis in self.clashing else "change-line" if axis in self.changed else ""


def tile(operand: Operand, style: TileStyle, shown: Shown) -> Cell:
    """Draw an operand around (0, 0)."""
    frame = frame_of(operand, style.law, style.hatched, upright=shown.upright)
    name = tuple(name_marks(frame, operand, style, shown))
    marks: list[Mark] = [
        *body(frame, operand),
        *followed_marks(frame, operand, style.follow),
        *picked_marks(frame, operand, name),
        *size_marks(frame, operand, style, shown),
        *name,
    ]
    marks += stack_marks(frame, operand, style, shown)
    return cell(marks)


def stack_marks(frame: Frame, operand: Operand, style: TileStyle, shown: Shown) -> Iterator[Mark]:
    """The number of matrices, below the first of them."""
    spans = stack_spans(operand, style.dims)
    pointed = shown.restacked or shown.clashing_stack
    if spans and (shown.stack or pointed):
        ink = "clash" if shown.clashing_stack else "match" if shown.restacked else "stack"
        left = max(frame.lift / 2 - width_px(spans, ink) / 2, -frame.width / 2)
        written = Text(left, frame.height / 2 + 12, spans, ink)
        yield written
        if pointed:
            yield _underline(written, "clash-line" if shown.clashing_stack else "change-line")


def size_marks(frame: Frame, operand: Operand, style: TileStyle, shown: Shown) -> Iterator[Mark]:
    """Sizes at the edges: those of the columns above, of the rows on the left."""
    left, top = -frame.width / 2, -frame.height / 2
    if frame.columns is not None:
        ink = shown.ink(frame.columns)
        spans = sliced(operand, frame.width) if ink == "size" else ()
        spans = spans or size_spans(operand, frame.columns, style, ink)
        raised = _RAISED_PX if shown.line(frame.columns) else 0
        y = top - frame.lift - 4 - lowered(spans) - raised
        ink = run_ink(ink, operand, frame.columns, style.running)
        yield from _lined(Text(frame.lift / 2, y, spans, ink, "middle"), shown.line(frame.columns))
        if frame.columns in shown.clashing:
            yield Line((((left, top), (-left, top)),), "clash-edge")
    if frame.rows is not None and (shown.rows or shown.ink(frame.rows) != "size"):
        ink = shown.ink(frame.rows)
        spans = size_spans(operand, frame.rows, style, ink)
        ink = run_ink(ink, operand, frame.rows, style.running)
        away = 5 + lowered(spans) + (2 if shown.line(frame.rows) else 0)
        if 14 < width_px(spans, ink) <= frame.height + 2 * frame.lift + _slack(frame, operand, style):
            text = Text(left - away, 0, spans, ink, "middle", turned=True)
        else:
            text = Text(left - 4, 4, spans, ink, "end")
        yield from _lined(text, shown.line(frame.rows))
        if frame.rows in shown.clashing:
            yield Line((((left, top), (left, -top)),), "clash-edge")


def _slack(frame: Frame, operand: Operand, style: TileStyle) -> float:
    """How much longer than its side a turned size may be: little below a size of the columns that reaches over it."""
    if frame.columns is None:
        return _REACH_PX
    reaches = (width_px(size_spans(operand, frame.columns, style, "match"), "match") - frame.width - frame.lift) / 2
    return _SLACK_PX if reaches < _REACH_PX else 1.0


def _lined(text: Text, ink: str) -> Iterator[Mark]:
    """A text, and a line below it in an ink."""
    yield text
    if ink:
        yield _underline(text, ink)


def _underline(text: Text, ink: str) -> Line:
    """A line below a text; of one that reads upwards on its right."""
    box = box_of(text)
    if text.turned:
        return Line((((text.x + _UNDER_PX, box.top), (text.x + _UNDER_PX, box.bottom)),), ink)
    return Line((((box.left, text.y + _UNDER_PX), (box.right, text.y + _UNDER_PX)),), ink)


def size_spans(operand: Operand, axis: int, style: TileStyle, ink: str) -> tuple[Span, ...]:
    """What is written for a size."""
    name = operand.dims[axis] if style.dims != "numbers" and axis < len(operand.dims) else ""
    return name_spans(name, ink, _SIZE_ROOM_PX) or (Span(size_text(operand, axis)),)


def lowered(spans: tuple[Span, ...]) -> float:
    """How far a subscript reaches below the line."""
    return max(SHIFT_PX[span.shift] for span in spans)


def name_marks(frame: Frame, operand: Operand, style: TileStyle, shown: Shown) -> Iterator[Mark]:
    """The name: inside where it fits, above the size of the columns otherwise."""
    ink = f"name-{frame.ink}"
    spans = name_spans(operand.name, ink, _NAME_ROOM_PX, transposed=operand.transposed)
    if not spans:
        return
    x, y, width, height = _name_room(frame, operand)
    if width_px(spans, ink) + 5 > width or height < _LOWEST_NAME_PX:
        above = lowered(spans) + 5.0
        if frame.columns is not None:
            above += 11 + lowered(size_spans(operand, frame.columns, style, "size"))
            above += _RAISED_PX if shown.line(frame.columns) else 0
        yield Text(frame.lift / 2, -frame.height / 2 - frame.lift - above, spans, ink, "middle")
    else:
        yield Text(x, y + 4.5, spans, ink, "middle")


def _name_room(frame: Frame, operand: Operand) -> tuple[float, float, float, float]:
    """The middle of the name, and the width and height that it may have: of a cut matrix, in this rank's part."""
    if frame.across or frame.down:
        x, y, width, height = frame.own
        return x, y, width, height - _DESCENT_PX
    x, y = _name_place(frame, operand)
    edge = _ZIGZAG_PX if frame.broken_across else 0.0
    return x, y, frame.width - 2 * abs(x) - edge, frame.height


def _name_place(frame: Frame, operand: Operand) -> tuple[float, float]:
    """The middle of the name: clear of a causal diagonal and of a zigzag."""
    if frame.broken_across:
        return -frame.width * (1 - ZIGZAG_AT) / 2, 0
    if frame.broken_down:
        return 0, -frame.height * (1 - ZIGZAG_AT) / 2
    if operand.pattern == "causal":
        return -frame.width * 0.2, frame.height * 0.2
    return 0, 0
