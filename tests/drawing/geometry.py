"""What must hold of every figure, by our own metrics."""

from itertools import combinations

from shapetrace.drawing.inks import TEXTS
from shapetrace.drawing.layout.boxes import Box, box_of
from shapetrace.drawing.primitives import Figure, Text


def text_boxes(figure: Figure) -> list[tuple[str, Box]]:
    return [(mark.plain, box_of(mark)) for mark in figure.marks() if isinstance(mark, Text)]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that have more than a sliver in common."""
    ordered = sorted(text_boxes(figure), key=lambda entry: entry[1].top)
    return [
        (text, other)
        for (text, box), (other, other_box) in combinations(ordered, 2)
        if box.overlaps(other_box, slack_px=0.7)
    ]


def outside(figure: Figure) -> list[str]:
    """Marks that are not on the canvas."""
    found = []
    for mark in figure.marks():
        box = box_of(mark)
        if box.left < 0 or box.top < 0 or box.right > figure.width_px + 0.01 or box.bottom > figure.height_px + 0.01:
            found.append(f"{mark.plain if isinstance(mark, Text) else mark}: {box}")
    return found


def smallest_font_px(figure: Figure) -> float:
    return min(TEXTS[mark.ink].size_px for mark in figure.marks() if isinstance(mark, Text))


def assert_sound(figure: Figure) -> None:
    assert not (found := overlaps(figure)), found
    assert not (found := outside(figure)), found
    assert figure.width_px <= 1200
    assert smallest_font_px(figure) >= 10.5
    ids = [group.id for group in figure.groups]
    assert len(ids) == len(set(ids))
