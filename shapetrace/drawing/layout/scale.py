"""How long the side of a rectangle is for a size: to scale, but so that 64 and 50257 fit in one figure."""

from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_PX = 168.0
SHORTEST_PX = 13.0
EXPONENT = 0.42
BROKEN_PX = (194.0, 212.0)
"""Scale of sizes that are drawn broken, the smaller size first."""

_GAP = 4
_SMALLEST_BROKEN = 1000


@dataclass(frozen=True, slots=True)
class Scale:
    """The law of one figure: the same size has the same length everywhere in it.

    Attributes:
        largest: The largest size that is drawn to scale.
        broken: Sizes that are drawn broken, smaller first.
        factor: What all lengths are multiplied with to fit the figure's width.
        zoom: What they are multiplied with besides, to fit a page.
    """

    largest: int
    broken: tuple[int, ...] = ()
    factor: float = 1.0
    zoom: float = 1.0

    def length_px(self, size: int, *, half: bool = False) -> float:
        """Length of a side: L(n) = 168·(n / largest)^0.42, at least 13; element-wise rows have half of it."""
        if size in self.broken:
            full = BROKEN_PX[self.broken.index(size)]
        else:
            full = LONGEST_PX * (max(size, 1) / self.largest) ** EXPONENT
        return max(full * self.factor * self.zoom * (0.5 if half else 1.0), SHORTEST_PX)


def scale_for(sizes: Iterable[int], factor: float = 1.0) -> Scale:
    """Choose the law for the sizes of a figure.

    A size more than four times the next largest is broken (one or two of them), unless all that would be
    gained is to stretch one small size: [5, 768] alone is to scale, a vocabulary beside 768 and 64 is not.
    """
    ordered = sorted({size for size in sizes if size > 1}, reverse=True)
    for n_broken in (2, 1):
        if len(ordered) < n_broken + 2:
            continue
        last, following = ordered[n_broken - 1], ordered[n_broken]
        if last > _GAP * following and last >= _SMALLEST_BROKEN:
            return Scale(following, tuple(reversed(ordered[:n_broken])), factor)
    return Scale(ordered[0] if ordered else 1, (), factor)
