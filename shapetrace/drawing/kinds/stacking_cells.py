"""Bands of a comparison: what one column does more stands in the band of what reads it, above it."""

from collections.abc import Sequence

from shapetrace.drawing.kinds.aligning import Band
from shapetrace.drawing.kinds.quieting import Sources, Told, drawn_makers

CellRows = tuple[Told, ...]
"""The rows of one column in one band, from top to bottom."""
CellBand = tuple[CellRows, ...]

_MOST_ROWS = 3


def stacked(bands: Sequence[Band], told: Sequence[Sequence[Told]], sources: Sequence[Sources]) -> list[CellBand]:
    """Give each band the rows of its columns; a band that not all columns have moves to its readers if it can."""
    by_id = [{each.row.id: each for each in column} for column in told]
    cells = [
        [[by_id[place][row.id]] if row else [] for place, row in enumerate(band)]
        for band in bands
    ]  # fmt: skip
    done: list[list[list[Told]]] = []
    for number, band in enumerate(cells):
        homes = [
            _home(column[0], place, cells[number + 1 :], sources[place]) if column else None
            for place, column in enumerate(band)
        ]
        moves = [(column, home) for column, home in zip(band, homes, strict=True) if column]
        if all(column for column in band) or not all(home is not None for _, home in moves):
            done.append(band)
            continue
        for column, home in moves:
            assert home is not None
            home[:0] = column
    return [tuple(tuple(column) for column in band) for band in done]


def _home(told: Told, place: int, below: Sequence[list[list[Told]]], sources: Sources) -> list[Told] | None:
    """The cell below that reads a row, if other columns have something in its band and there is room."""
    ours = {step.id for step in told.row.drawn()}
    later = [step.id for band in below for each in band[place] for step in each.row.drawn()]
    for band in below:
        cell = band[place]
        reads = any(ours & drawn_makers(step, (*ours, *later), sources) for each in cell for step in each.row.drawn())
        if reads:
            n_others = sum(1 for other, column in enumerate(band) if column and other != place)
            return cell if n_others and len(cell) < _MOST_ROWS else None
    return None
