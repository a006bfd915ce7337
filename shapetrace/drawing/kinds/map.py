"""The map: the whole model on one screen, as boxes and arrows that were recorded."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from shapetrace.drawing.content.facts import ran_on, recorded_by
from shapetrace.drawing.content.growth import growth_text
from shapetrace.drawing.content.subject import model_facts
from shapetrace.drawing.content.worth import worths
from shapetrace.drawing.layout.boxes import Box, box_of
from shapetrace.drawing.layout.canvas import FOOTING, HEADING, on_canvas
from shapetrace.drawing.layout.headings import MARGIN_PX, captions, footing, heading
from shapetrace.drawing.layout.running import legend_of_running, shape_spans
from shapetrace.drawing.look import Look
from shapetrace.drawing.mapping.arranging import JOIN_PX, LEAST, ROOMS, SHAPE_PX, Arranging, Laid, Room, Spot
from shapetrace.drawing.mapping.bars import TRACK
from shapetrace.drawing.mapping.boxes import Boxes
from shapetrace.drawing.mapping.chart import Flow
from shapetrace.drawing.mapping.charting import chart, closable
from shapetrace.drawing.mapping.flowing import stream
from shapetrace.drawing.mapping.inside.parts import WIDTH_PX as WIDTH_OF_PANEL_PX
from shapetrace.drawing.mapping.operands import shape_text, table_beside
from shapetrace.drawing.mapping.origins import Origins
from shapetrace.drawing.mapping.panels import GUTTER_PX, Panel, drawn_beside, fitting, lacks, panels
from shapetrace.drawing.mapping.pictures import has_picture
from shapetrace.drawing.mapping.wiring import wires
from shapetrace.drawing.metrics import clean, width_px
from shapetrace.drawing.primitives import Figure, Group, Line, Mark, Polygon, Rect, Text, has_slanted
from shapetrace.drawing.theme import Theme
from shapetrace.drawing.wording import Words, counted, flops_text
from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Outline, Section, Step

WIDTH_PX = 700.0
MOST_PX = 1000.0
_COLUMN_PX = 588.0
_LEAST_FORKED_PX = 560.0
_TRIED_CLOSED = 2
"""With how many of the tightest rooms parts are closed; that is taken in which more is open."""
_EDGE_PX = 8.0
_LINE_PX = 2.0
_SHOWN_BY: dict[str, type[Rect | Line]] = {"const": Rect, "rail": Line}
"""What the sign of a legend explains: marks of its ink."""
_NOTES_PX = 10.0
_BARS = "Bars: share of parameters (grey), FLOPs (blue), activation bytes (pale blue). Weights as stored."


def map_figure(outline: Outline, theme: Theme, words: Words, look: Look) -> Figure:
    """Draw the map: at most 1,000 px tall at 700 px where the model allows it, no wider than that."""
    operands = (operand for step in outline.steps() for operand in step.operands)
    legend = (*_legend(words), *legend_of_running(operands, running_axes(outline), words))
    drawn = _figure(outline, legend, theme, words, look)
    said = tuple(entry for entry in legend if _is_shown(entry[0], drawn))
    return drawn if said == legend else _figure(outline, said, theme, words, look)


def _is_shown(sample: str, drawn: Figure) -> bool:
    """Whether what an entry of the legend explains is in a figure: residuals, sizes in italics."""
    if sample in _SHOWN_BY:
        below = (group for group in drawn.groups if group.id != HEADING)
        return any(
            isinstance(mark, _SHOWN_BY[sample]) and mark.ink == sample for group in below for mark in group.marks
        )
    return not sample.startswith("run:") or has_slanted(drawn)


def _figure(outline: Outline, legend: Sequence[tuple[str, str]], theme: Theme, words: Words, look: Look) -> Figure:
    boxes = Boxes(outline, words)
    width = _width(outline, look)
    title = clean(look.title or "") or clean(outline.model.name)
    facts = (*model_facts(outline, words), recorded_by(outline, words))
    head, top = heading(title, facts, legend, width)
    notes, bars = tuple(_notes(outline, words)), ("caption", words.say(_BARS))
    below = footing((*notes, bars, *captions(look)), 0.0, width)[1] + _NOTES_PX
    most_bottom = MOST_PX - below - 16
    laid, drawn, left_out, lowest = _placed(boxes, width, top + 10, most_bottom)
    if laid.bottom <= most_bottom < lowest:  # what stands below the last box
        laid, drawn, left_out, lowest = _placed(boxes, width, top + 10, 2 * most_bottom - lowest)
    if any(isinstance(mark, Rect) and mark.ink == TRACK for group in drawn for mark in group.marks):
        notes = (*notes, bars)
    if left_out:
        notes = (*notes, ("caption", words.several("{n} arrows have no room and are not drawn.", left_out)))
    foot, bottom = footing((*notes, *captions(look)), lowest + _NOTES_PX, width)
    groups = (Group(HEADING, head), *drawn, Group(FOOTING, foot))
    height = bottom + 16
    desc = "\n".join(_told(laid, boxes))
    return Figure("map", title, desc, width, height, on_canvas(groups, width, height), theme, words.lang)


def _placed(boxes: Boxes, width: float, top: float, most_bottom: float) -> tuple[Laid, tuple[Group, ...], int, float]:
    """Places, what is drawn there, how many arrows are not, and where the lowest of it ends."""
    laid, opened = _opened_beside(boxes, width, top, most_bottom)
    lines = wires(laid, boxes.running)
    left = width - MARGIN_PX - WIDTH_OF_PANEL_PX
    drawn = (*_drawn(laid, boxes, lines.marks), *drawn_beside(laid, opened, left, most_bottom, boxes.words))
    lowest = max([laid.bottom, *(box_of(mark).bottom for group in drawn for mark in group.marks)])
    return laid, drawn, lines.left_out, lowest


def _opened_beside(boxes: Boxes, width: float, top: float, most_bottom: float) -> tuple[Laid, tuple[Panel, ...]]:
    """Places of all; where a box does not show what is in it, in a narrower column with panels beside it."""
    laid = _arranged(boxes, width - 2 * MARGIN_PX, top, most_bottom, width / 2)
    if width < WIDTH_PX or not lacks(laid, panels(laid, boxes)):
        return laid, ()
    column = width - 2 * MARGIN_PX - WIDTH_OF_PANEL_PX - GUTTER_PX
    narrow = _arranged(boxes, column, top, most_bottom, MARGIN_PX + column / 2)
    kept = fitting(panels(narrow, boxes), most_bottom - top)
    return (narrow, kept) if kept and narrow.bottom <= max(laid.bottom, most_bottom) else (laid, ())


@dataclass(frozen=True, slots=True)
class BareMap:
    """A map without its heading and its notes, for what has its own.

    Attributes:
        groups: What is drawn, at positions in px.
        areas: What each box and frame is called, where it is, and what it stands for; outer ones first.
        box: Where all of it is.
    """

    groups: tuple[Group, ...]
    areas: tuple[tuple[str, Box, Section | Step], ...]
    box: Box


def bare_map(outline: Outline, words: Words, width_px: float) -> BareMap:
    """Draw the boxes and arrows alone, as wide as is asked for; columns side by side are as wide as they need."""
    boxes = Boxes(outline, words)
    laid = _arranged(boxes, width_px, _EDGE_PX, MOST_PX)
    spots = [spot for each in laid.all() for spot in each.spots.values() if spot.node.steps]
    spots.sort(key=lambda spot: spot.node.kind != "frame")
    groups = tuple(group for group in _drawn(laid, boxes, wires(laid, boxes.running).marks) if group.marks)
    box = Box(laid.left - _LINE_PX, 0.0, laid.right + _LINE_PX, laid.bottom + _EDGE_PX)
    return BareMap(groups, tuple(_area(spot, boxes) for spot in spots), box)


def _area(spot: Spot, boxes: Boxes) -> tuple[str, Box, Section | Step]:
    box = Box(spot.left, spot.top, spot.right, spot.bottom)
    return boxes.title(spot.node), box, spot.node.section or spot.node.steps[0]


def _arranged(boxes: Boxes, most_wide: float, top: float, most_bottom: float, middle: float = WIDTH_PX / 2) -> Laid:
    """Places with as much room as there is; a single column is no wider than it reads well."""
    origins = Origins(boxes.outline)

    def lay(room: Room, closed: Collection[int] = ()) -> Laid:
        flow = chart(boxes.outline, closed=closed, origins=origins)
        width = max(most_wide, _LEAST_FORKED_PX) if _forks(flow) else min(most_wide, _COLUMN_PX)
        left = middle - width / 2
        return Arranging(room, has_picture, boxes.width).lay(flow, left, left + width, top)

    for room in ROOMS:
        laid = lay(room)
        if laid.bottom <= most_bottom:
            return laid
    tries = [_opened(boxes.outline, partial(lay, room), most_bottom) for room in ROOMS[-_TRIED_CLOSED:]]
    best = max(tries, key=lambda each: (min(0.0, most_bottom - each[1].bottom), each[0]))[1]
    return best if best.bottom <= most_bottom else _opened(boxes.outline, partial(lay, LEAST), most_bottom)[1]


def _width(outline: Outline, look: Look) -> float:
    """A column at most; as wide as columns side by side need at least."""
    least = _LEAST_FORKED_PX + 2 * MARGIN_PX if look.width_px < WIDTH_PX and _forks(chart(outline)) else 0.0
    return min(WIDTH_PX, max(look.width_px, least))


def _forks(flow: Flow) -> bool:
    return any(not isinstance(item, int) for item in flow.chain)


def _opened(outline: Outline, lay: Callable[[Collection[int]], Laid], most_bottom: float) -> tuple[float, Laid]:
    """All parts closed but those for which there is room, worth most first; with what those are worth that are open."""
    known, worth = dict(worths(outline)), 0.0
    waiting = {id(section): sum(known[step.id] for step in section.steps()) for section in closable(outline)}
    closed = set(waiting)
    laid = lay(closed)
    while seen := {id(spot.node.section) for each in laid.all() for spot in each.spots.values()} & waiting.keys():
        chosen = max(sorted(seen, key=list(waiting).index), key=waiting.__getitem__)
        gained = waiting.pop(chosen)
        opened = lay(closed - {chosen})
        if opened.bottom <= most_bottom:
            closed, laid, worth = closed - {chosen}, opened, worth + gained
    return worth, laid


def _drawn(laid: Laid, boxes: Boxes, lines: tuple[Mark, ...]) -> Iterator[Group]:
    spots = [spot for each in laid.all() for spot in each.spots.values()]
    frames = [spot for spot in spots if spot.node.kind == "frame"]
    for number, spot in enumerate(frames):
        yield Group(f"frame-{number}", tuple(boxes.draw(spot)), boxes.title(spot.node))
    yield Group("lines", lines)
    for number, spot in enumerate(spot for spot in spots if spot.node.kind != "frame"):
        title = boxes.title(spot.node) if spot.node.steps else ""
        yield Group(f"node-{number}", (*boxes.draw(spot), *_beside(laid, spot, boxes.running)), title)
    yield Group("shapes", tuple(_shapes(laid, boxes.running)))


def _shapes(laid: Laid, running: Collection[int]) -> Iterator[Mark]:
    """What enters a frame and what leaves it."""
    for spot in laid.spots.values():
        steps = spot.node.steps
        entry = stream(steps) or next((o for o in steps[0].operands if o.role == "data"), None) if steps else None
        if spot.node.kind == "frame" and spot.node.inside is not None and entry is not None:
            shape = shape_spans(entry, running)
            tables = [each for each in laid.spots.values() if each.node.kind == "join" and each.node.value is not None]
            touches = any(0 <= spot.top - each.bottom < SHAPE_PX for each in tables)
            is_given = any(laid.spots[made].node.kind == "given" for made in spot.node.main)
            if spot.middle + 8 + width_px(shape, "shape") <= spot.right and not touches and not is_given:
                yield Text(spot.middle + 8, spot.top - 4, shape, "shape")


def _beside(laid: Laid, spot: Spot, running: Collection[int]) -> Iterator[Mark]:
    """The table that a sum adds, at its right."""
    table = spot.node.value
    if spot.node.kind != "join" or table is None:
        return
    owner = next((each for each in laid.all() if any(other is spot for other in each.spots.values())), laid)
    edge = max(
        (other.right for other in owner.spots.values() if abs(other.middle - spot.middle) < 2), default=spot.right
    )
    beside = (o.left - 18 for o in owner.spots.values() if o.left > spot.right and _overlap(o, spot))
    text = table_beside(spot.node, min([edge, *beside]) - spot.right - 42, running)
    if not text:
        return
    middle = (spot.top + spot.bottom) / 2
    left = spot.right + 22
    yield Rect(left, middle - 10, width_px(text, "shape") + 16, 20, "block" if table.role == "weight" else "const", 6)
    yield Text(left + 8, middle + 4, text, "shape")
    yield Line((((left, middle), (spot.middle + JOIN_PX, middle)),), "weight-edge")
    tip = spot.middle + JOIN_PX
    yield Polygon(((tip, middle), (tip + 7, middle - 4), (tip + 7, middle + 4)), "arrow-head")


def _overlap(one: Spot, other: Spot) -> bool:
    """Whether two nodes stand beside each other."""
    return one.top < other.bottom and other.top < one.bottom


def _legend(words: Words) -> Iterator[tuple[str, str]]:
    yield "data", words.say("data")
    yield "weight", words.say("weights")
    yield "const", words.say("constants")
    yield "rail", words.say("residual")


def _notes(outline: Outline, words: Words) -> Iterator[tuple[str, str]]:
    totals = outline.totals
    parameters = words.say("{n} parameters", n=counted(totals.parameters))
    phrase = "{flops} in products" if totals.flops == totals.matmul_flops else "{flops} in products and convolutions"
    flops = words.say(phrase, flops=flops_text(totals.flops))
    yield "caption", " · ".join([parameters, flops, *ran_on(outline, words)])
    if grown := growth_text(outline, words):
        yield "caption", grown
    if outline.failure:
        yield "warning", words.say("The pass ended early: {reason}", reason=clean(outline.failure))


def _told(laid: Laid, boxes: Boxes) -> Iterator[str]:
    for each in laid.all():
        for spot in each.spots.values():
            if spot.node.steps:
                yield boxes.title(spot.node) + (f" ×{spot.node.repeat}" if spot.node.repeat > 1 else "")
            elif spot.node.value is not None:
                yield f"{clean(spot.node.value.name)} {shape_text(spot.node.value)}"
