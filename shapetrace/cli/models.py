"""``shapetrace models``: the presets."""

import sys
from typing import Annotated

import typer

from shapetrace.cli.terminal import show, takes_color, width


def models(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Show where this model's parameters live.", show_default=False)
    ] = "",
    family: Annotated[
        str, typer.Option("--family", help="Show one family: gpt, llama, qwen, mistral, deepseek.", show_default=False)
    ] = "",
    format: Annotated[str, typer.Option("--format", "-f", help="table, markdown, csv, json or html.")] = "table",  # noqa: A002
) -> None:
    """List the presets."""
    from shapetrace.listing import listed
    from shapetrace.renderers import grid_renderer

    room = {"width": width(), "color": takes_color(sys.stdout)} if format == "table" else {}
    show(grid_renderer(format)(listed(name, family), **room))
