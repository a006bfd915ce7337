"""Templates: ours, and those of a user before them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shapetrace.drawing.resources import template_folders
from shapetrace.errors import UsageError


def rendered(
    name: str,
    values: Mapping[str, Any],
    *,
    filters: Mapping[str, Any],
    templates: Path | None = None,
    autoescape: bool = True,
) -> str:
    """Fill a template in.

    Args:
        name: Its file.
        values: What it names.
        filters: Its filters, by name.
        templates: Folder of the user, whose file of that name comes before ours.
        autoescape: True for SVG and HTML.

    Raises:
        UsageError: If the template is broken, or names what is not there.
    """
    from jinja2 import Environment, FileSystemLoader, TemplateError

    environment = Environment(
        loader=FileSystemLoader(template_folders(templates)),
        autoescape=autoescape,  # noqa: S701 - Markdown is escaped by a filter of its own
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    environment.globals.update(values)
    try:
        return environment.get_template(name).render()
    except TemplateError as error:
        line = f", line {lineno}" if (lineno := getattr(error, "lineno", None)) else ""
        raise UsageError(f"the template {name}{line} cannot be filled in: {error.message}") from error
