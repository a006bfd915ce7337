"""``shapetrace models``: the presets."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shapetrace.cli.terminal import say, show, takes_color, width

if TYPE_CHECKING:
    from shapetrace.renderers.grid import Grid


def models(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Show where this model's parameters live.", show_default=False)
    ] = "",
    family: Annotated[
        str, typer.Option("--family", help="Show one family: gpt, llama, qwen, mistral, deepseek.", show_default=False)
    ] = "",
    format: Annotated[str, typer.Option("--format", "-f", help="table, markdown, csv, json, html or svg.")] = "table",  # noqa: A002
    lang: Annotated[str, typer.Option("--lang", help="Language of the words: en, zh.")] = "en",
) -> None:
    """List the presets; count one family's parameters; show where one model's parameters live."""
    from shapetrace.renderers import grid_renderer, tables

    write = tables.render_grid if format == "svg" else grid_renderer(format)
    room: dict[str, Any] = {"width": width(), "color": takes_color(sys.stdout)} if format == "table" else {}
    if format == "svg":
        room = {"lang": lang, "title": tables.family_title(family, lang)}
    show(write(tables.translated(_grid(name, family), lang), **room))


def _grid(name: str, family: str) -> "Grid":
    from shapetrace.listing import listed, parts

    if not name:
        return listed(family)
    from shapetrace.obtaining import obtain
    from shapetrace.request import Request

    return parts(obtain(Request(model=name, shape={"device": "meta"}), say).outline())
