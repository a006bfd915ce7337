"""The law of lengths where there is little room: a side grows with the cube root of its size."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

SHORTEST_PX = 6.0
_GAP = 4
_SMALLEST_BROKEN = 1000
_BROKEN = (1.12, 1.25)
"""Sides of sizes that are drawn broken, in those of the largest that is not; the smaller size first."""


@dataclass(frozen=True, slots=True)
class CubeLaw:
    """side = unit · ∛size: 8 times the size is 2 times the side, everywhere in a figure.

    Attributes:
        unit_px: Side of size 1, if that could be seen.
        largest: The largest size that is drawn to scale.
        broken: Sizes that are drawn broken, smaller first.
    """

    unit_px: float
    largest: int = 1
    broken: tuple[int, ...] = ()

    def length_px(self, size: int) -> float:
        """Length of a side, at least so much that it can be seen."""
        if size in self.broken:
            return max(self._side(self.largest) * _BROKEN[self.broken.index(size)], 4 * SHORTEST_PX)
        return max(self._side(size), SHORTEST_PX)

    def _side(self, size: int) -> float:
        return self.unit_px * math.cbrt(max(size, 1))


def most_px(sizes: Iterable[int], usual: float, side_px: float) -> float:
    """The most that a unit may be: the usual one, or more where all sizes are small and none would reach a side."""
    largest = law_for(sizes, 1).largest
    return max(usual, side_px / math.cbrt(max(largest, 1)))


def law_for(sizes: Iterable[int], unit_px: float) -> CubeLaw:
    """The law for the sizes of a figure; one or two that are far larger than the others are broken."""
    ordered = sorted({size for size in sizes if size > 1}, reverse=True)
    for n_broken in (2, 1):
        if len(ordered) < n_broken + 2:
            continue
        last, following = ordered[n_broken - 1], ordered[n_broken]
        if last > _GAP * following and last >= _SMALLEST_BROKEN:
            return CubeLaw(unit_px, following, tuple(reversed(ordered[:n_broken])))
    return CubeLaw(unit_px, ordered[0] if ordered else 1)
