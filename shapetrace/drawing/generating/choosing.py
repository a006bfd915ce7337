"""The logits of a pass, and what the code does with them: pills from the last row to the id that is next."""

from collections.abc import Iterator, Sequence
from functools import partial

from shapetrace.drawing.generating.content import PassColumn
from shapetrace.drawing.generating.following import is_chosen
from shapetrace.drawing.generating.tiles import Lengths, next_tile, plain_tile, shape_text, with_shape
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Mark, Polygon, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words
from shapetrace.outlining.structure import Operand

_PILL_PX = 24.0
_ARROW_PX = 20.0


def logits_cell(column: PassColumn, logits: Operand, words: Words, room_px: float, lengths: Lengths) -> Cell:
    """The logits, and below them what the code did with their last row, where that was recorded: the id chosen."""
    follow, choice = column.follow, column.chosen
    above = with_shape(partial(plain_tile, logits), (shape_text(logits),), lengths)
    chosen = next_tile(words.say("next id"), is_marked=follow is None or is_chosen(column, follow))
    tile_px = chosen.box.right - chosen.box.left
    labels = list(_labels(list(map(words.say, choice.words)), room_px))
    marks: list[Mark] = [*above.marks]
    if len(labels) == 1 and (width := _pill_px(labels[0])) + _ARROW_PX + tile_px <= room_px:
        left, y = -(width + _ARROW_PX + tile_px) / 2, above.box.bottom + 14 + _PILL_PX / 2
        marks += _arrow((left + width / 2, above.box.bottom + 3), (left + width / 2, y - _PILL_PX / 2))
        marks += [*_pill(labels[0], left + width / 2, y), *_arrow((left + width, y), (left + width + _ARROW_PX - 3, y))]
        return cell([*marks, *moved(chosen.marks, left + width + _ARROW_PX - chosen.box.left, y)])
    y = above.box.bottom + 3
    for label in labels:
        marks += [*_arrow((0, y), (0, y + 11)), *_pill(label, 0, y + 11 + _PILL_PX / 2)]
        y += 11 + _PILL_PX
    marks += _arrow((0, y), (0, y + _ARROW_PX - 6))
    return cell([*marks, *moved(chosen.marks, 0, y + _ARROW_PX - 5 - chosen.box.top)])


def _labels(words: Sequence[str], room_px: float) -> Iterator[str]:
    """``softmax → sample``: what was done in order, in as few pills as have room."""
    label = ""
    for word in words:
        longer = f"{label} → {word}" if label else word
        if label and _pill_px(longer) > room_px:
            yield label
            longer = word
        label = longer
    if label:
        yield label


def _pill_px(label: str) -> float:
    return width_px(label, "note") + 20


def _pill(label: str, middle: float, y: float) -> Iterator[Mark]:
    width = _pill_px(label)
    yield Rect(middle - width / 2, y - _PILL_PX / 2, width, _PILL_PX, "pill", _PILL_PX / 2)
    yield Text(middle, y + 4, (Span(label),), "note", "middle")


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> Iterator[Mark]:
    """A straight arrow, down or to the right."""
    (x, y), down = end, end[0] == start[0]
    yield Line(((start, (x, y - 4) if down else (x - 4, y)),), "arrow")
    yield Polygon(
        ((x, y), (x - 3, y - 5.5), (x + 3, y - 5.5)) if down else ((x, y), (x - 5.5, y - 3), (x - 5.5, y + 3)),
        "arrow-head",
    )
