"""Cells of the lines of an overview: tiles with functions in frames between them; values as names with their shapes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapetrace.drawing.compact.equations import ARROW, SYMBOLS, Piece, row_parts
from shapetrace.drawing.compact.lines import arrow, least_px, placed, sign, wrapped
from shapetrace.drawing.compact.tiles import TileStyle, tile
from shapetrace.drawing.condensing.lines import Equation
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.layout.cells import Cell, cell, pill
from shapetrace.drawing.layout.columns import EquationLine
from shapetrace.drawing.layout.equations import function_name
from shapetrace.drawing.layout.names import badge, name_spans, shape_pieces
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Mark, Span, Text, moved
from shapetrace.drawing.telling.token_tiles import TileWords, token_tile
from shapetrace.drawing.wording import Words
from shapetrace.outlining.structure import Operand, Step

_PILL_ROOM_PX = 120.0
_NAME_ROOM_PX = 110.0
_MOST_NAMED = 3

BETWEEN = sign("·")
"""Between functions that do not follow from each other."""


def equation_cells(line: Equation, style: TileStyle, words: Words) -> tuple[Cell, ...]:
    """Tiles and signs in turns; the norm before the first is one with it."""
    parts = tuple(row_parts(line.row))
    labels = _labels(line.row, parts, words)
    cells: list[Cell] = []
    written = ""
    for part, label in zip(parts, labels, strict=True):
        if isinstance(part, str):
            cells.append(pill(label) if label else arrow() if part == ARROW else sign(part))
            continue
        operand, shown = part
        text = badge(operand)
        shown = replace(shown, stack=text != written)
        if style.tokens:
            cells.append(token_tile(operand, style, shown, style.tokens, TileWords()))
        else:
            cells.append(tile(operand, style, shown))
        written = text or written
    if line.lead is not None and cells:
        cells[0] = _led(pill(_label(line.lead, words)), cells[0])
    return tuple(cells)


def _led(first: Cell, second: Cell) -> Cell:
    """Two cells as one."""
    return cell([*first.marks, *moved(second.marks, first.box.right - second.box.left + 4, 0)])


def _labels(row: Row, parts: Sequence[Piece], words: Words) -> list[str]:
    """What stands in the frame of each arrow: those that belong to functions come last, in the order of the steps."""
    functions = [step for step in row.steps if not (step.operator in SYMBOLS and len(step.operands) > 1)]
    if row.folded:
        functions = []
    waiting = [_label(step, words) for step in functions]
    labels = [""] * len(parts)
    for place in reversed(range(len(parts))):
        if parts[place] == ARROW and waiting:
            labels[place] = waiting.pop()
    return labels


def _label(step: Step, words: Words) -> str:
    if step.kind == "lookup":
        return words.say("pick rows")
    if step.operator and step.operator not in SYMBOLS | {"=", ARROW}:
        return function_name(step, words)
    return shortened(clean(words.say(clean(step.title))), "pill-text", _PILL_ROOM_PX)


def hung_cells(steps: Sequence[Step], words: Words, room_px: float) -> tuple[Cell, ...]:
    """Values and functions in turns; what goes on from the one before is not written twice.

    Args:
        steps: The functions.
        words: The language.
        room_px: How wide a line may be: values that are wider together are in cells of their own.
    """
    cells: list[Cell] = []
    before: Step | None = None
    for step in steps:
        is_next = before is not None and step.operands and step.operands[0].made_by == before.id
        if not is_next:
            if cells:
                cells.append(BETWEEN)
            cells += _values(_data(step.operands) or list(step.operands[:1]), room_px)
        cells.append(pill(_label(step, words)))
        cells += _values(step.results[:2], room_px)
        before = step
    return tuple(cells)


def hung_lines(cells: Sequence[Cell], room_px: float, most_px: float) -> tuple[EquationLine, ...]:
    """Functions that follow from each other on one line, with others beside them where there is room."""
    chains: list[list[Cell]] = [[]]
    for each in cells:
        chains.append([]) if each is BETWEEN else chains[-1].append(each)
    packed: list[list[Cell]] = []
    for chain in chains:
        if packed and least_px(beside := [*packed[-1], BETWEEN, *chain]) <= room_px:
            packed[-1] = beside
        else:
            packed.append(chain)
    lines = (line for each in packed for line in wrapped(each, room_px, most_px))
    return tuple(fitting for line in lines for fitting in _fitting(line, room_px))


def _fitting(line: EquationLine, room_px: float) -> Iterator[EquationLine]:
    """A line; where a function and what it makes are too wide together, one below the other."""
    if line.right <= room_px:
        yield line
    else:
        yield from (placed([each], room_px) for each, _ in line.cells)


def _values(operands: Sequence[Operand], room_px: float) -> Iterator[Cell]:
    """Values in one cell, or in turns with commas where that would be too wide."""
    together = _listed(operands)
    if together.box.right - together.box.left <= room_px:
        yield together
        return
    for place, operand in enumerate(operands):
        if place:
            yield sign(",")
        yield _listed([operand])


def _listed(operands: Sequence[Operand]) -> Cell:
    """Names with their shapes, beside each other."""
    marks: list[Mark] = []
    x = 0.0
    for place, operand in enumerate(operands):
        if place:
            marks.append(Text(x, 4, (Span(","),), "note"))
            x += 8
        for text, wide in _value(operand):
            marks += moved((text,), x, 0)
            x += wide
    return cell(marks or [Text(0, 4, (Span("·"),), "note")])


def _value(operand: Operand) -> Iterator[tuple[Text, float]]:
    ink = {"data": "name-data", "weight": "name-weight"}.get(operand.role, "name-const")
    spans = name_spans(operand.name, ink, _NAME_ROOM_PX, transposed=operand.transposed)
    if spans:
        yield Text(0, 4.5, spans, ink), width_px(spans, ink) + 5
    shape = "".join(text for text, _ in shape_pieces(operand.shape)).replace(", ", ",")
    stack = badge(replace(operand, shape=operand.shape[-2:]))  # axes before the last two are written in the shape
    shape += f" {stack}" if stack else ""
    yield Text(0, 4, (Span(shape),), "figure"), width_px(shape, "figure")


def _data(operands: Sequence[Operand]) -> list[Operand]:
    """The data among some operands, few enough to be written on a line."""
    return [operand for operand in operands if operand.role == "data"][:_MOST_NAMED]
