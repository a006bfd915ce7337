"""HTML: an outline as a fragment for a page or a notebook. Its colours follow the reader's light or dark."""

from collections.abc import Sequence
from html import escape

from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.teaching import sentences
from shapetrace.failing import report
from shapetrace.formats import sized, summary
from shapetrace.formats.columns import flops_of
from shapetrace.formats.contract import PLAIN, Excerpt, Files, Format, Options
from shapetrace.formats.grid import Grid, text
from shapetrace.formats.markdown import TITLES
from shapetrace.formats.rows import TableRow, rows
from shapetrace.language import printable
from shapetrace.outlining.structure import Outline

_NUMBERS = frozenset({"#", "parameters", "FLOPs"})

_STYLE = """<style>
.shapetrace-table { border-collapse: collapse; font-size: 13px; }
.shapetrace-table th, .shapetrace-table td { text-align: left !important; padding: 2px 10px; border: 0; }
.shapetrace-table .n { text-align: right !important; font-variant-numeric: tabular-nums; white-space: nowrap; }
.shapetrace-table .e { font-family: ui-monospace, Menlo, Consolas, monospace; white-space: nowrap; }
.shapetrace-table .data { color: light-dark(#1d5fd0, #7ab0ff); }
.shapetrace-table .weight, .shapetrace-table .constant { color: light-dark(#5f6672, #a3abb8); }
.shapetrace-failure { border: 1px solid; padding: 8px; color: light-dark(#b42318, #ff8f85); }
.shapetrace-table .inner { color: light-dark(#b0470c, #ffa061); font-weight: 600; }
</style>"""


def render(outline: Outline, options: Options = PLAIN, *, picture: str = "") -> str:
    """Write an outline as an HTML fragment.

    Args:
        outline: What to show.
        options: Language, depth, sizes, and whether each step is explained below the table.
        picture: A figure to show before the table, which is then closed.
    """
    words = options.words
    left, right = summary.totals(outline, words)
    ended = "" if outline.explained else outline.failure
    notes = [*summary.notes(outline, words), *sized.notes(outline, words, options.dims), ended]
    facts = plain(" · ".join(facts_of(outline.model, words)))
    titles = [(words.say(title), "n" if title in _NUMBERS else "") for title in TITLES]
    body = [
        _STYLE,
        f"<p><strong>{plain(words.say(outline.model.name))}</strong> {facts}</p>",
        _table(titles, [_cells(row) for row in rows(outline, options)]),
        f"<p><strong>{plain(' · '.join([*left.split(summary.GAP), right]))}</strong></p>",
        *(f"<p>{plain(note)}</p>" for note in notes if note),
    ]
    if options.explain:
        taught = (
            f"<li><strong>{plain(title)}</strong>: {plain(said)}</li>"
            for title, said in sentences(outline.steps(), words)
        )
        body.append(f"<ul>{''.join(taught)}</ul>")
    if picture:
        body = [picture.rstrip(), f"<details><summary>{plain(words.say('All steps'))}</summary>", *body, "</details>"]
    if outline.explained:
        body.append(f'<pre class="shapetrace-failure">{_lines(report(outline.explained, words.told))}</pre>')
    return "\n".join(body) + "\n"


def render_grid(grid: Grid, _options: Options = PLAIN) -> str:
    """Write a grid as an HTML fragment."""
    classes = ["n" if column.align == "right" else "" for column in grid.columns]
    titles = [(column.title, mark) for column, mark in zip(grid.columns, classes, strict=True)]
    body = [
        [(plain(text(cell, column)), mark) for cell, column, mark in zip(row, grid.columns, classes, strict=True)]
        for row in grid.rows
    ]
    above = [f"<p>{plain(line)}</p>" for line in grid.above]
    if above and not grid.rows:
        return "\n".join(above) + "\n"
    title = [f"<p><strong>{plain(grid.title)}</strong></p>"] if grid.title else []
    return (
        "\n".join([*above, _STYLE, *title, _table(titles, body), *(f"<p>{plain(note)}</p>" for note in grid.notes)])
        + "\n"
    )


def plain(words: str) -> str:
    """Escaped, without the control characters that no page may hold."""
    return escape(printable(words, " "))


def _lines(words: str) -> str:
    """Several lines, each escaped."""
    return "\n".join(map(plain, words.split("\n")))


def _cells(row: TableRow) -> list[tuple[str, str]]:
    indent = f' style="padding-left: {10 + 16 * row.depth}px"'
    title = f"<span{indent}>{plain(row.title)}</span>"
    note = f" <small>{plain(row.note)}</small>" if row.note else ""
    return [
        ("" if row.number is None else str(row.number), "n"),
        ((title if row.step else f"<strong>{title}</strong>") + note, ""),
        (plain(row.module), "e"),
        (_equation(row), "e"),
        (plain(row.stack), ""),
        (plain(row.cost), "n"),
        (plain(flops_of(row)), "n"),
    ]


def _equation(row: TableRow) -> str:
    if row.step is None:
        return plain(row.equation)
    return "".join(f'<span class="{piece.ink}">{plain(piece.text)}</span>' for piece in row.pieces)


def _table(titles: list[tuple[str, str]], body: list[list[tuple[str, str]]]) -> str:
    head = "".join(f'<th class="{mark}">{plain(title)}</th>' for title, mark in titles)
    lines = ["<tr>" + "".join(f'<td class="{mark}">{cell}</td>' for cell, mark in cells) + "</tr>" for cells in body]
    table = ['<table class="shapetrace-table">', f"<thead><tr>{head}</tr></thead>", *lines, "</table>"]
    return "\n".join(['<div style="overflow-x: auto">', *table, "</div>"])


def _files(outline: Outline, part: Excerpt, options: Options, _among: Sequence[str]) -> Files:
    """A fragment to paste: the figure, and its steps below in a table that opens."""
    from shapetrace.formats import rendering, svg

    drawn = svg.render(rendering.drawing(outline, part, options), templates=options.templates)
    yield (
        f"{part.name}.html",
        render(rendering.narrowed(outline, part), Options(lang=options.lang, look=options.look), picture=drawn),
    )


FORMAT = Format(
    "html",
    "html",
    frozenset({"lang", "look", "theme", "depth", "explain", "dims"}),
    outline=render,
    grid=render_grid,
    files=_files,
)
