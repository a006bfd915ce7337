"""A folder of figures: the overview, one figure for each part, a page and a README that show them."""

from collections.abc import Sequence
from pathlib import Path

from shapetrace.errors import MissingPartError
from shapetrace.exporting import PICTURES, Part, Style, check, drawing, export
from shapetrace.outlining.structure import Outline, Section
from shapetrace.renderers import summary
from shapetrace.renderers.gallery import Picture, page, readme
from shapetrace.writing import make_folder, write

__all__ = ["Style", "publish", "slug"]

KINDS = ("embedding", "block", "attention", "mlp", "experts", "unembedding")
"""Kinds of sections that have a figure of their own, in the order of a page."""


def publish(
    outline: Outline,
    folder: Path,
    *,
    formats: Sequence[str] = ("svg",),
    part: Part | None = None,
    style: Style | None = None,
    command: str = "",
) -> list[Path]:
    """Write the figures of an outline, and, if a page can show them, ``index.html`` and ``README.md``.

    Args:
        outline: What to draw.
        folder: Where; it is made if it is missing.
        formats: Formats of ``exporting.FORMATS``.
        part: The one section or step to draw; None draws the overview and every part.
        style: Theme, language and look.
        command: The command that makes this folder, to be shown in it.

    Returns:
        The files, in the order written.

    Raises:
        UsageError: If there is no such format, section, theme or language, or it cannot be written there.
        MissingPartError: If a program is not installed; what needs none is written first.
    """
    check(formats)
    style = style or Style()
    parts = [part] if part else _parts(outline)
    contents: dict[str, str | bytes] = {}
    missing: MissingPartError | None = None
    for each in parts:
        for name in formats:
            try:
                contents.update(export(outline, each, name, style, formats))  # keeps what came before an error
            except MissingPartError as error:
                missing = error
    if not missing:
        contents |= _pages(outline, parts, formats, style, command)
    make_folder(folder)
    for file, content in contents.items():
        write(folder / file, content)
    if missing:
        raise missing
    return [folder / file for file in contents]


def part_of(section: str | None, step: int | None) -> Part | None:
    """The part that a section or a step asks for; None if neither is given."""
    if section is None and step is None:
        return None
    return Part(slug(section) if section is not None else f"step-{step}", section, step)


def _pages(
    outline: Outline, parts: Sequence[Part], formats: Sequence[str], style: Style, command: str
) -> dict[str, str]:
    suffix = next((PICTURES[name] for name in formats if name in PICTURES), "")
    if not suffix:
        return {}
    facts = " · ".join(summary.facts(outline.model))
    shown = [_picture(outline, part, suffix, style) for part in parts]
    return {
        "index.html": page(outline.model.name, facts, shown, command),
        "README.md": readme(outline.model.name, facts, shown, command),
    }


def _picture(outline: Outline, part: Part, suffix: str, style: Style) -> Picture:
    drawn = drawing(outline, part, style)
    file, size = f"{part.name}.{suffix}", (drawn.width_px, drawn.height_px)
    return Picture(file, part.name, drawn.title, *(size if "." not in suffix else (0, 0)))


def _parts(outline: Outline) -> list[Part]:
    """The overview and every section: the first of a kind is named after it, others after their path."""
    parts = [Part("overview")]
    if outline.explained is not None:
        parts.append(Part("failure", "failure"))
    taken = {part.name for part in parts}
    for section in sorted(_sections(outline), key=lambda section: KINDS.index(section.kind)):
        name: str = section.kind if section.kind not in taken else f"{section.kind}-{slug(section.path)}"
        if name not in taken:
            taken.add(name)
            parts.append(Part(name, section.path))
    return parts


def _sections(outline: Outline) -> list[Section]:
    return [section for section in outline.root.sections() if section.kind in KINDS and section.path]


def slug(text: str) -> str:
    """A name that every file system takes: ``h.0.attn`` -> ``h-0-attn``."""
    kept = "".join(character if character.isascii() and character.isalnum() else "-" for character in text)
    return "-".join(part for part in kept.split("-") if part)[:80] or "section"
