"""Signs in boxes too narrow for a picture: the attention weights with their mask, the hourglass of an MLP."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from shapetrace.drawing.layout.boxes import enclosing
from shapetrace.drawing.layout.cells import cell
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.mapping.pictures import ends_of, matrix, one_attention, steps_of_one
from shapetrace.drawing.primitives import Mark, Polygon, Rect, moved
from shapetrace.outlining.structure import Step

_SIDE_PX = 32.0
_LOWEST_PX = 38.0
_BAR_PX = 7.0
_SLOPE_PX = 12.0
_LEAST_PX = 5.0


def glyph(node: Node, x: float, top: float, bottom: float) -> Iterator[Mark]:
    """A sign that ends at ``x`` in the middle between two heights; nothing for a node that has none or in no room."""
    if node.kind != "box" or bottom - top < _LOWEST_PX:
        return
    side = min(_SIDE_PX, bottom - top - 12)
    marks = tuple(_attention(node, side)) or tuple(
        hourglass(steps_of_one(node), side) if node.sublayer == "mlp" else ()
    )
    if marks:
        box = enclosing(cell(marks).boxes)
        yield from moved(marks, x - box.right, (top + bottom) / 2 - (box.top + box.bottom) / 2)


def _attention(node: Node, side: float) -> Iterator[Mark]:
    """The attention weights: as a square is seen that rows see each other, as a triangle that none looks ahead."""
    found = one_attention(node)
    if found is not None:
        weights = found[1].operands[0]
        yield from matrix(weights, side, max(weights.shape[-2:]))


def hourglass(steps: Sequence[Step], side: float) -> Iterator[Mark]:
    """What an MLP does to the width of a row: data, weights, data, weights, data, to one scale."""
    found = ends_of(steps)
    if found is None:
        return
    first, last = found
    sizes = first[0].operands[0].shape[-1], last.operands[0].shape[-1], last.results[0].shape[-1]
    heights = [max(side * float((size / max(sizes)) ** (1 / 3)), _LEAST_PX) for size in sizes]
    lefts = [place * (_BAR_PX + _SLOPE_PX) for place in range(len(heights))]
    for left, (high, low) in zip(lefts, pairwise(heights), strict=False):
        x, end = left + _BAR_PX, left + _BAR_PX + _SLOPE_PX
        yield Polygon(((x, -high / 2), (end, -low / 2), (end, low / 2), (x, high / 2)), "weight-deep")
    for left, height in zip(lefts, heights, strict=True):
        yield Rect(left, -height / 2, _BAR_PX, height, "data", 1)
