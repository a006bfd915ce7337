"""``shapetrace models``: the presets."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.cli.figure_options import StyleOptions, takes_style
from shapetrace.cli.format_options import deliver, ready_format, terminal_options
from shapetrace.cli.options import GridFile, GridFormat
from shapetrace.cli.terminal import say

if TYPE_CHECKING:
    from shapetrace.formats.grid import Grid


@takes_style
def models(
    asked: StyleOptions,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Show where this model's parameters live.", show_default=False)
    ] = "",
    family: Annotated[
        str, typer.Option("--family", help="Show one family: gpt, llama, qwen, mistral, deepseek.", show_default=False)
    ] = "",
    format: GridFormat = "table",  # noqa: A002
    out: GridFile = None,
) -> None:
    """List the presets; count one family's parameters; show where one model's parameters live."""
    from shapetrace.formats import tables
    from shapetrace.formats.rendering import render

    options = replace(asked.options, **terminal_options())
    to = ready_format(format, out, "grid", options)
    given = to.given(options)
    grid = tables.translated(_grid(name, family), given.lang, given.templates)
    title = asked.title or tables.family_title(family, given.lang, given.templates)
    deliver(render(grid, to, replace(options, look=replace(asked.look(), title=title))), to, out)


def _grid(name: str, family: str) -> "Grid":
    from shapetrace.listing import listed, parts

    if not name:
        return listed(family)
    from shapetrace.obtaining import obtain
    from shapetrace.request import Request

    return parts(obtain(Request(model=name, shape={"device": "meta"}), say).outline())
