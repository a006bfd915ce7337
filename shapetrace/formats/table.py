"""The table in a terminal: one step a row, data blue, weights grey, the inner sizes of a product marked."""

import io
import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from shapetrace.comparing.structure import Comparison
from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.wording import Words
from shapetrace.formats import summary
from shapetrace.formats.columns import GAP, MARGIN, ColumnWidths, choose, cost, flops_of, module_path, title
from shapetrace.formats.comparison import compared
from shapetrace.formats.contract import PLAIN, Format, Options
from shapetrace.formats.failures import panel
from shapetrace.formats.grid import Grid, with_notes_below
from shapetrace.formats.grid_lines import fits, grid_lines
from shapetrace.formats.rows import TableRow, rows
from shapetrace.formats.sized import notes
from shapetrace.formats.wrapping import broken
from shapetrace.language import printable
from shapetrace.outlining.sentences import sentence
from shapetrace.outlining.structure import Outline

_GLUED = re.compile(r"(?<=\d) (?=[\w%])|(?<=\w) (?=\d)| (?=·)")
"""Blanks where a line of words is not broken: ``48 views``."""

STYLES = {
    "data": "dodger_blue1",
    "weight": "grey54",
    "constant": "italic grey54",
    "inner": "bold dark_orange3",
    "sign": "",
    "head": "bold",
    "quiet": "grey54",
    "failure": "bold red",
}


def render(outline: Outline, options: Options = PLAIN) -> str:
    """Write an outline as a table; less width leaves columns out, and never breaks an equation."""
    listed, width, words = rows(outline, options), options.width, options.words
    columns = choose(listed, width, words)
    rule = Text(" " * MARGIN + "─" * (min(columns.total, width) - MARGIN), style=STYLES["quiet"])
    lines = [*_head(outline, width, words), Text(), _joined(list(map(Text, columns.titles)), columns), rule]
    for row in listed:
        lines += _row(row, columns, width)
        if options.explain and row.step is not None:
            indent = " " * (columns.number + 2 * row.depth + 4)
            told = broken(words.told(sentence(row.step)), max(width, len(indent) + 20), first=indent, rest=indent)
            lines += (Text(line, style=STYLES["quiet"]) for line in told)
    lines += [rule, *_foot(outline, width, words), *_quiet(notes(outline, words, options.dims), width)]
    return printed(lines, options)


def printed(lines: list[Text], options: Options) -> str:
    """Lines as text, with ANSI colours or without, cut nowhere."""
    stream = io.StringIO()
    console = Console(
        file=stream, width=max(options.width, 1000), force_terminal=options.color, no_color=not options.color,
        color_system="256" if options.color else None, highlight=False, emoji=False, markup=False,
        legacy_windows=False, force_jupyter=False,
    )  # fmt: skip
    for line in lines:
        line.rstrip()
        console.print(line, soft_wrap=True)
    return stream.getvalue()


def _head(outline: Outline, width: int, words: Words) -> Iterator[Text]:
    model = outline.model
    name, facts = printable(words.say(model.name)), " · ".join(facts_of(model, words))
    device = words.say("meta: no arithmetic") if model.device == "meta" else model.device
    where = f"[{device}]" if device else ""
    line = "   ".join(part for part in (name, facts, where) if part)
    below = cell_len(line) + MARGIN > width
    head = Text(" " * MARGIN + (f"{name}   {where}" if below else line).rstrip())
    head.stylize(STYLES["head"], 0, MARGIN + len(name))
    yield head
    if below:
        yield from (Text(part) for part in wrapped(facts, width))
    if model.tokens:
        tokens = " ".join(printable(token) for token in model.tokens)
        yield from (Text(part, style=STYLES["data"]) for part in _broken_words(tokens, width))


def _row(row: TableRow, columns: ColumnWidths, width: int) -> Iterator[Text]:
    parts = _parts(row)
    equation = Text.assemble(*parts)
    own_line = equation.cell_len > columns.shapes
    cells = [
        Text("" if row.number is None else str(row.number), style=STYLES["quiet"]),
        _title(row, columns),
        Text(printable(module_path(row)), style=STYLES["quiet"]),
        Text() if own_line else equation,
        Text(row.stack),
        Text(cost(row, compact=columns.compact)),
        Text(flops_of(row)),
    ]
    yield _joined(cells, columns)
    if own_line:
        yield from _broken(parts, width, indent=2 * (row.depth + 3))


def _title(row: TableRow, columns: ColumnWidths) -> Text:
    plain = title(row, notes=False, heads=not columns.heads)
    whole = title(row, notes=columns.notes, heads=not columns.heads)
    result = Text(printable(whole))
    if row.step is None:
        result.stylize(STYLES["head"], 0, len(plain))
    result.stylize(STYLES["quiet"], len(plain))
    return result


def _parts(row: TableRow) -> list[Text]:
    """An equation cut before every sign: ``[1024,768]``, ``×[768,64]``, ``→[1024,64]``."""
    parts: list[Text] = []
    for place, piece in enumerate(row.pieces):
        text = Text(piece.text, style=STYLES[piece.ink])
        follows_sign = place and row.pieces[place - 1].ink == "sign"
        if not parts or (piece.ink == "sign" and not follows_sign):
            parts.append(text)
        else:
            parts[-1].append_text(text)
    return parts


def _broken(parts: list[Text], width: int, *, indent: int) -> Iterator[Text]:
    """An equation longer than its column, on lines of its own: broken between shapes, never in one."""
    room = max(width - indent, 8)
    line = Text(" " * indent)
    for part in parts:
        if line.cell_len > indent and line.cell_len + part.cell_len > indent + room:
            yield line
            line = Text(" " * (indent + 2))
        line.append_text(part)
    yield line


def _joined(cells: list[Text], columns: ColumnWidths) -> Text:
    """Cells side by side: numbers aligned right, columns of width 0 left out."""
    line = Text(" " * (MARGIN - columns.compact))
    places = enumerate(zip(cells, columns.widths, strict=True))
    shown = [(cell, width, i == 0 or i >= 5) for i, (cell, width) in places if width]
    for position, (cell, width, right) in enumerate(shown):
        padding = " " * max(0, width - cell.cell_len)
        line.append(" " * (GAP - (position == 1)) if position else "")
        line = line + Text(padding) + cell if right else line + cell + Text(padding)
    return line


def _foot(outline: Outline, width: int, words: Words) -> Iterator[Text]:
    left, right = summary.totals(outline, words)
    gap = width - MARGIN - cell_len(left) - cell_len(right)
    if gap >= 4:
        yield Text(" " * MARGIN + left + "      " + right, style=STYLES["head"])
    else:
        yield from (Text(line, style=STYLES["head"]) for part in (left, right) for line in wrapped(part, width))
    yield from _quiet(summary.notes(outline, words), width)
    if outline.explained is not None:
        yield Text()
        yield from panel(outline.explained, width, words.told)
    elif outline.failure:
        yield Text()
        yield from (Text(line, style=STYLES["failure"]) for line in wrapped(printable(outline.failure), width))


def _quiet(notes: Iterable[str], width: int) -> Iterator[Text]:
    return (Text(line, style=STYLES["quiet"]) for note in notes for line in wrapped(note, width))


def wrapped(line: str, width: int) -> list[str]:
    """A line of words in as many lines as it needs, with the margin before each; ``48 views`` stays together."""
    glued = _GLUED.sub("\u00a0", line) if width >= 40 else line
    return [part.replace("\u00a0", " ") for part in _broken_words(glued, width)]


def _broken_words(line: str, width: int) -> list[str]:
    return broken(line, max(width, 20), first=" " * MARGIN, rest=" " * (MARGIN + 2))


def render_grid(grid: Grid, options: Options = PLAIN) -> str:
    """Write a grid; where room is short, spare columns are left out, then long cells go on in further lines."""
    width = options.width
    above = [Text(line) for words in grid.above for line in wrapped(printable(words), width)]
    if above and not grid.rows:
        return printed(above, options)
    if not fits(grid, width):
        grid = with_notes_below(grid)
    lines = [*above, *([Text()] if above else [])]
    lines += grid_lines(grid, width, head=STYLES["head"], quiet=STYLES["quiet"])
    lines += _quiet(map(printable, grid.notes), width)
    return printed(lines, options)


def render_comparison(comparison: Comparison, options: Options) -> str:
    """Write what differs; the two sides of a step stand below each other where there is no room beside."""
    words = options.words
    beside = compared(comparison, words, strict=options.strict)
    if beside.rows and not fits(beside, options.width):
        beside = compared(comparison, words, strict=options.strict, below=True)
    return render_grid(beside, options)


FORMAT = Format(
    "table",
    "txt",
    frozenset({"lang", "look", "depth", "width", "color", "explain", "dims"}),
    outline=render,
    grid=render_grid,
    comparison=render_comparison,
)
