"""``shapetrace compare``: two or three models side by side in one figure or table."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.cli.degrees import of_degrees, takes_degrees
from shapetrace.cli.figure_options import SectionOptions, takes_section
from shapetrace.cli.format_options import deliver, ready_format, terminal_options
from shapetrace.cli.options import GridFile, GridFormat
from shapetrace.cli.terminal import say, waiting
from shapetrace.obtaining import obtain, variants
from shapetrace.request import Request, compared

if TYPE_CHECKING:
    from shapetrace.formats.contract import Format, Options


@takes_section
@takes_degrees
def compare(
    asked: SectionOptions,
    given: tuple[Request, tuple[int, ...]],
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL MODEL (MODEL)",
            show_default=False,
            default_factory=list,
            help="Presets, hf: models, your own or traces; none: MHA, GQA and MLA of the reference model. One, by "
            "several degrees: --tp 1,8,16.",
        ),
    ],
    out: GridFile = None,
    format: GridFormat = "table",  # noqa: A002
    save: Annotated[
        list[Path] | None,
        typer.Option("--save", help="Keep the traces in these files (repeat: one a model).", show_default=False),
    ] = None,
) -> None:
    """Draw two or three models side by side: parameters and key/value cache above, the same work in one band."""
    from shapetrace.drawing import compare as draw
    from shapetrace.errors import UsageError
    from shapetrace.formats.rendering import render
    from shapetrace.formats.side_by_side import side_by_side

    options, (request, degrees) = replace(asked.options, **terminal_options()), given
    to = ready_format(format, out, "grid", options)
    if degrees:
        if len(models) != 1 or save:
            raise UsageError("several degrees are of one model, and keep no trace: compare MODEL --tp 1,8,16")
        _by_degrees(request, models[0], degrees, asked, (to, options, out))
        return
    requests = compared(request, models)
    if save and len(save) != (len(models) or 3):
        raise UsageError(f"got {len(save)} files to keep {len(models) or 3} traces: give --save once for each model")
    with waiting("tracing"):
        traces = [obtain(each, say) for each in requests] or variants(request)
    for trace, file in zip(traces, save or (), strict=False):
        trace.save(file)
    outlines = [trace.outline(fused=asked.fused) for trace in traces]
    section = asked.compared_section
    thing = (
        draw(outlines, section=section, theme=options.theme, lang=options.lang, look=options.look)
        if to.figure
        else side_by_side(outlines, section, to.given(options).words, options.look)
    )
    deliver(render(thing, to, options), to, out)
    if any(trace.failure is not None for trace in traces):
        raise typer.Exit(1)


def _by_degrees(
    request: Request,
    model: str,
    degrees: tuple[int, ...],
    asked: SectionOptions,
    where: "tuple[Format, Options, Path | None]",
) -> None:
    """One model by several degrees: as a table; with a section drawn side by side, those that run."""
    from shapetrace.drawing import compare as draw
    from shapetrace.formats.degrees import degrees_table, named_by_degree
    from shapetrace.formats.rendering import render

    to, options, out = where
    with waiting("tracing"):
        found = of_degrees(request, model, degrees, say, fused=asked.fused)
    if to.figure and asked.section:
        drawn = draw(named_by_degree(found), section=asked.compared_section, theme=options.theme, lang=options.lang,
                     look=options.look)  # fmt: skip
        deliver(render(drawn, to, options), to, out)
    else:
        deliver(render(degrees_table(found, to.given(options).words), to, options), to, out)
