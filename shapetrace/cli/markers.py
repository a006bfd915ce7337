"""The words of a marker or of a list of figures, read as those of a command: diagram, compare, models or explore."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shapetrace.cli.figure_options import (
    FigureOptions,
    SectionOptions,
    StyleOptions,
    takes_figure,
    takes_section,
    takes_style,
)
from shapetrace.cli.format_options import listed_words
from shapetrace.cli.options import takes_input, takes_model
from shapetrace.cli.terminal import say
from shapetrace.errors import UsageError
from shapetrace.request import OF_ONE, Request, check, compared, for_each

if TYPE_CHECKING:
    from shapetrace.drawing.primitives import Figure
    from shapetrace.formats.contract import Format
    from shapetrace.outlining.structure import Outline
    from shapetrace.posting import Image

_Format = Annotated[str, typer.Option("--format", "-f")]
_Name = Annotated[str, typer.Option("--name")]
"""Read by `posting.file_names`."""
Outlines = Callable[[Request, bool], "Outline"]
"""Gives the outline of what a request asks for, fused or not."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a marker asks for, checked as far as words can be.

    Attributes:
        short: What it shows, for the name of a file: ``gpt2-attention``.
        suffix: Of the file.
        make: Makes the content of the file and what stands in the post, given how outlines are had.
        content: What makes the content, where other markers may show the same file; () if they may not.
        requests: The models that a figure is drawn from.
        draw: Draws it, for other formats than that of a post; None if it is no figure.
    """

    short: str
    suffix: str
    make: "Callable[[Outlines], tuple[str | bytes, Image]]"
    content: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    draw: "Callable[[Outlines], Figure] | None" = None


def _figure(
    short: str,
    to: "Format",
    asked: StyleOptions,
    draw: "Callable[[Outlines], Figure]",
    requests: Sequence[Request] = (),
) -> Wanted:
    """An image of a figure."""
    from shapetrace.formats.rendering import render
    from shapetrace.posting import Image

    def make(outlines: Outlines) -> "tuple[str | bytes, Image]":
        figure = draw(outlines)
        return render(figure, to, asked.options), Image("", figure.title)

    return Wanted(short, to.suffix, make, requests=tuple(requests), draw=draw)


def wanted_by(words: Sequence[str]) -> Wanted:
    """What the words of a marker ask for: ``gpt2 --section attention``, ``compare gpt2 gpt2-medium``, ``models``.

    Raises:
        UsageError: If they are no arguments and options of that command.
    """
    commands: dict[str, Callable[..., Any]] = {
        "compare": _compared,
        "models": _listed,
        "explore": _explored,
        "diagram": _drawn,
    }
    name, given = (words[0], words[1:]) if words and words[0] in commands else ("diagram", words)
    found: Wanted = _parsed(commands[name], given, name)
    return found


def _parsed(command: Callable[..., Any], words: Sequence[str], name: str) -> Any:
    from typer.main import get_command

    app = typer.Typer(add_completion=False)
    app.command(add_help_option=False)(command)
    try:
        return get_command(app).main(list(words), "", standalone_mode=False)
    except Exception as error:
        if hasattr(error, "format_message"):  # Typer's own: an unknown option, a word where a number belongs
            raise UsageError(f"{error.format_message()} (a marker takes what shapetrace {name} takes)") from error
        raise


def _format(name: str) -> "Format":
    from shapetrace.formats import FORMATS

    shown = [each for each in FORMATS.values() if each.figure and each.in_pages]
    to = next((each for each in shown if each.name == name.lower()), None)
    if to is None:
        raise UsageError(f"no format {name.lower()!r} in a post: choose {listed_words([each.name for each in shown])}")
    to.check()
    return to


@takes_model
@takes_figure
def _drawn(
    request: Request,
    asked: FigureOptions,
    format: _Format = "svg",  # noqa: A002
    name: _Name = "",  # noqa: ARG001
) -> Wanted:
    from shapetrace.formats.contract import Excerpt
    from shapetrace.formats.rendering import drawing
    from shapetrace.generations import running
    from shapetrace.obtaining import several

    check(request)
    asked.options.check()
    what = [asked.section, f"step-{asked.step}" if asked.step else "", asked.view if asked.view != "overview" else ""]

    if asked.n_steps or asked.view == "generation":
        what = ["generation"]

    def draw(outlines: Outlines) -> "Figure":
        passes = several(request, say, asked.n_steps, cached=not asked.no_cache)
        if passes is not None:
            asked.check_several("--generate" if asked.n_steps else request.model)
            return running.drawing(passes, asked.options)
        asked.check_one()
        return drawing(outlines(request, asked.fused), Excerpt("", asked.section, asked.step), asked.options)

    return _figure("-".join(filter(None, [short_name(request.model), *what])), _format(format), asked, draw, [request])


@takes_section
@takes_input
def _compared(
    asked: SectionOptions,
    request: Request,
    models: Annotated[list[str], typer.Argument(default_factory=list)],
    format: _Format = "svg",  # noqa: A002
    name: _Name = "",  # noqa: ARG001
) -> Wanted:
    from shapetrace.drawing import compare
    from shapetrace.obtaining import variants

    requests = compared(request, models)
    for each in requests:
        check(each)
    options = asked.options
    options.check()
    section = asked.compared_section

    def draw(outlines: Outlines) -> "Figure":
        found = [outlines(each, asked.fused) for each in requests]
        found = found or [trace.outline(fused=asked.fused) for trace in variants(request)]
        return compare(found, section=section, theme=options.theme, lang=options.lang, look=options.look)

    return _figure("-".join(["compare", *map(short_name, models)]), _format(format), asked, draw, requests)


@takes_style
def _listed(
    asked: StyleOptions,
    model: Annotated[str, typer.Argument()] = "",
    family: Annotated[str, typer.Option("--family")] = "",
    format: _Format = "svg",  # noqa: A002
    name: _Name = "",  # noqa: ARG001
) -> Wanted:
    from shapetrace.formats import tables
    from shapetrace.listing import listed, parts

    options = asked.options
    options.check()

    def draw(outlines: Outlines) -> "Figure":
        of_one = Request(model=model, shape={"device": "meta"})
        grid = parts(outlines(of_one, False)) if model else listed(family)
        grid = tables.translated(grid, options.lang, options.templates)
        title = asked.title or tables.family_title(family, options.lang, options.templates)
        return tables.figure(grid, theme=options.theme, lang=options.lang, title=title, templates=options.templates)

    return _figure("-".join(filter(None, ["models", family, short_name(model)])), _format(format), asked, draw)


@takes_model
def _explored(
    request: Request,
    other: Annotated[str, typer.Argument()] = "",
    at: Annotated[str, typer.Option("--at")] = "",
    link: Annotated[str, typer.Option("--link")] = "",
    frame: Annotated[int, typer.Option("--frame", min=0)] = 0,
    theme: Annotated[str, typer.Option("--theme")] = "default",
    lang: Annotated[str, typer.Option("--lang")] = "en",
    title: Annotated[str, typer.Option("--title")] = "",
    templates: Annotated[Path | None, typer.Option("--templates")] = None,
    name: _Name = "",  # noqa: ARG001
) -> Wanted:
    from shapetrace.drawing import Look
    from shapetrace.formats.contract import Options
    from shapetrace.posting import Image

    requests = for_each(request, (request.model, other), of_one=OF_ONE) if other else [request]
    for each in requests:
        check(each)
    options = Options(lang=lang, theme=theme, look=Look(title=title, templates=templates))
    options.check()

    def make(outlines: Outlines) -> "tuple[str | bytes, Image]":
        from shapetrace.exploring import Explored, Tour
        from shapetrace.formats.page import place_in, render, title_of

        tour = Tour(tuple(Explored.of(outlines(each, False)) for each in requests), in_step=bool(other))
        place = place_in(tour, at)
        return render(tour, options), Image("", link or title_of(tour, place, options), place, frame)

    short = "-".join(short_name(each.model) or "reference" for each in requests)
    return Wanted(f"explore-{short}", "html", make, (f"{requests} {theme} {lang} {title} {templates}",))


def short_name(model: str) -> str:
    """A model as a part of a file's name: ``llama-3.1-8b``, ``hf-mistral``, ``MyModel``, ``trace``."""
    if model.startswith(("hf:", "toy:")):
        kind, _, name = model.partition(":")
        return f"{kind}-{Path(name).stem if '/' in name else name}"
    if model.lower().endswith((".json", ".json.gz")):
        return re.sub(r"\.json(\.gz)?$", "", Path(model).name, flags=re.IGNORECASE)
    return model.rpartition(":")[2] if ":" in model else model
