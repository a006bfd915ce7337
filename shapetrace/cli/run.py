"""``shapetrace run``: one forward pass as a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.cli.format_options import deliver, terminal_options
from shapetrace.cli.naming import named
from shapetrace.cli.options import Lang, takes_model
from shapetrace.cli.terminal import say, tracing
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain, several
from shapetrace.request import Request

if TYPE_CHECKING:
    from shapetrace.api import Trace
    from shapetrace.drawing.wording import Words
    from shapetrace.formats.contract import Excerpt, Options
    from shapetrace.formats.grid import Grid
    from shapetrace.generations.decoding import Generation


@takes_model
def run(
    request: Request,
    format: Annotated[str, typer.Option("--format", "-f", help="{outline}.")] = "table",  # noqa: A002
    save: Annotated[Path | None, typer.Option("--save", help="Keep the trace in this file.")] = None,
    ops: Annotated[bool, typer.Option("--ops", help="List the raw operations with their kernels.")] = False,
    costs: Annotated[
        bool, typer.Option("--costs", help="Parameters, FLOPs and bytes of each section, with shares that add up.")
    ] = False,
    generate: Annotated[
        int | None,
        typer.Option("--generate", min=1, help="N decode steps behind the prefill, side by side.", show_default=False),
    ] = None,
    no_cache: Annotated[
        bool,
        typer.Option("--no-cache", help="With --generate: compute all again in each pass, and what a cache saves."),
    ] = False,
    section: Annotated[
        str | None, typer.Option("--section", help="Show one section: a path (h.0.attn) or a kind (attention).")
    ] = None,
    depth: Annotated[
        int | None, typer.Option("--depth", min=0, help="Close sections that lie deeper: one row each.")
    ] = None,
    dims: Annotated[
        str, typer.Option("--dims", help="Sizes as numbers, names or both; names are proved at other sizes.")
    ] = "numbers",
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Your name of a size: 3072=d_ff, or d_model=width (repeat; or a TOML file)."),
    ] = None,
    annotate: Annotated[
        bool, typer.Option("--annotate", help='Only the inputs and outputs of modules: Float[Tensor, "B T d_model"].')
    ] = False,
    fused: Annotated[
        bool, typer.Option("--fused/--per-head", help="Show products as the code runs them, not one head's.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say of each step what it does and why, in a sentence.")
    ] = False,
    lang: Lang = "en",
    templates: Annotated[
        Path | None, typer.Option("--templates", help="Your templates: labels/LANG.toml.", show_default=False)
    ] = None,
) -> None:
    """Run one forward pass and list its matrix products with every shape."""
    from shapetrace.drawing import Look
    from shapetrace.formats import ready
    from shapetrace.formats.contract import Excerpt, Options
    from shapetrace.formats.costs import costs as sections_costs
    from shapetrace.formats.rendering import render

    look = Look(templates=templates, dims=dims)  # type: ignore[arg-type]  # Look checks it
    options = Options(lang=lang, look=look, depth=depth, dims=look.dims, explain=explain, **terminal_options())
    of_one_pass = {
        "--ops": ops, "--costs": costs, "--annotate": annotate, "--section": section, "--depth": depth is not None,
        "--dims": dims != "numbers", "--name": name, "--fused": fused, "--explain": explain,
        "--world and what shares a model among ranks": request.ranks,
    }  # fmt: skip
    passes = _several(request, generate or 0, format, options, cached=not no_cache, lost=of_one_pass)
    if passes is not None:
        _told(passes, format, save, options)
        return
    if ops + costs + annotate > 1:
        raise UsageError("--ops, --costs and --annotate are tables of their own: choose one")
    (to,) = ready([format], "grid" if ops or costs or annotate else "outline", options)
    with tracing(request.model):
        trace = obtain(request, say)
    trace = named(request, trace, "names" if annotate else dims, name or ())
    if save is not None:
        trace.save(save)
    part = Excerpt(section or "overview", section)
    if annotate:
        from shapetrace.formats.annotating import annotations

        deliver(render(annotations(trace, section or ""), to, options), to)
    elif ops:
        deliver(render(_operations(trace, part, fused, to.given(options).words), to, options), to)
    elif costs:
        grid = sections_costs(trace.outline(fused=fused), to.given(options).words, section=section, depth=depth)
        deliver(render(grid, to, options), to)
    else:
        deliver(render(trace.outline(fused=fused), to, options, part), to)
    if trace.failure is not None:
        raise typer.Exit(1)


def _several(
    request: Request, n_steps: int, name: str, options: "Options", *, cached: bool, lost: Mapping[str, object]
) -> "Generation | None":
    """A prefill and decode steps, traced or from a file; None where one pass is asked for.

    Raises:
        UsageError: If something is asked for that only one pass has.
    """
    from shapetrace.formats import ready

    given = [option for option, value in lost.items() if value]
    if n_steps and given:
        raise UsageError(f"{given[0]} is of one pass, --generate of several: leave one of them out")
    if n_steps:
        ready([name], "grid", options)
    with tracing(request.model, n_steps + 1):
        found = several(request, say, n_steps, cached=cached)
    if found is not None and given:
        raise UsageError(f"{given[0]} is of one pass, {request.model} of several: leave one of them out")
    return found


def _told(found: "Generation", name: str, save: Path | None, options: "Options") -> None:
    """A prefill and decode steps, side by side."""
    from shapetrace.formats import ready
    from shapetrace.formats.rendering import render
    from shapetrace.generations import table

    (to,) = ready([name], "grid", options)
    if save is not None:
        found.save(save)
    deliver(render(table.grid(found, to.given(options).words), to, options), to)
    if found.failure:
        raise typer.Exit(1)


def _operations(trace: "Trace", part: "Excerpt", fused: bool, words: "Words") -> "Grid":
    """The raw operations of the whole pass, or of the modules of one section."""
    from shapetrace.formats.operations import operations
    from shapetrace.formats.rendering import narrowed

    paths = () if part.section is None else narrowed(trace.outline(fused=fused), part).root.members
    return operations(trace, paths, words)
