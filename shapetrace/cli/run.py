"""``shapetrace run``: one forward pass as a table."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from shapetrace.cli.options import takes_model
from shapetrace.cli.terminal import say, show, takes_color, waiting, width
from shapetrace.obtaining import obtain
from shapetrace.request import Request


@takes_model
def run(
    request: Request,
    format: Annotated[str, typer.Option("--format", "-f", help="table, markdown, csv, json or html.")] = "table",  # noqa: A002
    save: Annotated[Path | None, typer.Option("--save", help="Keep the trace in this file.")] = None,
    ops: Annotated[bool, typer.Option("--ops", help="List the raw operations with their kernels.")] = False,
    section: Annotated[
        str | None, typer.Option("--section", help="Show one section: a path (h.0.attn) or a kind (attention).")
    ] = None,
    depth: Annotated[
        int | None, typer.Option("--depth", min=0, help="Close sections that lie deeper: one row each.")
    ] = None,
    fused: Annotated[
        bool, typer.Option("--fused/--per-head", help="Show products as the code runs them, not one head's.")
    ] = False,
    lang: Annotated[str, typer.Option("--lang", help="Language of table, markdown and html: en, zh.")] = "en",
    templates: Annotated[
        Path | None, typer.Option("--templates", help="Your templates: labels/LANG.toml.", show_default=False)
    ] = None,
) -> None:
    """Run one forward pass and list its matrix products with every shape."""
    from shapetrace.drawing.wording import words_in
    from shapetrace.renderers import text_renderer
    from shapetrace.renderers.narrowing import Excerpt, written

    text_renderer(format)  # an unknown format or language is told before the pass, not after
    words = words_in(lang, templates)
    with waiting(f"tracing {request.model or 'the reference model'}"):
        trace = obtain(request, say)
    if save is not None:
        trace.save(save)
    room = {"width": width(), "color": takes_color(sys.stdout)} if format == "table" else {}
    excerpt = Excerpt(ops=ops, section=section, depth=depth, fused=fused)
    show(written(trace, format, excerpt, words=words, **room))
    if trace.failure is not None:
        raise typer.Exit(1)
