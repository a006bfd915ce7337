"""``shapetrace models``: the presets."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shapetrace.cli.figure_options import StyleOptions, takes_style
from shapetrace.cli.terminal import say, show, takes_color, width

if TYPE_CHECKING:
    from shapetrace.renderers.grid import Grid


@takes_style
def models(
    asked: StyleOptions,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Show where this model's parameters live.", show_default=False)
    ] = "",
    family: Annotated[
        str, typer.Option("--family", help="Show one family: gpt, llama, qwen, mistral, deepseek.", show_default=False)
    ] = "",
    format: Annotated[str, typer.Option("--format", "-f", help="table, markdown, csv, json, html or svg.")] = "table",  # noqa: A002
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw it in this file: .svg, .png or .pdf.", show_default=False)
    ] = None,
) -> None:
    """List the presets; count one family's parameters; show where one model's parameters live."""
    from shapetrace.exporting import check_file, written
    from shapetrace.renderers import grid_renderer, tables
    from shapetrace.writing import write

    style = asked.style
    suffix = check_file(out, style) if out is not None else format if format == "svg" else ""
    render = grid_renderer(format if not suffix else "table")
    style.check()
    grid = tables.translated(_grid(name, family), style.lang, style.templates)
    if not suffix:
        room: dict[str, Any] = {"width": width(), "color": takes_color(sys.stdout)} if format == "table" else {}
        show(render(grid, **room))
        return
    title = asked.title or tables.family_title(family, style.lang, style.templates)
    drawn = tables.figure(grid, theme=style.theme, lang=style.lang, title=title, templates=style.templates)
    content = written(drawn, suffix, style)
    if out is None:
        show(str(content))
    else:
        write(out, content)
        show(str(out))


def _grid(name: str, family: str) -> "Grid":
    from shapetrace.listing import listed, parts

    if not name:
        return listed(family)
    from shapetrace.obtaining import obtain
    from shapetrace.request import Request

    return parts(obtain(Request(model=name, shape={"device": "meta"}), say).outline())
