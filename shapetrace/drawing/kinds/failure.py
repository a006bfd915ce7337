"""The figure of a failure: the verdict, the last steps that ran, then the operation whose sizes clash, edges in red."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from shapetrace.drawing.compact.equations import operands_in, row_cells, sizes_in
from shapetrace.drawing.compact.lines import axes_below, height_px, painted_at, shared_unit, wrapped
from shapetrace.drawing.compact.scaling import law_for
from shapetrace.drawing.compact.tiles import TileStyle
from shapetrace.drawing.content.emphasis import Emphasis
from shapetrace.drawing.content.priming import activated, with_primes
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.content.selecting import FAILURE
from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.layout.canvas import FOOTING, HEADING, on_canvas
from shapetrace.drawing.layout.captions import row_title
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.headings import captions, footing, legend_marks, legend_of_roles
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.metrics import wrapped as wrapped_text
from shapetrace.drawing.primitives import Figure, Group, Mark, Rect, Span, Text
from shapetrace.drawing.theme import Theme
from shapetrace.drawing.widths import COLUMN_PX
from shapetrace.drawing.wording import Words
from shapetrace.failing import Explanation, Part
from shapetrace.language import joined, say
from shapetrace.outlining.structure import Operand, Outline, Step, StepKind

FAILED_STEP = "failed-step"
"""Id of the row that did not run."""

_STEPS_BEFORE = 3
_MARGIN_PX = 24.0
_PADDING_PX = 12.0
_UNITS_PX = (1.2, 7.0)
_SIDE_PX = 80.0
_LINE_PX = 19.0
_ROW_GAP_PX = 16.0


def failure_figure(outline: Outline, explained: Explanation, theme: Theme, words: Words, look: Look) -> Figure:
    """Draw what failed, after at most three steps that ran.

    Args:
        outline: What ran.
        explained: Why it ended.
        theme: Colours.
        words: The language.
        look: Width, title and other choices.
    """
    width = min(look.width_px, COLUMN_PX)
    steps = [step for step in outline.steps() if step.kind not in look.hidden_kinds][-_STEPS_BEFORE:]
    failed = _step(explained)
    makers = activated(outline.steps())
    rows = [Row((with_primes(step, makers),)) for step in steps]
    if failed.operands:
        rows.append(Row((failed,), emphasis=_clash(explained)))
    cells = _drawn(rows, explained, TileStyle(law_for((), 1), look.dims, theme.hatched), width - 2 * _MARGIN_PX)
    head, y = _verdict(explained, words, look, width)
    marks, y = legend_marks(tuple(_legend(rows, theme, words)), y, width)
    groups: list[Group] = [Group(HEADING, (*head, *marks))]
    for row, of_row in zip(rows, cells, strict=True):
        group, y = _row(row, of_row, y, width, explained, words)
        groups.append(group)
    foot, bottom = footing(tuple(_notes(outline, words, look)), y, width)
    height = bottom + 18
    shown = on_canvas((*groups, Group(FOOTING, foot)), width, height)
    title = look.title or words.say("{model}: where the pass failed", model=clean(explained.model))
    desc = "\n".join((_headline(explained, words), *(row_title(row, words) for row in rows)))
    return Figure(FAILURE, clean(title), desc, width, height, shown, theme, words.lang)


def _headline(explained: Explanation, words: Words) -> str:
    """``768 ≠ 512: linear failed in fc2 (Linear 512→10)``."""
    return ": ".join(words.told(text) for text in (explained.clash, explained.title) if text)


def _verdict(explained: Explanation, words: Words, look: Look, width: float) -> tuple[tuple[Mark, ...], float]:
    """What does not fit, why, what would: before anything is drawn."""
    title = look.title or words.say("{model}: where the pass failed", model=clean(explained.model))
    said = [
        ("verdict", _headline(explained, words)),
        ("subtitle", f"{clean(title)} · {clean(explained.line)}".strip(" ·")),
    ]
    if explained.reason:
        said.append(("legend", words.told(explained.reason)))
    if explained.fits:
        ways = joined(*explained.fits, by="{first}; or {second}")
        said.append(("legend", words.told(say("would fit: {fits}", fits=ways))))
    marks: list[Mark] = []
    y = 18.0
    for ink, text in said:
        y += 4
        for line in wrapped_text(text, ink, width - 2 * _MARGIN_PX, lines=4):
            y += _LINE_PX + (4 if ink == "verdict" else 0)
            marks.append(Text(_MARGIN_PX, y, (Span(line),), ink))
    return tuple(marks), y


def _drawn(rows: Sequence[Row], explained: Explanation, style: TileStyle, room: float) -> list[tuple[Cell, ...]]:
    """The cells of all rows to one law; operands that clash have a number below."""
    sizes = sizes_in(rows)

    def cells(row: Row, unit_px: float) -> tuple[Cell, ...]:
        return row_cells(row, replace(style, law=law_for(sizes, unit_px)))

    unit = shared_unit([(partial(cells, row), room) for row in rows], sizes, _UNITS_PX, _SIDE_PX)
    done = [cells(row, unit) for row in rows]
    if rows and rows[-1].emphasis:
        done[-1] = tuple(_numbered(done[-1], _in_order(explained)))
    return done


def _numbered(cells: Sequence[Cell], parts: Sequence[Part]) -> Iterator[Cell]:
    """Tiles and signs take turns: below a tile that clashes the number under which its origin is told."""
    for place, each in enumerate(cells):
        number, is_sign = divmod(place, 2)
        if is_sign or number >= len(parts) or not parts[number].clashing:
            yield each
            continue
        yield cell((*each.marks, Text(0, each.box.bottom + 14, (Span(f"({number + 1})"),), "note", "middle")))


def _row(
    row: Row, cells: Sequence[Cell], top: float, width: float, explained: Explanation, words: Words
) -> tuple[Group, float]:
    room = width - 2 * _MARGIN_PX
    is_failed = row.emphasis is not None
    y = top + _ROW_GAP_PX + (_PADDING_PX if is_failed else 0)
    ran = clean(explained.op or explained.path or explained.model)
    title = words.say("{op} did not run", op=ran) if is_failed else words.say(clean(row.steps[0].title))
    ink = "tag-removed" if is_failed else "label"
    title = shortened(title, ink, room * 0.7)
    marks: list[Mark] = [Text(_MARGIN_PX, y + 12, (Span(title),), ink)]
    path = clean(row.steps[0].path)
    x = _MARGIN_PX + width_px(title, ink) + 10
    if path and path not in (title, ran if is_failed else ""):
        marks.append(Text(x, y + 12, (Span(shortened(path, "path", _MARGIN_PX + room - x)),), "path"))
    lines = wrapped(cells, room, 20)
    marks += painted_at(lines, axes_below(lines, y + 24), _MARGIN_PX)
    bottom = y + 24 + height_px(lines)
    for number, part in enumerate(_in_order(explained) if is_failed else (), 1):
        if part.clashing and part.origin:
            for text in wrapped_text(f"({number}) {words.told(part.origin)}", "note", room, lines=2):
                bottom += 16
                marks.append(Text(_MARGIN_PX, bottom, (Span(text),), "note"))
    if is_failed:
        bottom += _PADDING_PX
        left = _MARGIN_PX - _PADDING_PX
        frame = Rect(left, top + _ROW_GAP_PX - 4, width - 2 * left, bottom - top - _ROW_GAP_PX + 4, "clash-frame", 10)
        marks.insert(0, frame)
    return Group(slug(row.id), tuple(marks), row_title(row, words)), bottom


def _legend(rows: Sequence[Row], theme: Theme, words: Words) -> Iterator[tuple[str, str]]:
    roles = {operand.role for operand in operands_in(rows)}
    yield from legend_of_roles(roles, theme.hatched, words)
    if any(step.inner for row in rows if not row.emphasis for step in row.steps):
        yield "match", words.say("inner sizes match")
    if any(any(row.emphasis.axes) for row in rows if row.emphasis):
        yield "clash", words.say("sizes that do not fit")


def _notes(outline: Outline, words: Words, look: Look) -> Iterator[tuple[str, str]]:
    if outline.failure:
        yield "caption", words.say("The pass ended early: {reason}", reason=clean(outline.failure))
    yield from captions(look)


def _clash(explained: Explanation) -> Emphasis:
    """The sizes that do not fit; one before the last two is drawn as a stack."""
    parts = _in_order(explained)
    stacks = (place for place, part in enumerate(parts) if any(axis < len(part.shape) - 2 for axis in part.clashing))
    return Emphasis("clash", tuple(frozenset(part.clashing) for part in parts), frozenset(stacks))


def _step(explained: Explanation) -> Step:
    """The failed operation as a step without a result; operands that clash come first."""
    parts = _in_order(explained)
    kind: StepKind = "product" if explained.operator == "×" else "contraction"
    axes = [part.clashing[-1] if part.clashing else None for part in parts[:2]]
    shown = [axis for axis in axes if axis is not None]
    return Step(
        id=FAILED_STEP, section="", kind=kind, title=explained.op, path=explained.path,
        operator=explained.operator or explained.op, operands=tuple(map(_operand, parts)), results=(),
        inner=(shown[0], shown[-1]) if shown and explained.kind == "shape" and kind == "product" else None,
    )  # fmt: skip


def _in_order(explained: Explanation) -> Sequence[Part]:
    """The parts as they are drawn: arguments of a function that clash come first."""
    if explained.operator:
        return explained.parts
    return sorted(explained.parts, key=lambda part: not part.clashing)


def _operand(part: Part) -> Operand:
    name = "W" if part.role == "weight" and len(part.shape) > 1 else ""
    return Operand(name, part.role, part.shape, dims=part.names, source=str(part.name))
