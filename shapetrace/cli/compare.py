"""``shapetrace compare``: two or three models side by side in one figure."""

from pathlib import Path
from typing import Annotated

import typer

from shapetrace.cli.figure_options import FigureOptions, takes_figure_first
from shapetrace.cli.terminal import say, show, waiting
from shapetrace.obtaining import obtain, variants
from shapetrace.request import Request


@takes_figure_first
def compare(
    asked: FigureOptions,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL MODEL [MODEL]]",
            show_default=False,
            default_factory=list,
            help="Presets, hf: models, your own or traces; none: MHA, GQA and MLA of the reference model.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file: .svg, .png, .pdf.", show_default=False)],
) -> None:
    """Draw two or three models side by side: parameters and key/value cache above, the same work in one band."""
    from shapetrace.api import Figure
    from shapetrace.drawing import compare as draw
    from shapetrace.errors import UsageError

    if asked.step is not None:
        raise UsageError("--step has no meaning for a comparison: choose a --section")
    style = asked.style
    with waiting("tracing"):
        traces = [obtain(Request(model=name), say) for name in models] if models else variants()
    outlines = [trace.outline(fused=asked.fused) for trace in traces]
    section = None if asked.section == "all" else asked.section or "attention"
    figure = draw(outlines, section=section, theme=style.theme, lang=style.lang, look=style.look)
    Figure(figure).save(out)
    show(str(out))
    if any(trace.failure is not None for trace in traces):
        raise typer.Exit(1)
