"""A figure as PNG, through resvg: a rasteriser in a wheel, no browser and no system library.

Its letters are those of the system's fonts, so the bytes differ between machines; those of the SVG do not.
"""

from functools import cache
from pathlib import Path
from typing import Any

from shapetrace.drawing.primitives import Figure
from shapetrace.errors import UsageError
from shapetrace.formats import svg
from shapetrace.formats.contract import PLAIN, Format, Options, needs
from shapetrace.formats.fonts import family, first_wide, missing, with_families

check = needs("png", "resvg_py")

_MOST_PIXELS = 250_000_000
_NO_SUCH_LETTER = "\u0378"  # never assigned: what a font shows for letters that it lacks


def render(figure: Figure, options: Options = PLAIN, *, n_there: int | None = None) -> bytes:
    """Write a figure as PNG. A theme with a light and a dark appearance is light here.

    Args:
        figure: What to write.
        options: Scale, fonts and whose ``figure.svg``.
        n_there: Of an animated figure: how many stages have appeared; None draws all of it.

    Raises:
        MissingPartError: If resvg is not installed, or no font has the figure's letters.
        UsageError: If the picture would be too large, or a file is no font.
    """
    scale, fonts = options.scale, options.fonts
    pixels = figure.width_px * figure.height_px * scale * scale
    if scale <= 0 or not 1 <= pixels <= _MOST_PIXELS:
        raise UsageError(
            f"scale {scale:g} makes {pixels / 1e6:,.1f} million pixels of this figure; "
            f"expected at most {_MOST_PIXELS // 1_000_000}"
        )
    for letter, words in (("M", "no font is found"), (first_wide(figure), "no font has Chinese letters")):
        if letter and not _has(letter, fonts):
            raise missing(words)
    document = with_families(svg.render(figure, templates=options.templates, styled=False, n_there=n_there), fonts)
    return _drawn(document, fonts, zoom=scale)


def _drawn(document: str, fonts: tuple[Path, ...], **options: Any) -> bytes:
    check()
    import resvg_py

    if fonts:  # whatever family is asked for and not there, the user's font stands in
        name = family(fonts[0])
        options |= {"serif_family": name, "sans_serif_family": name, "monospace_family": name}
        options["font_files"] = [str(font) for font in fonts]
    return bytes(resvg_py.svg_to_bytes(svg_string=document, **options))


@cache
def _has(letter: str, fonts: tuple[Path, ...]) -> bool:
    """True if some font has a letter: it does not look like one that no font has."""

    def picture(text: str) -> bytes:
        families = ", ".join([*(f"'{family(font)}'" for font in fonts), svg.SANS])
        return _drawn(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32">'
            f'<text x="4" y="26" font-size="20" font-family="{families}">{text}</text></svg>',
            fonts,
        )

    return picture(letter) != picture(_NO_SUCH_LETTER)


FORMAT = Format("png", "png", frozenset({"scale", "fonts"}), figure=render, in_pages=True, check=check)
