"""``shapetrace scale``: how the costs of a model grow along one of its sizes."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.cli.figure_options import StyleOptions, takes_style
from shapetrace.cli.format_options import deliver, ready_format, terminal_options
from shapetrace.cli.options import GridFile, GridFormat, ModelOptions, takes
from shapetrace.cli.terminal import say, show, tracing, waiting
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.request import Request

if TYPE_CHECKING:
    from shapetrace.drawing.primitives import Figure
    from shapetrace.outlining.growing import Growth


_SEQ = typer.Option("--seq", help="Tokens: 1k:128k doubles from one to the other; or 1k,4k.")
_BATCH = typer.Option("--batch", help="Sequences: 1:64, or one number.")
_OVER = typer.Option("--over", help="Another size: d_model=512:8k, by its name below the table.")


@dataclass(frozen=True, slots=True)
class ScaledOptions(ModelOptions):
    """Those of a model, with ranges for the sizes of the input."""

    seq: Annotated[str | None, _SEQ] = None  # type: ignore[assignment]
    batch: Annotated[str | None, _BATCH] = None  # type: ignore[assignment]
    over: Annotated[str, _OVER] = ""

    def scaled(self) -> "tuple[Request, str, str]":
        """The request, the symbol of the size that grows, and its values as typed."""
        asked = {"seq": str(self.seq or ""), "batch": str(self.batch or "")}
        ranges = [(_SYMBOLS[name], text) for name, text in asked.items() if text and not text.isdigit()]
        ranges += [(name.strip(), text) for name, equals, text in [self.over.partition("=")] if equals]
        if len(ranges) > 1 or (self.over and "=" not in self.over):
            raise UsageError("give one range: --seq 1k:128k, --batch 1:64 or --over d_model=512:8k")
        request = ModelOptions.request(self)
        shape = {name: value for name, value in request.shape.items() if name not in asked}
        plain = {name: int(text) for name, text in asked.items() if text.isdigit()}
        if "seq" in plain and not ranges:
            raise UsageError(f"--seq {plain['seq']} is one length: give --seq 1k:128k, or several, --seq 1k,4k")
        symbol, text = ranges[0] if ranges else ("T", "1k:128k")
        return replace(request, shape={**shape, **plain}), symbol, text


_SYMBOLS = {"seq": "T", "batch": "B"}
takes_scaled = takes(ScaledOptions, ScaledOptions.scaled, place=1)


@takes_style
@takes_scaled
def scale(
    asked: StyleOptions,
    scaled: "tuple[Request, str, str]",
    log: Annotated[bool, typer.Option("--log", help="Spread costs by their logarithm.")] = False,
    format: GridFormat = "table",  # noqa: A002
    out: GridFile = None,
) -> None:
    """Show how FLOPs, activations and the cache grow with length, batch or a width; attention apart from the rest."""
    from shapetrace.formats.growing import growth_table, plot
    from shapetrace.formats.rendering import render
    from shapetrace.outlining.growing import growth, values_of
    from shapetrace.proving import prove

    request, symbol, text = scaled
    options = replace(asked.options, **terminal_options())
    to = ready_format(format, out, "grid", options)
    values = values_of(text)
    with tracing(request.model):
        trace = obtain(request, say)
    with waiting("running at other sizes"):
        outline = prove(request, trace).outline()
    grown, words = growth(outline, symbol, values), options.words
    title = asked.title or outline.model.name
    if to.figure is not None:
        deliver(render(_drawn(grown, title, asked, log=log), to, options), to, out)
        return
    grid = growth_table(grown, title, words)
    deliver(render(grid, to, options), to, out)
    if to.name == "table" and out is None and (lines := plot(grown, words, log=log, width=options.width)):
        show("")
        show(lines)


def _drawn(grown: "Growth", title: str, asked: StyleOptions, *, log: bool) -> "Figure":
    from shapetrace.drawing.kinds.curves import curves
    from shapetrace.formats.growing import sentence

    words = asked.options.words
    lines = [sentence(each, grown.symbol, words) for each in grown.crossings]
    return curves(grown, title, lines, log=log, style=(asked.theme, asked.lang), look=asked.look())
