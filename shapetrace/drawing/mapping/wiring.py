"""The lines of a map: from what is made to what goes on with it, residuals, and what an encoder hands over."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from shapetrace.drawing.layout.names import name_spans
from shapetrace.drawing.layout.running import shape_spans
from shapetrace.drawing.mapping.arranging import GUTTER_PX, JOIN_PX, SHAPE_PX, Laid, Spot
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.mapping.railing import Rail, Railing, runs_through, upright
from shapetrace.drawing.mapping.signs import arrow
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Mark, Point, Span, Text
from shapetrace.outlining.roles import Part

_ASIDE_PX = 2.0
_ABOVE_PX = 9.0
_ABOVE_EDGE_PX = 6.0
"""How far above what it goes into, and above the lower edge of a frame, a line turns."""
_STRAIGHT = 2
_MOST_NAMED_PX = 60.0
_OUTSIDE_PX = 15.0
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


def wires(laid: Laid, running: Collection[int] = ()) -> Wires:
    """All lines of a flow and of what is in its frames; axes that are as long as the input are slanted beside them."""
    marks: list[Mark] = []
    left_out = 0
    room = laid.left - _OUTSIDE_PX, laid.right + _OUTSIDE_PX
    for flow in laid.all():
        handed = [_handed_over(flow, *each, running) for each in _hands(flow)]
        plain = [
            *_lines(flow, flow is not laid),
            *(mark for each in handed if isinstance(each, tuple) for mark in each),
        ]
        rails = [*_rails(flow), *(each for each in handed if isinstance(each, Rail))]
        drawn = Railing(flow, room, tuple(upright(plain))).draw(rails)
        left_out += drawn.count(())
        marks += [*(mark for each in drawn for mark in each), *plain]
    return Wires(tuple(dict.fromkeys(marks)), left_out)


def _lines(laid: Laid, is_inside: bool) -> Iterator[Mark]:
    """Straight on, and from and to what stands side by side."""
    columns = _columns(laid)
    for spot in laid.spots.values():
        node = spot.node
        if is_inside and _enters(laid, spot) and not _is_behind(laid, spot):
            turn = spot.top - _ABOVE_PX
            bend = ((laid.middle, turn), (spot.middle, turn)) if abs(spot.middle - laid.middle) > 2 else ()
            yield from _into(spot, ((laid.middle, laid.top - 30), *bend, (spot.middle, spot.top)))
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


def _into(spot: Spot, points: Sequence[Point]) -> Iterator[Mark]:
    """A line to what it goes into; in an open frame it goes on."""
    yield from arrow(points) if spot.node.inside is None else (Line((tuple(points),), "data-edge", 5),)


def _way_out(laid: Laid) -> Iterator[Mark]:
    """From the last node to the lower edge of the frame, and to its middle."""
    last = laid.flow.chain[-1]
    number = last if isinstance(last, int) else len(laid.flow.nodes) - 1
    spot = laid.spots[number]
    middle, turn = laid.middle or spot.middle, laid.frame_bottom - _ABOVE_EDGE_PX
    if isinstance(last, int) or abs(spot.middle - middle) < _ASIDE_PX:
        yield Line((((spot.middle, spot.bottom), (spot.middle, laid.frame_bottom)),), "data-edge")
    elif any(chain[-1] == number for chain in last.chains):
        points = (spot.middle, spot.bottom), (spot.middle, turn), (middle, turn), (middle, laid.frame_bottom)
        yield Line((points,), "data-edge", 5)


def _is_next(columns: Sequence[Sequence[Spot]], source: Spot, spot: Spot) -> bool:
    """Whether a node stands above another, and nothing between on the way down."""
    if source.bottom > spot.top + 1:
        return False
    column = next(column for column in columns if abs(column[0].middle - source.middle) < 2)
    first = bisect_right(column, source.bottom - 1, key=lambda each: each.top)
    below = [each for each in column[first : first + 3] if each is not source and each is not spot]
    if abs(source.middle - spot.middle) >= _ASIDE_PX:
        below += [each for other in columns for each in other if each.top >= source.bottom and _is_across(each, source)]
        others = [each for other in columns for each in other if each is not source and each is not spot]
        if runs_through(others, _way(source, spot)):
            return False
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
    points = _way(source, spot)
    yield from _into(spot, points) if len(points) == _STRAIGHT else arrow(points)


def _way(source: Spot, spot: Spot) -> tuple[Point, ...]:
    """Straight down, to the side of a sum, or to the top of what stands in another column."""
    x, y = source.middle, source.bottom
    if abs(x - spot.middle) < _ASIDE_PX:
        return (x, y), (x, spot.top)
    if spot.node.kind == "join":
        middle = (spot.top + spot.bottom) / 2
        return (x, y), (x, middle), (spot.middle + (JOIN_PX if x > spot.middle else -JOIN_PX), middle)
    turn = spot.top - (_ABOVE_PX if spot.node.inside is None else SHAPE_PX)
    return (x, y), (x, turn), (spot.middle, turn), (spot.middle, spot.top)


def _rails(laid: Laid) -> Iterator[Rail]:
    """Residuals, and what something further down reads too."""
    columns = _columns(laid)
    straight = list(_straight(laid, columns))
    for spot in laid.spots.values():
        node = spot.node
        end = (spot.top + spot.bottom) / 2 if node.kind in {"join", "add_norm"} else spot.top + 8
        came_in = bool(laid.depth) and node.older == -1
        if came_in or (_enters(laid, spot) and _is_behind(laid, spot)):
            yield Rail(laid.middle or spot.middle, laid.top - 13, end, spot)
        for made in dict.fromkeys((*node.main, *([] if node.older is None or node.older < 0 else [node.older]))):
            source = laid.spots[made]
            if not _is_next(columns, source, spot):
                edge = None if any(source is each for each in straight) else source.bottom
                yield Rail(source.middle, source.bottom + 5, end, spot, edge=edge)


def _straight(laid: Laid, columns: Sequence[Sequence[Spot]]) -> Iterator[Spot]:
    """What a plain line leaves: to what stands next below it, or out of a frame."""
    for spot in laid.spots.values():
        yield from (laid.spots[made] for made in spot.node.main if _is_next(columns, laid.spots[made], spot))
    if laid.depth:
        last = laid.flow.chain[-1]
        yield laid.spots[last if isinstance(last, int) else len(laid.flow.nodes) - 1]


_Way: TypeAlias = tuple[Spot, ...]
"""A box and the frames that it is in, outer ones first."""


def _hands(laid: Laid) -> Iterator[tuple[Spot, _Way]]:
    """What is handed over, and to what: of an open frame, to the first that reads it and those without another."""
    for number, spot in laid.spots.items():
        for made in spot.node.beside:
            source = laid.spots[made]
            readers = list(_readers(laid, number, source.node)) or [(spot,)]
            yield source, readers[0]
            yield from ((source, way) for way in readers[1:] if not way[-1].node.main and not way[-1].node.enters)


def _readers(laid: Laid, number: int, source: Node) -> Iterator[_Way]:
    """The boxes of an open frame that read what a node outside of it made."""
    spot = laid.spots[number]
    inner = laid.inner.get(number)
    if inner is not None:
        for each in inner.spots:
            yield from ((spot, *way) for way in _readers(inner, each, source))
    elif spot.node.kind in ("box", "words", "frame") and _reads(spot.node, source):
        yield (spot,)


def _reads(node: Node, source: Node) -> bool:
    made, given = {step.id for step in source.steps}, source.value
    operands = (operand for step in node.steps for operand in step.operands)
    return any(o.made_by in made if o.made_by else given is not None and o.value == given.value for o in operands)


def _handed_over(laid: Laid, source: Spot, way: _Way, running: Collection[int]) -> tuple[Mark, ...] | Rail:
    """From what an encoder made to what reads it: through the room between the columns, or past others."""
    target, outer = way[-1], way[0]
    middle, turn = (target.top + target.bottom) / 2, source.bottom + 9
    past = Rail(source.middle, source.bottom + 5, middle, target, way[:-1], "data-edge")
    if source.right <= target.left:
        tip, gutter = target.left, min(target.left - 6, outer.left) - GUTTER_PX / 2
    elif source.left >= target.right:
        tip, gutter = target.right, max(target.right + 6, outer.right) + GUTTER_PX / 2
    else:
        return past
    points = (source.middle, source.bottom), (source.middle, turn), (gutter, turn), (gutter, middle), (tip, middle)
    others = [spot for spot in laid.spots.values() if spot is not outer]
    if runs_through(others, points):
        return past
    said = _said_of_handed(source, target, points, running)
    return (*arrow(points), *(mark for mark in said if not runs_through(others, _line_of(mark))))


def _line_of(text: Text) -> tuple[Point, Point]:
    """The line through the middle of the letters."""
    width = width_px(text.spans, text.ink)
    left, y = text.x - (width if text.anchor == "end" else 0), text.y - 4
    return (left, y), (left + width, y)


def _said_of_handed(source: Spot, target: Spot, points: Sequence[Point], running: Collection[int]) -> Iterator[Text]:
    """What is handed over, beside where it begins, and what its reader makes of it, where it arrives."""
    made = {step.id for step in source.node.steps}
    readers = [(step, o) for step in target.node.steps for o in step.operands if o.part is Part.CONTEXT]
    handed = [(step, o) for step, o in readers if o.made_by in made and step.kind == "product"]
    if not handed:
        return
    (x, _), (_, turn), (gutter, _), _, (tip, end) = points
    name = name_spans(handed[0][1].name, "name-data", _MOST_NAMED_PX)
    shape, left = shape_spans(handed[0][1], running), min(x, gutter) + 8
    after = left + width_px(name, "name-data") + 6
    if after + width_px(shape, "shape") < max(x, gutter):
        yield Text(left, turn + 15, name, "name-data")
        yield Text(after, turn + 15, shape, "shape")
    into = ", ".join(dict.fromkeys(result.name for step, _ in handed for result in step.results))
    if width_px(into, "name-data") < abs(tip - gutter) + GUTTER_PX / 2 - 8:
        is_right = tip > gutter
        yield Text(tip + (-4 if is_right else 4), end - 5, (Span(into),), "name-data", "end" if is_right else "start")
