"""``shapetrace diagram``: figures of a model or of a saved trace."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from shapetrace.cli.options import takes_model
from shapetrace.cli.terminal import say, show, waiting
from shapetrace.obtaining import obtain
from shapetrace.request import Request


@takes_model
def diagram(
    request: Request,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the figures.", show_default=False)],
    format: Annotated[str, typer.Option("--format", "-f", help="Formats, with commas: svg.")] = "svg",  # noqa: A002
    section: Annotated[
        str | None, typer.Option("--section", help="Draw one section: a path (h.0.attn) or a kind (attention).")
    ] = None,
    fused: Annotated[
        bool, typer.Option("--fused/--per-head", help="Show products as the code runs them, not one head's.")
    ] = False,
    theme: Annotated[str, typer.Option("--theme", help="default, light, dark, print, or a TOML file.")] = "default",
    lang: Annotated[str, typer.Option("--lang", help="Language of the words: en, zh.")] = "en",
) -> None:
    """Draw the matrix products: an overview, one figure for each part, and a page that shows them."""
    from shapetrace.publishing import Style, publish
    from shapetrace.renderers import figure_renderer
    from shapetrace.writing import make_folder

    formats = [name for name in format.lower().split(",") if name]
    for name in formats:
        figure_renderer(name)
    make_folder(out)
    with waiting(f"tracing {request.model or 'the reference model'}"):
        trace = obtain(request, say)
    with waiting("drawing"):
        files = publish(
            trace.outline(fused=fused),
            out,
            formats=formats,
            section=section,
            style=Style(theme, lang),
            command=_command(out),
        )
    for path in files:
        show(str(path))
    if trace.failure is not None:
        raise typer.Exit(1)


def _command(out: Path) -> str:
    """The command as typed, for the page; where the folder is on this machine is nobody's business."""
    words = [f"{out.name}/" if word in {str(out), f"{out}/"} else word for word in sys.argv[1:]]
    return shlex.join(["shapetrace", *words])
