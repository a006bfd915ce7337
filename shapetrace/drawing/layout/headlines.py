"""The words above a row: its title, where it is in the model, its shapes as text, at the right end what it costs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapetrace.drawing.content.ranking import sending
from shapetrace.drawing.content.rows import Row, shared
from shapetrace.drawing.layout.boxes import around
from shapetrace.drawing.layout.captions import notes_of, path_of, title_of
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.names import called, name_spans
from shapetrace.drawing.metrics import clean, shortened, width_px, wrapped
from shapetrace.drawing.primitives import Mark, Span, Text
from shapetrace.drawing.wording import Words, flops_text, short
from shapetrace.outlining.equation import equation, sizes_of
from shapetrace.outlining.structure import Operand

_GAP_PX = 12.0
_LINE_PX = 16.0
_LEAST_PX = 70.0
_SEPARATOR = " · "


def headline(row: Row, words: Words, room_px: float, dims: str = "numbers", followed: str = "") -> Cell:
    """Write what is above a row, from (0, 0) to the right and down; it is as wide as its room.

    The first line has the title, the path and the shapes as long as they fit, and the costs at its right end. What
    does not fit there is on the lines below, with what there is to say.
    """
    if row.is_line:
        return _add(row, room_px, dims)
    costs = costs_of(row, words)
    beside = width_px(_title(row, words), "label") + _GAP_PX + width_px(costs, "note") <= room_px
    marks: list[Mark] = [Text(room_px, 13, (Span(costs),), "note", "end")] if costs and beside else []
    free = room_px - (width_px(costs, "note") + _GAP_PX if costs and beside else 0)
    title = shortened(_title(row, words), "label", free)
    marks.append(Text(0, 13, (Span(title),), "label"))
    x = width_px(title, "label") + _GAP_PX
    below: list[tuple[str, str]] = [] if beside or not costs else [("note", costs)]
    for ink, text in _facts(row, words, dims):
        if x + width_px(text, ink) <= free and not below:
            marks.append(Text(x, 13, (Span(text),), ink))
            x += width_px(text, ink) + _GAP_PX
        elif ink == "path" and free - x > _LEAST_PX:
            marks.append(Text(x, 13, (Span(shortened(text, ink, free - x)),), ink))
            x = free
        else:
            below.append((ink, text))
    marks += _lines(below, _SEPARATOR.join(_notes(row, words)), room_px)
    marks += followed_lines(followed, around(marks).bottom - 3, room_px)
    return cell(marks)


def followed_lines(said: str, y: float, room_px: float) -> Iterator[Text]:
    """What happens to a position that is followed, below what else is said."""
    for line in wrapped(said, "follow", room_px, lines=2) if said else ():
        y += _LINE_PX
        yield Text(0, y, (Span(line.strip(_SEPARATOR)),), "follow")


def _add(row: Row, room_px: float, dims: str) -> Cell:
    """A residual add in a line: ``X_1 = X_0 + O  1024 × 768``."""
    step, marks, x = row.steps[0], [], 0.0
    older, newer, made = step.operands[0], step.operands[1], step.results[0]
    for sign, operand, ink in (("", made, "name-data"), ("=", older, "note"), ("+", newer, "note")):
        spans = (*((Span(f"{sign} "),) if sign else ()), *name_spans(called(operand), ink, room_px / 4))
        marks.append(Text(x, 13, spans, ink))
        x += width_px(spans, ink) + _GAP_PX / 2
    written = (_named if dims == "names" else sizes_of)(made).strip("[]").replace(",", " × ")
    sizes = shortened(written, "equation", max(room_px - x, 20))
    return cell([*marks, Text(x + _GAP_PX / 2, 13, (Span(sizes),), "equation")])


def _title(row: Row, words: Words) -> str:
    """Of several products of one operand, what each is."""
    if not shared(row):
        return title_of(row, words)
    titles = (words.say(clean(step.title)) for step in (row.steps[0], *row.alike))
    return words.listed(tuple(dict.fromkeys(titles)))


def _notes(row: Row, words: Words) -> tuple[str, ...]:
    if row.same_as:
        return (words.say("as in {path}", path=clean(row.same_as)), *notes_of(row, words))
    return notes_of(replace(row, alike=()) if shared(row) else row, words)


def costs_of(row: Row, words: Words) -> str:
    """What a row costs in one layer, norms apart: ``1.77 M parameters · 2.26 GFLOPs``."""
    steps = (*row.steps, *row.alike)
    parameters, flops = sum(step.parameters for step in steps), sum(step.flops or 0 for step in steps)
    said = [words.say("{n} parameters", n=short(parameters))] if parameters else []
    said += [flops_text(flops)] if flops else []
    said += [told for step in steps if step.transfer and (told := sending(step.transfer, words))]
    return _SEPARATOR.join(said)


def _facts(row: Row, words: Words, dims: str) -> Iterator[tuple[str, str]]:
    if path := clean(path_of(row)):
        yield "path", path
    if not row.folded:
        yield "equation", clean(equation(row.steps[0], _named if dims == "names" else sizes_of, words.say))


def _named(operand: Operand) -> str:
    """A shape in names where they are known: ``[T,d_model]``."""
    names = (*operand.dims, *("",) * len(operand.shape))
    return "[" + ",".join(name or str(size) for name, size in zip(names, operand.shape, strict=False)) + "]"


def _lines(facts: Sequence[tuple[str, str]], notes: str, room_px: float) -> Iterator[Text]:
    """What found no room beside the title, and the notes; together on a line where they fit."""
    y, x = 13.0, room_px
    for ink, text in facts:
        y, x = y + _LINE_PX, 0.0
        shown = shortened(text, ink, room_px)
        yield Text(x, y, (Span(shown),), ink)
        x += width_px(shown, ink) + _GAP_PX
    if notes and x + width_px(notes, "note") <= room_px:
        yield Text(x, y, (Span(notes),), "note")
        return
    for line in wrapped(notes, "note", room_px, lines=2):
        y += _LINE_PX
        yield Text(0, y, (Span(line.strip(_SEPARATOR)),), "note")
