"""A folder of figures: the overview, one figure for each part, a page and a README that show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shapetrace.api import Figure, figure
from shapetrace.drawing import Look
from shapetrace.outlining.structure import Outline, Section
from shapetrace.renderers import figure_renderer, summary
from shapetrace.renderers.gallery import Picture, page, readme
from shapetrace.writing import make_folder, write

KINDS = ("embedding", "block", "attention", "mlp", "experts", "unembedding")
"""Kinds of sections that have a figure of their own, in the order of a page."""


@dataclass(frozen=True, slots=True)
class Style:
    """How all figures of a folder look.

    Attributes:
        theme: Name of a theme, or a TOML file.
        lang: Language of the words.
        look: Width, what to hide and other choices.
    """

    theme: str = "default"
    lang: str = "en"
    look: Look | None = None


def publish(
    outline: Outline,
    folder: Path,
    *,
    formats: Sequence[str] = ("svg",),
    section: str | None = None,
    style: Style | None = None,
    command: str = "",
) -> list[Path]:
    """Write the figures of an outline, ``index.html`` and ``README.md``.

    Args:
        outline: What to draw.
        folder: Where; it is made if it is missing.
        formats: Formats of ``renderers.FIGURES``.
        section: Path or kind of the one section to draw; None draws the overview and every part.
        style: Theme, language and look.
        command: The command that makes this folder, to be shown in it.

    Returns:
        The files, in the order written.

    Raises:
        UsageError: If there is no such format, section, theme or language, or it cannot be written there.
    """
    style = style or Style()
    for name in formats:
        figure_renderer(name)
    parts = [(slug(section), section)] if section else _parts(outline)
    drawn = [
        (name, figure(outline, section=part, theme=style.theme, lang=style.lang, look=style.look))
        for name, part in parts
    ]
    make_folder(folder)
    files = [_saved(picture, folder / f"{name}.{suffix}") for name, picture in drawn for suffix in formats]
    shown = [_picture(name, drawing, formats[0]) for name, drawing in drawn]
    facts = " · ".join(summary.facts(outline.model))
    for name, text in (("index.html", page), ("README.md", readme)):
        write(folder / name, text(outline.model.name, facts, shown, command))
        files.append(folder / name)
    return files


def _parts(outline: Outline) -> list[tuple[str, str | None]]:
    """File name and section of each figure: the first section of a kind is named after it, others after their path."""
    parts: list[tuple[str, str | None]] = [("overview", None)]
    taken = {"overview"}
    for section in sorted(_sections(outline), key=lambda section: KINDS.index(section.kind)):
        name: str = section.kind if section.kind not in taken else f"{section.kind}-{slug(section.path)}"
        if name not in taken:
            taken.add(name)
            parts.append((name, section.path))
    return parts


def _sections(outline: Outline) -> list[Section]:
    return [section for section in outline.root.sections() if section.kind in KINDS and section.path]


def _saved(picture: Figure, path: Path) -> Path:
    picture.save(path)
    return path


def _picture(name: str, drawn: Figure, suffix: str) -> Picture:
    return Picture(f"{name}.{suffix}", name, drawn.drawing.title, drawn.drawing.width_px, drawn.drawing.height_px)


def slug(text: str) -> str:
    """A name that every file system takes: ``h.0.attn`` -> ``h-0-attn``."""
    kept = "".join(character if character.isascii() and character.isalnum() else "-" for character in text)
    return "-".join(part for part in kept.split("-") if part)[:80] or "section"
