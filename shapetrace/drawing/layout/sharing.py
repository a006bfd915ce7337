"""What one rank has of a matrix: its part of a whole, its summand of a sum; and what the others have beside it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from shapetrace.outlining.ranks import Share
from shapetrace.outlining.structure import Operand

_THINNEST_PX = 5.0
_CLOSEST_PX = 4.0
_MOST_BEHIND = 2
Run = tuple[float, float]
"""Where something begins and ends on a side."""


@dataclass(frozen=True, slots=True)
class Cut:
    """An axis of a matrix that lies on several ranks.

    Attributes:
        whole: Its size on all ranks.
        part: Its size on this rank.
        parts: How many ranks have a part.
        place: Which part this rank has, counted from 0.
        pieces: How many runs are cut, each by itself.
    """

    whole: int
    part: int
    parts: int
    place: int
    pieces: int = 1

    @property
    def text(self) -> str:
        """How it is written at the edge: ``8·6656``; ``23/98`` where parts differ."""
        even = self.part * self.parts == self.whole
        return f"{self.parts}·{self.part}" if even else f"{self.part}/{self.whole}"

    def runs(self, length_px: float) -> tuple[Run, ...]:
        """This rank's parts of a side that is so long, from its middle; at least so wide that they can be seen."""
        piece_px = length_px / self.pieces
        start, stop = (piece_px * bound for bound in self._bounds())
        wide = min(max(stop - start, _THINNEST_PX), piece_px)
        start = min(max((start + stop - wide) / 2, 0.0), piece_px - wide)
        firsts = (piece_px * piece + start - length_px / 2 for piece in range(self.pieces))
        return tuple((first, first + wide) for first in firsts)

    def cuts(self, length_px: float) -> tuple[float, ...]:
        """Where a side that is so long is cut; as many as can be told apart."""
        n_parts = self.parts * self.pieces
        shown = n_parts
        while length_px / shown < _CLOSEST_PX and shown > 2:
            shown = (shown + 1) // 2
        step = self._chunk() / self.whole if self.pieces == 1 and shown == n_parts else 1 / shown
        return tuple((place * step - 0.5) * length_px for place in range(1, shown) if place * step < 1)

    def _chunk(self) -> int:
        """The size of all parts but the last ones."""
        return -(-self.whole // self.parts)

    def _bounds(self) -> Run:
        start = min(self.place * self._chunk(), self.whole) / self.whole
        return start, min(start + self.part / self.whole, 1.0)


def cut_of(operand: Operand, axis: int | None) -> Cut | None:
    """How an axis of a matrix is cut; None if this rank has all of it, or a pattern is drawn in its place."""
    if axis is None or operand.pattern in {"causal", "band"} or operand.band is not None or operand.cells:
        return None
    found = [share for share in operand.shares if share.kind == "shard" and share.dim == axis and share.ranks > 1]
    size = operand.shape[axis]
    parts, place = _among(found)
    if not found or size == 0:
        return None
    whole = found[0].whole if len(found) == 1 and found[0].whole > size else parts * size
    return Cut(whole, size, parts, place, found[0].pieces if len(found) == 1 else 1)


def drawn_size(operand: Operand, axis: int) -> int:
    """The size that a side is drawn for: that of the whole, where ranks have parts of it."""
    cut = cut_of(operand, axis)
    return operand.shape[axis] if cut is None else cut.whole


def drawn_sizes(operand: Operand) -> tuple[int, ...]:
    """The sizes that the sides of a matrix are drawn for."""
    n_axes = len(operand.shape)
    return tuple(drawn_size(operand, axis) for axis in range(max(n_axes - 2, 0), n_axes))


def size_text(operand: Operand, axis: int) -> str:
    """What is written for a size: ``768``, ``8·6656`` for a part of 8."""
    cut = cut_of(operand, axis)
    return str(operand.shape[axis]) if cut is None else cut.text


def stacks(operand: Operand) -> int:
    """On how many ranks the matrices of a stack lie: heads, experts; 1 if this one has all."""
    return _among([share for share in operand.shares if share.kind == "shard" and share.dim == -1])[0]


def summands(operand: Operand) -> int:
    """How many ranks have a summand of a matrix; 1 if it is no sum to be made."""
    return math.prod(share.ranks for share in operand.shares if share.kind == "partial")


def n_behind(operand: Operand) -> int:
    """Outlines behind a matrix, for those that other ranks have: other heads, other summands."""
    return min(max(stacks(operand), summands(operand)) - 1, _MOST_BEHIND)


def grid(across: Cut | None, down: Cut | None, width: float, height: float) -> Iterator[tuple[Run, Run]]:
    """This rank's rectangles in one of this size around its middle, each as what it covers across and down."""
    for x in across.runs(width) if across else ((-width / 2, width / 2),):
        for y in down.runs(height) if down else ((-height / 2, height / 2),):
            yield x, y


def _among(shares: list[Share]) -> tuple[int, int]:
    """How many ranks stand along some axes of a mesh, and which of them this one is."""
    parts, place = 1, 0
    for share in shares:
        parts, place = parts * share.ranks, place * share.ranks + share.place
    return parts, place
