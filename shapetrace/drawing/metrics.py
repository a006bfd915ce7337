"""How wide text is, without a font: from the table of glyph widths, on the generous side."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from shapetrace.drawing import glyphs
from shapetrace.drawing.inks import SHIFTED_SIZE_PX, TEXTS
from shapetrace.drawing.primitives import Span

_NEVER_FIRST = frozenset("。，、；：！？）》」』】")
"""What no line begins with."""
SEPARATOR = " · "
"""Between the parts of a list."""
_CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")
ELLIPSIS = "…"

_INVISIBLE = frozenset("Cc Cf Cs Co Cn Zl Zp".split())
"""Control, format (among them the marks that turn the direction of text), lone surrogates, unassigned."""


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """Make text of unknown origin safe to measure and to draw in one line.

    White space becomes single spaces; control characters, lone surrogates and marks that change the
    direction of their surroundings are dropped.
    """
    spaced = "".join(" " if character.isspace() else character for character in text)
    kept = "".join(c for c in spaced if unicodedata.category(c) not in _INVISIBLE)
    return " ".join(kept.split())


def width_px(spans: str | Iterable[Span], ink: str) -> float:
    """Width of a line of text in an ink, at most."""
    style = TEXTS[ink]
    bold = style.weight >= 600
    if isinstance(spans, str):
        return _ems(spans, bold, style.mono) * style.size_px
    return sum(_ems(span.text, bold, style.mono) * (SHIFTED_SIZE_PX if span.shift else style.size_px) for span in spans)


def shortened(text: str, ink: str, room_px: float) -> str:
    """Shorten text in the middle until it fits: ``model.layers…q_proj``; the end says more than the start."""
    if width_px(text, ink) <= room_px:
        return text
    kept = len(text)
    while kept > 2:
        kept -= 1 + (kept > 60) * 20
        start, end = kept * 2 // 5, kept - kept * 2 // 5
        candidate = text[:start] + ELLIPSIS + text[-end:]
        if width_px(candidate, ink) <= room_px:
            return candidate
    return ELLIPSIS


def first_of(text: str, ink: str, room_px: float) -> str:
    """Of names in a list as many as there is room for: ``Multiply, cos …``; a single name is shortened."""
    names = text.removesuffix(f" {ELLIPSIS}").split(", ")
    tries = [text, *(", ".join(names[:kept]) + f" {ELLIPSIS}" for kept in range(len(names) - 1, 0, -1))]
    return next((each for each in tries if width_px(each, ink) <= room_px), shortened(text, ink, room_px))


def wrapped(text: str, ink: str, room_px: float, *, lines: int, is_list: bool = False) -> tuple[str, ...]:
    """Break text into at most so many lines; the last is shortened.

    A list (``a · b``) between its parts where each fits a line, other text at spaces or between wide characters.
    """
    parts = text.split(SEPARATOR)
    is_list = is_list and all(width_px(part, ink) <= room_px for part in parts)
    words = [*(part + SEPARATOR for part in parts[:-1]), parts[-1]] if is_list else _words(text, ink, room_px)
    done: list[str] = []
    line = ""
    for word in words:
        end = word.removesuffix(SEPARATOR) if is_list else word.rstrip()
        if line and width_px(line + end, ink) > room_px and len(done) < lines - 1:
            done.append((line.removesuffix(SEPARATOR) if is_list else line).rstrip())
            line = ""
        line += word
    done.append(line.rstrip())
    return tuple(shortened(line, ink, room_px) for line in done if line)


def _words(text: str, ink: str, room_px: float) -> list[str]:
    """Where a text may break: at spaces, between wide characters (not before what ends a clause), before a capital.

    Before a capital only in a name that has no room on a line.
    """
    words = [""]
    for character in text:
        if character in _NEVER_FIRST and len(words) > 1 and not words[-1]:
            words[-2] += character
            continue
        words[-1] += character
        if character == " " or _wide(character):
            words.append("")
    return [part for word in words if word for part in _parts(word, ink, room_px)]


def _parts(word: str, ink: str, room_px: float) -> list[str]:
    return [word] if width_px(word.rstrip(), ink) <= room_px else _CAPITALS.split(word)


@lru_cache(maxsize=4096)
def _ems(text: str, bold: bool, mono: bool) -> float:
    return sum(_width(character, bold, mono) for character in text) / 1000


def _width(character: str, bold: bool, mono: bool) -> int:
    code = ord(character)
    if glyphs.FIRST <= code < 127:
        return glyphs.MONO if mono else (glyphs.BOLD if bold else glyphs.REGULAR)[code - glyphs.FIRST]
    if unicodedata.combining(character):
        return 0 if unicodedata.category(character) == "Mn" and code < 0x0400 else 400
    for first, last, width in glyphs.BLOCKS:
        if first <= code <= last:
            return width * 11 // 10 if bold and code < 0x0500 else width
    return glyphs.WIDE if _wide(character) else glyphs.OTHER


def _wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
