"""``shapetrace models``: the presets."""

import sys
from typing import Annotated

import typer

from shapetrace.cli.terminal import say, show, takes_color, width


def models(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Show where this model's parameters live.", show_default=False)
    ] = "",
    family: Annotated[
        str, typer.Option("--family", help="Show one family: gpt, llama, qwen, mistral, deepseek.", show_default=False)
    ] = "",
    format: Annotated[str, typer.Option("--format", "-f", help="table, markdown, csv, json or html.")] = "table",  # noqa: A002
) -> None:
    """List the presets; count one family's parameters; show where one model's parameters live."""
    from shapetrace.listing import listed, parts
    from shapetrace.renderers import grid_renderer

    room = {"width": width(), "color": takes_color(sys.stdout)} if format == "table" else {}
    if not name:
        show(grid_renderer(format)(listed(family), **room))
        return
    from shapetrace.obtaining import obtain
    from shapetrace.request import Request

    trace = obtain(Request(model=name, shape={"device": "meta"}), say)
    show(grid_renderer(format)(parts(trace.outline()), **room))
