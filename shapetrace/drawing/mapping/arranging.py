"""A place for every node of a chart: one below the other around one line, forks side by side."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from shapetrace.drawing.mapping.chart import Chain, Flow, Fork, Node

Side = Literal["left", "right"]

GUTTER_PX = 26.0
JOIN_PX = 9.0
SHAPE_PX = 16.0
"""How much room above a frame the shape of what enters it takes."""
_FRAME_TOP_PX = 30.0
_FRAME_BOTTOM_PX = 12.0
_BELOW_TITLE_PX = 10.0
"""How much room lines to what stands side by side take below the title of a frame."""
_NESTED_PX = 6.0
_MOST_ABREAST = 4
_NARROWEST_PX = 160.0
WIDE_PX = 420.0
_MUCH_SHORTER = 4
"""How many times longer than a short chain the longest beside it is."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much room things take; less of it where a model has many.

    Attributes:
        gap: Between two nodes.
        norm: Height of a norm.
        box: Height of a box without a picture.
        picture: Height of a picture in a box; 0 for none.
        glyph: How much higher a box is in which there is but a sign.
        closed: Height of a closed frame.
    """

    gap: float = 17.0
    norm: float = 24.0
    box: float = 48.0
    picture: float = 90.0
    glyph: float = 20.0
    closed: float = 44.0

    def height(self, node: Node, width: float, has_picture: bool) -> float:
        """Height of a node that is no open frame."""
        if node.kind == "join":
            return 2 * JOIN_PX
        if node.kind in {"norm", "add_norm", "words", "given"}:
            return max(self.norm, 20.0) if node.kind != "given" else 26.0
        if node.kind == "frame":
            return self.closed
        return self.box + ((self.picture if width >= WIDE_PX else self.glyph) if has_picture else 0.0)


ROOMS = (
    Room(),
    Room(gap=15, norm=22, box=46, picture=82, glyph=18),
    Room(gap=12, norm=18, box=40, picture=80, glyph=4),
    Room(gap=14, norm=20, box=44, picture=0, glyph=0),
    Room(gap=12, norm=18, box=40, picture=0, glyph=0),
    Room(gap=11, norm=18, box=39, picture=0, glyph=0),
    Room(gap=11, norm=18, box=26, picture=0, glyph=0),
)
"""From the most to the least."""
LEAST = Room(gap=10, norm=18, box=26, picture=0, glyph=0, closed=27)
"""What is taken where nothing else fits one screen."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a node is.

    Attributes:
        node: The node.
        left: Its left edge.
        top: Its upper edge.
        right: Its right edge.
        bottom: Its lower edge.
        middle: Where lines come in and go out.
        side: Where the residuals of its column run.
        times: How many layers run it.
    """

    node: Node
    left: float
    top: float
    right: float
    bottom: float
    middle: float
    side: Side = "left"
    times: int = 1


@dataclass(slots=True)
class Laid:
    """A flow with places.

    Attributes:
        flow: The flow.
        side: Where its residuals run.
        left: Left edge of all of it.
        right: Right edge.
        top: Where its first node begins.
        bottom: Where its last node ends.
        middle: Where the line comes in and goes out.
        frame_bottom: Where the frame around it ends.
        depth: In how many frames it is.
        spots: The place of each node.
        inner: What is in each open frame.
    """

    flow: Flow
    side: Side
    left: float
    right: float
    top: float
    bottom: float = 0.0
    middle: float = 0.0
    frame_bottom: float = 0.0
    depth: int = 0
    spots: dict[int, Spot] = field(default_factory=dict)
    inner: dict[int, "Laid"] = field(default_factory=dict)

    def all(self) -> Iterator["Laid"]:
        """This flow and those in its frames."""
        yield self
        for laid in self.inner.values():
            yield from laid.all()


@dataclass(frozen=True, slots=True)
class Arranging:
    """Lays flows out.

    Attributes:
        room: How much room things take.
        has_picture: Whether a box has a picture of its own.
        width_of: Width that the words of an input, a result or small steps take.
    """

    room: Room
    has_picture: Callable[[Node], bool]
    width_of: Callable[[Node], float]

    def lay(self, flow: Flow, left: float, right: float, top: float, *, times: int = 1, side: Side = "left") -> Laid:
        """Place a flow between two edges, from the top down."""
        laid = Laid(flow, side, left, right, top)
        laid.bottom = self._chain(laid, flow.chain, (left, right), top, times, _insets(left, right, side))
        return laid

    def _chain(
        self, laid: Laid, chain: Chain, edges: tuple[float, float], top: float, times: int,
        insets: tuple[float, float],
    ) -> float:  # fmt: skip
        y = top
        for place, item in enumerate(chain):
            if place:
                opens = isinstance(item, int) and laid.flow.nodes[item].inside is not None
                y += max(self.room.gap, SHAPE_PX) if opens else self.room.gap
            if isinstance(item, Fork):
                above = 6 if place else _BELOW_TITLE_PX if laid.depth else 0
                y = self._fork(laid, item, edges, y + above, times, insets) + 2
            else:
                y = self._node(laid, item, edges, max(y, self._below_sources(laid, item)), times, insets)
        return y

    def _below_sources(self, laid: Laid, number: int) -> float:
        """How far down a node stands at least: below what made what it goes on with, in whatever column."""
        bottoms = (laid.spots[made].bottom for made in laid.flow.nodes[number].main if made in laid.spots)
        return max((bottom + self.room.gap for bottom in bottoms), default=0.0)

    def _fork(
        self, laid: Laid, fork: Fork, edges: tuple[float, float], top: float, times: int, insets: tuple[float, float]
    ) -> float:  # fmt: skip
        n_chains = len(fork.chains)
        whole = any(_has_layers(laid.flow, chain) for chain in fork.chains)
        left, right = edges if whole else (edges[0] + insets[0], edges[1] - insets[1])
        width = (right - left - GUTTER_PX * (n_chains - 1)) / n_chains
        if n_chains > _MOST_ABREAST or width < _NARROWEST_PX:
            y = top
            for chain in sorted(fork.chains, key=lambda chain: (not _enters(laid.flow, chain), max(_numbers(chain)))):
                y = self._chain(laid, chain, edges, y, times, insets) + max(self.room.gap, SHAPE_PX)
            return y - max(self.room.gap, SHAPE_PX)
        bottoms = []
        start = left
        short = _short(fork)
        breadths = [_breadth(laid.flow, chain) for chain in fork.chains]
        shared = width * n_chains - _NARROWEST_PX * sum(short)
        n_columns = sum(breadth for breadth, is_short in zip(breadths, short, strict=True) if not is_short)
        for place, (chain, is_short, breadth) in enumerate(zip(fork.chains, short, breadths, strict=True)):
            end = start + (_NARROWEST_PX if is_short else shared * breadth / n_columns)
            side: Side = "right" if place == n_chains - 1 and whole else "left"
            inner = _insets(start, end, side) if whole and not is_short else (0.0, 0.0)
            bottoms.append(self._chain(laid, chain, (start, end), top, times, inner))
            start = end + GUTTER_PX
        return max(bottoms)

    def _node(
        self, laid: Laid, number: int, edges: tuple[float, float], top: float, times: int, insets: tuple[float, float]
    ) -> float:  # fmt: skip
        node = laid.flow.nodes[number]
        left, right = edges[0] + insets[0], edges[1] - insets[1]
        if node.kind == "frame" and node.inside is not None:
            side: Side = "right" if insets[1] > insets[0] else "left"
            if laid.depth:
                edges = (edges[0] + _NESTED_PX, edges[1] - _NESTED_PX)
                insets = (insets[0] - _NESTED_PX, insets[1] - _NESTED_PX)
            inner = Laid(node.inside, side, *edges, top + _FRAME_TOP_PX, depth=laid.depth + 1)
            inner.bottom = self._chain(inner, node.inside.chain, edges, inner.top, times * node.repeat, insets)
            bottom = inner.bottom + self.room.gap - 2 + _FRAME_BOTTOM_PX - 8
            inner.frame_bottom, inner.middle = bottom, (left + right) / 2
            laid.inner[number] = inner
            middle = (left + right) / 2
            laid.spots[number] = Spot(node, edges[0], top, edges[1], bottom, middle, side, times * node.repeat)
            return bottom
        middle = (left + right) / 2
        if node.kind in {"given", "words", "join"}:
            width = 2 * JOIN_PX if node.kind == "join" else min(self.width_of(node), right - left)
            left, right = middle - width / 2, middle + width / 2
        bottom = top + self.room.height(node, right - left, self.has_picture(node))
        laid.spots[number] = Spot(node, left, top, right, bottom, middle, laid.side, times * node.repeat)
        return bottom


def _insets(left: float, right: float, side: Side) -> tuple[float, float]:
    """Room beside the boxes of a column: for residuals on one side; on both where there is enough."""
    if right - left >= WIDE_PX + 60:
        return 44.0, 44.0
    return (30.0, 12.0) if side == "left" else (12.0, 30.0)


def _short(fork: Fork) -> tuple[bool, ...]:
    """Which of three chains or more are so short beside the longest that their columns may be narrow."""
    lengths = [sum(1 for _ in _numbers(chain)) for chain in fork.chains]
    return tuple(len(lengths) > 2 and _MUCH_SHORTER * length <= max(lengths) for length in lengths)


def _breadth(flow: Flow, chain: Chain) -> int:
    """How many columns with layers in them stand side by side in a chain."""
    forks = (item for item in chain if isinstance(item, Fork))
    return (
        max((sum(_breadth(flow, each) for each in fork.chains if _has_layers(flow, each)) for fork in forks), default=1)
        or 1
    )


def _has_layers(flow: Flow, chain: Chain) -> bool:
    return any(flow.nodes[number].kind == "frame" for number in _numbers(chain))


def _enters(flow: Flow, chain: Chain) -> bool:
    """Whether a chain begins with what its frame is given."""
    return flow.nodes[next(_numbers(chain))].enters


def _numbers(chain: Chain) -> Iterator[int]:
    for item in chain:
        if isinstance(item, Fork):
            for inner in item.chains:
                yield from _numbers(inner)
        else:
            yield item
