"""Templates: ours, and those of a user before them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapetrace.drawing.resources import template_folders
from shapetrace.errors import UsageError

if TYPE_CHECKING:
    from jinja2.bccache import Bucket, BytecodeCache


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
        bytecode_cache=_compiled(),
    )
    environment.filters.update(filters)
    environment.globals.update(values)
    try:
        return environment.get_template(name).render()
    except TemplateError as error:
        line = f", line {lineno}" if (lineno := getattr(error, "lineno", None)) else ""
        raise UsageError(f"the template {name}{line} cannot be filled in: {error.message}") from error


@cache
def _compiled() -> "BytecodeCache":
    """Templates that were compiled before: one figure follows another, and to compile takes longer than to fill in."""
    from jinja2.bccache import BytecodeCache

    class InMemory(BytecodeCache):
        def __init__(self) -> None:
            self._known: dict[str, bytes] = {}

        def load_bytecode(self, bucket: "Bucket") -> None:
            if bucket.key in self._known:
                bucket.bytecode_from_string(self._known[bucket.key])

        def dump_bytecode(self, bucket: "Bucket") -> None:
            self._known[bucket.key] = bucket.bytecode_to_string()

    return InMemory()
