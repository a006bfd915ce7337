"""``shapetrace explore``: one page to walk through a model."""

import re
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from shapetrace.cli.options import takes_model
from shapetrace.cli.terminal import say, show, waiting
from shapetrace.obtaining import obtain
from shapetrace.request import Request


@takes_model
def explore(
    request: Request,
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
    """Write one page to walk through a model: its parts, every step, where each value comes from and goes."""
    from shapetrace.drawing import Look
    from shapetrace.exploring import Explored
    from shapetrace.formats.contract import Options
    from shapetrace.formats.page import render
    from shapetrace.writing import write

    options = Options(lang=lang, theme=theme, look=Look(title=title, templates=templates))
    options.check()
    with waiting(f"tracing {request.model or 'the reference model'}"):
        trace = obtain(request, say)
    with waiting("writing"):
        explored = replace(Explored.of(trace.outline()), starts_fused=fused)
        path = out or Path(f"{_file_name(trace.model.name)}.html")
        write(path, render(explored, options, place=at))
    show(str(path))
    if open_it:
        webbrowser.open(path.resolve().as_uri())
    if trace.failure is not None:
        raise typer.Exit(1)


def _file_name(model: str) -> str:
    """A model's name as one that every file system takes."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", model).strip("-.").lower() or "explorer"
