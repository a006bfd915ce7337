"""Bounding boxes of marks: what may not overlap and what must be on the canvas."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shapetrace.drawing.inks import SHIFT_PX, TEXTS
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Circle, Mark, Polygon, Rect, Text

ASCENT = 0.8
DESCENT = 0.22
"""Parts of the font size that letters reach above and below the baseline (capitals 0.73, g and p 0.22)."""


@dataclass(frozen=True, slots=True)
class Box:
    """A bounding box.

    Attributes:
        left: Smallest x.
        top: Smallest y.
        right: Largest x.
        bottom: Largest y.
    """

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box", slack_px: float = 0.0) -> bool:
        """Whether more than a sliver of ``slack_px`` is common to both."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > slack_px and down > slack_px


def box_of(mark: Mark) -> Box:
    """The bounding box of one mark."""
    if isinstance(mark, Rect):
        return Box(mark.x, mark.y, mark.x + mark.width, mark.y + mark.height)
    if isinstance(mark, Circle):
        return Box(mark.x - mark.radius, mark.y - mark.radius, mark.x + mark.radius, mark.y + mark.radius)
    if isinstance(mark, Text):
        return _text_box(mark)
    points = mark.points if isinstance(mark, Polygon) else tuple(p for stroke in mark.strokes for p in stroke)
    xs, ys = zip(*points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def around(marks: Iterable[Mark]) -> Box:
    """The box around several marks; at least one."""
    return enclosing([box_of(mark) for mark in marks])


def enclosing(boxes: Sequence[Box]) -> Box:
    """The box around several boxes; at least one."""
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def _text_box(text: Text) -> Box:
    size = TEXTS[text.ink].size_px
    width = width_px(text.spans, text.ink)
    start = -{"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor] * width
    shifts = [SHIFT_PX[span.shift] / 2 for span in text.spans]
    up, down = size * ASCENT - min(shifts), size * DESCENT + max(shifts)
    if text.turned:  # a quarter to the left: the start is below, the letters' tops are on the left
        return Box(text.x - up, text.y - start - width, text.x + down, text.y - start)
    return Box(text.x + start, text.y - up, text.x + start + width, text.y + down)
