"""A plain table: columns and rows of text. What has no outline (operations, presets) is shown as one."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.formats.numbers import exact, short

Cell: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: Its name for programs.
        title: Its name for people.
        align: Side that its cells are aligned to.
        spare: Columns with a higher number are left out first where room is short; 0 stays.
        short: True to write large numbers in short for people; programs get every digit.
        unit: What such numbers count: ``B`` for bytes.
    """

    key: str
    title: str
    align: Literal["left", "right"] = "left"
    spare: int = 0
    short: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns and rows.

    Attributes:
        columns: What each cell of a row is.
        rows: Cells; integers are written with every digit.
        title: One line above.
        notes: Lines below.
        above: Lines of words above; formats for programs leave them out. Without rows they are all there is to say.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    notes: tuple[str, ...] = ()
    above: tuple[str, ...] = ()


def text(cell: Cell, column: Column | None = None) -> str:
    """A cell for people: ``124,439,808``, in short ``124.44 M``, a dash for nothing."""
    if cell is None:
        return "–"
    if not isinstance(cell, int):
        return cell
    if column is None or not column.short:
        return exact(cell)
    return f"{short(cell)}{' ' if column.unit and cell < 1000 else ''}{column.unit}"


def with_notes_below(grid: Grid, words: Words = ENGLISH) -> Grid:
    """Move the long words behind a colon in the last column below the table, each once, by a number: ``+2,048 (1)``."""
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
