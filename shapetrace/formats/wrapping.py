"""Words in a terminal, measured in its cells: a Chinese letter takes two, and no space stands between them."""

import re
from collections.abc import Iterator

from rich.cells import cell_len

_UNITS = re.compile(r"(?<= )(?=[^ ])|(?<=[，。；：、？！）])(?=[^ ，。；：、？！）])")
"""Where a line is broken: after spaces, and after the punctuation of Chinese."""


def broken(line: str, room: int, *, first: str = "", rest: str = "", hard: bool = False) -> list[str]:
    """A line in as many as it needs; none if it is empty.

    Args:
        line: Words; a no-break space keeps two of them together.
        room: Cells a line, its indent included.
        first: Indent of the first line.
        rest: Indent of the others.
        hard: True to cut a word that is longer than a line; wide letters come apart anyway.
    """
    lines = [first]
    for unit in _UNITS.split(re.sub(r"[\t\n\v\f\r]", " ", line)):
        fits = cell_len(rest + unit.rstrip(" ")) <= room
        for part in [unit] if fits else _parts(unit, hard=hard):
            if lines[-1].strip() and cell_len((lines[-1] + part).rstrip(" ")) > room:
                lines.append(rest)
            lines[-1] += part
    return [done.rstrip(" ") for done in lines if done.strip()]


def _parts(unit: str, *, hard: bool) -> Iterator[str]:
    """A long word where it may come apart: around wide letters, or everywhere."""
    part = ""
    for character in unit:
        if part and (hard or cell_len(part[-1]) > 1 or cell_len(character) > 1):
            yield part
            part = ""
        part += character
    yield part


def shortened(text: str, longest: int) -> str:
    """A text without its middle: ``model.layers.0…self_attn.q_proj``."""
    if cell_len(text) <= longest:
        return text
    tail = longest * 3 // 5
    return f"{begun(text, longest - tail - 1)}…{begun(text[::-1], tail)[::-1]}"


def begun(text: str, room: int) -> str:
    """The start of a text, as much as fits in so many cells."""
    end = min(len(text), room)
    while cell_len(text[:end]) > room:
        end -= 1
    return text[:end]
