"""Residual rails: lines on the left margin from where an older operand came to the row that adds it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.content.rows import Item, Panel, Row

MOST_LANES = 5


@dataclass(frozen=True, slots=True)
class Rail:
    """One rail.

    Attributes:
        source: Number of the row it starts at; None if it comes from outside.
        panel: The panel at whose top it enters; None if it starts at a row or at the top of the figure.
        target: Number of the row that adds.
        lane: 0 beside the text, larger further left.
    """

    source: int | None
    panel: Panel | None
    target: int
    lane: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    row: Row
    panels: tuple[Panel, ...]


def rails_for(items: Sequence[Item]) -> tuple[Rail, ...]:
    """Find the rails of a figure and give each a lane where it crosses no other; too many are left out."""
    places = list(_places(items, ()))
    makers = {step.id: number for number, place in enumerate(places) for step in place.row.drawn()}
    found = []
    for target, place in enumerate(places):
        step = place.row.steps[0]
        if step.kind == "residual" and step.operands and not place.row.folded:
            found.append(_rail(makers.get(step.operands[0].made_by), target, places))
    spanned = [(*_span(rail, places), rail) for rail in found]
    taken: list[list[tuple[float, float]]] = [[] for _ in range(MOST_LANES)]
    laid = []
    for start, end, rail in sorted(spanned, key=lambda entry: (entry[1] - entry[0], entry[1])):
        lane = next((i for i, used in enumerate(taken) if all(end <= a or start >= b for a, b in used)), None)
        if lane is not None:
            taken[lane].append((start, end))
            laid.append(replace(rail, lane=lane))
    return tuple(sorted(laid, key=lambda rail: rail.target))


def _places(items: Sequence[Item], panels: tuple[Panel, ...]) -> Iterator[_Place]:
    for item in items:
        if isinstance(item, Row):
            yield _Place(item, panels)
        else:
            yield from _places(item.items, (*panels, item))


def _rail(source: int | None, target: int, places: list[_Place]) -> Rail:
    inside = places[target].panels
    if source is not None and source < target:
        outside = [panel for panel in inside if not any(panel is other for other in places[source].panels)]
        repeated = [panel for panel in outside if panel.section.repeat > 1]
        return Rail(None, repeated[0], target) if repeated else Rail(source, None, target)
    return Rail(None, inside[0] if inside else None, target)


def _span(rail: Rail, places: list[_Place]) -> tuple[float, float]:
    if rail.source is not None:
        return rail.source, rail.target
    first = next((i for i, place in enumerate(places) if any(p is rail.panel for p in place.panels)), 0)
    return first - 0.5, rail.target
