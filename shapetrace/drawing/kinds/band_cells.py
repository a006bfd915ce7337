"""The cells of a comparison set: one law of lengths for all, every equation on one line where that can be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from shapetrace.drawing.compact.equations import row_cells, sizes_in
from shapetrace.drawing.compact.lines import all_fit, largest_unit, placed, wrapped
from shapetrace.drawing.compact.scaling import CubeLaw, law_for, most_px
from shapetrace.drawing.compact.tiles import TileStyle
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.kinds.band_captions import caption, titles_and_notes
from shapetrace.drawing.kinds.head_sharing import HeadSharing, sharing_cell, sharing_note
from shapetrace.drawing.kinds.stacking_cells import CellBand
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.columns import EquationLine
from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Role

_UNITS_PX = (1.2, 3.6)
"""The least and the most side of size 1."""

_SIDE_PX = 46.0


@dataclass(frozen=True, slots=True)
class FittedCell:
    """What one column has in a band.

    Attributes:
        caption: The words above, from (0, 0) on.
        lines: Equations, or one drawing.
        rows: What they draw.
    """

    caption: Cell
    lines: tuple[EquationLine, ...]
    rows: tuple[Row, ...]


FittedBand = tuple[FittedCell | None, ...]


@dataclass(frozen=True, slots=True)
class FittedBands:
    """All bands, and the law of their lengths.

    Attributes:
        bands: From top to bottom.
        law: The law of lengths.
    """

    bands: tuple[FittedBand, ...]
    law: CubeLaw

    def rows(self) -> list[Row]:
        """All rows, a column after the other in each band."""
        return [row for band in self.bands for each in band if each for row in each.rows]


def fitted_bands(
    bands: Sequence[CellBand],
    sharing: Sequence[HeadSharing | None],
    styles: Sequence[TileStyle],
    words: Words,
    room_px: float,
) -> FittedBands:
    """Choose the largest unit with which every equation fits its column, and set all cells; a style a column."""
    rows = [(told.row, place) for band in bands for place, column in enumerate(band) for told in column]
    sizes = sizes_in(row for row, _ in rows)

    @cache
    def styled(unit_px: float) -> tuple[TileStyle, ...]:
        return tuple(replace(style, law=law_for(sizes, unit_px)) for style in styles)

    def drawn(row: Row, place: int, unit_px: float) -> Sequence[Cell]:
        return row_cells(row, styled(unit_px)[place])

    fit = all_fit((partial(drawn, row, place), room_px) for row, place in rows)
    chosen = styled(largest_unit(fit, (_UNITS_PX[0], most_px(sizes, _UNITS_PX[1], _SIDE_PX))))
    done: list[FittedBand] = []
    for band in bands:
        if any(sharing) and _has_scores(band) and not any(_has_scores(other) for other in bands[: bands.index(band)]):
            done.append(_shared(sharing, words, room_px))
        done.append(_fitted(band, chosen, words, room_px))
    return FittedBands(tuple(done), chosen[0].law)


def _fitted(band: CellBand, styles: Sequence[TileStyle], words: Words, room_px: float) -> FittedBand:
    said = titles_and_notes(band, words)
    return tuple(
        FittedCell(
            caption(*texts, room_px),
            tuple(line for told in column for line in wrapped(row_cells(told.row, style), room_px)),
            tuple(told.row for told in column),
        )
        if column
        else None
        for column, texts, style in zip(band, said, styles, strict=True)
    )


def _has_scores(band: CellBand) -> bool:
    return any(step.role == Role.SCORES for column in band for told in column for step in told.row.steps)


def _shared(sharing: Sequence[HeadSharing | None], words: Words, room_px: float) -> FittedBand:
    """The band that shows which heads share whose keys."""
    first = next(place for place, each in enumerate(sharing) if each)
    said: set[str] = set()
    cells: list[FittedCell | None] = []
    for place, each in enumerate(sharing):
        if each is None:
            cells.append(None)
            continue
        note = sharing_note(each, words)
        texts = (words.say("Heads") if place == first else "", "" if note in said else note)
        said.add(note)
        cells.append(FittedCell(caption(*texts, room_px), (placed([sharing_cell(each, room_px)], room_px),), ()))
    return tuple(cells)
