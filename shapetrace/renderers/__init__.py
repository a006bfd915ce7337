"""Formats, one file each. A renderer is a module with ``render``; adding one is a file and a line here."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from shapetrace.errors import UsageError

TEXTS = {
    "table": "shapetrace.renderers.table",
    "markdown": "shapetrace.renderers.markdown",
    "csv": "shapetrace.renderers.csv",
    "json": "shapetrace.renderers.json",
    "html": "shapetrace.renderers.html",
}
"""What an Outline or a Grid can be written as: ``render(outline)`` and ``render_grid(grid)``."""

FOR_PEOPLE = frozenset({"table", "markdown", "html"})
"""Those whose ``render`` takes ``words``, a language. The others are for programs, and English."""

FIGURES = {
    "svg": "shapetrace.renderers.svg:render",
    "png": "shapetrace.renderers.png:render",
    "pdf": "shapetrace.renderers.pdf:render",
}
"""What a Figure can be written as: the function that takes it. The name is the suffix of its files."""


def text_renderer(name: str) -> Callable[..., str]:
    """The function that writes an outline in a format.

    Raises:
        UsageError: If there is no such format.
    """
    return _function(TEXTS, name, "render")


def grid_renderer(name: str) -> Callable[..., str]:
    """The function that writes a grid in a format.

    Raises:
        UsageError: If there is no such format.
    """
    return _function(TEXTS, name, "render_grid")


def figure_renderer(name: str) -> Callable[..., str | bytes]:
    """The function that writes a figure in a format.

    Raises:
        UsageError: If there is no such format.
    """
    return _function(FIGURES, name)


def _function(table: dict[str, str], name: str, attribute: str = "") -> Callable[..., Any]:
    if name not in table:
        raise UsageError(f"no format {name!r}: choose one of {', '.join(table)}")
    module, _, function = table[name].partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function or attribute)
    return found
