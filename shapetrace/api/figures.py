"""Figures of a pass: one, or two or three side by side."""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapetrace import ir
from shapetrace.api.traces import outline
from shapetrace.errors import UsageError

if TYPE_CHECKING:
    from shapetrace.drawing import Figure as Drawing
    from shapetrace.drawing import Look
    from shapetrace.outlining import structure

__tracebackhide__ = True  # pytest shows the code of the test, not ours


class Figure:
    """A drawing with its formats.

    Attributes:
        drawing: Rectangles, text and lines at positions in px.
    """

    def __init__(self, drawing: "Drawing") -> None:
        self.drawing = drawing

    @cached_property
    def svg(self) -> str:
        """The figure as one SVG document."""
        from shapetrace.formats.svg import render

        return render(self.drawing)

    def save(self, path: str | Path, **options: Any) -> None:
        """Write it to a file in the format of the file's suffix: ``.svg``, ``.png``, ``.pdf``.

        Args:
            path: The file.
            options: What the format reads: ``scale`` of a PNG, ``fonts`` of a PNG or PDF.

        Raises:
            MissingPartError: If the format needs a package or font that is not installed.
            UsageError: If no format of figures has that suffix or reads such an option, or it cannot be written there.
        """
        from shapetrace.formats import format_of_file
        from shapetrace.formats.contract import Options
        from shapetrace.formats.rendering import render
        from shapetrace.writing import write

        path = Path(path)
        to = format_of_file(path, "figure")
        if unknown := sorted(options.keys() - to.options):
            raise UsageError(
                f"{to.name} has no option {unknown[0]!r}: it has {', '.join(sorted(to.options)) or 'none'}"
            )
        write(path, render(self.drawing, to, Options(**options)))

    def _repr_html_(self) -> str:
        from shapetrace.formats.notebook import picture

        return picture(self.drawing)

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Figure {self.drawing.title!r}, {self.drawing.width_px:.0f}×{self.drawing.height_px:.0f} px>"


def figure(
    of: "structure.Outline | ir.Trace",
    *,
    section: str | None = None,
    step: int | None = None,
    theme: str = "default",
    lang: str = "en",
    look: "Look | None" = None,
    **choices: Any,
) -> Figure:
    """Draw an outline, or a trace's.

    Args:
        of: What to draw.
        section: Path or kind of a section: ``h.0.attn``, ``attention``; None draws the overview, of a pass that failed
            what failed and why; "" the overview of what ran.
        step: Number of one step in the table, counted from 1.
        theme: ``default`` (light and dark in one file), ``light``, ``dark``, ``print``, or a TOML file.
        lang: Language of its words: ``en``, ``zh``.
        look: Further choices as one value.
        choices: Further choices by name: ``width`` in px or as "3.5in", ``title``, ``caption``, ``dims`` ("numbers",
            "names", "both"), ``hide`` (a word, or several: "norms", "residuals" ...), ``view`` ("rows", "story" ...),
            ``list_alike``, ``follow`` (a row that is marked throughout: its number from 1 on, or its word), and
            ``explain`` (True to say below it what each step does and why).

    Raises:
        UsageError: If there is no such section, step, theme, language or choice.
    """
    from shapetrace.formats.contract import Excerpt, Options
    from shapetrace.formats.rendering import drawing, part_shown

    read = outline(of) if isinstance(of, ir.Trace) else of
    explain = bool(choices.pop("explain", False))
    options = Options(lang=lang, theme=theme, look=look_of(look, choices), explain=explain)
    part = Excerpt("", section, step) if section is not None or step is not None else part_shown(read, options.look)
    return Figure(drawing(read, part, options))


def compare(
    *models: "structure.Outline | ir.Trace",
    section: str | None = "attention",
    theme: str = "default",
    lang: str = "en",
    look: "Look | None" = None,
    **choices: Any,
) -> Figure:
    """Draw two or three models side by side: what does the same work stands in one band.

    Args:
        models: Outlines or traces.
        section: Path or kind of the section to compare; None for the whole models.
        theme: ``default`` (light and dark in one file), ``light``, ``dark``, ``print``, or a TOML file.
        lang: Language of its words: ``en``, ``zh``.
        look: Further choices as one value.
        choices: The same by name, as in `figure`.

    Raises:
        UsageError: If there are not two or three, one has no such section, or there is no such theme, language or
            choice.
    """
    from shapetrace.drawing import compare as draw

    outlines = [outline(model) if isinstance(model, ir.Trace) else model for model in models]
    return Figure(draw(outlines, section=section, theme=theme, lang=lang, look=look_of(look, choices)))


def look_of(look: "Look | None", choices: dict[str, Any]) -> "Look":
    """Choices by name put on a look."""
    from shapetrace.drawing import Look
    from shapetrace.drawing.widths import pixels

    names = {"width": "width_px"} | {field.name: field.name for field in fields(Look) if field.name != "width_px"}
    if unknown := sorted(choices.keys() - names.keys()):
        raise UsageError(f"a figure has no {unknown[0]!r}; it takes section, step, theme, lang, {', '.join(names)}")
    given = {names[name]: value for name, value in choices.items()}
    if isinstance(hidden := given.get("hide"), str):
        given["hide"] = (hidden,)
    elif isinstance(hidden, Sequence):
        given["hide"] = tuple(hidden)
    if isinstance(width := given.get("width_px"), str):
        given["width_px"] = pixels(width)
    return replace(look or Look(), **given)
