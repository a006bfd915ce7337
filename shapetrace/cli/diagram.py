"""``shapetrace diagram``: figures of a model or of a saved trace."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.cli.figure_options import FigureOptions, takes_figure
from shapetrace.cli.naming import named
from shapetrace.cli.options import takes_model
from shapetrace.cli.terminal import say, show, tracing, waiting
from shapetrace.obtaining import obtain, several
from shapetrace.request import Request

if TYPE_CHECKING:
    from shapetrace.formats.contract import Format
    from shapetrace.generations.decoding import Generation

_USUAL = "svg"


@takes_model
@takes_figure
def diagram(
    request: Request,
    asked: FigureOptions,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the figures, or one .svg, .png, .pdf ...")],
    format: Annotated[  # noqa: A002
        str, typer.Option("--format", "-f", help="With commas: {outline}.")
    ] = _USUAL,
) -> None:
    """Draw the matrix products: an overview, one figure for each part, and a page that shows them."""
    from shapetrace.formats import ready
    from shapetrace.formats.rendering import WHOLE, part_shown, render
    from shapetrace.publishing import publish
    from shapetrace.writing import make_folder, write

    file = _file_format(out, format)
    formats = (
        [file] if file else list(dict.fromkeys(name.strip() for name in format.lower().split(",") if name.strip()))
    )
    options = asked.options
    n_steps = asked.n_steps
    if not n_steps and request.kind != "file":
        asked.check_one()
    chosen = ready(formats, "figure" if n_steps else "outline", options)
    make_folder(out.parent if file else out)
    with tracing(request.model, n_steps + 1):
        passes = several(request, say, n_steps, cached=not asked.no_cache)
    if passes is not None:
        asked.check_several("--generate" if n_steps else request.model)
        _drawn(passes, asked, out, chosen if n_steps else ready(formats, "figure", options), is_file=bool(file))
        return
    asked.check_one()
    with tracing(request.model):
        trace = obtain(request, say)
    trace = named(request, trace, asked.dims)
    with waiting("drawing"):
        outline, command = trace.outline(fused=asked.fused), _command(out)
        if file:
            files = [out]
            shown = WHOLE if chosen[0].outline else part_shown(outline, options.look)
            write(out, render(outline, chosen[0], options, asked.part or shown))
        else:
            files = publish(outline, out, formats=formats, part=asked.part, options=options, command=command)
    for path in files:
        show(str(path))
    if trace.failure is not None:
        raise typer.Exit(1)


def _file_format(out: Path, asked: str) -> str:
    """The format of the one file that is asked for instead of a folder, by its suffix; "" for a folder.

    Raises:
        UsageError: If other formats are asked for beside it.
    """
    from shapetrace.errors import UsageError
    from shapetrace.formats import FORMATS, format_of_file

    if out.is_dir() or not any(out.name.lower().endswith(f".{each.suffix}") for each in FORMATS.values()):
        return ""
    found = format_of_file(out, "outline").name
    if asked not in (found, _USUAL):
        raise UsageError(f"{out} is one {found}: leave --format {asked} out, or give a folder")
    return found


def _drawn(
    found: "Generation", asked: FigureOptions, out: Path, formats: "list[Format]", *, is_file: bool = False
) -> None:
    """A prefill and decode steps, in columns of one figure."""
    from shapetrace.formats.rendering import render
    from shapetrace.generations.running import drawing
    from shapetrace.writing import write

    figure = drawing(found, asked.options)
    for to in formats:
        path = out if is_file else out / f"{figure.name}.{to.suffix}"
        write(path, render(figure, to, asked.options))
        show(str(path))
    if found.failure:
        say(found.failure)
        raise typer.Exit(1)


def _command(out: Path) -> str:
    """The command as typed, for the page; where the folder is on this machine is nobody's business."""
    words = [f"{out.name}/" if word in {str(out), f"{out}/"} else word for word in sys.argv[1:]]
    return shlex.join(["shapetrace", *words])
