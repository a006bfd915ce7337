"""Fonts for pictures made without a browser: which families to ask for, and what a font file calls itself."""

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from shapetrace.drawing.primitives import Figure, Text
from shapetrace.errors import MissingPartError, UsageError
from shapetrace.formats.svg import SANS

WIDE = "Noto Sans CJK SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei"
"""Families that have Chinese and Latin letters. Rasterisers do not choose a face letter by letter as browsers do."""

_FIRST_WIDE = "\u2e80"
_LAST_WIDE = "\uffef"
_WIDE_LINE = re.compile(r"<text((?: [^>]*)?>(?:(?!</text>).)*[\u2e80-\uffef])", re.DOTALL)
_FAMILY_IDS = (16, 1)  # typographic family, then family: OpenType name table
_UNICODE, _WINDOWS = 0, 3
_SEGMENTS, _GROUPS = 4, 12  # formats of a cmap


def first_wide(figure: Figure) -> str:
    """The first Chinese, Japanese or Korean character of a figure; empty if it has none."""
    texts = (mark.plain for mark in figure.marks() if isinstance(mark, Text))
    return next((letter for text in texts for letter in text if _FIRST_WIDE <= letter <= _LAST_WIDE), "")


def missing(words: str) -> MissingPartError:
    """The error for a picture whose letters no font has."""
    return MissingPartError(f"{words}: install one (Noto Sans CJK has all), or give a file with --font FILE")


def with_families(document: str, fonts: Sequence[Path] = ()) -> str:
    """Let an SVG document ask for the user's fonts first, and lines with Chinese for one that has their letters.

    Rasterisers shape a line as a whole: a style of its Chinese words alone changes the face of the others too.
    """
    families = ", ".join([*(f"'{family(font)}'" for font in fonts), SANS])
    document = document.replace(SANS, families)
    return _WIDE_LINE.sub(rf'<text style="font-family:{WIDE}, {families}"\1', document)


def family(font: Path) -> str:
    """The family that a TrueType, OpenType or collection file holds.

    Raises:
        UsageError: If it cannot be read or is no font.
    """
    try:
        data = font.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the font {font}: {error.strerror}") from error
    try:
        name = _family(data)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise UsageError(f"{font} is no font: expected a .ttf, .otf or .ttc file") from error
    if not name or set(name) & set("'\"<>&;{}\\"):
        raise UsageError(f"{font} is no font: expected a .ttf, .otf or .ttc file")
    return name


def has_letter(font: Path, letter: str) -> bool:
    """Does a font file map this letter to a glyph? False for what is no font."""
    try:
        data = font.read_bytes()
        return any(_maps(data, at, ord(letter)) for at in _character_maps(data))
    except (OSError, struct.error, IndexError):
        return False


def _character_maps(data: bytes) -> Iterator[int]:
    """Where the maps from Unicode to glyphs are: https://learn.microsoft.com/typography/opentype/spec/cmap."""
    at = _table(data, b"cmap")
    if at is None:
        return
    for i in range(_short(data, at + 2)):
        platform, _, offset = struct.unpack_from(">HHI", data, at + 4 + 8 * i)
        if platform in {_UNICODE, _WINDOWS}:
            yield at + offset


def _maps(data: bytes, at: int, code: int) -> bool:
    """Does one map, of segments of 16 bits or groups of 32, have a character?"""
    if _short(data, at) == _SEGMENTS:
        n_segments = _short(data, at + 6) // 2
        ends = struct.unpack_from(f">{n_segments}H", data, at + 14)
        starts = struct.unpack_from(f">{n_segments}H", data, at + 16 + 2 * n_segments)
        return any(start <= code <= end for start, end in zip(starts, ends, strict=True))
    if _short(data, at) == _GROUPS:
        n_groups = struct.unpack_from(">I", data, at + 12)[0]
        groups = struct.iter_unpack(">III", data[at + 16 : at + 16 + 12 * n_groups])
        return any(start <= code <= end for start, end, _ in groups)
    return False


def _table(data: bytes, name: bytes) -> int | None:
    """Where a table of the (first) font begins; None if there is none."""
    start = struct.unpack_from(">I", data, 12)[0] if data[:4] == b"ttcf" else 0
    if data[start : start + 4] not in {b"\0\1\0\0", b"OTTO", b"true"}:
        return None
    tables = (struct.unpack_from(">4sIII", data, start + 12 + 16 * i) for i in range(_short(data, start + 4)))
    return next((offset for tag, _, offset, _ in tables if tag == name), None)


def _family(data: bytes) -> str:
    """Read the name table: https://learn.microsoft.com/typography/opentype/spec/name."""
    at = _table(data, b"name")
    if at is None:
        return ""
    count, strings = _short(data, at + 2), at + _short(data, at + 4)
    found: dict[int, str] = {}
    for i in range(count):
        platform, _, _, name_id, length, offset = struct.unpack_from(">6H", data, at + 6 + 12 * i)
        if platform in {_UNICODE, _WINDOWS}:
            text = data[strings + offset : strings + offset + length].decode("utf-16-be")
            found.setdefault(name_id, text)
    return next((found[name_id] for name_id in _FAMILY_IDS if name_id in found), "")


def _short(data: bytes, at: int) -> int:
    number: int = struct.unpack_from(">H", data, at)[0]
    return number
