"""From rows and panels to positions: the vertical layout of a figure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shapetrace.drawing.content.rows import Item, Panel, Row
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.columns import EquationLine, depth_below

_ROW_GAP_PX = 18.0
_PANEL_GAP_PX = 16.0
_PANEL_TOP_PX = 34.0
_PANEL_BOTTOM_PX = 16.0
_CAPTION_GAP_PX = 6.0


@dataclass(frozen=True, slots=True)
class FittedRow:
    """A row with its cells chosen.

    Attributes:
        row: What it draws.
        caption: The words above its equation.
        lines: Its equation; several if it is wrapped.
    """

    row: Row
    caption: Cell
    lines: tuple[EquationLine, ...]

    @property
    def above(self) -> float:
        """How far it reaches up from its axis."""
        if not self.is_drawn:
            return self.caption.box.bottom / 2 + 1
        return self.caption.box.bottom + _CAPTION_GAP_PX + self.lines[0].above

    @property
    def below(self) -> float:
        """How far it reaches down from its axis."""
        return depth_below(self.lines) if self.is_drawn else self.caption.box.bottom / 2 - 1

    @property
    def is_drawn(self) -> bool:
        """Whether it has an equation; its words are its axis otherwise."""
        return any(line.cells for line in self.lines)


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row on the placement.

    Attributes:
        fitted: The row.
        axis: The y of its (first) axis.
    """

    fitted: FittedRow
    axis: float


@dataclass(frozen=True, slots=True)
class PlacedPanel:
    """A panel on the placement.

    Attributes:
        panel: What it frames.
        depth: 0 for an outer panel, 1 for an inner one.
        top: The y of its upper edge.
        bottom: The y of its lower edge.
    """

    panel: Panel
    depth: int
    top: float
    bottom: float


@dataclass(slots=True)
class Placement:
    """Rows and panels from top to bottom.

    Attributes:
        rows: In order.
        panels: Outer before inner.
        gaps: The y of lines that say how many rows are left out, and that number.
        bottom: Where the last thing ends.
    """

    rows: list[PlacedRow] = field(default_factory=list)
    panels: list[PlacedPanel] = field(default_factory=list)
    gaps: list[tuple[float, int]] = field(default_factory=list)
    bottom: float = 0.0


def lay_out(items: Sequence[Item], fitted_rows: Iterable[FittedRow], top: float) -> Placement:
    """Put rows below each other.

    Args:
        items: Rows and panels.
        fitted_rows: The same rows with their cells, in order.
        top: Where the first thing starts.
    """
    placement = Placement()
    placement.bottom = _stack(items, iter(fitted_rows), placement, top, 0)
    return placement


def _stack(
    items: Sequence[Item], fitted_rows: Iterator[FittedRow], placement: Placement, top: float, depth: int
) -> float:
    y = top
    for place, item in enumerate(items):
        if place:
            y += _PANEL_GAP_PX if isinstance(item, Panel) or isinstance(items[place - 1], Panel) else _ROW_GAP_PX
        if isinstance(item, Panel):
            number = len(placement.panels)
            placement.panels.append(PlacedPanel(item, depth, y, y))
            end = _stack(item.items, fitted_rows, placement, y + _PANEL_TOP_PX, depth + 1) + _PANEL_BOTTOM_PX
            placement.panels[number] = PlacedPanel(item, depth, y, end)
            y = end
            continue
        fitted = next(fitted_rows)
        placement.rows.append(PlacedRow(fitted, y + fitted.above))
        y += fitted.above + fitted.below
        if item.n_left_out:
            placement.gaps.append((y + 34, item.n_left_out))
            y += 44
    return y
