"""Names of groups: unique in their figure."""

from collections.abc import Iterable, Iterator

from shapetrace.drawing.primitives import Group


def uniquely_named(groups: Iterable[Group]) -> Iterator[Group]:
    """Give groups of equal name a number."""
    taken: set[str] = set()
    for group in groups:
        name, number = group.id, 1
        while name in taken:
            number += 1
            name = f"{group.id}-{number}"
        taken.add(name)
        yield Group(name, group.marks, group.title)
