"""``shapetrace diff``: two models side by side."""

from pathlib import Path
from typing import Annotated

import typer

from shapetrace.cli.format_options import deliver, ready_format, terminal_options
from shapetrace.cli.options import Lang, takes_model
from shapetrace.cli.terminal import say, tracing
from shapetrace.obtaining import obtain
from shapetrace.request import OF_ONE, Request, for_each


@takes_model
def diff(
    request: Request,
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="The model or trace to compare it with.", show_default=False)
    ],
    format: Annotated[str, typer.Option("--format", "-f", help="{comparison}.")] = "table",  # noqa: A002
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write it to this file: {comparison_files}.", show_default=False)
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Differences in form (names, steps that multiply nothing) count too.")
    ] = False,
    theme: Annotated[
        str, typer.Option("--theme", help="Of a figure: default, light, dark, print, transparent, or a TOML file.")
    ] = "default",
    lang: Lang = "en",
) -> None:
    """Compare two models or traces step by step; exit 0 if their products are equal, 1 if not."""
    from shapetrace.comparing import compare
    from shapetrace.formats.contract import Options
    from shapetrace.formats.rendering import render

    options = Options(lang=lang, theme=theme, strict=strict, **terminal_options())
    to = ready_format(format, out, "comparison", options)
    requests = for_each(request, (request.model, other), of_one=OF_ONE)
    traces = []
    for each in requests:
        with tracing(each.model):
            traces.append(obtain(each, say))
    found = compare(traces[0], traces[1], names=_names([trace.model.name for trace in traces], requests))
    deliver(render(found, to, options), to, out)
    for trace in traces:
        if trace.failure is not None:
            say(f"{trace.model.name} failed: {trace.outline().failure}")
            raise typer.Exit(1)
    if found.differs({"kernels"} if strict else {"steps", "names", "kernels"}):
        raise typer.Exit(1)


def _names(names: list[str], requests: list[Request]) -> tuple[str, str]:
    """Names of the two; if they are the same, what was typed."""
    if names[0] != names[1]:
        return names[0], names[1]
    return requests[0].model or names[0], requests[1].model or names[1]
