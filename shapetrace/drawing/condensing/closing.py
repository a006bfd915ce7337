"""Which sections an overview says in one line, where there is not room for all: those worth least for their room."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from shapetrace.drawing.condensing.lines import Closed, Equation, Framed, Hung, Join, Line, every
from shapetrace.drawing.content.worth import worths
from shapetrace.outlining.structure import Outline, Section, Step

_EQUATION_PX = 82.0
_HUNG_PX = 20.0
_LINE_PX = 27.0
_FRAME_PX = 44.0
_LEAST_STEPS = 3
_MOST_MARKS = 30
"""Lines beyond the rows that a figure may have: small functions and sums take little room."""

Gather = Callable[[Collection[int]], tuple[Line, ...]]
"""Gives the lines of a pass where some sections are closed, by their ``id``."""


def has_room(lines: Iterable[Line], max_rows: int) -> bool:
    """Whether lines are no more than a figure may have."""
    return sum(len(line.steps) if isinstance(line, Hung) else 1 for line in every(lines)) <= max_rows + _MOST_MARKS


def tallness(lines: Iterable[Line]) -> float:
    """About how tall lines are that stand close to each other, in px."""
    return sum(map(_px, every(lines)))


def opened_until(outline: Outline, gather: Gather, most_px: float, max_rows: int) -> tuple[Line, ...]:
    """The lines of a pass that are about so tall at most.

    All sections are closed at first; then those are opened, from the outside in, that are worth most for their room.

    Args:
        outline: What a trace means.
        gather: See there.
        most_px: The most that the lines may be tall, as `tallness` estimates it.
        max_rows: The most rows.
    """
    rooms, known = dict(_rooms(gather(()))), dict(worths(outline))
    closed = {id(each) for each in outline.root.sections() if sum(1 for _ in each.steps()) >= _LEAST_STEPS}
    lines, refused = gather(closed), set[int]()
    while waiting := {id(each): each for each in _waiting(lines) if id(each) not in refused}:
        worth = dict(_worth_of_closed(lines, known))
        chosen = max(waiting, key=lambda key: worth[key] / _room(waiting[key], rooms))
        opened = gather(closed - {chosen})
        if tallness(opened) <= most_px and has_room(opened, max_rows):
            closed, lines = closed - {chosen}, opened
        else:
            refused.add(chosen)
    return lines


def _px(line: Line) -> float:
    if isinstance(line, Hung):
        return max(_HUNG_PX * len(line.steps), _LINE_PX)
    return _EQUATION_PX if isinstance(line, Equation) else _FRAME_PX if isinstance(line, Framed) else _LINE_PX


def _waiting(lines: Iterable[Line]) -> Iterator[Section]:
    """What is closed, and refers to nothing."""
    return (line.section for line in every(lines) if isinstance(line, Closed) and line.above is None)


def _rooms(lines: Iterable[Line]) -> Iterator[tuple[str, float]]:
    """How much room steps take, by the first of each line."""
    for line in every(lines):
        if isinstance(line, Equation):
            yield line.row.steps[0].id, _EQUATION_PX
        elif isinstance(line, Join):
            yield line.step.id, _LINE_PX
        elif isinstance(line, Hung):
            yield line.steps[0].id, _px(line)


def _room(section: Section, rooms: Mapping[str, float]) -> float:
    """How much more room an open section takes, with what is in it closed."""
    return _LINE_PX + sum(rooms.get(item.id, 0.0) if isinstance(item, Step) else _LINE_PX for item in section.items)


def _worth_of_closed(lines: Iterable[Line], known: Mapping[str, float]) -> Iterator[tuple[int, float]]:
    """What closed sections are worth, with all that is referred to them."""
    found: dict[int, float] = {}
    for line in every(lines):
        if isinstance(line, Closed):
            key = id(line.above or line.section)
            found[key] = found.get(key, 0.0) + sum(known.get(step.id, 0.0) for step in line.section.steps())
    yield from found.items()
