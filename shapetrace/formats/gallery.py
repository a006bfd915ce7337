"""The page and the README of a folder of figures, through templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.formats.markdown import escaped
from shapetrace.formats.templating import rendered


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure in a folder.

    Attributes:
        file: Name of its file.
        name: ``overview``, ``attention``: for links.
        label: The same in words.
        title: Its title.
        width_px: Its width; 0 if not known.
        height_px: Its height; 0 if not known.
        command: What draws it alone.
        others: Names of its files in other formats.
        is_part: Whether it shows a part of the model: one block, one head of its attention.
    """

    file: str
    name: str
    label: str
    title: str
    width_px: int = 0
    height_px: int = 0
    command: str = ""
    others: tuple[str, ...] = ()
    is_part: bool = False

    @property
    def markdown(self) -> str:
        """What shows it in Markdown."""
        return f"![{escaped(self.title)}]({self.file})"

    @property
    def html(self) -> str:
        """What shows it in HTML."""
        size = f' width="{self.width_px}" height="{self.height_px}"' if self.width_px else ""
        return f'<img src="{escape(self.file)}" alt="{escape(self.title)}"{size}>'


@dataclass(frozen=True, slots=True)
class Folder:
    """What a page and a README say of a folder of figures.

    Attributes:
        title: Name of the model.
        facts: Its sizes, in one line.
        command: The command that made the folder; empty if it is not known.
        pictures: The figures.
        below: Folders of figures in this one: name, and title as their README writes it.
    """

    title: str
    facts: str
    command: str
    pictures: Sequence[Picture]
    below: Sequence[tuple[str, str]] = ()

    @property
    def parts(self) -> list[Picture]:
        """What shows a part of the model up close, where another picture shows all of it."""
        found = [picture for picture in self.pictures if picture.is_part]
        return found if len(found) < len(self.pictures) else []


def page(folder: Folder, words: Words = ENGLISH, templates: Path | None = None) -> str:
    """An HTML page that shows figures, light or dark as its reader prefers."""
    return _rendered("gallery.html", folder, words, templates, autoescape=True)


def readme(folder: Folder, words: Words = ENGLISH, templates: Path | None = None) -> str:
    """A Markdown file that shows figures."""
    return _rendered("gallery.md", folder, words, templates, autoescape=False)


def _rendered(name: str, folder: Folder, words: Words, templates: Path | None, *, autoescape: bool) -> str:
    values: dict[str, Any] = {"folder": folder, "say": words.say, "lang": words.lang}
    filters = {"markdown": escaped, "suffix": _suffix}
    text = rendered(name, values, filters=filters, templates=templates, autoescape=autoescape)
    return text.rstrip() + "\n"


def _suffix(file: str) -> str:
    """``PNG`` of ``mlp.png``, ``DOT.SVG`` of ``mlp.dot.svg``."""
    return file.partition(".")[2].upper()
