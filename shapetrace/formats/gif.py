"""An animated figure as GIF, for editors that take no SVG: resvg draws its moments, Pillow puts them together.

A figure in which nothing appears is one picture. As in PNG, its letters are those of the system's fonts.
"""

from collections.abc import Sequence
from io import BytesIO
from itertools import chain, islice
from typing import TYPE_CHECKING

from shapetrace.drawing.primitives import Figure
from shapetrace.formats import png
from shapetrace.formats.contract import PLAIN, Format, Options, needs
from shapetrace.formats.moving import moments

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

check = needs("gif", "PIL", "resvg_py")
_GROUND = "white"
"""Behind the rounded corners of a figure: GIF knows no half-transparent points."""


def render(figure: Figure, options: Options = PLAIN) -> bytes:
    """Write a figure as GIF: what it starts with, then each stage as it appears, again and again.

    Raises:
        MissingPartError: If resvg or Pillow is not installed, or no font has the figure's letters.
        UsageError: If the picture would be too large, or a file is no font.
    """
    check()
    from PIL import Image

    def picture(n_there: int | None) -> "Picture":
        drawn = Image.open(BytesIO(png.render(figure, options, n_there=n_there)))
        ground = Image.new("RGBA", drawn.size, _GROUND)
        return Image.alpha_composite(ground, drawn.convert("RGBA")).convert("RGB")

    times = moments(len(figure.stages))
    pictures = (picture(n_there) for n_there, _ in times)
    first = list(islice(pictures, 2))  # all of it, then all that appears faint: together they have every colour
    colours = _palette(first)
    frames = [each.quantize(palette=colours, dither=Image.Dither.NONE) for each in chain(first, pictures)]
    content = BytesIO()
    frames[0].save(
        content,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[round(1000 * seconds) for _, seconds in times],
        loop=0,
        optimize=False,
    )
    return content.getvalue()


def _palette(pictures: "Sequence[Picture]") -> "Picture":
    """One palette for pictures of one size."""
    from PIL import Image

    width, height = pictures[0].size
    column = Image.new("RGB", (width, height * len(pictures)))
    for place, each in enumerate(pictures):
        column.paste(each, (0, place * height))
    return column.quantize(256, dither=Image.Dither.NONE)


FORMAT = Format("gif", "gif", frozenset({"scale", "fonts"}), figure=render, in_pages=True, check=check)
