"""Columns side by side: one panel a model, where they stand."""

from dataclasses import dataclass

MARGIN_PX = 14.0
_GAP_PX = 8.0
PADDING_PX = 10.0


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """Where columns stand.

    Attributes:
        width: Width of the figure.
        n_columns: How many there are.
    """

    width: float
    n_columns: int

    @property
    def pitch(self) -> float:
        """From the left edge of a column to that of the next."""
        return (self.width - 2 * MARGIN_PX + _GAP_PX) / self.n_columns

    @property
    def room(self) -> float:
        """Width inside a column."""
        return self.pitch - _GAP_PX - 2 * PADDING_PX

    def left(self, place: int) -> float:
        """The left edge inside a column."""
        return MARGIN_PX + place * self.pitch + PADDING_PX
