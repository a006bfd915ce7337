"""What panels are drawn with: arrows, boxes of weights, what is given and made."""

from collections.abc import Collection, Iterator, Sequence

from shapetrace.drawing.layout.names import name_spans
from shapetrace.drawing.layout.running import shape_spans, sizes_spans
from shapetrace.drawing.mapping.signs import arrow
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Mark, Point, Rect, Span, Text
from shapetrace.outlining.structure import Operand

WIDTH_PX = 258.0
"""How wide a panel is."""
EDGE_PX = 12.0
INNER_PX = WIDTH_PX - 2 * EDGE_PX
MIDDLE_PX = WIDTH_PX / 2
TITLE_PX = 34.0
"""How far below the upper edge of a panel what is in it begins."""
GIVEN_PX = 24.0
WEIGHT_PX = 36.0
GAP_PX = 15.0
_STACK_PX = 2.0
_LINE_PX = 15.0


def forked(x: float, y: float, ends: Sequence[Point]) -> Iterator[Mark]:
    """From one point down to several, each with a head; straight down where one is below."""
    turn = y + GAP_PX / 2
    for end_x, end_y in ends:
        bend = ((x, turn), (end_x, turn)) if abs(end_x - x) >= 1 else ()
        yield from arrow(((x, y), *bend, (end_x, end_y)))


def given(operand: Operand, x: float, top: float, room: float, running: Collection[int]) -> Iterator[Mark]:
    """A value from outside around ``x``: its name and shape in a pill; with less room its width, or its name alone."""
    name, shape = name_spans(operand.name, "name-data", 60), shape_spans(operand, running)
    if width_px(name, "name-data") + width_px(shape, "shape") + 26 > room:
        shape = (Span(str(operand.shape[-1])),)
    sizes = [width_px(name, "name-data"), width_px(shape, "shape")]
    has_shape = sum(sizes) + 26 <= room
    width = (sum(sizes) + 26 if has_shape else sizes[0] + 20) if name else sizes[1] + 20
    yield Rect(x - width / 2, top, width, GIVEN_PX, "data", GIVEN_PX / 2)
    yield Text(x - width / 2 + 10, top + 16.5, name, "name-data")
    if has_shape:
        yield Text(x + width / 2 - 10, top + 16.5, shape, "shape", "end")


def weight(operand: Operand, left: float, right: float, top: float) -> Iterator[Mark]:
    """Weights: name and sizes in a grey box, in one line where there is room; a stack where there are several."""
    behind = min(operand.stack, 3) - 1
    for back in range(behind, 0, -1):
        aside = back * _STACK_PX
        yield Rect(left + aside, top - aside, right - left - behind * _STACK_PX, WEIGHT_PX, "weight-back", 5)
    right -= behind * _STACK_PX
    yield Rect(left, top, right - left, WEIGHT_PX, "weight", 5)
    name, sizes = name_spans(operand.name, "name-weight", right - left - 8), sizes_spans(operand, ())
    x, both = (left + right) / 2, width_px(name, "name-weight") + width_px(sizes, "shape") + 10
    if both <= right - left - 12:
        start = x - both / 2
        yield Text(start, top + 22, name, "name-weight")
        yield Text(start + both, top + 22, sizes, "shape", "end")
        return
    yield Text(x, top + 15, name, "name-weight", "middle")
    if width_px(sizes, "shape") <= right - left - 2:
        yield Text(x, top + 15 + _LINE_PX, sizes, "shape", "middle")


def narrow(operand: Operand, left: float, right: float, top: float, *, is_named: bool = True) -> Iterator[Mark]:
    """Data that is narrower than what goes around it: its name, and how wide it is."""
    yield Rect(left, top, right - left, GIVEN_PX, "data", 3)
    name, size = name_spans(operand.name, "name-data", right - left), (Span(str(operand.shape[-1])),)
    widths = width_px(name, "name-data") if is_named else 0.0, width_px(size, "shape")
    x, both = (left + right) / 2, sum(widths) + (6 if is_named else 0)
    if both > right - left - 4:
        yield Text(x, top + 16.5, size, "shape", "middle")
        return
    if is_named:
        yield Text(x - both / 2, top + 16.5, name, "name-data")
    yield Text(x + both / 2, top + 16.5, size, "shape", "end")


def made(operand: Operand, x: float, y: float, right: float, running: Collection[int]) -> Iterator[Mark]:
    """What leaves a panel or goes on in it, beside its line: its name and shape, the shape alone, or nothing."""
    name, shape = name_spans(operand.name, "name-data", 60), shape_spans(operand, running)
    after = x + width_px(name, "name-data") + 5
    if after + width_px(shape, "shape") <= right:
        yield Text(x, y, name, "name-data")
        yield Text(after, y, shape, "shape")
    elif x + width_px(shape, "shape") <= right:
        yield Text(x, y, shape, "shape")
