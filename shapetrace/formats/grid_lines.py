"""A grid in a terminal: what has no room leaves out spare columns, then goes on in further lines; nothing is cut."""

import re
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from shapetrace.formats.columns import GAP, MARGIN
from shapetrace.formats.grid import Column, Grid, text
from shapetrace.formats.wrapping import broken
from shapetrace.language import printable

_UNITS = re.compile(r"(?<= )(?=\S)|(?<=\])(?=[×→+⊙∗])|(?<=[，。；：、])(?=\S)")
"""Where a cell may be broken: after blanks, before the signs between shapes."""
_LEAST_CELL = 10
_LONGEST_UNIT = 48


def grid_lines(grid: Grid, width: int, *, head: str, quiet: str) -> list[Text]:
    """Titles, a rule and rows.

    Args:
        grid: Whatever is shown; a cell may have several lines.
        width: Characters a line.
        head: Style of the title.
        quiet: Style of the rule.
    """
    widths = fitting(grid, width)
    title = [Text(" " * MARGIN + printable(grid.title), style=head), Text()] if grid.title else []
    rule = Text(" " * MARGIN + "─" * (_total(widths) - MARGIN), style=quiet)
    rows = [line for row in grid.rows for line in _lines(list(map(text, row, grid.columns)), grid.columns, widths)]
    return [*title, *_lines([column.title for column in grid.columns], grid.columns, widths), rule, *rows]


def fits(grid: Grid, width: int) -> bool:
    """Whether all columns fit with every cell on lines of its own."""
    return _total(_natural(grid)) <= width


def fitting(grid: Grid, width: int) -> dict[int, int]:
    """Columns that are shown, and how wide each is."""
    widths = _natural(grid)
    while _total(widths) > width:
        spare = max(widths, key=lambda i: grid.columns[i].spare)
        if grid.columns[spare].spare == 0:
            break
        del widths[spare]
    least = {i: _least(grid, i) for i in widths}
    while _total(widths) > width:
        longest = max(widths, key=lambda i: widths[i] if widths[i] > least[i] else 0)
        if widths[longest] <= least[longest]:
            break
        widths[longest] -= 1
    return widths


def _natural(grid: Grid) -> dict[int, int]:
    return {i: max(map(cell_len, _written(grid, i)), default=0) for i in range(len(grid.columns))}


def _least(grid: Grid, place: int) -> int:
    """How narrow a column may be: no unit of it is broken; a very long one is, and numbers never."""
    cells = _written(grid, place)
    if grid.columns[place].align == "right":
        return max(map(cell_len, cells), default=0)
    units = [cell_len(unit.rstrip()) for cell in cells for unit in _UNITS.split(cell)]
    return min(max(units, default=0), _LONGEST_UNIT)


def _written(grid: Grid, place: int) -> list[str]:
    """Every line of a column."""
    cells = (grid.columns[place].title, *(text(row[place], grid.columns[place]) for row in grid.rows))
    return [printable(line) for cell in cells for line in cell.split("\n")]


def _total(widths: dict[int, int]) -> int:
    return MARGIN + sum(widths.values()) + GAP * (len(widths) - 1)


def _lines(cells: Sequence[str], columns: tuple[Column, ...], widths: dict[int, int]) -> list[Text]:
    """One row, in as many lines as its longest cell needs."""
    parts = {i: [part for line in cells[i].split("\n") for part in _parts(line, width)] for i, width in widths.items()}
    lines = []
    for n in range(max(1, *(len(part) for part in parts.values()))):
        line = []
        for i, width in widths.items():
            cell = parts[i][n] if n < len(parts[i]) else ""
            padding = " " * (width - cell_len(cell))
            line.append(padding + cell if columns[i].align == "right" else cell + padding)
        lines.append(Text(" " * MARGIN + (" " * GAP).join(line)))
    return lines


def _parts(line: str, width: int) -> list[str]:
    """A line of a cell, broken where it may be; a word longer than its column is broken anyway."""
    line = printable(line)
    if cell_len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    deeper = indent + "  " if width >= _LEAST_CELL + len(indent) + 2 else indent
    parts = [indent]
    for unit in _UNITS.split(line.strip()):
        if parts[-1].strip() and cell_len((parts[-1] + unit).rstrip()) > width:
            parts.append(deeper)
        if cell_len(parts[-1] + unit.rstrip()) <= width:
            parts[-1] += unit
        else:
            cut = broken(parts[-1] + unit, width, rest=deeper, hard=True)
            parts[-1:] = cut or [parts[-1]]
    return [part.rstrip() for part in parts]
