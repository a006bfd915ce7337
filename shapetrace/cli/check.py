"""``shapetrace check``: does a model still have the shapes that a file holds? For CI."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.cli.format_options import deliver, terminal_options
from shapetrace.cli.naming import named
from shapetrace.cli.options import Lang, takes_model
from shapetrace.cli.terminal import say, tracing
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.request import Request

if TYPE_CHECKING:
    from shapetrace.api import Trace
    from shapetrace.holding import Named
    from shapetrace.outlining.structure import Outline


@takes_model
def check(
    request: Request,
    other: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="The model that is checked against it.", show_default=False)
    ] = "",
    update: Annotated[bool, typer.Option("--update", help="Write the shapes of the model to the file.")] = False,
    dims: Annotated[
        str, typer.Option("--dims", help="With --update: numbers, or names: shapes that hold for any batch and length.")
    ] = "",
    ignore: Annotated[
        str, typer.Option("--ignore", help="Differences that do not count: steps, names, kernels; or none.")
    ] = "kernels",
    format: Annotated[str, typer.Option("--format", "-f", help="Of the differences: {comparison}.")] = "table",  # noqa: A002
    lang: Lang = "en",
) -> None:
    """Check a model against a file of shapes: exit 0 if they are the same, 1 with the differences if not.

    The file is a snapshot that people review (shapes.txt), or a trace (shapes.json).
    """
    from shapetrace.comparing import to_ignore
    from shapetrace.formats import ready
    from shapetrace.formats.contract import Options
    from shapetrace.formats.rendering import render
    from shapetrace.holding import Named, checked_name, compared, hold

    path = checked_name(request.model)
    options = Options(lang=lang, strict=True, **terminal_options())
    table, to = ready(["table", format], "comparison", options)
    ignored, before = to_ignore(ignore.split(",")), _before(path, update)
    with_names = _with_names(dims, update, path, isinstance(before, Named))
    with tracing(other):
        trace = obtain(replace(request, model=other), say)
    if trace.failure is not None:
        deliver(render(trace.outline(), table, options), table)
        raise typer.Exit(1)
    if with_names or isinstance(before, Named):
        trace = _named(replace(request, model=other), trace)
    found = None if before is None else compared(before, trace, path.name)
    if update:
        hold(trace, path, command=_command(other), named=with_names)
    if found is None:
        say(f"wrote {path}")
        return
    if not found.differs(ignored):
        say(f"{trace.model.name} has the shapes of {path}")
        return
    deliver(render(found, to, options), to)
    if update:
        say(f"wrote {path}")
        return
    say(f"{trace.model.name} differs from {path}; if that is meant, --update writes the new shapes")
    raise typer.Exit(1)


def _with_names(dims: str, update: bool, path: Path, was_named: bool) -> bool:
    """Whether the file is to have names; if nothing is said, as it had."""
    from shapetrace.holding import is_trace

    if dims not in {"", "numbers", "names"}:
        raise UsageError(f"dims is {dims!r}; expected numbers or names")
    if dims and not update:
        raise UsageError("--dims says what is written: add --update")
    if dims == "names" and is_trace(path):
        raise UsageError(f"got {path}, expected a snapshot for --dims names: shapes.txt")
    return dims == "names" or (was_named and not dims)


def _named(request: Request, trace: "Trace") -> "Trace":
    found = named(request, trace, "names")
    if found.sizes is None or not found.sizes.inputs:
        raise UsageError(f"no size of the input of {trace.model.name} can be varied, so none has a name: use numbers")
    return found


def _before(path: Path, update: bool) -> "Trace | Outline | Named | None":
    """What the file holds, read before anything runs; None if it is to be written anew."""
    from shapetrace.holding import held

    if not path.exists() and not update:
        raise UsageError(f"no file {path}: --update writes the one to check against")
    try:
        return held(path) if path.exists() else None
    except UsageError:
        if update:
            return None
        raise


def _command(model: str) -> str:
    """What made a snapshot, for those who read it."""
    words = [word for word in sys.argv[1:] if word not in {"--update", "--debug"}]
    return f"shapetrace {shlex.join(words)}" if model in words else "shapetrace check"
