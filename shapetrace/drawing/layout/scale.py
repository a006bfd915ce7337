"""How long the side of a rectangle is for a size: the cube root of it, so that 64 and 50257 fit in one figure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

UNIT_PX = 6.6
"""Length of a side of size 1 in a figure of large sizes; 768 is 60 px then, and 50257 is 244 px."""

_WANTED_PX = 100.0
_LARGEST_UNIT_PX = 26.0
_LONGEST_UNITS = 64.0
_BROKEN_UNITS = 3.0


@dataclass(frozen=True, slots=True)
class Scale:
    """The law of one figure: the same size has the same length everywhere in it.

    Attributes:
        unit_px: Length of a side of size 1.
        broken: Sizes that are drawn broken, smaller first.
        factor: What all lengths are multiplied with to fit the figure's width.
        zoom: What they are multiplied with besides, to fit a page.
    """

    unit_px: float = UNIT_PX
    broken: tuple[int, ...] = ()
    factor: float = 1.0
    zoom: float = 1.0

    def length_px(self, size: int) -> float:
        """Length of a side, L(n) = unit·∛n: eight times the size is twice the side. Only what is broken bends it."""
        units = math.cbrt(max(size, 1))
        if size in self.broken:
            units = _LONGEST_UNITS + _BROKEN_UNITS * (self.broken.index(size) + 1) / len(self.broken)
        return self.unit_px * units * self.factor * self.zoom


def scale_for(sizes: Iterable[int]) -> Scale:
    """Choose the law for the sizes of a figure.

    Where all sizes are small, sides are longer. Sizes beyond 64·64·64 are broken: they would fill the page.
    """
    ordered = sorted(set(sizes))
    most = round(_LONGEST_UNITS**3)
    largest = max((size for size in ordered if size <= most), default=1)
    unit = min(max(UNIT_PX, _WANTED_PX / math.cbrt(max(largest, 1))), _LARGEST_UNIT_PX)
    return Scale(unit, tuple(size for size in ordered if size > most))
