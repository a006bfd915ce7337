"""Why a pass ended early, as a page shows it: in words and as a picture, in each language."""

from collections.abc import Sequence
from typing import Any

from shapetrace.drawing.kinds.failure import failure_figure
from shapetrace.drawing.layout.boxes import Box
from shapetrace.drawing.layout.canvas import CANVAS
from shapetrace.drawing.look import Look
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.wording import Words
from shapetrace.exploring.picturing import Pictures
from shapetrace.failing import Explanation, report
from shapetrace.outlining.structure import Outline

WIDTHS = {"wide": 580.0, "narrow": 340.0}
"""In px: beside a tree and details, and on a phone."""


def failure(outline: Outline, languages: Sequence[Words], drawn: Pictures) -> dict[str, Any] | None:
    """Reason, report, numbers of pictures, and the step before; None for a pass that did not end early."""
    if not outline.failure:
        return None
    explained = outline.explained
    told = {"reason": outline.failure, "after": last_step(outline)}
    if explained is None:
        return told
    return told | {
        "report": {words.lang: report(explained, words.told) for words in languages},
        "pictures": {words.lang: _pictures(outline, explained, words, drawn) for words in languages},
    }


def last_step(outline: Outline) -> str:
    """Id of the step that ran last; "" if none did."""
    ended = ((max(step.ops, default=-1), step.id) for step in outline.steps())
    return max(ended, default=(-1, ""))[1]


def _pictures(outline: Outline, explained: Explanation, words: Words, drawn: Pictures) -> dict[str, int]:
    found = {}
    for name, width_px in WIDTHS.items():
        made = failure_figure(outline, explained, theme_named("default"), words, Look(width_px=width_px))
        groups = tuple(group for group in made.groups if group.id != CANVAS)
        found[name] = drawn.plate_number(groups, Box(0.0, 0.0, made.width_px, made.height_px))
    return found
