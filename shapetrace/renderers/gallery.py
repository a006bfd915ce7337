"""The page and the README of a folder of figures, through templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, FileSystemLoader

from shapetrace.drawing.resources import template_folders
from shapetrace.renderers.markdown import escaped


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure in a folder.

    Attributes:
        file: Name of its file.
        name: ``overview``, ``attention``.
        title: Its title.
        width_px: Its width.
        height_px: Its height.
    """

    file: str
    name: str
    title: str
    width_px: float
    height_px: float


def page(title: str, facts: str, pictures: Sequence[Picture], command: str = "") -> str:
    """An HTML page that shows figures, light or dark as its reader prefers."""
    return _rendered("gallery.html", escape=True, title=title, facts=facts, pictures=pictures, command=command)


def readme(title: str, facts: str, pictures: Sequence[Picture], command: str = "") -> str:
    """A Markdown file that shows figures."""
    return _rendered("gallery.md", escape=False, title=title, facts=facts, pictures=pictures, command=command)


def _rendered(template: str, *, escape: bool, **values: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(template_folders()),
        autoescape=escape,  # noqa: S701 - Markdown is escaped by the filter of that name
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = escaped
    return environment.get_template(template).render(**values).rstrip() + "\n"
