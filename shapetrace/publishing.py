"""A folder of figures: the map, the overview, one figure for each part, a page and a README that show them."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from shapetrace.drawing import Look
from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.primitives import Figure
from shapetrace.errors import MissingPartError
from shapetrace.formats import FORMATS, ready, rendering
from shapetrace.formats.contract import Content, Excerpt, Options
from shapetrace.formats.gallery import Folder, Picture, page, readme
from shapetrace.language import printable
from shapetrace.outlining.structure import Outline, Section
from shapetrace.writing import make_folder, write

KINDS = ("embedding", "block", "attention", "mlp", "experts", "unembedding")
"""Kinds of sections that have a figure of their own, in the order of a page."""


def publish(
    outline: Outline,
    folder: Path,
    *,
    formats: Sequence[str] = ("svg",),
    part: Excerpt | None = None,
    options: Options | None = None,
    command: str = "",
) -> list[Path]:
    """Write the figures of an outline, and, if a page can show them, ``index.html`` and ``README.md``.

    Args:
        outline: What to draw.
        folder: Where; it is made if it is missing.
        formats: Names of formats.
        part: The one section or step to draw; None draws the map, the overview and every part.
        options: Theme, language and look.
        command: The command that makes this folder, to be shown in it.

    Returns:
        The files, in the order written.

    Raises:
        UsageError: If there is no such format, section, theme or language, or it cannot be written there.
        MissingPartError: If a program is not installed; what needs none is written first.
    """
    options = options or Options()
    chosen = ready(formats, "outline", options)
    among = [each.name for each in chosen]
    options = options if part else _of_one_product(outline, options)
    parts = [part] if part else _marked(_parts(outline), options)
    contents: dict[str, dict[str, Content]] = {each.name: {} for each in parts}
    drawn = cache(lambda part: rendering.drawing(outline, part, options))
    missing: MissingPartError | None = None
    whole = next((each for each in parts if not each.view), parts[0])
    for each in parts:
        for to in chosen:
            if (to.is_whole and each is not whole) or (each.view and not (to.figure or to.is_whole)):
                continue
            try:
                contents[each.name].update(
                    rendering.files(outline, each, to, options, among, drawn)
                )  # keeps what came before
            except MissingPartError as error:
                missing = error
    files = {file: content for made in contents.values() for file, content in made.items()}
    if not missing:
        single = "" if part else command
        pictures = [_picture(outline, each, list(contents[each.name]), options, single, drawn) for each in parts]
        files |= _pages(outline, [picture for picture in pictures if picture], options, (command, _below(folder)))
    make_folder(folder)
    for file, content in files.items():
        write(folder / file, content)
    if missing:
        raise missing
    return [folder / file for file in files]


def part_of(section: str | None, step: int | None) -> Excerpt | None:
    """The part that a section or a step asks for; None if neither is given."""
    if section is None and step is None:
        return None
    return Excerpt(slug(section) if section is not None else f"step-{step}", section, step)


def _of_one_product(outline: Outline, options: Options) -> Options:
    """Of a model that is one product alone, how it makes an entry is the picture."""
    steps, look = list(outline.steps()), options.look or Look()
    if len(steps) != 1 or look.follow or look.entry or steps[0].inner is None:
        return options
    shape = steps[0].results[0].shape
    is_plain = len(shape) == 2 and all(len(operand.shape) == 2 for operand in steps[0].operands)
    return replace(options, look=replace(look, entry=(min(2, shape[0]), shape[1]))) if is_plain else options


def _marked(parts: list[Excerpt], options: Options) -> list[Excerpt]:
    """Those parts that can show what is marked: an entry is of one product, and a map has no rows."""
    look = options.look
    if look and look.entry:
        return [Excerpt("overview")]
    return [each for each in parts if not (look and look.follow and each.view)]


def _below(folder: Path) -> tuple[tuple[str, str], ...]:
    """Folders of figures in a folder that is there already: name, and the title of its README."""
    found = []
    for path in sorted(folder.glob("*/README.md")):
        first = next(iter(path.read_text(encoding="utf-8", errors="replace").splitlines()), "")
        if first.startswith("# "):
            found.append((path.parent.name, first.removeprefix("# ")))
    return tuple(found)


def _pages(
    outline: Outline, pictures: Sequence[Picture], options: Options, place: tuple[str, tuple[tuple[str, str], ...]]
) -> dict[str, str]:
    if not pictures:
        return {}
    words, (command, below) = options.words, place
    facts = " · ".join(facts_of(outline.model, words))
    folder = Folder(words.say(outline.model.name), facts, printable(command, " "), pictures, below)
    return {"index.html": page(folder, words, options.templates), "README.md": readme(folder, words, options.templates)}


def _picture(
    outline: Outline,
    part: Excerpt,
    files: Sequence[str],
    options: Options,
    command: str,
    draw: Callable[[Excerpt], Figure],
) -> Picture | None:
    """What a page shows of a part; None if none of its files is a picture."""
    shown = [each for each in FORMATS.values() if each.in_pages and f"{part.name}.{each.suffix}" in files]
    if not shown:
        return None
    file, is_figure = f"{part.name}.{shown[0].suffix}", shown[0].figure is not None
    drawn = draw(part)
    path = next((section.spoken for section in _sections(outline) if section.path == part.section), part.section)
    single = f"{command} --section {shlex.quote(path)}" if command and path else ""
    return Picture(
        file,
        part.name,
        _label(outline, part, options),
        drawn.title,
        round(drawn.width_px) if is_figure else 0,
        round(drawn.height_px) if is_figure else 0,
        printable(single, " "),
        tuple(other for other in files if other != file),
        is_part=part.section not in {None, "failure"},
    )


def _label(outline: Outline, part: Excerpt, options: Options) -> str:
    """A part in a word or two: ``Attention``; with its path where several have that title."""
    if part.section is None or part.section == "failure":
        return options.words.say(part.name.capitalize())
    sections = [section for section in _sections(outline) if section.path == part.section]
    title = options.words.say(sections[0].title) if sections else part.section
    return title if part.name in KINDS or not sections else f"{title} {sections[0].spoken}"


def _parts(outline: Outline) -> list[Excerpt]:
    """The map, the overview and every section: the first of a kind is named after it, others after their path."""
    parts = [Excerpt("map", view="map"), Excerpt("overview")]
    if outline.ranks is not None and outline.ranks.size > 1:
        parts.insert(1, Excerpt("mesh", view="mesh"))
    if outline.explained is not None:
        parts.append(Excerpt("failure", "failure"))
    taken = {part.name for part in parts}
    for section in sorted(_sections(outline), key=lambda section: KINDS.index(section.kind)):
        name: str = section.kind if section.kind not in taken else f"{section.kind}-{slug(section.path)}"
        if name not in taken:
            taken.add(name)
            parts.append(Excerpt(name, section.path))
    return parts


def _sections(outline: Outline) -> list[Section]:
    return [section for section in outline.root.sections() if section.kind in KINDS and section.path]


def slug(text: str) -> str:
    """A name that every file system takes: ``h.0.attn`` -> ``h-0-attn``."""
    kept = "".join(character if character.isascii() and character.isalnum() else "-" for character in text)
    return "-".join(part for part in kept.split("-") if part)[:80] or "section"
