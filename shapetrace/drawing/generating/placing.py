"""Where the bands of a generation stand: titles on the left, cells in the middles of their columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapetrace.drawing.generating.bands import Band
from shapetrace.drawing.generating.content import PassColumn
from shapetrace.drawing.generating.following import is_chosen
from shapetrace.drawing.layout.boxes import Box
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.headings import MARGIN_PX
from shapetrace.drawing.metrics import wrapped
from shapetrace.drawing.primitives import Group, Line, Mark, Polygon, Rect, Text, moved
from shapetrace.drawing.telling.rich import rich_spans
from shapetrace.drawing.wording import Words

TITLES_PX = 104.0
BAND_GAP_PX = 18.0
_PLAIN_WAYS = {True: ("arrow", "arrow-head"), False: ("arrow-later", "arrow-head")}
"""Inks of a way where another row is followed, to the next pass and over passes not shown."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the columns stand.

    Attributes:
        columns: They.
        edges: Left and right of each.
        top: Of all.
        words: Of the figure.
    """

    columns: Sequence[PassColumn]
    edges: Sequence[tuple[float, float]]
    top: float
    words: Words

    def middle(self, place: int) -> float:
        """The x around which a column is set."""
        return sum(self.edges[place]) / 2


@dataclass(frozen=True, slots=True)
class PlacedBand:
    """A band at its place.

    Attributes:
        id: Stable name.
        title: It in words, for those who cannot see it.
        titles: What is written on the left.
        cells: What each column has of it; () for nothing.
    """

    id: str
    title: str
    titles: tuple[Mark, ...]
    cells: tuple[tuple[Mark, ...], ...]

    @property
    def group(self) -> Group:
        """All of it."""
        return Group(self.id, (*self.titles, *(mark for cell in self.cells for mark in cell)), self.title)

    def box(self, place: int, number: int) -> Box | None:
        """Where a rectangle stands in a cell, the first (0) or the last (-1)."""
        rects = [mark for mark in self.cells[place] if isinstance(mark, Rect)]
        found = rects[number] if rects else None
        return Box(found.x, found.y, found.x + found.width, found.y + found.height) if found else None


def placed_band(band: Band, cells: Sequence[Cell | None], top: float, placed: Placed) -> tuple[PlacedBand, float]:
    """One band: its title in the middle of its height, each cell in the middle of its column; and the y below."""
    titles = [(line, "label", 17.0) for line in wrapped(band.title, "label", TITLES_PX, lines=2)]
    titles += [
        (line, "note", 14.0) for note in band.notes if note for line in wrapped(note, "note", TITLES_PX, lines=3)
    ]
    tall = max([each.box.bottom - each.box.top for each in cells if each] + [sum(step for *_, step in titles)])
    middle = top + tall / 2
    written: list[Mark] = []
    y = middle - sum(step for *_, step in titles) / 2
    for line, ink, step in titles:
        y += step
        written.append(Text(MARGIN_PX, y - 4, rich_spans(line), ink))
    drawn = tuple(_in_column(each, placed.middle(place), middle) for place, each in enumerate(cells))
    said = f"{band.title}: {' | '.join(band.told)}"
    return PlacedBand(band.id, said, tuple(written), drawn), top + tall + BAND_GAP_PX


def _in_column(cell: Cell | None, x: float, y: float) -> tuple[Mark, ...]:
    if cell is None:
        return ()
    return moved(cell.marks, x - (cell.box.left + cell.box.right) / 2, y - (cell.box.top + cell.box.bottom) / 2)


def ways(bands: Sequence[PlacedBand], placed: Placed) -> Iterator[tuple[Mark, ...]]:
    """The id that a pass chooses is what the next one reads: a line to its input, dashed over passes not shown.

    Yields:
        What leads out of each column but the last; () where nothing does.
    """
    by_name = {band.id: band for band in bands}
    starts, ends = by_name.get("logits"), by_name.get("input")
    for place in range(len(placed.columns) - 1):
        start = starts.box(place, -1) if starts else None
        end = ends.box(place + 1, 0) if ends else None
        yield tuple(_way(start, end, place, placed)) if start and end else ()


def _way(start: Box, end: Box, place: int, placed: Placed) -> Iterator[Mark]:
    column = placed.columns[place]
    follows = placed.columns[place + 1].number == column.number + 1
    is_green = column.follow is None or (follows and is_chosen(column, column.follow))
    way, tip = ("marker-way" if follows else "marker-later", "marker-tip") if is_green else _PLAIN_WAYS[follows]
    x = (placed.edges[place][1] + placed.edges[place + 1][0]) / 2
    y = end.bottom - min(10.0, (end.bottom - end.top) / 2)
    low = start.bottom - 10
    stroke = ((start.right, low), (x, low), (x, y), (end.left - 6, y))
    yield Line((stroke,), way, 6)
    yield Polygon(((end.left - 1, y), (end.left - 7, y - 3.5), (end.left - 7, y + 3.5)), tip)
