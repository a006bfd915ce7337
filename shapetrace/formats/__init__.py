"""Formats, one file each. ``FORMATS`` is the one list of them: adding one is a file and a line here."""

from collections.abc import Sequence
from pathlib import Path

from shapetrace.errors import UsageError
from shapetrace.formats import csv, dot, explorer, gif, html, json, markdown, pdf, png, svg, table
from shapetrace.formats.contract import Format, Kind, Options

FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        table.FORMAT,
        markdown.FORMAT,
        csv.FORMAT,
        json.FORMAT,
        html.FORMAT,
        explorer.FORMAT,
        svg.FORMAT,
        png.FORMAT,
        gif.FORMAT,
        pdf.FORMAT,
        dot.FORMAT,
        *dot.DRAWN,
    )
}
"""What every command, its help, and ``Figure.save`` offer."""


def names(kind: Kind) -> list[str]:
    """Names of the formats that take a kind of thing."""
    return [name for name, each in FORMATS.items() if each.takes(kind)]


def format_named(name: str, kind: Kind) -> Format:
    """The format with this name, or with this suffix.

    Raises:
        UsageError: If no format that takes such a thing is called so.
    """
    taking = [each for each in FORMATS.values() if each.takes(kind)]
    found = next((each for each in taking if name in {each.name, each.suffix}), None)
    if found is None:
        raise UsageError(f"no format {name!r}: choose one of {', '.join(names(kind))}")
    return found


def format_of_file(path: Path, kind: Kind) -> Format:
    """The format of a file, by its suffix; of two that fit, the longer one: ``.dot.svg``.

    Raises:
        UsageError: If no format that takes such a thing has that suffix.
    """
    taking = [each for each in FORMATS.values() if each.takes(kind)]
    fitting = [each for each in taking if path.name.lower().endswith(f".{each.suffix}")]
    if not fitting:
        thing = "table" if kind == "grid" else kind
        named = f"no {thing} is a {path.suffix}" if path.suffix else f"{path} has no suffix"
        raise UsageError(f"{named}: expected {', '.join(f'.{each.suffix}' for each in taking)}")
    return max(fitting, key=lambda each: len(each.suffix))


def ready(names: Sequence[str], kind: Kind, options: Options) -> list[Format]:
    """Formats by name, before anything runs: all that they and the options need is there.

    Raises:
        UsageError: If one is unknown, there is none, or an option names what does not exist.
        MissingPartError: If one needs a package that is not installed.
    """
    chosen = [format_named(name, kind) for name in names or ("",)]
    for each in chosen:
        each.check()
    options.check()
    return chosen
