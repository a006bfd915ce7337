"""The lines of a map: from what is made to what goes on with it, residuals, and what an encoder hands over."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shapetrace.drawing.mapping.arranging import GUTTER_PX, JOIN_PX, Laid, Spot
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.primitives import Line, Mark, Point, Polygon

_LANE_PX = 11.0
_HEAD_PX = 4.0
_MOST_LANES = 3
_ASIDE_PX = 2.0
_APART_PX = 4.0
_ASIDE_OF_LINE_PX = 7.0
"""How close a residual runs to another line, and how far it is moved aside there."""
_OUTSIDE_PX = 6.0
"""How far beside the outermost column a line may run."""


@dataclass(frozen=True, slots=True)
class Wires:
    """The lines of a map.

    Attributes:
        marks: Lines and their heads.
        left_out: How many are not drawn, because there is no room.
    """

    marks: tuple[Mark, ...]
    left_out: int


def wires(laid: Laid) -> Wires:
    """All lines of a flow and of what is in its frames."""
    marks: list[Mark] = []
    left_out = 0
    room = laid.left - _OUTSIDE_PX, laid.right + _OUTSIDE_PX
    for flow in laid.all():
        rails = list(_rails(flow))
        lanes = _lanes([(rail.start, rail.end) for rail in rails], [_is_other_side(flow, rail) for rail in rails])
        plain = [*_lines(flow, flow is not laid), *_handed_over(flow)]
        upright = tuple(_upright(plain))
        for rail, lane in zip(rails, lanes, strict=True):
            drawn = [] if lane is None else list(_rail(flow, rail, lane, room, upright))
            left_out += not drawn
            marks += drawn
        marks += plain
    return Wires(tuple(marks), left_out)


def _lines(laid: Laid, is_inside: bool) -> Iterator[Mark]:
    """Straight on, and from and to what stands side by side."""
    columns = _columns(laid)
    for spot in laid.spots.values():
        node = spot.node
        if is_inside and _enters(laid, spot) and not _is_behind(laid, spot):
            turn = spot.top - 9
            bend = ((laid.middle, turn), (spot.middle, turn)) if abs(spot.middle - laid.middle) > 2 else ()
            yield from _arrow(((laid.middle, laid.top - 30), *bend, (spot.middle, spot.top)))
        for made in node.main:
            source = laid.spots[made]
            if _is_next(columns, source, spot):
                yield from _joined(source, spot)
    if is_inside:
        yield from _way_out(laid)


def _enters(laid: Laid, spot: Spot) -> bool:
    """Whether a node of a frame goes on with what its layers are given."""
    return bool(laid.depth) and not spot.node.main and spot.node.kind != "given" and spot.node.enters


def _is_behind(laid: Laid, spot: Spot) -> bool:
    """Whether something stands between the top of a frame and a node."""
    return any(each.bottom < spot.top and each.left < spot.middle < each.right for each in laid.spots.values())


def _way_out(laid: Laid) -> Iterator[Mark]:
    last = laid.flow.chain[-1]
    if isinstance(last, int):
        spot = laid.spots[last]
        yield Line((((spot.middle, spot.bottom), (spot.middle, laid.frame_bottom)),), "data-edge")


def _is_next(columns: Sequence[Sequence[Spot]], source: Spot, spot: Spot) -> bool:
    """Whether a node stands above another, and nothing between on the way down."""
    if source.bottom > spot.top + 1:
        return False
    column = next(column for column in columns if abs(column[0].middle - source.middle) < 2)
    first = bisect_right(column, source.bottom - 1, key=lambda each: each.top)
    below = [each for each in column[first : first + 3] if each is not source and each is not spot]
    if abs(source.middle - spot.middle) >= _ASIDE_PX:
        below += [each for other in columns for each in other if each.top >= source.bottom and _is_across(each, source)]
    return not any(each.bottom < spot.top + 1 for each in below)


def _is_across(spot: Spot, source: Spot) -> bool:
    """Whether a box reaches over the line that goes down from another column."""
    return spot.left < source.middle < spot.right


def _columns(laid: Laid) -> list[list[Spot]]:
    """What stands below each other, from the top down."""
    columns: list[list[Spot]] = []
    for spot in sorted(laid.spots.values(), key=lambda spot: spot.top):
        column = next((column for column in columns if abs(column[0].middle - spot.middle) < 2), None)
        if column is None:
            columns.append([spot])
        else:
            column.append(spot)
    return columns


def _joined(source: Spot, spot: Spot) -> Iterator[Mark]:
    x, y = source.middle, source.bottom
    if abs(x - spot.middle) < 2 and spot.node.inside is not None:  # the line goes on in the frame
        yield Line((((x, y), (x, spot.top)),), "data-edge")
    elif abs(x - spot.middle) < 2:
        yield from _arrow(((x, y), (x, spot.top)))
    elif spot.node.kind == "join":
        middle = (spot.top + spot.bottom) / 2
        edge = spot.middle + (JOIN_PX if x > spot.middle else -JOIN_PX)
        yield from _arrow(((x, y), (x, middle), (edge, middle)))
    else:
        turn = spot.top - 9
        yield from _arrow(((x, y), (x, turn), (spot.middle, turn), (spot.middle, spot.top)))


def _arrow(points: Sequence[Point], ink: str = "data-edge") -> Iterator[Mark]:
    yield Line((tuple(points),), ink, 5)
    yield _head(points[-2], points[-1])


def _head(before: Point, tip: Point) -> Polygon:
    x, y = tip
    if abs(before[0] - x) < abs(before[1] - y):
        back = y - 7 if before[1] < y else y + 7
        return Polygon(((x, y), (x - _HEAD_PX, back), (x + _HEAD_PX, back)), "rail-dot")
    back = x - 7 if before[0] < x else x + 7
    return Polygon(((x, y), (back, y - _HEAD_PX), (back, y + _HEAD_PX)), "rail-dot")


@dataclass(frozen=True, slots=True)
class _Rail:
    """A line past what stands between: from ``start`` down to ``end``, at the middle of ``spot``."""

    x: float
    start: float
    end: float
    spot: Spot


def _rails(laid: Laid) -> Iterator[_Rail]:
    """Residuals, and what something further down reads too."""
    columns = _columns(laid)
    for spot in laid.spots.values():
        node = spot.node
        end = (spot.top + spot.bottom) / 2 if node.kind == "join" else spot.top + 8
        came_in = bool(laid.depth) and node.older == -1
        if came_in or (_enters(laid, spot) and _is_behind(laid, spot)):
            yield _Rail(laid.middle or spot.middle, laid.top - 13, end, spot)
        for made in dict.fromkeys((*node.main, *([node.older] if node.older is not None and node.older >= 0 else []))):
            source = laid.spots[made]
            if not _is_next(columns, source, spot):
                yield _Rail(source.middle, source.bottom + 5, end, spot)


def _is_other_side(laid: Laid, rail: _Rail) -> bool:
    """Whether a line starts in a column on the side where residuals do not run."""
    aside = rail.x - rail.spot.middle
    return aside > _ASIDE_PX if laid.side == "left" else aside < -_ASIDE_PX


def _lanes(spans: Sequence[tuple[float, float]], on_other: Sequence[bool] = ()) -> list[int | None]:
    """A lane for each, where there is one: those of the usual side first, then those of the other; or the other way."""
    others = on_other or [False] * len(spans)
    taken: list[list[tuple[float, float]]] = [[] for _ in range(2 * _MOST_LANES)]
    found: dict[int, int | None] = {}
    for number, (start, end) in sorted(enumerate(spans), key=lambda entry: entry[1][1] - entry[1][0]):
        order = [(i + _MOST_LANES * others[number]) % len(taken) for i in range(len(taken))]
        lane = next((i for i in order if all(end < a or start > b for a, b in taken[i])), None)
        found[number] = lane
        if lane is not None:
            taken[lane].append((start, end))
    return [found[number] for number in range(len(spans))]


def _upright(marks: Sequence[Mark]) -> Iterator[tuple[float, float, float]]:
    """Pieces of lines that go straight down: their x, and from where to where."""
    for mark in marks:
        for stroke in mark.strokes if isinstance(mark, Line) else ():
            yield from ((x, y, below) for (x, y), (other, below) in pairwise(stroke) if x == other)


def _rail(
    laid: Laid, rail: _Rail, lane: int, room: tuple[float, float], upright: Sequence[tuple[float, float, float]]
) -> Iterator[Mark]:
    """A line past what stands between, on the usual side or the other, and on no other line.

    Nothing where it would run through something.
    """
    passed = [spot for spot in laid.spots.values() if rail.start < spot.bottom and spot.top < rail.end]
    if rail.start > rail.end:
        return
    on_other, lane = divmod(lane, _MOST_LANES)
    spot = rail.spot
    tips = (spot.middle - JOIN_PX, spot.middle + JOIN_PX) if spot.node.kind == "join" else (spot.left, spot.right)
    left = min([*(spot.left for spot in passed), rail.x]) - 12 - lane * _LANE_PX, tips[0]
    right = max([*(spot.right for spot in passed), rail.x]) + 12 + lane * _LANE_PX, tips[1]
    for usual, tip in (left, right) if (laid.side == "left") != bool(on_other) else (right, left):
        x = _aside(usual, rail, upright, away=usual - tip)
        by_title = rail.start < laid.top and (x < rail.x) == (laid.side == "right")
        start = laid.top - 5 if by_title else rail.start
        points = ((rail.x, start), (x, start), (x, rail.end), (tip, rail.end))
        if room[0] <= x <= room[1] and not _runs_through(passed, points):
            yield Line((points,), "rail", 6)
            yield _head(points[-2], points[-1])
            return


def _aside(x: float, rail: _Rail, upright: Sequence[tuple[float, float, float]], away: float) -> float:
    """Where a line runs: beside another that is there, farther away from what it arrives at."""
    on_a_line = any(abs(x - other) < _APART_PX and top < rail.end and rail.start < low for other, top, low in upright)
    return x + (math.copysign(_ASIDE_OF_LINE_PX, away) if on_a_line else 0.0)


def _runs_through(spots: Sequence[Spot], points: Sequence[Point]) -> bool:
    """Whether a level piece of a line runs through what stands there; touching an edge is none."""
    return any(
        spot.top < y < spot.bottom and min(x, other) < spot.right - 0.5 and spot.left + 0.5 < max(x, other)
        for (x, y), (other, below) in pairwise(points)
        if y == below
        for spot in spots
    )


def _handed_over(laid: Laid) -> Iterator[Mark]:
    """From what an encoder made to the attention that reads it, through the room between the columns."""
    for spot in laid.spots.values():
        for made in spot.node.beside:
            source = laid.spots[made]
            target = _reader(laid, spot, source)
            if source.right <= target.left:
                tip, gutter = target.left, min(target.left - 6, spot.left) - GUTTER_PX / 2
            elif source.left >= target.right:
                tip, gutter = target.right, max(target.right + 6, spot.right) + GUTTER_PX / 2
            else:
                continue
            middle, turn = (target.top + target.bottom) / 2, source.bottom + 9
            start: Point = (source.middle, source.bottom)
            yield from _arrow((start, (source.middle, turn), (gutter, turn), (gutter, middle), (tip, middle)))


def _reader(laid: Laid, spot: Spot, source: Spot) -> Spot:
    """Of an open frame, the box in it that reads what comes from outside."""
    number = next(each for each, other in laid.spots.items() if other is spot)
    inner = laid.inner.get(number)
    if inner is None:
        return spot
    made = {step.id for step in source.node.steps}
    return next((each for each in inner.spots.values() if _reads(each.node, made)), spot)


def _reads(node: Node, made: set[str]) -> bool:
    return node.kind in ("box", "words") and any(
        operand.made_by in made for step in node.steps for operand in step.operands
    )
