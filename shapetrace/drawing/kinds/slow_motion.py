"""How an entry of a product comes about, in an animated figure: its row, its column, then the entry."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

from shapetrace.drawing.inks import SHAPES
from shapetrace.drawing.layout.canvas import HEADING
from shapetrace.drawing.primitives import Figure, Group, Mark, Text


def in_slow_motion(figure: Figure) -> Figure:
    """The same figure, in which what is marked appears one after another; words stay."""
    groups = tuple(part for group in figure.groups for part in _parts(group))
    stages = tuple(group.id for group in groups if group.id.startswith(_STAGE))
    return replace(figure, groups=groups, stages=stages)


_STAGE = "entry-stage-"
_MARKED = "marker"
_BELOW = frozenset(takewhile(lambda ink: ink != _MARKED, SHAPES))


def _parts(group: Group) -> Iterator[Group]:
    """What is painted below the marks, each mark, and what is above them."""
    marked = [mark for mark in group.marks if _is_marked(mark)]
    if group.id == HEADING or not marked:
        yield group
        return
    rest = [mark for mark in group.marks if not _is_marked(mark)]
    yield Group(f"{group.id}-below", tuple(mark for mark in rest if _is_below(mark)))
    yield from (Group(f"{_STAGE}{number}", (mark,)) for number, mark in enumerate(marked, 1))
    yield replace(group, marks=tuple(mark for mark in rest if not _is_below(mark)))


def _is_marked(mark: Mark) -> bool:
    return mark.ink == _MARKED


def _is_below(mark: Mark) -> bool:
    return not isinstance(mark, Text) and mark.ink in _BELOW
