"""Where the lines of each level of an overview stand, and what goes down on its rail."""

from dataclasses import dataclass

FRAME_PX = 14.0
INSIDE_PX = 12.0
RAIL_PX = 20.0
GUTTER_PX = 32.0
MARGIN_PX = 24.0


@dataclass(frozen=True, slots=True)
class Edges:
    """Where the lines of one level stand.

    Attributes:
        rail: The x of the rail.
        left: Left edge of what is drawn.
        right: Right edge of it.
    """

    rail: float
    left: float
    right: float

    @property
    def room(self) -> float:
        """How wide a line may be."""
        return self.right - self.left


def outermost(width: float, has_rail: bool) -> Edges:
    """Those of the whole figure."""
    left = FRAME_PX + INSIDE_PX + GUTTER_PX if has_rail else MARGIN_PX
    return Edges(FRAME_PX + RAIL_PX, left, width - FRAME_PX - INSIDE_PX)


def inside_of(edges: Edges, depth: int) -> Edges:
    """Edges in a frame: the first one keeps the rail where it is, others stand further in."""
    shift = 0.0 if depth == 0 else INSIDE_PX + RAIL_PX
    left = FRAME_PX + INSIDE_PX + GUTTER_PX if depth == 0 else edges.left + shift
    return Edges(
        edges.rail + (edges.left - edges.rail + 4 if depth else 0), left, edges.right - (INSIDE_PX if depth else 0.0)
    )


@dataclass(slots=True)
class Stream:
    """What goes down on the rail of a level.

    Attributes:
        y: Where its line starts; None if there is none.
        ids: Steps that made it; None for all that come from outside of the level.
        inside: Steps of the level.
    """

    y: float | None = None
    ids: frozenset[str] | None = None
    inside: frozenset[str] = frozenset()

    def carries(self, made_by: str) -> bool:
        """Whether it carries what a step made."""
        if self.y is None:
            return False
        return made_by in self.ids if self.ids is not None else made_by not in self.inside
