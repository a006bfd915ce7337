"""Lines past what stands between: residuals, and what something further down reads too. Each has a lane of its own."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product

from shapetrace.drawing.mapping.arranging import JOIN_PX, Laid, Spot
from shapetrace.drawing.mapping.signs import Ink, arrow
from shapetrace.drawing.primitives import Line, Mark, Point

_LANE_PX = 11.0
_MOST_LANES = 5
_TOUCH_PX = 0.5
_ASIDE_PX = 2.0
_APART_PX = 4.0
_ASIDE_OF_LINE_PX = 7.0
"""How close a line in a lane runs to another line, and how far it is moved aside there."""


@dataclass(frozen=True, slots=True)
class Rail:
    """A line past what stands between.

    Attributes:
        x: Where it begins.
        start: How far down it begins.
        end: How far down it arrives.
        spot: At what it arrives.
        within: What has that in it: frames, which a line enters.
        ink: Of a residual and what else is read again, or of what is handed over.
        edge: How far down stands the edge that it leaves, where no other line leaves it there.
    """

    x: float
    start: float
    end: float
    spot: Spot
    within: tuple[Spot, ...] = ()
    ink: Ink = "rail"
    edge: float | None = None


@dataclass(eq=False)
class Railing:
    """Draws the lines of one flow that run past others.

    Attributes:
        laid: The flow with its places.
        room: From where to where lines may run.
        upright: Pieces of other lines that go straight down: their x, and from where to where.
        taken: Lines that are drawn: their x, and from where to where.
    """

    laid: Laid
    room: tuple[float, float]
    upright: Sequence[tuple[float, float, float]]
    taken: list[tuple[float, float, float]] = field(default_factory=list)

    def draw(self, rails: Sequence[Rail]) -> list[tuple[Mark, ...]]:
        """The marks of each line; () of one for which there is no room. The shortest take the lanes nearest."""
        by_length = sorted(range(len(rails)), key=lambda number: rails[number].end - rails[number].start)
        drawn = {number: self._drawn(rails[number]) for number in by_length}
        return [drawn[number] for number in range(len(rails))]

    def _drawn(self, rail: Rail) -> tuple[Mark, ...]:
        """A line on the side it comes from or the other, in the first lane that is free, and through nothing."""
        if rail.start > rail.end:
            return ()
        passed = self._passed(rail)
        near = [spot for spot in passed if self._is_in_column(rail, spot)]
        lanes = product(self._sides(rail), (near, passed), range(_MOST_LANES))
        for side, around, lane in lanes:
            points = self._points(rail, around, side, lane)
            x = points[-2][0]
            is_free = all(
                abs(x - other) >= _LANE_PX - 1 or rail.start > end or start > rail.end
                for other, start, end in self.taken
            )
            if is_free and self.room[0] <= x <= self.room[1] and not runs_through(passed, points):
                self.taken.append((x, rail.start, rail.end))
                return tuple(arrow(points, rail.ink))
        return ()

    def _sides(self, rail: Rail) -> tuple[int, ...]:
        """Sides on which a line may run, the better first: -1 is left. At the right of a sum stands its table."""
        usual = -1 if self.laid.side == "left" else 1
        aside = rail.x - rail.spot.middle
        first = -usual if aside * -usual > _ASIDE_PX else usual
        return (-1,) if rail.spot.node.value is not None else (first, -first)

    def _is_in_column(self, rail: Rail, spot: Spot) -> bool:
        """Whether something stands between where a line begins and what it arrives at, beside nothing else."""
        left, right = min(rail.x, rail.spot.left), max(rail.x, rail.spot.right)
        return spot.left < right and left < spot.right

    def _passed(self, rail: Rail) -> list[Spot]:
        """What stands where a line runs down; of the frames that it enters, what is in them."""
        flows = self.laid.all() if rail.within else (self.laid,)
        spots = (spot for flow in flows for spot in flow.spots.values())
        beside = (spot for spot in spots if rail.start < spot.bottom and spot.top < rail.end)
        return [spot for spot in beside if not any(spot is each for each in rail.within)]

    def _points(self, rail: Rail, passed: Sequence[Spot], side: int, lane: int) -> tuple[Point, ...]:
        spot = rail.spot
        reach = 12 + lane * _LANE_PX
        if side < 0:
            x, tip = min([*(each.left for each in passed), rail.x]) - reach, spot.left
        else:
            x, tip = max([*(each.right for each in passed), rail.x]) + reach, spot.right
        if spot.node.kind == "join":
            tip = spot.middle + side * JOIN_PX
        x = self._aside(x, rail, x - tip)
        by_title = rail.start < self.laid.top and (x < rail.x) == (self.laid.side == "right")
        start = self.laid.top - 5 if by_title else rail.start
        stub = () if rail.edge is None else ((rail.x, rail.edge),)
        return *stub, (rail.x, start), (x, start), (x, rail.end), (tip, rail.end)

    def _aside(self, x: float, rail: Rail, away: float) -> float:
        """Where a line runs: beside another that is there, farther away from what it arrives at."""
        on_a_line = any(
            abs(x - other) < _APART_PX and top < rail.end and rail.start < low for other, top, low in self.upright
        )
        return x + (math.copysign(_ASIDE_OF_LINE_PX, away) if on_a_line else 0.0)


def upright(marks: Sequence[Mark]) -> Iterator[tuple[float, float, float]]:
    """Pieces of lines that go straight down: their x, and from where to where."""
    for mark in marks:
        for stroke in mark.strokes if isinstance(mark, Line) else ():
            yield from ((x, y, below) for (x, y), (other, below) in pairwise(stroke) if x == other)


def runs_through(spots: Sequence[Spot], points: Sequence[Point]) -> bool:
    """Whether a line runs through what stands there; touching an edge is none."""
    pieces = [(sorted((a[0], b[0])), sorted((a[1], b[1]))) for a, b in pairwise(points)]
    return any(
        spot.top + _TOUCH_PX < low and high < spot.bottom - _TOUCH_PX
        and spot.left + _TOUCH_PX < right and left < spot.right - _TOUCH_PX
        for (left, right), (high, low) in pieces
        for spot in spots
    )  # fmt: skip
