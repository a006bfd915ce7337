"""The options that choose a figure and how it looks, the same for every command and for the markers of a post."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shapetrace.cli.options import takes
from shapetrace.errors import UsageError

if TYPE_CHECKING:
    from shapetrace.drawing import Look
    from shapetrace.formats.contract import Excerpt, Options

_WHAT = "What the figure shows"
_LOOK = "How it looks"
_GENERATION = "generation"


def _option(group: str, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=group, show_default=False, **more)


@dataclass(frozen=True, slots=True)
class StyleOptions:
    """Command-line parameters of every figure: its words, colours and fonts."""

    theme: Annotated[str, _option(_LOOK, "default, light, dark, print, transparent, or a TOML file.", "--theme")] = (
        "default"
    )
    lang: Annotated[str, _option(_LOOK, "Language of the words: en, zh.", "--lang")] = "en"
    title: Annotated[str | None, _option(_LOOK, "Instead of its own title; '' for none.", "--title")] = None
    templates: Annotated[Path | None, _option(_LOOK, "Your templates, themes and labels.", "--templates")] = None
    scale: Annotated[float, _option(_LOOK, "Pixels of a PNG or GIF for one of the figure (2).", "--scale")] = 2.0
    font: Annotated[list[Path] | None, _option(_LOOK, "Font file for PNG and PDF (repeat).", "--font")] = None

    def look(self) -> "Look":
        """What it says beside its style."""
        from shapetrace.drawing import Look

        return Look(title=self.title, templates=self.templates)

    @property
    def options(self) -> "Options":
        """How the figures look.

        Raises:
            UsageError: If a choice does not exist.
        """
        from shapetrace.formats.contract import Options

        fonts = tuple(self.font or ())
        return Options(
            lang=self.lang, look=self.look(), theme=self.theme, scale=self.scale, fonts=fonts, explain=self.explains
        )  # fmt: skip

    @property
    def explains(self) -> bool:
        """Whether it says what each step does; a choice of figures of one model."""
        return False


@dataclass(frozen=True, slots=True)
class SectionOptions(StyleOptions):
    """Command-line parameters of a figure of products."""

    section: Annotated[
        str | None, _option(_WHAT, "One section: a path (h.0.attn) or a kind (attention).", "--section")
    ] = None
    fused: Annotated[bool, _option(_WHAT, "Products as the code runs them, not one head's.", "--fused/--per-head")] = (
        False
    )
    hide: Annotated[
        str, _option(_WHAT, "Leave out, with commas: norms, residuals, activations, positions ...", "--hide")
    ] = ""
    list_alike: Annotated[bool, _option(_WHAT, "A row for each of several equal products.", "--list-alike")] = False
    expand: Annotated[bool, _option(_WHAT, "Rows for norms and residual adds, frames for sections.", "--expand")] = (
        False
    )
    width: Annotated[
        str, _option(_LOOK, "The most it may be wide: 900 (px), 3.5in, 88mm, 252pt (a column: 700).", "--width")
    ] = "700"
    bare: Annotated[bool, _option(_LOOK, "Without heading and legend.", "--bare")] = False
    caption: Annotated[str, _option(_LOOK, "A line below it.", "--caption")] = ""
    dims: Annotated[str, _option(_LOOK, "At the edges: numbers, names or both.", "--dims")] = "numbers"

    def look(self) -> "Look":
        """What it shows and hides."""
        from shapetrace.drawing import Look
        from shapetrace.drawing.widths import pixels

        return Look(
            width_px=pixels(self.width),
            title=self.title,
            bare=self.bare,
            caption=self.caption,
            dims=self.dims,  # type: ignore[arg-type]  # Look checks it
            hide=tuple(word.strip() for word in self.hide.split(",") if word.strip()),
            list_alike=self.list_alike,
            expand=self.expand,
            templates=self.templates,
        )

    @property
    def compared_section(self) -> str | None:
        """The section that is compared: attention where none is asked for; None for ``all``, the whole models."""
        return None if self.section == "all" else self.section or "attention"


@dataclass(frozen=True, slots=True)
class FigureOptions(SectionOptions):
    """Command-line parameters of a figure of one model."""

    step: Annotated[int | None, _option(_WHAT, "One step, numbered as in the table.", "--step", min=1)] = None
    explain: Annotated[
        bool, _option(_WHAT, "Say below it what each step does and why, in a sentence.", "--explain")
    ] = False
    view: Annotated[
        str, _option(_WHAT, "overview; rows: every step; map: boxes; story: what multiplies; mesh: ranks.", "--view")
    ] = "overview"
    follow: Annotated[
        str, _option(_WHAT, "Mark one row through the figure: its number from 1 on, or its word.", "--follow")
    ] = ""
    entry: Annotated[
        str, _option(_WHAT, "Of one product: mark row 2, column 5 and their entry, as in 2,5.", "--entry")
    ] = ""
    generate: Annotated[
        int | None, _option(_WHAT, "N decode steps behind the prefill, in columns.", "--generate", min=1)
    ] = None

    no_cache: Annotated[
        bool,
        _option(_WHAT, "With --generate: all is computed again in each pass, and what a cache saves.", "--no-cache"),
    ] = False
    animate: Annotated[
        bool, _option(_WHAT, "With --generate or --entry: an SVG or GIF in which things appear in turn.", "--animate")
    ] = False

    @property
    def n_steps(self) -> int:
        """Decode steps that are drawn in columns; 0 if none are asked for.

        Raises:
            UsageError: If something is asked for that only a figure of one pass has.
        """
        if self.generate:
            self.check_several("--generate")
        return self.generate or 0

    def check_several(self, what: str) -> None:
        """May passes of a generation be drawn?

        Raises:
            UsageError: If something is asked for that only a figure of one pass has.
        """
        of_one_pass = {
            f"--view {self.view}": self.view not in {"overview", _GENERATION}, "--section": self.section,
            "--step": self.step, "--explain": self.explain, "--fused": self.fused, "--hide": self.hide,
            "--list-alike": self.list_alike, "--expand": self.expand, "--dims": self.dims != "numbers",
            "--entry": self.entry,
        }  # fmt: skip
        if lost := [option for option, given in of_one_pass.items() if given]:
            raise UsageError(f"{lost[0]} is of one pass, {what} of several: leave one of them out")

    def check_one(self) -> None:
        """May one pass be drawn?

        Raises:
            UsageError: If its passes are asked for.
        """
        if self.animate and not self.entry:
            raise UsageError("--animate shows decode steps, or an entry of a product: add --generate N, or --entry 2,5")
        if self.view == _GENERATION:
            raise UsageError("--view generation draws a prefill and decode steps: say how many with --generate N")

    @property
    def explains(self) -> bool:
        """Whether it says what each step does."""
        return self.explain

    def look(self) -> "Look":
        """What it shows and hides, and how much of the model."""
        view = "overview" if self.view == _GENERATION else self.view
        chosen = replace(SectionOptions.look(self), view=view, follow=self.follow, entry=self.entry or None)  # type: ignore[arg-type]  # Look checks it
        return replace(chosen, animate=self.animate)

    @property
    def part(self) -> "Excerpt | None":
        """The one section or step that is asked for."""
        from shapetrace.formats.contract import Excerpt
        from shapetrace.publishing import part_of

        if self.view in {"map", "story", "mesh"} and not self.section and self.step is None:
            return Excerpt(self.view)
        return part_of(self.section or None, self.step)


def _same(options: StyleOptions) -> StyleOptions:
    return options


takes_figure = takes(FigureOptions, _same, place=1)
"""Give a command the parameters of `FigureOptions`; it gets them as its second argument."""

takes_section = takes(SectionOptions, _same, place=0)
"""Those of `SectionOptions`, as the first argument of a command that takes no model by options."""

takes_style = takes(StyleOptions, _same, place=0)
"""Those of `StyleOptions`, as its first argument."""
