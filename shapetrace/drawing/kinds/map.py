"""The map: the whole model on one screen, as boxes and arrows that were recorded."""

from collections.abc import Iterator

from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.layout.headings import MARGIN_PX, footing, heading
from shapetrace.drawing.look import Look
from shapetrace.drawing.mapping.arranging import JOIN_PX, ROOMS, Arranging, Laid, Spot
from shapetrace.drawing.mapping.boxes import Boxes, shape_text, table_beside
from shapetrace.drawing.mapping.charting import chart
from shapetrace.drawing.mapping.pictures import has_picture
from shapetrace.drawing.mapping.wiring import wires
from shapetrace.drawing.metrics import clean, width_px
from shapetrace.drawing.primitives import Figure, Group, Line, Mark, Polygon, Rect, Span, Text
from shapetrace.drawing.theme import Theme
from shapetrace.drawing.wording import Words, counted, flops_text
from shapetrace.outlining.structure import Outline

WIDTH_PX = 700.0
MOST_PX = 1000.0
_COLUMN_PX = 588.0


def map_figure(outline: Outline, theme: Theme, words: Words, look: Look) -> Figure:
    """Draw the map: at most 1,000 px tall at 700 px where the model allows it."""
    boxes = Boxes(outline, words)
    title = clean(look.title) or clean(outline.model.name)
    facts = [" · ".join(facts_of(outline.model, words)), words.say("every shape recorded from a real forward pass")]
    head, top = heading(title, [fact for fact in facts if fact], tuple(_legend(outline, words)), WIDTH_PX)
    notes = tuple(_notes(outline, words, look))
    below = footing(notes, 0.0, WIDTH_PX)[1] + 20
    for room in ROOMS:
        arranging = Arranging(room, has_picture, boxes.width)
        flow = chart(outline, most_frames=room.most_frames)
        forks = any(not isinstance(item, int) for item in flow.chain)
        width = WIDTH_PX - 2 * MARGIN_PX if forks else _COLUMN_PX
        left = (WIDTH_PX - width) / 2
        laid = arranging.lay(flow, left, left + width, top + 10)
        if laid.bottom + below + 16 <= MOST_PX:
            break
    foot, bottom = footing(notes, laid.bottom + 10, WIDTH_PX)
    lines = wires(laid)
    groups = (
        Group("canvas", (Rect(0, 0, WIDTH_PX, bottom + 16, "background", 0),)),
        Group("heading", head),
        *_drawn(laid, boxes, lines.marks),
        Group("footing", foot),
    )
    desc = "\n".join(_told(laid, boxes))
    return Figure("map", title, desc, WIDTH_PX, bottom + 16, tuple(g for g in groups if g.marks), theme, words.lang)


def _drawn(laid: Laid, boxes: Boxes, lines: tuple[Mark, ...]) -> Iterator[Group]:
    spots = [spot for each in laid.all() for spot in each.spots.values()]
    frames = [spot for spot in spots if spot.node.kind == "frame"]
    for number, spot in enumerate(frames):
        yield Group(f"frame-{number}", tuple(boxes.draw(spot)), boxes.title(spot.node))
    yield Group("lines", lines)
    for number, spot in enumerate(spot for spot in spots if spot.node.kind != "frame"):
        title = boxes.title(spot.node) if spot.node.steps else ""
        yield Group(f"node-{number}", (*boxes.draw(spot), *_beside(laid, spot)), title)
    yield Group("shapes", tuple(_shapes(laid)))


def _shapes(laid: Laid) -> Iterator[Mark]:
    """What enters a frame and what leaves it."""
    for spot in laid.spots.values():
        entry = next((o for o in spot.node.steps[0].operands if o.role == "data"), None) if spot.node.steps else None
        if spot.node.kind == "frame" and spot.node.inside is not None and entry is not None:
            text = shape_text(entry)
            if spot.middle + 8 + width_px(text, "shape") <= spot.right:
                yield Text(spot.middle + 8, spot.top - 4, (Span(text),), "shape")


def _beside(laid: Laid, spot: Spot) -> Iterator[Mark]:
    """The table that a sum adds, at its right."""
    table = spot.node.value
    if spot.node.kind != "join" or table is None:
        return
    owner = next((each for each in laid.all() if any(other is spot for other in each.spots.values())), laid)
    edge = max(
        (other.right for other in owner.spots.values() if abs(other.middle - spot.middle) < 2), default=spot.right
    )
    text = table_beside(spot.node, edge - spot.right - 42)
    if not text:
        return
    middle = (spot.top + spot.bottom) / 2
    left = spot.right + 22
    yield Rect(left, middle - 10, width_px(text, "shape") + 16, 20, "block" if table.role == "weight" else "const", 6)
    yield Text(left + 8, middle + 4, (Span(text),), "shape")
    yield Line((((left, middle), (spot.middle + JOIN_PX, middle)),), "weight-edge")
    tip = spot.middle + JOIN_PX
    yield Polygon(((tip, middle), (tip + 7, middle - 4), (tip + 7, middle + 4)), "arrow-head")


def _legend(outline: Outline, words: Words) -> Iterator[tuple[str, str]]:
    yield "data", words.say("data")
    yield "weight", words.say("weights")
    if any(step.kind == "residual" for step in outline.steps()):
        yield "rail", words.say("residual")


def _notes(outline: Outline, words: Words, look: Look) -> Iterator[tuple[str, str]]:
    totals = outline.totals
    parameters = words.say("{n} parameters", n=counted(totals.parameters))
    phrase = "{flops} in products" if totals.flops == totals.matmul_flops else "{flops} in products and convolutions"
    flops = words.say(phrase, flops=flops_text(totals.flops))
    yield (
        "caption",
        f"{parameters} · {flops}. " + words.say("Bars: share of all parameters (grey) and of all FLOPs (blue)."),
    )
    if outline.failure:
        yield "warning", words.say("The pass ended early: {reason}", reason=clean(outline.failure))
    if look.caption:
        yield "caption", clean(look.caption)


def _told(laid: Laid, boxes: Boxes) -> Iterator[str]:
    for each in laid.all():
        for spot in each.spots.values():
            if spot.node.steps:
                yield boxes.title(spot.node) + (f" ×{spot.node.repeat}" if spot.node.repeat > 1 else "")
            elif spot.node.value is not None:
                yield f"{clean(spot.node.value.name)} {shape_text(spot.node.value)}"
