"""What ``import shapetrace`` offers: trace, outline, figure, compare. Only tracing a model imports torch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapetrace import ir
from shapetrace.errors import UsageError

if TYPE_CHECKING:
    import torch

    from shapetrace.drawing import Figure as Drawing
    from shapetrace.drawing import Look
    from shapetrace.exploring import Tour
    from shapetrace.language import Tell
    from shapetrace.outlining import structure
    from shapetrace.showing import Outline, Totals

__tracebackhide__ = True  # pytest shows the code of the test, not ours

_CONTRADICTIONS = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, AssertionError, RecursionError)
"""What reading the meaning of a trace may end with if its file was changed by hand."""


class Trace(ir.Trace):
    """One recorded forward pass. Prints as the table; in Jupyter it shows itself as a figure."""

    @classmethod
    def of(cls, recorded: ir.Trace) -> "Trace":
        """The same facts with these methods."""
        return cls(**{field.name: getattr(recorded, field.name) for field in fields(ir.Trace)})

    @cached_property
    def _outline(self) -> "Outline":
        return outline(self)

    @property
    def totals(self) -> "Totals":
        """Parameters, FLOPs and bytes of the whole pass."""
        totals: Totals = self._outline.totals  # type: ignore[assignment]  # `Outline.of` made them
        return totals

    def outline(self, *, fused: bool = False) -> "Outline":
        """What the pass means; see `shapetrace.outline`."""
        return outline(self, fused=True) if fused else self._outline

    def explore(self, **options: Any) -> "Explorer":
        """A page to walk through the pass; see `shapetrace.explore`."""
        return explore(self, **options)

    def save(self, path: str | Path) -> None:
        """Write it to a JSON file, compressed if the name ends in ``.gz``.

        Raises:
            UsageError: If it cannot be written there.
        """
        from shapetrace.serialize import save

        save(self, Path(path))

    def __str__(self) -> str:
        return str(self._outline)

    def __repr__(self) -> str:
        from shapetrace.showing import summary

        return f"<Trace {summary(self._outline)}>"

    def _repr_html_(self) -> str:
        from shapetrace.formats.notebook import trace

        return trace(self._outline, figure(self._outline).drawing)


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


class Explorer:
    """A page to walk through a model. In Jupyter it shows itself, in a frame of its own.

    Attributes:
        html: The page: one file that needs no network.
    """

    def __init__(self, html: str, title: str, height_px: int, instead: str = "") -> None:
        self.html = html
        self._title = title
        self._height_px = height_px
        self._instead = instead

    def save(self, path: str | Path) -> None:
        """Write it to a file.

        Raises:
            UsageError: If it cannot be written there.
        """
        from shapetrace.writing import write

        write(Path(path), self.html)

    def _repr_html_(self) -> str:
        from shapetrace.formats.page import framed

        return framed(self.html, self._title, self._height_px, self._instead)

    def __repr__(self) -> str:
        return f"<Explorer {self._title!r}, {len(self.html) / 1000:.0f} kB>"


def trace(model: "torch.nn.Module", /, *args: Any, **kwargs: Any) -> Trace:
    """Run ``model(*args, **kwargs)`` once and record every operation with every shape.

    The model runs where it is and is left as it was. What it raises comes through unchanged, with a
    note that explains it (which sizes clash, where they come from), and with the partial trace as its
    attribute ``trace``.

    Raises:
        TraceError: If ``model`` is no ``torch.nn.Module``.
    """
    from shapetrace.capture import capture

    try:
        return Trace.of(capture(model, args, kwargs))
    except Exception as error:
        partial = getattr(error, "trace", None)
        if isinstance(partial, ir.Trace):
            note_why(error, partial)
        raise


@contextmanager
def explain(*, lang: str = "en", others: bool = True) -> Iterator[None]:
    """Explain the exception that a block of code raises, if one does: ``with shapetrace.explain(): model(x)``.

    Every operation in the block is recorded, whatever models run. The exception comes through unchanged, with
    the explanation as a note below its traceback and the partial trace as its attribute ``trace``. A block that
    raises nothing prints nothing. Also a decorator: ``@shapetrace.explain()``.

    Args:
        lang: Language of the note: ``en``, ``zh``.
        others: False to leave exceptions as they are that are not of PyTorch's operations.

    Raises:
        UsageError: If there is no such language.
    """
    from shapetrace.capture import watch
    from shapetrace.drawing.wording import words_in

    tell = words_in(lang).told if lang != "en" else str
    with watch(lambda error, partial: note_why(error, partial, tell, others=others)):
        yield


def note_why(error: Exception, partial: ir.Trace, tell: "Tell" = str, *, others: bool = True) -> None:
    """Leave the explanation and the partial trace on an exception, in place of the recorder's own short note."""
    from shapetrace.failing import explanation, report

    explained = explanation(partial)
    if explained is not None and explained.kind == "other" and not others:
        return
    notes: list[str] = getattr(error, "__notes__", [])
    if notes and notes[-1].startswith("while tracing "):
        notes.pop()
    if explained is not None:
        error.add_note(report(explained, tell))
    with suppress(AttributeError):  # an exception class with slots keeps nothing
        error.trace = Trace.of(partial)  # type: ignore[attr-defined]


def outline(recorded: ir.Trace, *, fused: bool = False) -> "Outline":
    """Read a trace: sections, and in them steps with named operands.

    Args:
        recorded: What `trace` or `load` gave.
        fused: True to show products as the code runs them, False to show one head's.
    """
    from shapetrace.outlining import outline as read
    from shapetrace.showing import Outline

    try:
        return Outline.of(read(recorded, fused=fused))
    except _CONTRADICTIONS as error:
        source = getattr(recorded, "_source", "")
        if not source:
            raise
        said = f"its operations do not fit each other ({type(error).__name__})"
        raise UsageError(f"{source} contradicts itself: {said}; trace the model again") from error


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
        section: Path or kind of a section: ``h.0.attn``, ``attention``; None draws the overview.
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
    from shapetrace.formats.rendering import drawing

    read = outline(of) if isinstance(of, ir.Trace) else of
    explain = bool(choices.pop("explain", False))
    options = Options(lang=lang, theme=theme, look=look_of(look, choices), explain=explain)
    return Figure(drawing(read, Excerpt("", section, step), options))


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


def explore(
    *models: "Outline | ir.Trace",
    at: str = "",
    title: str = "",
    theme: str = "default",
    lang: str = "en",
    height_px: int = 640,
) -> Explorer:
    """Make a page to walk through a model: a tree, every step, where each value comes from and goes.

    Args:
        models: What to show; of two, both side by side and in step, aligned as a diff aligns them.
        at: What is open at first: path or kind of a section, id of a step; all of it by default.
        title: Instead of the model's name.
        theme: ``default`` (light or dark as the reader's system), ``light``, ``dark``, or a TOML file.
        lang: Language that it opens in; the page has all of them.
        height_px: Height of the frame in a notebook.

    Raises:
        UsageError: If there is no such place, theme or language, or not one or two models are given.
    """
    from shapetrace.exploring import Explored, Tour

    if not 1 <= len(models) <= 2:
        raise UsageError(f"got {len(models)} models: expected one, or two to see side by side")
    read = [outline(each) if isinstance(each, ir.Trace) else each for each in models]
    tour = Tour(tuple(map(Explored.of, read)), in_step=len(read) > 1)
    return explorer(tour, at=at, title=title, theme=theme, lang=lang, height_px=height_px)


def explorer(
    tour: "Tour", *, at: str = "", title: str = "", theme: str = "default", lang: str = "en", height_px: int = 640
) -> Explorer:
    """Write the page of a tour; the other arguments are those of `explore`."""
    from shapetrace.drawing import Look
    from shapetrace.drawing.wording import words_in
    from shapetrace.formats.contract import Options
    from shapetrace.formats.notebook import instead_of_frame
    from shapetrace.formats.page import render

    options = Options(lang=lang, theme=theme, look=Look(title=title))
    instead = instead_of_frame([each.outline for each in tour.subjects], words_in(lang))
    return Explorer(render(tour, options, place=at), title or tour.name, height_px, instead)
