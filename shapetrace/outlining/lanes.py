"""Where positions are along axes: what figures and pages read of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

UNKNOWN = -1
"""An axis that is not proved to be one of the value's."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Positions along an axis, in their order.

    Attributes:
        shift: Index of position 0, counted from the first row of the pass; it may lie outside.
        start: First position that is there; below 0 for what was kept from before the pass.
        stop: One behind the last.
    """

    shift: int
    start: int
    stop: int

    def index(self, position: int) -> int | None:
        """Where a position is along the axis; None if it is not."""
        return position + self.shift if self.start <= position < self.stop else None


@dataclass(frozen=True, slots=True)
class Positions:
    """The positions of the input, and what is known of where they are.

    Attributes:
        axis: Number of the axis that counts them; UNKNOWN where the pass reads one alone, or none.
        size: How many the pass reads.
        n_before: How many came before it, as far as what it keeps shows.
        labels: Their words; empty if unknown.
        lanes: By the number of an axis, those that are along it.
        alone: Values that are the row of one position, by their id.
        moved: Values whose rows are in another order than their axis says, or of several positions each.
    """

    axis: int = UNKNOWN
    size: int = 0
    n_before: int = 0
    labels: tuple[str, ...] = ()
    lanes: Mapping[int, Lane] = field(default_factory=dict)
    alone: Mapping[int, int] = field(default_factory=dict)
    moved: frozenset[int] = frozenset()
