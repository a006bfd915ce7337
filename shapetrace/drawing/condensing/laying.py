"""Lines of an overview at their places: frames, the rail on the left with its sums, norms that lead off it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shapetrace.drawing.compact.lines import axes_below, height_px, painted_at, wrapped
from shapetrace.drawing.condensing import saying
from shapetrace.drawing.condensing.cells import hung_lines
from shapetrace.drawing.condensing.levels import INSIDE_PX, RAIL_PX, Edges, Stream, inside_of
from shapetrace.drawing.condensing.lines import Closed, Equation, Framed, Head, Hung, Join, Line
from shapetrace.drawing.content.following import told
from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.layout.captions import row_title
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.columns import EquationLine
from shapetrace.drawing.layout.names import name_spans, shape_pieces
from shapetrace.drawing.layout.painting import members
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Circle, Group, Mark, Point, Polygon, Rect, Span, Text
from shapetrace.drawing.primitives import Line as Stroke
from shapetrace.drawing.telling.rich import rich_spans
from shapetrace.drawing.wording import Words
from shapetrace.outlining.following import Followed
from shapetrace.outlining.structure import Section

_TITLE_PX = 17.0
_NOTE_PX = 15.0
_CAPTION_GAP_PX = 7.0
_TIGHT_GAP_PX = 4.0
_LEAST_TEXT_PX = 70.0
_LEAST_SAID_PX = 130.0
_LINE_GAP_PX = 14.0
_HUNG_GAP_PX = 10.0
_FRAME_TOP_PX = 30.0
_JOIN_PX = 8.0
_GAP_PX = 26.0
_TURN_PX = 6.0
_NAME_ROOM_PX = 120.0


@dataclass(slots=True)
class Laying:
    """Puts lines below each other.

    Attributes:
        wrapped: The lines of each equation, and of functions, as wide as they have room.
        words: The language.
        tight: Whether equations as text stand beside the titles where there is room.
        follow: The position of which it is said what happens to it; None for none.
        groups: What is painted so far.
    """

    wrapped: Mapping[int, tuple[EquationLine, ...]]
    words: Words
    tight: bool = False
    follow: Followed | None = None
    groups: list[Group] = field(default_factory=list)

    def level(self, lines: Sequence[Line], edges: Edges, y: float, stream: Stream, depth: int) -> float:
        """Put the lines of a level; the y below them."""
        exit_: tuple[frozenset[str], Point] | None = None
        for line in lines:
            if isinstance(line, Framed):
                y, exit_ = self._framed(line, edges, y, stream, depth), None
            elif isinstance(line, Join):
                y, exit_ = self._join(line, edges, y, stream, exit_), None
            elif isinstance(line, Closed):
                y, exit_ = self._closed(line, edges, y)
            elif isinstance(line, Head):
                y = self._head(line, edges, y)
            else:
                y, exit_ = self._drawn(line, edges, y, stream)
        return y

    def _framed(self, line: Framed, edges: Edges, y: float, stream: Stream, depth: int) -> float:
        inside = inside_of(edges, depth)
        section, top = line.section, y + (8 if depth == 0 else 2)
        joins = any(isinstance(each, Join) and each.goes_on for each in line.lines)
        leads = any(isinstance(each, Equation) and each.lead for each in line.lines)
        number, rail = len(self.groups), edges.rail
        steps = frozenset(step.id for step in section.steps())
        inner = Stream(top if joins or leads else None, None, steps)
        bottom = self.level(line.lines, inside, top + _FRAME_TOP_PX, inner, depth + 1)
        frame = self._frame(section, (inside.rail - RAIL_PX, top, inside.right + INSIDE_PX, bottom), depth)
        self.groups.insert(number, frame)
        if not joins:
            return bottom + _LINE_GAP_PX
        self._stroke(((inside.rail, inner.y or top), (inside.rail, bottom)))
        if depth == 0 and top > 60:
            self.groups.append(_arrow(((inside.rail, top - 10), (inside.rail, top))))
        turn, from_y = (_TURN_PX if depth else 0.0), stream.y
        if depth and from_y is not None:  # the rail of the frame around goes in, and out again
            self._stroke(((rail, from_y), (rail, top - turn), (inside.rail, top - turn), (inside.rail, top)))
            self._stroke(((inside.rail, bottom), (inside.rail, bottom + turn), (rail, bottom + turn)))
        stream.y, stream.ids = (bottom + turn, inner.ids) if not depth or from_y is not None else (None, None)
        return bottom + _LINE_GAP_PX

    def _frame(self, section: Section, edges: tuple[float, float, float, float], depth: int) -> Group:
        left, top, right, bottom = edges
        times = f" ×{section.repeat}" if section.repeat > 1 else ""
        title = self.words.say(clean(section.title)) + times
        title = f"{title} · {self.words.note(section.window)}" if section.window else title
        title = shortened(title, "corner", (right - left) * 0.6)
        marks: list[Mark] = [
            Rect(left, top, right - left, bottom - top, "panel" if not depth else "card", 12 - 3 * depth)
        ]
        marks.append(Text(right - INSIDE_PX, top + 20, (Span(title),), "corner", "end"))
        room = right - INSIDE_PX - width_px(title, "corner") - 12 - left - RAIL_PX - 10
        if path := shortened(members(section), "corner-path", room):
            x = right - INSIDE_PX - width_px(title, "corner") - 12
            marks.append(Text(x, top + 20, (Span(path),), "corner-path", "end"))
        return Group(f"panel-{slug(section.path)}", tuple(marks), f"{title} {members(section)}".strip())

    def _drawn(
        self, line: Equation | Hung, edges: Edges, y: float, stream: Stream
    ) -> tuple[float, tuple[frozenset[str], Point]]:
        marks: list[Mark] = []
        if isinstance(line, Equation):
            marks, y = self._caption(line, edges, y)
        steps = tuple(line.row.drawn()) if isinstance(line, Equation) else line.steps
        if said := shortened(told(steps, self.follow, self.words), "follow", edges.room):
            marks.append(Text(edges.left, y + 8, (Span(said),), "follow"))
            y += _NOTE_PX + 3
        lines = self.wrapped[id(line)]
        axes = axes_below(lines, y)
        marks += painted_at(lines, axes, edges.left)
        if isinstance(line, Equation):
            self.groups.append(Group(slug(line.row.id), tuple(marks), row_title(line.row, self.words)))
            if lines:
                self._lead(line, edges, lines[0], axes[0], stream)
        else:
            described = "; ".join(saying.described(step, self.words) for step in steps)
            self.groups.append(Group(slug(steps[0].id), tuple(marks), described))
        out: Point = (edges.left, y)
        if lines:
            last, x = lines[-1].cells[-1]
            out = (edges.left + x + (last.box.left + last.box.right) / 2, axes[-1] + last.box.bottom + 3)
        gap = _HUNG_GAP_PX if self.tight or isinstance(line, Hung) else _LINE_GAP_PX
        gap -= _TIGHT_GAP_PX if self.tight else 0
        return y + height_px(lines) + gap, (frozenset(step.id for step in steps), out)

    def _lead(self, line: Equation, edges: Edges, first: EquationLine, axis: float, stream: Stream) -> None:
        """From the rail to the norm in front of an equation."""
        if line.lead is None or not line.lead.operands or not stream.carries(line.lead.operands[0].made_by):
            return
        self._stroke(((edges.rail, stream.y or axis), (edges.rail, axis)))
        cell, x = first.cells[0]
        left = edges.left + x + cell.box.left
        dot = Circle(edges.rail, axis, 3, "rail-dot")
        self.groups.append(Group("lead", (Stroke((((edges.rail, axis), (left, axis)),), "data-edge"), dot)))
        stream.y = axis

    def _join(
        self, line: Join, edges: Edges, y: float, stream: Stream, exit_: tuple[frozenset[str], Point] | None
    ) -> float:
        makers = [operand.made_by for operand in line.step.operands[1:]]
        linked = exit_ is not None and any(made in exit_[0] for made in makers)
        axis = y + 3
        if line.goes_on and stream.y is not None:
            self._stroke(((edges.rail, stream.y), (edges.rail, axis - _JOIN_PX)))
        if linked and exit_ is not None:
            x, bottom = exit_[1]
            self.groups.append(_arrow(((x, min(bottom, axis - 6)), (x, axis), (edges.rail + _JOIN_PX, axis))))
        text_y = axis + (17 if linked else 4)
        marks = [*_plus(edges.rail, axis), *self._sum(line, edges, text_y)]
        self.groups.append(Group(slug(line.step.id), tuple(marks), saying.described(line.step, self.words)))
        stream.y, stream.ids = axis + _JOIN_PX, frozenset({line.step.id, *([line.norm.id] if line.norm else [])})
        return text_y + (_HUNG_GAP_PX if self.tight else _LINE_GAP_PX)

    def _sum(self, line: Join, edges: Edges, y: float) -> Iterator[Mark]:
        x = edges.left
        spans = name_spans(line.made.name, "name-data", _NAME_ROOM_PX)
        if spans:
            yield Text(x, y, spans, "name-data")
            x += width_px(spans, "name-data") + 7
        shape = "".join(text for text, _ in shape_pieces(line.made.shape))
        yield Text(x, y, (Span(shape),), "path")
        x += width_px(shape, "path") + 8
        said = f"= {saying.sum_of(line, self.words)}"
        goes_on = f"{said}, {self.words.say('into the next one')}" if line.is_last else said
        said = goes_on if width_px(goes_on, "note") <= edges.right - x else said
        yield Text(x, y, rich_spans(shortened(said, "note", edges.right - x)), "note")

    def _head(self, line: Head, edges: Edges, y: float) -> float:
        """The name of a part over a line, from which on it goes down."""
        if line.section is None:
            self.groups.append(Group("part-end", (Stroke((((edges.left, y), (edges.right, y)),), "rule"),)))
            return y + _HUNG_GAP_PX
        axis = y + 19
        title = shortened(saying.titled(line.section, self.words), "corner", edges.room / 2)
        x = edges.left + width_px(title, "corner") + 10
        marks: list[Mark] = [Text(edges.left, axis, (Span(title),), "corner")]
        costs = saying.costs_of(tuple(line.section.steps()), self.words)
        marks += _written([("corner-path", clean(line.section.module))], x, axis, edges.right - width_px(costs, "note"))
        marks.append(Text(edges.right, axis, (Span(costs),), "note", "end"))
        marks.append(Stroke((((edges.left, axis + 7), (edges.right, axis + 7)),), "rule"))
        self.groups.append(Group(f"part-{slug(line.section.path)}", tuple(marks), title))
        return axis + 15

    def _closed(self, line: Closed, edges: Edges, y: float) -> tuple[float, tuple[frozenset[str], Point]]:
        steps = tuple(line.section.steps())
        title = saying.titled(line.section, self.words)
        marks, x, right, y = self._titled(title, saying.costs_of(steps, self.words), edges, y)
        if right - x < _LEAST_SAID_PX:
            x, right, y = edges.left, edges.right, y + _NOTE_PX
        said = saying.closed(line, self.words, right - x)
        path = [("path", clean(line.section.module))] if line.above is None else []
        marks += _written([("note", said), *path], x, y + 13, right)
        self.groups.append(Group(slug(steps[0].id), tuple(marks), f"{title}: {said}"))
        return y + _TITLE_PX + _HUNG_GAP_PX, (frozenset({steps[-1].id}), (edges.left + 20, y + _TITLE_PX + 2))

    def _titled(self, title: str, costs: str, edges: Edges, y: float) -> tuple[list[Mark], float, float, float]:
        """A title on the left, costs on the right; or below it, where both have no room.

        Returns:
            The marks, where there is room beside the title from left to right, and the y of the last line.
        """
        right = edges.right - (width_px(costs, "note") + 14 if costs else 0)
        is_beside = edges.left + width_px(title, "label") <= right
        shown = shortened(title, "label", edges.room)
        marks: list[Mark] = [Text(edges.left, y + 13, (Span(shown),), "label")]
        if is_beside and costs:
            marks.append(Text(edges.right, y + 13, (Span(costs),), "note", "end"))
        elif costs:
            y += _NOTE_PX
            marks.append(Text(edges.left, y + 13, (Span(shortened(costs, "note", edges.room)),), "note"))
            return marks, edges.left + width_px(costs, "note") + 12, edges.right, y
        return marks, edges.left + width_px(shown, "label") + 10, right, y

    def _caption(self, line: Equation, edges: Edges, y: float) -> tuple[list[Mark], float]:
        """Title, path and costs; the equation as text and what is to be known below, or beside where it is tight."""
        row, costs = line.row, saying.costs(line.row, self.words)
        title = saying.title(row, self.words)
        marks, x, right, y = self._titled(title, costs, edges, y)
        beside = [("path", saying.path(row))]
        below = [("path", saying.equation(row, self.words)), ("note", saying.notes(line, self.words))]
        while self.tight and below and x + width_px(below[0][1], below[0][0]) <= right:
            ink, text = below.pop(0)
            marks += _written(((ink, text),), x, y + 13, right)
            x += width_px(text, ink) + 12 if text else 0
            beside = []
        marks += _written(beside, x, y + 13, right)
        more = _written(below, edges.left, y + _TITLE_PX + 10, edges.right)
        gap = _TIGHT_GAP_PX if self.tight else _CAPTION_GAP_PX
        return [*marks, *more], y + _TITLE_PX + (_NOTE_PX if more else 0) + gap

    def _stroke(self, points: Sequence[Point]) -> None:
        self.groups.append(Group("rail", (Stroke((tuple(points),), "rail"),)))


def lines_in(line: Line, cells: Sequence[Cell], room_px: float) -> tuple[EquationLine, ...]:
    """The cells of an equation, or of functions, in as many lines as they need."""
    return (wrapped if isinstance(line, Equation) else hung_lines)(cells, room_px, _GAP_PX)


def _written(texts: Sequence[tuple[str, str]], left: float, y: float, right: float) -> list[Mark]:
    """Texts with their inks one behind the other, as far as there is room."""
    marks: list[Mark] = []
    x = left
    for ink, text in texts:
        if text and right - x > _LEAST_TEXT_PX and (shown := shortened(text, ink, right - x)):
            marks.append(Text(x, y, (Span(shown),), ink))
            x += width_px(shown, ink) + 12
    return marks


def _plus(x: float, y: float) -> Iterator[Mark]:
    yield Circle(x, y, _JOIN_PX, "data-hollow")
    arm = _JOIN_PX - 3.5
    yield Stroke((((x - arm, y), (x + arm, y)), ((x, y - arm), (x, y + arm))), "data-edge")


def _arrow(points: Sequence[Point]) -> Group:
    (bx, by), (x, y) = points[-2], points[-1]
    if abs(bx - x) < abs(by - y):
        head = Polygon(((x, y), (x - 4, y - 7), (x + 4, y - 7)), "rail-dot")
    else:
        head = Polygon(((x, y), (x + 7, y - 4), (x + 7, y + 4)), "rail-dot")
    return Group("flow", (Stroke((tuple(points),), "data-edge", 5), head))
