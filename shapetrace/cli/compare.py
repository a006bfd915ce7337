"""``shapetrace compare``: two or three models side by side in one figure."""

from pathlib import Path
from typing import Annotated

import typer

from shapetrace.cli.figure_options import SectionOptions, takes_section
from shapetrace.cli.terminal import say, show, waiting
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
    out: Annotated[Path, typer.Option("--out", "-o", help="The file: .svg, .png or .pdf.", show_default=False)],
    seq: Annotated[int | None, typer.Option("--seq", help="Tokens, of each model.", show_default=False)] = None,
    batch: Annotated[int | None, typer.Option("--batch", help="Sequences, of each model.", show_default=False)] = None,
) -> None:
    """Draw two or three models side by side: parameters and key/value cache above, the same work in one band."""
    from shapetrace.drawing import compare as draw
    from shapetrace.errors import UsageError
    from shapetrace.exporting import check_file, written
    from shapetrace.writing import write

    style = asked.style
    suffix = check_file(out, style)
    if len(models) == 1:
        raise UsageError(f"got one model, {models[0]}: expected two or three, or none for MHA, GQA and MLA")
    requests = [_request(name, {"seq": seq, "batch": batch}) for name in models]
    with waiting("tracing"):
        traces = [obtain(request, say) for request in requests] or variants()
    outlines = [trace.outline(fused=asked.fused) for trace in traces]
    section = None if asked.section == "all" else asked.section or "attention"
    figure = draw(outlines, section=section, theme=style.theme, lang=style.lang, look=style.look)
    write(out, written(figure, suffix, style))
    show(str(out))
    if any(trace.failure is not None for trace in traces):
        raise typer.Exit(1)


def _request(name: str, shape: dict[str, int | None]) -> Request:
    """The request for one of them; a size says nothing about a trace file or a model with inputs of its own."""
    request = Request(model=name, shape={key: value for key, value in shape.items() if value is not None})
    return request if request.kind not in {"file", "code"} else Request(model=name)
