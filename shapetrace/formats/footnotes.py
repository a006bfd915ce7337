"""Long words of a grid's last column, below it: each once, with a number."""

from dataclasses import replace

from shapetrace.drawing.wording import Words
from shapetrace.formats.grid import Cell, Grid
from shapetrace.formats.phrasing import ENGLISH


def with_notes_below(grid: Grid, words: Words = ENGLISH) -> Grid:
    """Move what follows a colon in the last column below the table: ``+2,048 (1)``.

    Args:
        grid: Any grid.
        words: The language of the causes.
    """
    found: dict[str, int] = {}
    rows = []
    for row in grid.rows:
        last: Cell = row[-1]
        short, colon, cause = last.partition(": ") if isinstance(last, str) else ("", "", "")
        if colon:
            number = found.setdefault(cause, len(found) + 1)
            last = f"{short} ({number})"
        rows.append((*row[:-1], last))
    below = [f"({number}) {words.say(cause)}" for cause, number in found.items()]
    return replace(grid, rows=tuple(rows), notes=(*below, *grid.notes))
