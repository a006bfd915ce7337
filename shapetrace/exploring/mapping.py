"""The map of a model as a page shows it: wide and narrow, in each language, with what each box stands for."""

from collections.abc import Mapping, Sequence
from typing import Any

from shapetrace.drawing.kinds.map import bare_map
from shapetrace.drawing.wording import Words
from shapetrace.exploring.picturing import Pictures
from shapetrace.outlining.structure import Outline, Section

WIDTHS = {"wide": 588.0, "narrow": 344.0}
"""In px: beside a tree and details, and on a phone."""


def maps(outline: Outline, languages: Sequence[Words], numbers: Mapping[int, int], drawn: Pictures) -> dict[str, Any]:
    """For each language and width, the number of a picture and its areas: title, key, box.

    Args:
        outline: Of what; of one form of the products.
        languages: In which the maps are drawn.
        numbers: Number of each section and step, by `id`.
        drawn: Takes the pictures.
    """
    if not any(outline.steps()):
        return {}
    return {
        words.lang: {name: _map(outline, words, width, numbers, drawn) for name, width in WIDTHS.items()}
        for words in languages
    }


def _map(
    outline: Outline, words: Words, width_px: float, numbers: Mapping[int, int], drawn: Pictures
) -> dict[str, Any]:
    made = bare_map(outline, words, width_px)
    areas = [
        [
            title,
            f"{'s' if isinstance(of, Section) else 't'}{numbers[id(of)]}",
            [box.left, box.top, box.right, box.bottom],
        ]
        for title, box, of in made.areas
    ]
    return {"picture": drawn.plate_number(made.groups, made.box), "areas": areas}
