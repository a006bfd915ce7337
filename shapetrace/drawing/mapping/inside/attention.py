"""Inside attention: the weights that queries, keys and values come through, what they multiply, and what comes out."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.running import sizes_spans
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.mapping.inside.lanes import (
    SIDE_PIECE_PX,
    Lane,
    by_source,
    groups,
    middle_of,
    read_of,
    source_x,
    stand_together,
)  # fmt: skip
from shapetrace.drawing.mapping.inside.parts import (
    EDGE_PX,
    GAP_PX,
    GIVEN_PX,
    INNER_PX,
    MIDDLE_PX,
    TITLE_PX,
    WEIGHT_PX,
    WIDTH_PX,
    forked,
    given,
    made,
    narrow,
    weight,
)
from shapetrace.drawing.mapping.inside.routes import routes
from shapetrace.drawing.mapping.notes import heads_in
from shapetrace.drawing.mapping.pictures import matrix, one_attention, steps_of_one
from shapetrace.drawing.mapping.signs import arrow
from shapetrace.drawing.metrics import clean, wrapped
from shapetrace.drawing.primitives import Mark, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Step

_SEEN = frozenset({"softmax", "concat"})
"""Kinds of steps whose results tell that they ran."""
_APART_PX = 8.0
_SIDE_PX = 30.0
_WEIGHTS_SIDE_PX = 34.0
_CORE_PX = 58.0
_BELOW_PX = 26.0
"""How much room the sizes and the number of heads take below a matrix."""


@dataclass(frozen=True)
class Attention:
    """Draws the inside of one attention.

    Attributes:
        scores: Its scores.
        weighted: Its weighted sum.
        steps: All of its steps.
        running: Axes that are as long as the input.
        words: The language.
    """

    scores: Step
    weighted: Step
    steps: Sequence[Step]
    running: Collection[int]
    words: Words

    def draw(self) -> tuple[tuple[Mark, ...], float]:
        """Marks from (0, 0), and how high they are; none for an attention that is made in another way."""
        lanes = self._lanes()
        if not lanes:
            return (), 0.0
        marks: list[Mark] = []
        depth = max(len(lane.route.products) for lane in lanes)
        top = TITLE_PX
        marks += self._sources(lanes, top)
        y = top + GIVEN_PX
        for row in range(depth):
            rows = list(groups(lanes, depth, row))
            marks += self._into(lanes, rows, row, y)
            y += GAP_PX
            for members, step in rows:
                read = next(o for o in step.operands if o.role == "weight")
                inset = SIDE_PIECE_PX if members[-1].route.sides and row else 0.0
                marks += weight(read, members[0].left, members[-1].right - inset, y)
            y += WEIGHT_PX
            if row < depth - 1:
                marks += self._latents(rows, y)
                y += GAP_PX + GIVEN_PX
        y = self._matrices(lanes, y, marks)
        bottom = self._closing(y, lanes, marks)
        return tuple(marks), bottom

    def _lanes(self) -> tuple[Lane, ...]:
        operands = (*self.scores.operands[:2], self.weighted.operands[1])
        found = routes(operands, self.steps)
        if not found:
            return ()
        pairs = list(zip(operands, found, strict=True))
        if found[1].sides:  # what is joined to the keys comes down at the edge
            pairs = [pairs[0], pairs[2], pairs[1]]
        if any(route.sides for _, route in pairs[:-1]) or len(pairs[-1][1].sides) > 1:
            return ()
        aside = SIDE_PIECE_PX if pairs[-1][1].sides else 0.0
        width = (INNER_PX - 2 * _APART_PX - aside) / 3
        lefts = [EDGE_PX + place * (width + _APART_PX) for place in range(3)]
        rights = [lefts[0] + width, lefts[1] + width, EDGE_PX + INNER_PX]
        lanes = tuple(Lane(*pair, *sides) for pair, sides in zip(pairs, zip(lefts, rights, strict=True), strict=True))
        return lanes if stand_together(lanes) else ()

    def _sources(self, lanes: Sequence[Lane], top: float) -> Iterator[Mark]:
        """What is read: one value around the middle, or each over those that read it."""
        for members in by_source(lanes):
            x = source_x(members, lanes)
            yield from given(members[0].route.source, x, top, members[-1].right - members[0].left, self.running)

    def _into(
        self, lanes: Sequence[Lane], rows: Sequence[tuple[Sequence[Lane], Step]], row: int, y: float
    ) -> Iterator[Mark]:
        """Lines to a row of products: from what is read, or from what the row before made."""
        for members in by_source(lanes):
            ends = [(middle_of(group), y + GAP_PX) for group, step in rows if step is group[0].route.products[0]]
            ends = [end for end in ends if members[0].left <= end[0] <= members[-1].right]
            if ends:
                x = source_x(members, lanes)
                yield from forked(x, TITLE_PX + GIVEN_PX, ends)
        for group, step in rows:
            if row and step is not group[0].route.products[0]:
                yield from arrow(((middle_of(group), y), (middle_of(group), y + GAP_PX)))

    def _latents(self, rows: Sequence[tuple[Sequence[Lane], Step]], y: float) -> Iterator[Mark]:
        """What a row of products makes that another row goes on with, and beside it what is joined to the keys."""
        for group, step in rows:
            for read, members in read_of(group, step):
                sides = [side for lane in members for side in lane.route.sides]
                left, right = members[0].left, members[-1].right - (SIDE_PIECE_PX + 2 if sides else 0)
                yield from arrow((((left + right) / 2, y), ((left + right) / 2, y + GAP_PX)))
                yield from narrow(_plain(read, step), left, right, y + GAP_PX)
                if sides:
                    x = members[-1].right - SIDE_PIECE_PX / 2
                    yield from arrow(((x, y), (x, y + GAP_PX)))
                    yield from narrow(sides[0], x - SIDE_PIECE_PX / 2, members[-1].right, y + GAP_PX, is_named=False)

    def _matrices(self, lanes: Sequence[Lane], y: float, marks: list[Mark]) -> float:
        """Q, K and V to one scale below what made them; gives where their sizes end."""
        largest = max(size for lane in lanes for size in lane.operand.shape[-2:])
        drawn = [cell(matrix(_as_made(lane.operand), _SIDE_PX, largest)) for lane in lanes]
        highest = max(each.box.bottom - each.box.top for each in drawn)
        below = y + GAP_PX + highest
        for lane, each in zip(lanes, drawn, strict=True):
            marks += self._matrix(lane, each, y, below)
        return below + _BELOW_PX

    def _matrix(self, lane: Lane, drawn: Cell, y: float, below: float) -> Iterator[Mark]:
        top = below - drawn.box.bottom
        yield from moved(drawn.marks, lane.middle, top)
        yield from arrow(((lane.middle, y), (lane.middle, top + drawn.box.top)))
        if lane.route.sides:
            x, front = lane.right - SIDE_PIECE_PX / 2, below - _SIDE_PX / 2
            yield from arrow(((x, y - WEIGHT_PX - GAP_PX), (x, front), (lane.middle + drawn.box.right + 1, front)))
        made_of = _as_made(lane.operand)
        yield Text(lane.middle, below + 12, sizes_spans(made_of, self.running), "shape", "middle")
        if (heads := heads_in(made_of)) > 1:
            yield Text(lane.middle, below + 24, (Span(f"×{heads}"),), "stack", "middle")

    def _closing(self, y: float, lanes: Sequence[Lane], marks: list[Mark]) -> float:
        """What is multiplied with what, what comes out of it, and what the picture leaves out."""
        top = y + GAP_PX - 4
        for lane in lanes:
            marks += arrow(((lane.middle, y + 2), (lane.middle, top)))
        marks += self._core(top)
        y = top + _CORE_PX
        out = next((step for step in self.steps if step.role is Role.OUT_PROJ and step.inner is not None), None)
        last = out or self.weighted
        if out is not None:
            read = next(o for o in out.operands if o.role == "weight")
            marks += arrow(((MIDDLE_PX, y), (MIDDLE_PX, y + GAP_PX + 4)))
            marks += made(out.operands[0], MIDDLE_PX + 8, y + 15, WIDTH_PX - EDGE_PX, self.running)
            y += GAP_PX + 4
            marks += weight(read, EDGE_PX + INNER_PX / 4, EDGE_PX + 3 * INNER_PX / 4, y)
            y += WEIGHT_PX
        marks += arrow(((MIDDLE_PX, y), (MIDDLE_PX, y + GAP_PX + 4)))
        marks += made(last.results[0], MIDDLE_PX + 8, y + 15, WIDTH_PX - EDGE_PX, self.running)
        y += GAP_PX + 10
        for line in self._left_out(lanes, out):
            y += 15
            marks.append(Text(EDGE_PX, y, (Span(line),), "note"))
        return y + EDGE_PX

    def _core(self, top: float) -> Iterator[Mark]:
        """The attention weights with their mask, and how they are made."""
        yield Rect(EDGE_PX, top, INNER_PX, _CORE_PX, "block-plain", 7)
        weights = self.weighted.operands[0]
        sign = cell(matrix(weights, _WEIGHTS_SIDE_PX, max(weights.shape[-2:])))
        yield from moved(
            sign.marks, EDGE_PX + 12 - sign.box.left, top + _CORE_PX / 2 - (sign.box.top + sign.box.bottom) / 2
        )
        x = EDGE_PX + 24 + sign.box.right - sign.box.left
        yield Text(x, top + 19, (*self._formula(),), "label")
        said = [self.words.several("{n} heads", heads_in(weights)), *map(self.words.note, self.scores.notes)]
        lines = wrapped(" · ".join(said), "note", EDGE_PX + INNER_PX - 8 - x, lines=2, is_list=True)
        for place, line in enumerate(lines):
            yield Text(x, top + 36 + 14 * place, (Span(line),), "note")

    def _formula(self) -> Iterator[Span]:
        q, k, v = (clean(operand.name) for operand in (*self.scores.operands[:2], self.weighted.operands[1]))
        yield Span(f"{self.words.say('softmax')}({q} {k}")
        yield Span("T", -1)
        yield Span(f") {v}")

    def _left_out(self, lanes: Sequence[Lane], out: Step | None) -> tuple[str, ...]:
        """Steps that the panel does not draw."""
        shown = {self.scores.id, self.weighted.id, *(step.id for lane in lanes for step in lane.route.products)}
        if out is not None:
            shown.add(out.id)
        others = [step for step in self.steps if step.id not in shown and step.kind not in _SEEN]
        titles = dict.fromkeys(self.words.say(clean(step.title)) for step in others)
        said = self.words.say("not drawn: {what}", what=" · ".join(titles))
        return wrapped(said, "note", INNER_PX, lines=2, is_list=True) if titles else ()


def inside_attention(node: Node, running: Collection[int], words: Words) -> tuple[tuple[Mark, ...], float]:
    """Marks of the inside of an attention from (0, 0), and their height; no marks where there is no picture of it."""
    found = one_attention(node)
    steps = steps_of_one(node)
    if found is None or sum(step.kind == "softmax" for step in steps) != 1:
        return (), 0.0
    return Attention(*found, steps, running, words).draw()


def _as_made(operand: Operand) -> Operand:
    """A matrix as it was before it was turned to be multiplied."""
    if not operand.transposed:
        return operand
    return replace(operand, shape=operand.shape[::-1], axes=operand.axes[::-1], transposed=False)


def _plain(operand: Operand, step: Step) -> Operand:
    """What a product goes on with, under the name that it had when it was made: a norm between goes undrawn."""
    return replace(operand, name=step.results[0].name)
