"""Choosing the scale and the columns: the largest rows that fit the width, aligned if they can be."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapetrace.drawing.content.rows import Item, Panel, Row, rows_in
from shapetrace.drawing.layout.columns import EquationLine, aligned, columns_of, compact, widest_cell, wrapped
from shapetrace.drawing.layout.equations import Slot, equation_slots
from shapetrace.drawing.layout.matrices import Style
from shapetrace.drawing.wording import Words

_CANDIDATES = (  # how far columns reach, and what all sides are multiplied with; the best first
    ("figure", 1.0),
    ("figure", 0.94),
    ("panel", 1.0),
    ("figure", 0.88),
    ("figure", 0.82),
    ("panel", 0.94),
    ("panel", 0.88),
    ("panel", 0.82),
    ("figure", 0.74),
    ("panel", 0.74),
    ("figure", 0.66),
    ("panel", 0.66),
    ("row", 1.0),
    ("row", 0.94),
    ("row", 0.88),
    ("row", 0.8),
    ("row", 0.7),
    ("row", 0.62),
)
_WRAPPED_FACTORS = (0.8, 0.7, 0.6, 0.5)


def too_long(row: Row, style: Style, words: Words, room_px: float) -> bool:
    """Whether a row would fit in one line without the steps that go on from its first."""
    scaled = _scaled(style, 0.82)
    alone = replace(row, steps=row.steps[:1])
    return all(
        (compact(equation_slots(part, scaled, words)).right <= room_px) == fits
        for part, fits in ((row, False), (alone, True))
    )


def fit_lines(items: Sequence[Item], style: Style, words: Words, room_px: float) -> list[tuple[EquationLine, ...]]:
    """Choose cells and their places for all rows, in order."""
    for reach, factor in _CANDIDATES:
        scaled = _scaled(style, factor)
        sets = [[equation_slots(row, scaled, words) for row in rows] for rows in _reaches(items, reach)]
        lines = [line for rows in sets for line in _set(rows, room_px)]
        if all(line is None or line.right <= room_px for line in lines):
            slots = [row for rows in sets for row in rows]
            return [(line,) if line else wrapped(row, room_px) for line, row in zip(lines, slots, strict=True)]
    return fit_wrapped(list(rows_in(items)), style, words, room_px, _WRAPPED_FACTORS)


def fit_wrapped(
    rows: Sequence[Row], style: Style, words: Words, room_px: float, factors: Sequence[float]
) -> list[tuple[EquationLine, ...]]:
    """Wrap rows at the scale that needs the fewest lines; of several, at the first."""
    attempts = []
    for factor in factors:
        slots = [equation_slots(row, _scaled(style, factor), words) for row in rows]
        overflow = max((widest_cell(row) - room_px for row in slots), default=0.0)
        lines_of_rows = [wrapped(row, room_px) for row in slots]
        attempts.append((max(overflow, 0.0), sum(map(len, lines_of_rows)), -factor, lines_of_rows))
    return min(attempts, key=lambda attempt: attempt[:3])[3]


def _set(rows: list[tuple[Slot, ...]], room_px: float) -> Iterator[EquationLine | None]:
    """The rows in common columns; None for a row without columns that must be wrapped."""
    columns = columns_of(rows)
    for slots in rows:
        line = aligned(slots, columns, room_px)
        odd = any(slot.column is None for slot in slots)
        yield None if odd and line.right > room_px and widest_cell(slots) <= room_px else line


def _reaches(items: Sequence[Item], reach: str) -> list[list[Row]]:
    """Rows that have their columns in common."""
    if reach == "figure":
        return [list(rows_in(items))]
    if reach == "row":
        return [[row] for row in rows_in(items)]
    runs: list[list[Row]] = [[]]
    for item in items:
        if isinstance(item, Panel):
            runs += [list(rows_in((item,))), []]
        else:
            runs[-1].append(item)
    return runs


def _scaled(style: Style, factor: float) -> Style:
    return replace(style, scale=replace(style.scale, factor=factor))
