"""An animated generation: its marks in the order in which a pass makes them, one thing after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from shapetrace.drawing.generating.placing import PlacedBand
from shapetrace.drawing.primitives import Group, Mark, Rect, Text


def staged(bands: Sequence[PlacedBand], ways: Sequence[tuple[Mark, ...]]) -> tuple[list[Group], list[Group]]:
    """Take apart what stands still and what appears.

    In each pass all bands come from the top down: first what was there or is computed, then what is new in this pass
    and kept, at last the way of the chosen id to the next pass.

    Args:
        bands: All bands at their places.
        ways: What leads from each column to the next.

    Returns:
        The groups that appear, in that order, and those that stand still: titles, names and shapes.
    """
    parts = [[_Parts.of(cell) for cell in band.cells] for band in bands]
    stages: list[tuple[Mark, ...]] = []
    for place in range(max(map(len, parts), default=0)):
        for cells in parts:
            stages += filter(None, (cells[place].first, cells[place].new))
        stages += filter(None, ways[place : place + 1])
    appearing = [Group(f"stage-{number}", stage) for number, stage in enumerate(stages, 1)]
    still = [
        Group(band.id, (*band.titles, *(mark for each in cells for mark in each.still)), band.title)
        for band, cells in zip(bands, parts, strict=True)
    ]
    return appearing, still


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a cell shows first, what is new in its pass and green, and the words that stand on nothing and stay."""

    first: tuple[Mark, ...]
    new: tuple[Mark, ...]
    still: tuple[Mark, ...]

    @classmethod
    def of(cls, cell: Sequence[Mark]) -> "_Parts":
        boxes = [mark for mark in cell if isinstance(mark, Rect)]
        found: dict[str, list[Mark]] = {"first": [], "new": [], "still": []}
        for mark in cell:
            stays = isinstance(mark, Text) and not any(_is_on(mark, box) for box in boxes)
            found["still" if stays else "new" if _is_new(mark) else "first"].append(mark)
        return cls(*map(tuple, found.values()))


def _is_new(mark: Mark) -> bool:
    return mark.ink.startswith("marker") or mark.ink == "token-marked"


def _is_on(text: Text, box: Rect) -> bool:
    return box.x <= text.x <= box.x + box.width and box.y <= text.y <= box.y + box.height
