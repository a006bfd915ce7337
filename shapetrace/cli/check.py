"""``shapetrace check``: does a model still have the shapes of a saved trace? For CI."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from shapetrace.cli.format_options import deliver, terminal_options
from shapetrace.cli.options import takes_model
from shapetrace.cli.terminal import say, waiting
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.request import Request


@takes_model
def check(
    request: Request,
    other: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="The model that is checked against it.", show_default=False)
    ] = "",
    update: Annotated[bool, typer.Option("--update", help="Write the trace of the model to the file.")] = False,
    ignore: Annotated[
        str, typer.Option("--ignore", help="Differences that do not count: steps, names, kernels; or none.")
    ] = "kernels",
    format: Annotated[str, typer.Option("--format", "-f", help="Of the differences: {comparison}.")] = "table",  # noqa: A002
    lang: Annotated[str, typer.Option("--lang", help="Language of what people read: en, zh.")] = "en",
) -> None:
    """Check a model against a saved trace: exit 0 if its shapes are the same, 1 with the differences if not."""
    from shapetrace.api import load
    from shapetrace.comparing import compare, to_ignore
    from shapetrace.formats import ready
    from shapetrace.formats.contract import Options
    from shapetrace.formats.rendering import render

    if request.kind != "file":
        raise UsageError(f"got {request.model or 'no trace'}, expected a trace: shapetrace check trace.json MODEL")
    options = Options(lang=lang, strict=True, **terminal_options())
    table, to = ready(["table", format], "comparison", options)
    ignored, path = to_ignore(ignore.split(",")), Path(request.model)
    if not update and not path.exists():
        raise UsageError(f"no trace {path}: --update writes the one to check against")
    kept = None if not path.exists() else load(path)
    with waiting(f"tracing {other or 'the reference model'}"):
        trace = obtain(replace(request, model=other), say)
    if trace.failure is not None:
        deliver(render(trace.outline(), table, options), table)
        raise typer.Exit(1)
    if update:
        trace.save(path)
    if kept is None:
        say(f"wrote {path}")
        return
    found = compare(kept, trace, names=(path.name, trace.model.name))
    if not found.differs(ignored):
        say(f"{trace.model.name} has the shapes of {path}")
        return
    deliver(render(found, to, options), to)
    if update:
        say(f"wrote {path}")
        return
    say(f"{trace.model.name} differs from {path}; if that is meant, --update writes the new shapes")
    raise typer.Exit(1)
