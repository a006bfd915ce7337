"""Panels beside the column of a map: what is in its attentions and experts, for which its boxes have no room."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from shapetrace.drawing.mapping.arranging import Laid, Spot
from shapetrace.drawing.mapping.boxes import Boxes
from shapetrace.drawing.mapping.chart import Fork, Node
from shapetrace.drawing.mapping.inside.attention import inside_attention
from shapetrace.drawing.mapping.inside.experts import inside_experts
from shapetrace.drawing.mapping.inside.parts import EDGE_PX, WIDTH_PX
from shapetrace.drawing.primitives import Circle, Group, Line, Mark, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words

GUTTER_PX = 24.0
"""Room between the column and the panels."""
_GAP_PX = 12.0
_PICTURED_PX = 80.0
"""A box that is so high has its picture in it."""
_DOT_PX = 2.5
_LEADER_PX = 6.0
_WITHIN_PX = 16.0


@dataclass(frozen=True, slots=True)
class Panel:
    """What is in boxes that are alike.

    Attributes:
        title: What it opens.
        form: What the boxes have in common.
        marks: From (0, 0).
        height: How high it is.
    """

    title: str
    form: object
    marks: tuple[Mark, ...]
    height: float


def panels(laid: Laid, boxes: Boxes) -> tuple[Panel, ...]:
    """A panel for each kind of box that has an inside for which there is a picture, in their order."""
    opened: dict[object, Panel] = {}
    for spot in _boxes(laid):
        form = _form(spot.node)
        if form in opened:
            continue
        inside = inside_attention if spot.node.sublayer == "attention" else inside_experts
        marks, height = inside(spot.node, boxes.running, boxes.words)
        if marks:
            opened[form] = Panel(boxes.title(spot.node), form, marks, height)
    return tuple(opened.values())


def lacks(laid: Laid, opened: Sequence[Panel]) -> bool:
    """Whether a column stands alone, and a box of it that has an inside does not show it."""
    forms = {panel.form for panel in opened}
    forks = (item for each in laid.all() for item in each.flow.chain if isinstance(item, Fork))
    return next(forks, None) is None and any(
        _form(spot.node) in forms and spot.bottom - spot.top < _PICTURED_PX for spot in _boxes(laid)
    )


def fitting(opened: Sequence[Panel], room: float) -> tuple[Panel, ...]:
    """As many panels as have room below each other, the first first."""
    kept: list[Panel] = []
    for panel in opened:
        if sum(each.height + _GAP_PX for each in kept) + panel.height <= room:
            kept.append(panel)
    return tuple(kept)


def drawn_beside(laid: Laid, opened: Sequence[Panel], left: float, bottom: float, words: Words) -> Iterator[Group]:
    """Each panel, with dotted lines from the boxes that it opens: as near to the first of them as there is room."""
    y = laid.top
    for place, panel in enumerate(opened):
        spots = [spot for spot in _boxes(laid) if _form(spot.node) == panel.form]
        below = sum(each.height + _GAP_PX for each in opened[place + 1 :])
        wanted = (spots[0].top + spots[0].bottom - panel.height) / 2
        top = max(y, min(wanted, bottom - below - panel.height))
        title = words.say("Inside: {what}", what=panel.title)
        marks = (
            Rect(left, top, WIDTH_PX, panel.height, "panel", 10),
            Text(left + EDGE_PX, top + 21, (Span(title),), "corner"),
            *moved(panel.marks, left, top),
            *_leaders(spots, left, (top, top + panel.height), left - _LEADER_PX * (2 + place)),
        )
        yield Group(f"inside-{place}", marks, title)
        y = top + panel.height + _GAP_PX


def _leaders(spots: Sequence[Spot], left: float, within: tuple[float, float], turn: float) -> Iterator[Mark]:
    """Dotted lines from boxes to their panel, straight where one is at its height."""
    heights = [(spot.top + spot.bottom) / 2 for spot in spots]
    end = min(max(heights[0], within[0] + _WITHIN_PX), within[1] - _WITHIN_PX)
    for spot, y in zip(spots, heights, strict=True):
        bend = ((turn, y), (turn, end)) if y != end else ()
        yield Line((((spot.right, y), *bend, (left, end)),), "leader")
        yield Circle(spot.right, y, _DOT_PX, "arrow-head")
    yield Circle(left, end, _DOT_PX, "arrow-head")


def _boxes(laid: Laid) -> Iterator[Spot]:
    spots = chain.from_iterable(each.spots.values() for each in laid.all())
    inner = (spot for spot in spots if spot.node.kind == "box" and spot.node.sublayer in {"attention", "experts"})
    return iter(sorted(inner, key=lambda spot: spot.top))


def _form(node: Node) -> object:
    """What two boxes have in common whose insides look the same."""
    return tuple(
        (step.kind, step.role, tuple((o.shape, o.stack, o.pattern, o.band) for o in step.operands))
        for step in node.steps
    )
