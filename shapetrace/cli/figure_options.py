"""The options that choose a figure and how it looks, the same for ``diagram`` and for the markers of a post."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shapetrace.cli.options import takes

if TYPE_CHECKING:
    from shapetrace.exporting import Part, Style

_WHAT = "What the figure shows"
_LOOK = "How it looks"


def _option(group: str, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=group, show_default=False, **more)


@dataclass(frozen=True, slots=True)
class FigureOptions:
    """Command-line parameters of a figure."""

    section: Annotated[str | None, _option(_WHAT, "One section: a path (h.0.attn) or a kind.", "--section")] = None
    step: Annotated[int | None, _option(_WHAT, "One step, numbered as in the table.", "--step", min=1)] = None
    fused: Annotated[bool, _option(_WHAT, "Products as the code runs them, not one head's.", "--fused/--per-head")] = (
        False
    )
    view: Annotated[str, _option(_WHAT, "rows: every step; story: the whole model on one page.", "--view")] = "rows"
    hide: Annotated[
        str, _option(_WHAT, "Leave out, with commas: norms, residuals, activations, positions ...", "--hide")
    ] = ""
    list_alike: Annotated[bool, _option(_WHAT, "A row for each of several equal products.", "--list-alike")] = False
    theme: Annotated[str, _option(_LOOK, "default, light, dark, print, or a TOML file.", "--theme")] = "default"
    lang: Annotated[str, _option(_LOOK, "Language of the words: en, zh.", "--lang")] = "en"
    width: Annotated[int, _option(_LOOK, "The most it may be wide: 600 to 1200 px [1200].", "--width")] = 1200
    title: Annotated[str, _option(_LOOK, "Instead of its own title.", "--title")] = ""
    caption: Annotated[str, _option(_LOOK, "A line below it.", "--caption")] = ""
    dims: Annotated[str, _option(_LOOK, "At the edges: numbers, names or both.", "--dims")] = "numbers"
    templates: Annotated[Path | None, _option(_LOOK, "Your templates, themes and labels.", "--templates")] = None
    scale: Annotated[float, _option(_LOOK, "Pixels of a PNG for one of the figure [2].", "--scale")] = 2.0
    font: Annotated[list[Path] | None, _option(_LOOK, "Font file for PNG and PDF (repeat).", "--font")] = None

    @property
    def part(self) -> "Part | None":
        """The one section or step that is asked for."""
        from shapetrace.exporting import Part
        from shapetrace.publishing import part_of

        if self.view == "story" and self.section is None and self.step is None:
            return Part("story")
        return part_of(self.section, self.step)

    @property
    def style(self) -> "Style":
        """How the figures look.

        Raises:
            UsageError: If a choice does not exist.
        """
        from shapetrace.drawing import Look
        from shapetrace.exporting import Style

        look = Look(
            width_px=self.width,
            title=self.title,
            caption=self.caption,
            dims=self.dims,  # type: ignore[arg-type]  # Look checks it
            hide=tuple(word for word in self.hide.split(",") if word),
            list_alike=self.list_alike,
            view=self.view,  # type: ignore[arg-type]  # Look checks it
            templates=self.templates,
        )
        return Style(self.theme, self.lang, look, self.scale, tuple(self.font or ()))


def _same(options: FigureOptions) -> FigureOptions:
    return options


takes_figure = takes(FigureOptions, _same, place=1)
"""Give a command the parameters of `FigureOptions`; it gets them as its second argument."""

takes_figure_first = takes(FigureOptions, _same, place=0)
"""The same for a command that takes no model by options: they are its first argument."""
