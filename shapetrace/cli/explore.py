"""``shapetrace explore``: one page to walk through a model, or through two in step."""

import re
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from shapetrace.cli.options import takes_model
from shapetrace.cli.terminal import say, show, waiting
from shapetrace.obtaining import obtain
from shapetrace.request import OF_ONE, Request, for_each


@takes_model
def explore(
    request: Request,
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="A second model or trace, side by side with it.", show_default=False)
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The page (MODEL.html).", show_default=False)] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    at: Annotated[
        str, typer.Option("--at", help="What it opens at: h.0.attn, attention, h.0.attn/scores.", show_default=False)
    ] = "",
    fused: Annotated[
        bool, typer.Option("--fused/--per-head", help="Open it with products as the code runs them.")
    ] = False,
    title: Annotated[str, typer.Option("--title", help="Instead of the model's name.", show_default=False)] = "",
    lang: Annotated[str, typer.Option("--lang", help="First language: en, zh.")] = "en",
    theme: Annotated[str, typer.Option("--theme", help="default, light, dark, or a TOML file.")] = "default",
    templates: Annotated[
        Path | None, typer.Option("--templates", help="Your templates, themes and labels.", show_default=False)
    ] = None,
) -> None:
    """Write one page to walk through a model: its parts, every step, where each value comes from and goes.

    With OTHER, both stand side by side, aligned as `diff` aligns them, and what differs is marked.
    """
    from shapetrace.drawing import Look
    from shapetrace.exploring import Explored, Tour
    from shapetrace.formats.contract import Options
    from shapetrace.formats.page import render
    from shapetrace.writing import write

    options = Options(lang=lang, theme=theme, look=Look(title=title, templates=templates))
    options.check()
    traces = []
    for each in for_each(request, (request.model, other), of_one=OF_ONE) if other else [request]:
        with waiting(f"tracing {each.model or 'the reference model'}"):
            traces.append(obtain(each, say))
    with waiting("writing"):
        subjects = tuple(replace(Explored.of(trace.outline()), starts_fused=fused) for trace in traces)
        path = out or Path("-".join(file_name(trace.model.name) for trace in traces) + ".html")
        write(path, render(Tour(subjects, in_step=bool(other)), options, place=at))
    show(str(path))
    if open_it:
        webbrowser.open(path.resolve().as_uri())
    if any(trace.failure is not None for trace in traces):
        raise typer.Exit(1)


def file_name(model: str) -> str:
    """A model's name as one that every file system takes."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", model).strip("-.").lower() or "explorer"
