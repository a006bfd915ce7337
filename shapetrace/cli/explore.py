"""``shapetrace explore``: one page to walk through a model, or through two in step."""

import re
import webbrowser
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.cli.naming import named
from shapetrace.cli.options import ModelOptions, numbers_in, takes
from shapetrace.cli.terminal import say, show, tracing, waiting
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain, several
from shapetrace.request import OF_ONE, Request, for_each

if TYPE_CHECKING:
    from shapetrace.api import Trace
    from shapetrace.exploring import Tour


_MOST_RANKS = 8
_RANK = typer.Option("--rank", help="The rank that is traced (0), or several as tabs: 0,3.", show_default=False)


@dataclass(frozen=True, slots=True)
class ExploreOptions(ModelOptions):
    """Those of one model, of which several ranks may be shown."""

    rank: Annotated[str | None, _RANK] = None  # type: ignore[assignment]

    def asked(self) -> tuple[Request, ...]:
        """A request for each rank that is to be shown."""
        ranks = numbers_in(self.rank, "--rank", least=0, most=_MOST_RANKS) if self.rank is not None else (None,)
        return tuple(ModelOptions.request(replace(self, rank=rank)) for rank in ranks)  # type: ignore[arg-type]


@takes(ExploreOptions, ExploreOptions.asked, place=0)
def explore(
    requests: tuple[Request, ...],
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="A second model or trace, side by side with it.", show_default=False)
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The page (MODEL.html).", show_default=False)] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    at: Annotated[
        str, typer.Option("--at", help="What it opens at: h.0.attn, attention, h.0.attn/scores.", show_default=False)
    ] = "",
    dims: Annotated[
        str, typer.Option("--dims", help="Opens with sizes as numbers, or as names, which are proved at other sizes.")
    ] = "numbers",
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Your name of a size: 3072=d_ff; or a TOML file of them.", show_default=False),
    ] = None,
    fused: Annotated[
        bool, typer.Option("--fused/--per-head", help="Open it with products as the code runs them.")
    ] = False,
    generate: Annotated[
        int | None,
        typer.Option("--generate", min=1, help="N decode steps behind the prefill, on a timeline.", show_default=False),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="With --generate: all is computed again in each pass.")
    ] = False,
    title: Annotated[str, typer.Option("--title", help="Instead of the model's name.", show_default=False)] = "",
    lang: Annotated[str, typer.Option("--lang", help="First language: en, zh.")] = "en",
    theme: Annotated[str, typer.Option("--theme", help="default, light, dark, or a TOML file.")] = "default",
    templates: Annotated[
        Path | None, typer.Option("--templates", help="Your templates, themes and labels.", show_default=False)
    ] = None,
) -> None:
    """Write one page to walk through a model: its parts, every step, where each value comes from and goes.

    With OTHER, both stand side by side, aligned as `diff` aligns them, and what differs is marked. With --generate, the
    passes of a generation stand on a timeline; several ranks are tabs.
    """
    from shapetrace.drawing import Look
    from shapetrace.formats.contract import Options
    from shapetrace.formats.page import render
    from shapetrace.writing import write

    options = Options(lang=lang, theme=theme, look=Look(title=title, templates=templates))
    options.check()
    if dims not in {"numbers", "names"}:
        raise UsageError(f"no {dims!r} for --dims: the page shows numbers or names")
    if bool(generate) + bool(other) + (len(requests) > 1) > 1:
        raise UsageError("OTHER, --generate and several ranks each make a page of their own: give one of them")
    if no_cache and (other or len(requests) > 1):
        raise UsageError("--no-cache is of several passes: add --generate N, and leave OTHER and --rank out")
    shown = None if other else _generated(requests[0], generate or 0, fused, cached=not no_cache)
    if shown and dims != "numbers":
        raise UsageError("--dims is of one pass, the page of several: leave it out; `n` shows names in it")
    shown = shown or _models(requests, other, fused, lambda request, trace: named(request, trace, dims, name or ()))
    with waiting("writing"):
        path = out or Path("-".join(dict.fromkeys(map(file_name, shown.names))) + ".html")
        write(path, render(shown, options, place=_opened(at, dims)))
    show(str(path))
    if open_it:
        webbrowser.open(path.resolve().as_uri())
    if any(subject.outline.failure for subject in shown.subjects):
        raise typer.Exit(1)


def _opened(at: str, dims: str) -> str:
    """The place that a page opens at, with the choice of names."""
    if dims == "numbers":
        return at
    return f"{at}{'&' if '?' in at else '?'}dims={dims}"


def _models(
    requests: Iterable[Request], other: str, fused: bool, with_names: "Callable[[Request, Trace], Trace]"
) -> "Tour":
    """One model, two in step, or ranks of one."""
    from shapetrace.exploring import Explored, Tour

    traces = []
    if other:
        requests = [each for one in requests for each in for_each(one, (one.model, other), of_one=OF_ONE)]
    for each in requests:
        with tracing(each.model):
            trace = obtain(each, say)
        traces.append(with_names(each, trace))
    subjects = tuple(replace(Explored.of(trace.outline()), starts_fused=fused) for trace in traces)
    return Tour(subjects, in_step=bool(other))


def _generated(request: Request, n_steps: int, fused: bool, *, cached: bool) -> "Tour | None":
    """A prefill and decode steps, traced or from a file; None where one pass is asked for."""
    from shapetrace.generations.running import tour

    with tracing(request.model, n_steps + 1):
        found = several(request, say, n_steps, cached=cached)
    return None if found is None else tour(found, fused=fused)


def file_name(model: str) -> str:
    """A model's name as one that every file system takes."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", model).strip("-.").lower() or "explorer"
