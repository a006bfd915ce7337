"""The map of a model as a page shows it: wide and narrow, in each language, with what each box stands for."""

from collections.abc import Mapping, Sequence
from typing import Any

from shapetrace.drawing.kinds.map import BareMap, bare_map
from shapetrace.drawing.wording import Words
from shapetrace.exploring.picturing import Pictures
from shapetrace.outlining.structure import Outline, Section

MOST_BOXES = 800
"""A map of more is no picture any more: 25,000 px tall, and slow to draw. The rows show such a model, part by part."""
WIDTHS = {"wide": 588.0, "narrow": 344.0}
"""In px: beside a tree and details, and on a phone."""


def maps(outline: Outline, languages: Sequence[Words], numbers: Mapping[int, int], drawn: Pictures) -> dict[str, Any]:
    """For each language and width, the number of a picture and its areas: title, key, box; nothing for too many boxes.

    Args:
        outline: Of what; of one form of the products.
        languages: In which the maps are drawn.
        numbers: Number of each section and step, by `id`.
        drawn: Takes the pictures.
    """
    made: dict[str, Any] = {}
    for words in languages if any(outline.steps()) else ():
        made[words.lang] = {}
        for name, width_px in WIDTHS.items():
            found = bare_map(outline, words, width_px)
            if len(found.areas) > MOST_BOXES:
                return {}
            made[words.lang][name] = _map(found, numbers, drawn)
    return made


def _map(made: BareMap, numbers: Mapping[int, int], drawn: Pictures) -> dict[str, Any]:
    areas = [
        [
            title,
            f"{'s' if isinstance(of, Section) else 't'}{numbers[id(of)]}",
            [box.left, box.top, box.right, box.bottom],
        ]
        for title, box, of in made.areas
    ]
    return {"picture": drawn.plate_number(made.groups, made.box), "areas": areas}
