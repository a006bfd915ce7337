"""Signs that lines of a map are made of: arrows, their heads, and sums."""

from collections.abc import Iterator, Sequence
from typing import Literal

from shapetrace.drawing.primitives import Circle, Line, Mark, Point, Polygon

Ink = Literal["rail", "data-edge"]

_HEAD_PX = 4.0


def arrow(points: Sequence[Point], ink: Ink = "data-edge") -> Iterator[Mark]:
    """A line through points, with a head at its end."""
    yield Line((tuple(points),), ink, 5)
    yield arrow_head(points[-2], points[-1])


def arrow_head(before: Point, tip: Point) -> Polygon:
    """The head of an arrow that arrives at ``tip``."""
    x, y = tip
    if abs(before[0] - x) < abs(before[1] - y):
        back = y - 7 if before[1] < y else y + 7
        return Polygon(((x, y), (x - _HEAD_PX, back), (x + _HEAD_PX, back)), "rail-dot")
    back = x - 7 if before[0] < x else x + 7
    return Polygon(((x, y), (back, y - _HEAD_PX), (back, y + _HEAD_PX)), "rail-dot")


def plus(x: float, y: float, radius: float) -> Iterator[Mark]:
    """A sum: a plus in a circle."""
    arm = radius / 2
    yield Circle(x, y, radius, "data-hollow")
    yield Line((((x - arm, y), (x + arm, y)), ((x, y - arm), (x, y + arm))), "data-edge")
