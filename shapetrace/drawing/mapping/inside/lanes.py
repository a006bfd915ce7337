"""Queries, keys and values as lanes side by side, and what lanes share: sources, products, pieces of results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from shapetrace.drawing.mapping.inside.parts import MIDDLE_PX
from shapetrace.drawing.mapping.inside.routes import Route
from shapetrace.outlining.structure import Operand, Step

SIDE_PIECE_PX = 24.0
"""How much room what is joined to a lane takes at its right edge."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Queries, keys or values, and the room for them.

    Attributes:
        operand: What enters the scores or the weighted sum.
        route: How it was made.
        left: Left edge.
        right: Right edge.
    """

    operand: Operand
    route: Route
    left: float
    right: float

    @property
    def middle(self) -> float:
        """Where its lines run: what is joined to it comes down at its right edge."""
        return (self.left + self.right - (SIDE_PIECE_PX if self.route.sides else 0.0)) / 2


def groups(lanes: Sequence[Lane], depth: int, row: int) -> Iterator[tuple[tuple[Lane, ...], Step]]:
    """The products of a row, each with the lanes that it is for; the last ones of all lanes stand in one row."""
    placed = [(lane, row - depth + len(lane.route.products)) for lane in lanes]
    shown = [(lane, lane.route.products[place]) for lane, place in placed if place >= 0]
    for _, members in groupby(shown, lambda each: each[1].id):
        kept = tuple(members)
        yield tuple(lane for lane, _ in kept), kept[0][1]


def read_of(lanes: Sequence[Lane], step: Step) -> Iterator[tuple[Operand, tuple[Lane, ...]]]:
    """What lanes go on with of a product, each piece with those that do: columns of one product may be several."""
    reads = [(lane, lane.route.reads[lane.route.products.index(step) + 1]) for lane in lanes if _goes_on(lane)]
    for _, members in groupby(reads, lambda each: _piece(each[1])):
        kept = tuple(members)
        yield kept[0][1], tuple(lane for lane, _ in kept)


def _goes_on(lane: Lane) -> bool:
    return len(lane.route.products) > 1


def stand_together(lanes: Sequence[Lane]) -> bool:
    """Whether lanes that share a product or a source stand beside each other."""
    depth = max(len(lane.route.products) for lane in lanes)
    rows: list[list[object]] = [[step.id for _, step in groups(lanes, depth, row)] for row in range(depth)]
    rows.append([_piece(members[0].route.source) for members in by_source(lanes)])
    return all(len(row) == len(set(row)) for row in rows)


def by_source(lanes: Sequence[Lane]) -> list[tuple[Lane, ...]]:
    """Lanes that read the same, together."""
    return [tuple(members) for _, members in groupby(lanes, lambda lane: _piece(lane.route.source))]


def _piece(operand: Operand) -> object:
    """What tells a value from others, and some of its columns from others."""
    return operand.value, operand.shape, operand.axes


def source_x(members: Sequence[Lane], lanes: Sequence[Lane]) -> float:
    """Where what some lanes read stands: in the middle of all, if all read it."""
    return MIDDLE_PX if len(members) == len(lanes) else middle_of(members)


def middle_of(lanes: Sequence[Lane]) -> float:
    """Half way between the outer edges."""
    return (lanes[0].left + lanes[-1].right) / 2
