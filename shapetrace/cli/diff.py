"""``shapetrace diff``: two models side by side."""

import sys
from dataclasses import replace
from typing import Annotated

import typer

from shapetrace.cli.options import takes_model
from shapetrace.cli.terminal import say, show, takes_color, waiting, width
from shapetrace.obtaining import obtain
from shapetrace.request import Request


@takes_model
def diff(
    request: Request,
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="The model or trace to compare it with.", show_default=False)
    ],
    format: Annotated[str, typer.Option("--format", "-f", help="table, markdown, json, csv or html.")] = "table",  # noqa: A002
    strict: Annotated[
        bool, typer.Option("--strict", help="Differences in form (names, steps that multiply nothing) count too.")
    ] = False,
) -> None:
    """Compare two models or traces step by step; exit 0 if their products are equal, 1 if not."""
    from shapetrace.comparing import compare
    from shapetrace.renderers import comparison

    comparison.check_format(format)
    requests = [_for(request, name) for name in (request.model, other)]
    traces = []
    for each in requests:
        with waiting(f"tracing {each.model or 'the reference model'}"):
            traces.append(obtain(each, say))
    found = compare(traces[0], traces[1], names=_names([trace.model.name for trace in traces], requests))
    room = {"width": width(), "color": takes_color(sys.stdout)} if format == "table" else {}
    show(comparison.render(found, format, **room))
    for trace in traces:
        if trace.failure is not None:
            say(f"{trace.model.name} failed: {trace.outline().failure}")
            raise typer.Exit(1)
    if found.differs({"kernels"} if strict else {"steps", "names", "kernels"}):
        raise typer.Exit(1)


def _for(request: Request, name: str) -> Request:
    """The request for one of the two; options of models say nothing about a trace file."""
    chosen = replace(request, model=name)
    return Request(model=name) if chosen.kind == "file" else chosen


def _names(names: list[str], requests: list[Request]) -> tuple[str, str]:
    """Names of the two; if they are the same, what was typed."""
    if names[0] != names[1]:
        return names[0], names[1]
    return requests[0].model or names[0], requests[1].model or names[1]
