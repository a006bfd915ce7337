"""Markdown: the rows as a table that code hosts show."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape

from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.teaching import sentences
from shapetrace.drawing.wording import Words
from shapetrace.failing import Explanation
from shapetrace.formats import sized, summary
from shapetrace.formats.columns import flops_of
from shapetrace.formats.contract import PLAIN, Excerpt, Files, Format, Options
from shapetrace.formats.failures import told
from shapetrace.formats.grid import Grid, text
from shapetrace.formats.rows import TableRow, rows
from shapetrace.language import printable
from shapetrace.outlining.structure import Outline

TITLES = ("#", "step", "module", "shapes", "heads", "parameters", "FLOPs")
_INDENT = "\u2003"  # an em space: Markdown swallows ordinary ones


def render(outline: Outline, options: Options = PLAIN) -> str:
    """Write an outline as Markdown; if it is explained, with a list of what each step does below."""
    words = options.words
    facts = escaped(" · ".join(facts_of(outline.model, words)))
    lines = [f"**{escaped(words.say(outline.model.name))}** {facts}".rstrip(), ""]
    lines += _table(
        [words.say(title) for title in TITLES],
        ("--:", ":--", ":--", ":--", ":--", "--:", "--:"),
        (_cells(row) for row in rows(outline, options)),
    )
    left, right = summary.totals(outline, words)
    sentence = words.phrases.get("{parameters}; {flops}.", "{parameters}; {flops}.")
    counted = sentence.format(parameters=" · ".join(left.split(summary.GAP)), flops=right)
    below = [counted, *summary.notes(outline, words)]
    below += [escaped(note) for note in sized.notes(outline, words, options.dims)]
    if outline.failure and outline.explained is None:
        below.append(f"**{escaped(outline.failure)}**")
    taught = [f"- **{escaped(title)}**: {escaped(told)}" for title, told in sentences(outline.steps(), words)]
    failed = _failure(outline.explained, words) if outline.explained else []
    lines += ["", *(f"{note}  " for note in below), *(["", *taught] if options.explain else []), *failed]
    return "\n".join(lines).rstrip() + "\n"


def _failure(explained: Explanation, words: Words) -> list[str]:
    """The explanation as a block of code, with a title."""
    body = [line.replace("```", "···") for line in told(explained, words.told)]
    return ["", f"**{escaped(words.told(explained.title))}**", "", "```text", *body, "```"]


def render_grid(grid: Grid, _options: Options = PLAIN) -> str:
    """Write a grid as Markdown."""
    lines = [*(f"{escaped(line)}  " for line in grid.above), ""] if grid.above else []
    if lines and not grid.rows:
        return "\n".join(lines) + "\n"
    lines += [f"**{escaped(grid.title)}**", ""] if grid.title else []
    lines += _table(
        [column.title for column in grid.columns],
        ["--:" if column.align == "right" else ":--" for column in grid.columns],
        ([escaped(text(*pair)) for pair in zip(row, grid.columns, strict=True)] for row in grid.rows),
    )
    if grid.notes:
        lines += ["", *(f"{escaped(note)}  " for note in grid.notes)]
    return "\n".join(lines).rstrip() + "\n"


def escaped(line: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    line = printable(line, " ")
    for character in "\\`*_{}[]<>|":
        line = line.replace(character, f"\\{character}")
    return line


def _cells(row: TableRow) -> list[str]:
    title = _INDENT * row.depth + (f"**{escaped(row.title)}**" if row.step is None else escaped(row.title))
    note = f" *{escaped(row.note)}*" if row.note else ""
    number = "" if row.number is None else str(row.number)
    return [number, title + note, _code(row.module), _code(row.equation), row.stack, escaped(row.cost), flops_of(row)]


def _code(line: str) -> str:
    """Text in monospace; a table's bars and backticks cannot stand in it."""
    plain = printable(line).replace("`", "·").replace("|", "·")
    return f"`{plain}`" if plain else ""


def _table(titles: Iterable[str], alignment: Iterable[str], body: Iterable[Iterable[str]]) -> list[str]:
    lines = (titles, alignment, *body)
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _files(outline: Outline, part: Excerpt, options: Options, among: Sequence[str]) -> Files:
    """A picture that follows the reader's light or dark, and the steps as a table."""
    from shapetrace.formats import png, rendering, svg

    picture = png.FORMAT if "png" in among and "svg" not in among else svg.FORMAT
    yield from rendering.files(outline, part, picture, options)
    dark = ""
    if options.theme == "default":
        night = replace(part, name=f"{part.name}-dark")
        yield from rendering.files(outline, night, picture, replace(options, theme="dark"))
        dark = f'  <source media="(prefers-color-scheme: dark)" srcset="{night.name}.{picture.suffix}">\n'
    shown = rendering.drawing(outline, part, options)
    image = f'<img src="{part.name}.{picture.suffix}" alt="{escape(shown.title)}" width="{shown.width_px:.0f}">'
    table = render(rendering.narrowed(outline, part), Options(lang=options.lang, look=options.look))
    yield f"{part.name}.md", f"<picture>\n{dark}  {image}\n</picture>\n\n{table}"


FORMAT = Format(
    "markdown",
    "md",
    frozenset({"lang", "look", "theme", "depth", "scale", "fonts", "explain", "dims"}),
    outline=render,
    grid=render_grid,
    files=_files,
)
