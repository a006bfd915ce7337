"""``shapetrace compare``: two or three models side by side in one figure or table."""

from pathlib import Path
from typing import Annotated

import typer

from shapetrace.cli.figure_options import SectionOptions, takes_section
from shapetrace.cli.format_options import deliver
from shapetrace.cli.terminal import say, waiting
from shapetrace.obtaining import obtain, variants
from shapetrace.request import Request


@takes_section
def compare(
    asked: SectionOptions,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL MODEL (MODEL)",
            show_default=False,
            default_factory=list,
            help="Presets, hf: models, your own or traces; none: MHA, GQA and MLA of the reference model.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file: {grid_files}.", show_default=False)],
    seq: Annotated[int | None, typer.Option("--seq", help="Tokens, of each model.", show_default=False)] = None,
    batch: Annotated[int | None, typer.Option("--batch", help="Sequences, of each model.", show_default=False)] = None,
) -> None:
    """Draw two or three models side by side: parameters and key/value cache above, the same work in one band."""
    from shapetrace.drawing import compare as draw
    from shapetrace.errors import UsageError
    from shapetrace.formats import format_of_file, ready
    from shapetrace.formats.rendering import render
    from shapetrace.formats.side_by_side import side_by_side

    options = asked.options
    (to,) = ready([format_of_file(out, "grid").name], "grid", options)
    if len(models) == 1:
        raise UsageError(f"got one model, {models[0]}: expected two or three, or none for MHA, GQA and MLA")
    requests = [_request(name, {"seq": seq, "batch": batch}) for name in models]
    with waiting("tracing"):
        traces = [obtain(request, say) for request in requests] or variants()
    outlines = [trace.outline(fused=asked.fused) for trace in traces]
    section = None if asked.section == "all" else asked.section or "attention"
    thing = (
        draw(outlines, section=section, theme=options.theme, lang=options.lang, look=options.look)
        if to.figure
        else side_by_side(outlines, section, to.given(options).words, options.look)
    )
    deliver(render(thing, to, options), to, out)
    if any(trace.failure is not None for trace in traces):
        raise typer.Exit(1)


def _request(name: str, shape: dict[str, int | None]) -> Request:
    """The request for one of them; a size says nothing about a trace file or a model with inputs of its own."""
    request = Request(model=name, shape={key: value for key, value in shape.items() if value is not None})
    return request if request.kind not in {"file", "code"} else Request(model=name)
