"""Axes that count tokens: on them one row is one token, while there are few."""

from collections.abc import Mapping
from dataclasses import dataclass

from shapetrace.drawing.content.entry import Entry, number_text
from shapetrace.drawing.metrics import width_px
from shapetrace.outlining.following import Followed
from shapetrace.outlining.structure import Operand

MOST_TOKENS = 16
TOKEN_PX = 14.0

_NUMBER_PX = 24.0
_WIDEST_PX = 40.0
_MOST_NUMBERS = 8
"""Rows or columns of a matrix whose numbers are written into it."""


@dataclass(frozen=True, slots=True)
class TokenAxis:
    """An axis that counts tokens.

    Attributes:
        size: How long it is.
        real: How many of its rows are tokens; the others are padding behind them.
        labels: Their words, as many as there are tokens; empty if unknown.
        pitch_px: How long one of them is.
    """

    size: int
    real: int
    labels: tuple[str, ...] = ()
    pitch_px: float = TOKEN_PX

    @property
    def padded(self) -> bool:
        """Whether rows without a token follow."""
        return self.real < self.size

    @property
    def length_px(self) -> float:
        """Length where one row is one token; padding is a short end behind a break."""
        return self.real * self.pitch_px + (PADDING_PX if self.padded else 0)


PADDING_PX = 26.0


def axis_of(operand: Operand, axis: int | None, tokens: Mapping[int, TokenAxis]) -> TokenAxis | None:
    """What is known of an axis of an operand, if it counts tokens."""
    if axis is None or axis >= len(operand.axes):
        return None
    return tokens.get(operand.axes[axis])


def axes_of_followed(follow: Followed | None) -> Mapping[int, TokenAxis]:
    """The axes along which a position that is followed is one of few."""
    if follow is None:
        return {}
    positions = follow.positions
    found = {}
    for number, lane in positions.lanes.items():
        size = lane.stop + lane.shift
        if lane.start + lane.shift == 0 and 1 < size <= MOST_TOKENS:
            labels = positions.labels if (lane.start, lane.stop) == (0, positions.size) else ()
            found[number] = TokenAxis(size, size, labels)
    return found


def axes_of_entry(entry: Entry | None) -> Mapping[int, TokenAxis]:
    """The axes along which single entries of a product are seen: those that are short."""
    matrices = (*entry.step.operands, *entry.step.results) if entry else ()
    sizes = (each for matrix in matrices for each in zip(matrix.axes, matrix.shape, strict=False))
    pitch = pitch_of(entry)
    return {n: TokenAxis(size, size, (), pitch) for n, size in sizes if n >= 0 and 1 < size <= MOST_TOKENS}


def pitch_of(entry: Entry | None) -> float:
    """How large a cell is: as large as the numbers in it, if they are known and fit."""
    numbers = [number for matrix in entry.numbers for row in matrix for number in row] if entry else []
    sides = [len(side) for matrix in entry.numbers for side in (matrix, matrix[0])] if entry else []
    widest = max((width_px(number_text(number), "number") for number in numbers), default=0.0)
    fits = 0 < widest <= _WIDEST_PX and max(sides) <= _MOST_NUMBERS and min(sides) > 1
    return max(_NUMBER_PX, widest + 8) if fits else TOKEN_PX
