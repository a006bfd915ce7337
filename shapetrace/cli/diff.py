"""``shapetrace diff``: two models side by side."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.cli.options import takes_model
from shapetrace.cli.terminal import say, show, takes_color, waiting, width
from shapetrace.obtaining import obtain
from shapetrace.request import Request, meaningless

if TYPE_CHECKING:
    from shapetrace.comparing import Comparison


_OF_ONE = frozenset({"inputs", "inputs_from", "hf_class", "hf_set"})
"""Parts of a request that say something about one kind of model."""


@takes_model
def diff(
    request: Request,
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="The model or trace to compare it with.", show_default=False)
    ],
    format: Annotated[str, typer.Option("--format", "-f", help="table, markdown, json, csv, html or svg.")] = "table",  # noqa: A002
    strict: Annotated[
        bool, typer.Option("--strict", help="Differences in form (names, steps that multiply nothing) count too.")
    ] = False,
    theme: Annotated[
        str, typer.Option("--theme", help="Of the svg: default, light, dark, print, or a TOML file.")
    ] = "default",
    lang: Annotated[str, typer.Option("--lang", help="Language of what people read: en, zh.")] = "en",
) -> None:
    """Compare two models or traces step by step; exit 0 if their products are equal, 1 if not."""
    from shapetrace.comparing import compare
    from shapetrace.drawing.theme import theme_named
    from shapetrace.drawing.wording import words_in
    from shapetrace.renderers import comparison

    comparison.check_format(format, (*comparison.FORMATS, "svg"))
    words = words_in(lang)
    if format == "svg":
        theme_named(theme)
    requests = _both(request, (request.model, other))
    traces = []
    for each in requests:
        with waiting(f"tracing {each.model or 'the reference model'}"):
            traces.append(obtain(each, say))
    found = compare(traces[0], traces[1], names=_names([trace.model.name for trace in traces], requests))
    if format == "svg":
        show(_drawn(found, strict=strict, theme=theme, lang=lang))
    else:
        room = {"width": width(), "color": takes_color(sys.stdout)} if format == "table" else {}
        show(comparison.render(found, format, strict=strict, words=words, **room))
    for trace in traces:
        if trace.failure is not None:
            say(f"{trace.model.name} failed: {trace.outline().failure}")
            raise typer.Exit(1)
    if found.differs({"kernels"} if strict else {"steps", "names", "kernels"}):
        raise typer.Exit(1)


def _drawn(found: "Comparison", *, strict: bool, theme: str, lang: str) -> str:
    from shapetrace.drawing.differing import difference
    from shapetrace.renderers.svg import render

    return render(difference(found, strict=strict, theme=theme, lang=lang))


def _both(request: Request, names: tuple[str, str]) -> list[Request]:
    """The requests for the two. What only one kind of model takes is for that one; a trace file takes nothing."""
    chosen = [replace(request, model=name) for name in names]
    common = set(meaningless(chosen[0])) & set(meaningless(chosen[1]))
    found = []
    for each in chosen:
        apart = {name for name in meaningless(each) if name in _OF_ONE and name not in common}
        found.append(replace(each, **{name: type(getattr(each, name))() for name in apart}))
    return [Request(model=each.model) if each.kind == "file" else each for each in found]


def _names(names: list[str], requests: list[Request]) -> tuple[str, str]:
    """Names of the two; if they are the same, what was typed."""
    if names[0] != names[1]:
        return names[0], names[1]
    return requests[0].model or names[0], requests[1].model or names[1]
