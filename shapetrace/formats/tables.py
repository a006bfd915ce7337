"""A grid as a figure: a table that people publish, with bars where a column holds shares."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from shapetrace.drawing.layout.canvas import HEADING, on_canvas
from shapetrace.drawing.metrics import clean, width_px, wrapped
from shapetrace.drawing.primitives import Figure, Group, Line, Mark, Rect, Span, Text
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.wording import Words, words_in
from shapetrace.formats.grid import Cell, Column, Grid, text, with_notes_below
from shapetrace.formats.summary import part_named

_MOST_PX = 1200.0
_COLUMN_PX = 700.0
_TRIED = 40
_BETWEEN_ROWS = 2
"""How many rows would have room between two tables."""
_LEAST_PX = 600.0
_MARGIN_PX = 24.0
_GAP_PX = 22.0
_ROW_PX = 24.0
_BAR_PX = 260.0
_TITLE_PX = 26.0


def figure(
    grid: Grid, *, theme: str = "default", lang: str = "en", title: str = "", templates: Path | None = None
) -> Figure:
    """Draw a grid. Long words of the last column go below the table, each once, with a number.

    Args:
        grid: What to draw; a cell of blocks (█) is a bar.
        theme: Name of a theme, or a TOML file.
        lang: Language of the words that the label files know.
        title: Instead of the grid's own.
        templates: Folder of the user, whose themes and labels come before ours.

    Raises:
        UsageError: If there is no such theme or language.
    """
    words = words_in(lang, templates)
    grid = with_notes_below(grid, words)
    grid = _fitting(grid, words)
    parts = [_part(grid, places) for places in _broken(grid, words)]
    widths = [[_width(part, place, words) for place in range(len(part.columns))] for part in parts]
    title = clean(title or words.say(grid.title))
    widest = max(sum(each) + _GAP_PX * (len(each) - 1) for each in widths)
    inner = max(widest, width_px(title, "title"), _LEAST_PX - 2 * _MARGIN_PX)
    width = min(inner + 2 * _MARGIN_PX, _MOST_PX)
    titles = wrapped(title, "title", width - 2 * _MARGIN_PX, lines=2) if title else []
    top = 40.0 + _TITLE_PX * len(titles)
    groups = [Group(HEADING, tuple(_title(titles)))]
    for part, each in zip(parts, widths, strict=True):
        groups += _table(part, each, words, top, width)
        top += 10 + _ROW_PX * (len(grid.rows) + _BETWEEN_ROWS)
    bottom = top - _ROW_PX * _BETWEEN_ROWS
    below = [
        line
        for note in map(words.say, grid.notes)
        for line in wrapped(note, "caption", width - 2 * _MARGIN_PX, lines=3)
    ]
    height = bottom + 28 + 19 * len(below)
    notes = tuple(Text(_MARGIN_PX, bottom + 28 + 19 * n, (Span(t),), "caption") for n, t in enumerate(below))
    groups.append(Group("notes", notes))
    desc = "\n".join(
        ", ".join(_say(cell, words, column) for cell, column in zip(row, grid.columns, strict=True))
        for row in grid.rows
    )
    shown = on_canvas(groups, width, height)
    return Figure("table", title or "table", desc, width, height, shown, theme_named(theme, templates), words.lang)


def _fitting(grid: Grid, words: Words) -> Grid:
    """Leave out columns that say nothing, then the spare ones, until the table fits."""
    kept = [n for n in range(len(grid.columns)) if any(row[n] is not None for row in grid.rows)]
    while True:
        shown = _part(grid, kept)
        total = sum(_width(shown, place, words) + _GAP_PX for place in range(len(kept)))
        spare = max((grid.columns[n].spare for n in kept), default=0)
        if total - _GAP_PX <= _MOST_PX - 2 * _MARGIN_PX or not spare:
            return shown
        kept = [n for n in kept if grid.columns[n].spare < spare]


def _broken(grid: Grid, words: Words) -> list[tuple[int, ...]]:
    """The columns of tables below each other, about equally wide, each of which begins with the first column.

    Bars stay beside the numbers that they show.
    """
    if any(_is_bar(cell) for row in grid.rows for cell in row):
        return [tuple(range(len(grid.columns)))]
    widths = [_width(grid, place, words) + _GAP_PX for place in range(len(grid.columns))]

    def greedy(room: float) -> list[tuple[int, ...]]:
        tables: list[list[int]] = [[0]]
        for place in range(1, len(widths)):
            if len(tables[-1]) > 1 and sum(widths[each] for each in (*tables[-1], place)) > room:
                tables.append([0])
            tables[-1].append(place)
        return [tuple(table) for table in tables]

    room = _COLUMN_PX - 2 * _MARGIN_PX + _GAP_PX
    least = len(greedy(room))
    return next(found for size in range(_TRIED) if len(found := greedy(room * (size + 1) / _TRIED)) <= least)


def _part(grid: Grid, places: Sequence[int]) -> Grid:
    """Some columns of a grid."""
    columns = tuple(grid.columns[place] for place in places)
    return replace(grid, columns=columns, rows=tuple(tuple(row[place] for place in places) for row in grid.rows))


def _table(grid: Grid, widths: Sequence[float], words: Words, top: float, width: float) -> Iterator[Group]:
    """The head and the rows of a table, whose head stands at ``top``."""
    yield Group("head", tuple(_head(grid, widths, words, top, width)))
    for n, row in enumerate(grid.rows, 1):
        yield Group(f"row-{n}", tuple(_row(grid, row, widths, words, top + 8 + _ROW_PX * n)))


def _width(grid: Grid, place: int, words: Words) -> float:
    cells = [row[place] for row in grid.rows]
    if any(_is_bar(cell) for cell in cells):
        return _BAR_PX
    head = width_px(words.say(grid.columns[place].title), "caption")
    return max([head, *(width_px(_say(cell, words, grid.columns[place]), _ink(grid.columns[place])) for cell in cells)])


def _title(lines: Sequence[str]) -> Iterator[Mark]:
    for n, line in enumerate(lines):
        yield Text(_MARGIN_PX, 36 + _TITLE_PX * n, (Span(line),), "title")


def _head(grid: Grid, widths: Sequence[float], words: Words, y: float, width: float) -> Iterator[Mark]:
    for column, x in zip(grid.columns, _places(grid.columns, widths), strict=True):
        if title := words.say(column.title):
            yield Text(x, y, (Span(title),), "caption", "end" if column.align == "right" else "start")
    yield Line((((_MARGIN_PX, y + 9), (width - _MARGIN_PX, y + 9)),), "rule")


def _row(grid: Grid, row: Sequence[Cell], widths: Sequence[float], words: Words, y: float) -> Iterator[Mark]:
    longest = max((_length(each) for each in grid.rows if any(map(_is_bar, each))), default=1)
    for column, cell, x in zip(grid.columns, row, _places(grid.columns, widths), strict=True):
        if _is_bar(cell):
            yield Rect(x, y - 11, max(1.0, _BAR_PX * _length(row) / longest), 14, "weight")
        elif said := _say(cell, words, column):
            yield Text(x, y, (Span(said),), _ink(column), "end" if column.align == "right" else "start")


def _places(columns: Sequence[Column], widths: Sequence[float]) -> Iterator[float]:
    left = _MARGIN_PX
    for column, width in zip(columns, widths, strict=True):
        yield left + width if column.align == "right" else left
        left += width + _GAP_PX


def _is_bar(cell: Cell) -> bool:
    return isinstance(cell, str) and bool(cell) and set(cell) == {"█"}


def _length(row: Sequence[Cell]) -> int:
    """What a row's bar stands for: its number, finer than the blocks that a terminal can show."""
    return next((cell for cell in row if isinstance(cell, int)), 1)


def _say(cell: Cell, words: Words, column: Column) -> str:
    return words.say(cell) if isinstance(cell, str) and cell else text(cell, column) if cell != "" else ""


def _ink(column: Column) -> str:
    return "shape" if column.align == "right" else "legend"


def translated(grid: Grid, lang: str, templates: Path | None = None) -> Grid:
    """A grid in the words of a language, for every format.

    Raises:
        UsageError: If there is no such language.
    """
    words = words_in(lang, templates)

    def say(cell: Cell) -> Cell:
        if not isinstance(cell, str) or not cell:
            return cell
        short, colon, cause = cell.partition(": ")
        return f"{words.say(short)}: {words.say(cause)}" if colon else part_named(words, cell)

    return replace(
        grid,
        title=words.say(grid.title),
        columns=tuple(replace(column, title=words.say(column.title)) for column in grid.columns),
        rows=tuple(tuple(say(cell) for cell in row) for row in grid.rows),
        notes=tuple(words.say(note) for note in grid.notes),
    )


def family_title(family: str, lang: str, templates: Path | None = None) -> str:
    """The title of a family's table; empty for that of all presets."""
    name = {"gpt": "GPT", "deepseek": "DeepSeek"}.get(family, family.capitalize())
    return words_in(lang, templates).say("Parameter table: {family}", family=name) if family else ""
