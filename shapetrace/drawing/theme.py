"""Themes: named colours in TOML files, one file a theme.

A theme file has tables ``[light]`` and ``[dark]`` of colours (``#3b82f6``, or ``transparent``), either of which may be
missing, and ``hatched``, a list of roles drawn with hatching. What it leaves out comes from the default theme.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapetrace.drawing.resources import names_in, read
from shapetrace.errors import UsageError

_COLOUR = re.compile(r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?|transparent")
_HATCHABLE = ("data", "weight", "const")


@dataclass(frozen=True, slots=True)
class Theme:
    """What the inks look like.

    Attributes:
        name: Its name.
        colours: Colour by name, for the light appearance (or the only one).
        dark: Colours for readers who prefer dark; empty if there is only one appearance.
        hatched: Roles whose rectangles are hatched.
    """

    name: str
    colours: dict[str, str]
    dark: dict[str, str]
    hatched: frozenset[str] = frozenset()


def theme_named(name: str, templates: Path | None = None) -> Theme:
    """Load a theme by its name, or from a TOML file of the user.

    Raises:
        UsageError: If there is none of that name, or the file is broken.
    """
    base = _table(read("themes/default.toml", templates), "default")
    table = base if name == "default" else _table(_text(name, templates), name)
    if "light" in table or "dark" not in table:
        colours = _colours(table.get("light", {}), base["light"], name)
        dark = _colours(table["dark"], base["dark"], name) if "dark" in table else {}
    else:  # dark only
        colours, dark = _colours(table["dark"], base["dark"], name), {}
    hatched = table.get("hatched", [])
    if not isinstance(hatched, list) or not set(hatched) <= set(_HATCHABLE):
        raise UsageError(f"theme {name}: hatched is {hatched!r}; expected a list of {', '.join(_HATCHABLE)}")
    return Theme(name, colours, dark, frozenset(hatched))


def _text(name: str, templates: Path | None) -> str:
    if name.endswith(".toml"):
        try:
            return Path(name).read_text(encoding="utf-8")
        except OSError as e:
            raise UsageError(f"cannot read the theme {name}: {e.strerror}") from e
    known = names_in("themes", templates)
    if name not in known:
        raise UsageError(f"no theme named {name!r}; there are {', '.join(known)}, or give a .toml file")
    return read(f"themes/{name}.toml", templates)


def _table(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise UsageError(f"the theme {name} is not valid TOML: {e}") from e


def _colours(given: dict[str, Any], base: dict[str, str], name: str) -> dict[str, str]:
    for key, value in given.items():
        if key not in base:
            raise UsageError(f"theme {name}: no colour is called {key!r}; there are {', '.join(sorted(base))}")
        if not isinstance(value, str) or not _COLOUR.fullmatch(value):
            raise UsageError(f"theme {name}: {key} is {value!r}; expected a colour such as #3b82f6, or transparent")
    return {**base, **given}
