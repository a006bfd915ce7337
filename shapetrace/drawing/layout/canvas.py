"""Groups of a figure: on its canvas, with names that are unique."""

from collections.abc import Iterable, Iterator

from shapetrace.drawing.primitives import Group, Rect

CANVAS, HEADING, FOOTING = "canvas", "heading", "footing"
"""Names of the groups that every figure has."""


def on_canvas(groups: Iterable[Group], width: float, height: float) -> tuple[Group, ...]:
    """The groups that have marks, on a ground of this size; those of equal name get a number."""
    canvas = Group(CANVAS, (Rect(0, 0, width, height, "background", 0),))
    return tuple(_uniquely_named((canvas, *(group for group in groups if group.marks))))


def _uniquely_named(groups: Iterable[Group]) -> Iterator[Group]:
    taken: set[str] = set()
    for group in groups:
        name, number = group.id, 1
        while name in taken:
            number += 1
            name = f"{group.id}-{number}"
        taken.add(name)
        yield Group(name, group.marks, group.title)
