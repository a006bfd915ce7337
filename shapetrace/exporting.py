"""One part of a model in one format: the files that make it. A format is a function and a line in ``FORMATS``."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from shapetrace.api import figure
from shapetrace.drawing import Figure, Look
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.wording import Words, words_in
from shapetrace.errors import UsageError
from shapetrace.outlining.structure import Outline
from shapetrace.renderers import dot, html, json, markdown, pdf, png, svg
from shapetrace.renderers.fonts import family
from shapetrace.renderers.narrowing import narrowed

Files = Iterator[tuple[str, str | bytes]]

_FILES = ("svg", "png", "pdf")
"""Formats of one figure alone; the names are the suffixes of the files."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one figure shows.

    Attributes:
        name: Name of its files, without suffix.
        section: Path or kind of a section; None for the whole model.
        step: Number of one step, counted from 1; None for a section or the whole.
    """

    name: str
    section: str | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """How figures look and how they are written.

    Attributes:
        theme: Name of a theme, or a TOML file.
        lang: Language of the words.
        look: Width, what to hide and other choices.
        scale: Pixels of a PNG for one of the figure.
        fonts: Font files that PNG and PDF take before those of the system.
    """

    theme: str = "default"
    lang: str = "en"
    look: Look | None = None
    scale: float = png.SCALE
    fonts: tuple[Path, ...] = ()

    @property
    def templates(self) -> Path | None:
        """Folder of the user with templates, themes and labels."""
        return self.look.templates if self.look else None

    @property
    def words(self) -> Words:
        """The phrases of its language.

        Raises:
            UsageError: If there is no such language, or its file is broken.
        """
        return words_in(self.lang, self.templates)

    def check(self) -> None:
        """Is there all that it names?

        Raises:
            UsageError: If there is no such theme, language, folder or font, or the scale makes no picture.
        """
        if not self.scale > 0:
            raise UsageError(f"scale is {self.scale:g}; expected more than 0, such as 2")
        for font in self.fonts:
            family(font)
        theme_named(self.theme, self.templates)
        self.words  # noqa: B018 - reads the file


Export = Callable[[Outline, Part, Style, Sequence[str]], Files]
"""What writes a part in one format: from the outline, the part, its style and all formats that are being written."""


def drawing(outline: Outline, part: Part, style: Style) -> Figure:
    """The figure of a part.

    Raises:
        UsageError: If there is no such section, step, theme or language.
    """
    return figure(
        outline, section=part.section, step=part.step, theme=style.theme, lang=style.lang, look=style.look
    ).drawing


def export(outline: Outline, part: Part, name: str, style: Style, among: Sequence[str] = ()) -> Files:
    """The files of a part in a format: names and contents, in the order to write.

    Args:
        outline: What a trace means.
        part: What to show.
        name: A format of ``FORMATS``.
        style: How it looks.
        among: All formats that are being written, for those that show another.

    Raises:
        UsageError: If the request is wrong.
        MissingPartError: If a program or package is not installed; files that need none come before.
    """
    return FORMATS[name](outline, part, style, among)


def check(formats: Sequence[str], style: Style | None = None) -> None:
    """Can these formats be written, in this style?

    Raises:
        UsageError: If one is unknown, or the style names what does not exist.
        MissingPartError: If one needs a package that is not installed.
    """
    for name in formats or ("",):
        if name not in FORMATS:
            raise UsageError(f"no format {name!r}: choose from {', '.join(FORMATS)}")
    if "png" in formats:
        png.check()
    if "pdf" in formats:
        pdf.check()
    if style is not None:
        style.check()


def written(shown: Figure, suffix: str, style: Style) -> str | bytes:
    """A figure as ``svg``, ``png`` or ``pdf``.

    Raises:
        MissingPartError: If the format needs a package or font that is not installed.
        UsageError: If the picture would be too large.
    """
    if suffix == "png":
        return png.render(shown, scale=style.scale, fonts=style.fonts, templates=style.templates)
    if suffix == "pdf":
        return pdf.render(shown, fonts=style.fonts, templates=style.templates)
    return svg.render(shown, templates=style.templates)


def check_file(path: Path, style: Style) -> str:
    """The format of a single figure's file, by its suffix.

    Raises:
        UsageError: If no figure has that suffix, or the style names what does not exist.
        MissingPartError: If the format needs a package that is not installed.
    """
    suffix = path.suffix.removeprefix(".").lower()
    if suffix not in _FILES:
        named = f"{path} has no suffix" if not suffix else f"no figure is a .{suffix}"
        raise UsageError(f"{named}: expected {', '.join(f'.{name}' for name in _FILES)}")
    check((suffix,), style)
    return suffix


def _drawn(suffix: str) -> Export:
    def files(outline: Outline, part: Part, style: Style, _among: Sequence[str]) -> Files:
        yield f"{part.name}.{suffix}", written(drawing(outline, part, style), suffix, style)

    return files


def _html(outline: Outline, part: Part, style: Style, _among: Sequence[str]) -> Files:
    """A fragment to paste: the figure, and its steps below in a table that opens."""
    document = svg.render(drawing(outline, part, style), templates=style.templates)
    yield f"{part.name}.html", html.render(_shown(outline, part), svg=document, words=style.words)


def _md(outline: Outline, part: Part, style: Style, among: Sequence[str]) -> Files:
    """A picture that follows the reader's light or dark, and the steps as a table."""
    suffix = "png" if "png" in among and "svg" not in among else "svg"
    yield from export(outline, part, suffix, style)
    dark = ""
    if style.theme == "default":
        night = replace(part, name=f"{part.name}-dark")
        yield from export(outline, night, suffix, replace(style, theme="dark"))
        dark = f'  <source media="(prefers-color-scheme: dark)" srcset="{night.name}.{suffix}">\n'
    shown = drawing(outline, part, style)
    image = f'<img src="{part.name}.{suffix}" alt="{escape(shown.title)}" width="{shown.width_px:.0f}">'
    table = markdown.render(_shown(outline, part), words=style.words)
    yield f"{part.name}.md", f"<picture>\n{dark}  {image}\n</picture>\n\n{table}"


def _json(outline: Outline, part: Part, _style: Style, _among: Sequence[str]) -> Files:
    yield f"{part.name}.json", json.render(_shown(outline, part))


def _dot(outline: Outline, part: Part, style: Style, _among: Sequence[str]) -> Files:
    source = dot.render(_shown(outline, part), theme=style.theme, lang=style.lang, templates=style.templates)
    yield f"{part.name}.dot", source


def _drawn_dot(suffix: str) -> Export:
    def files(outline: Outline, part: Part, style: Style, among: Sequence[str]) -> Files:
        for name, source in _dot(outline, part, style, among):
            yield name, source
            yield f"{name}.{suffix}", dot.drawn(str(source), suffix)

    return files


def _shown(outline: Outline, part: Part) -> Outline:
    """The outline of what a part shows."""
    if part.step is None:
        return narrowed(outline, part.section)
    from shapetrace.drawing.selecting import step_numbered

    return replace(outline, root=replace(outline.root, items=(step_numbered(outline, part.step),)))


FORMATS: dict[str, Export] = {
    **{suffix: _drawn(suffix) for suffix in _FILES},
    "html": _html,
    "md": _md,
    "json": _json,
    "dot": _dot,
    "dot-svg": _drawn_dot("svg"),
    "dot-png": _drawn_dot("png"),
    "dot-pdf": _drawn_dot("pdf"),
}
"""What ``shapetrace diagram --format`` takes."""

PICTURES = ("svg", "png", "dot.svg", "dot.png")
"""Suffixes of what a page can show, the best first: SVG follows the reader's light or dark."""
