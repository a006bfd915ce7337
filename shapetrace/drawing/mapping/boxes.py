"""How each node of a map looks: its box, its words, its bars."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf

from shapetrace.drawing.layout.boxes import box_of, enclosing
from shapetrace.drawing.layout.running import shape_spans
from shapetrace.drawing.mapping.arranging import JOIN_PX, WIDE_PX, Spot
from shapetrace.drawing.mapping.bars import IN_A_LINE_PX, PAD_PX, bars, bars_in_a_line
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.mapping.counting import (
    common_module,
    counted,
    fitting,
    inner_names,
    is_mixer,
    other_notes,
    turns,
)
from shapetrace.drawing.mapping.glyphs import glyph
from shapetrace.drawing.mapping.notes import notes, tie_of
from shapetrace.drawing.mapping.operands import named_spans, shape_text
from shapetrace.drawing.mapping.pictures import Frame, picture
from shapetrace.drawing.mapping.signs import plus
from shapetrace.drawing.mapping.weights import WEIGHTS_PX, weight_line
from shapetrace.drawing.metrics import clean, shortened, width_px, wrapped
from shapetrace.drawing.primitives import Mark, Rect, Span, Text
from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Part
from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Outline, Step

_TITLES: dict[str, str] = {"attention": "Attention", "mlp": "MLP", "experts": "Mixture of experts"}
_LEAST_TIE_PX = 40.0
_BETWEEN_PX = 12.0
_TWO_LINES_PX = 36.0
_THREE_LINES_PX = 60.0
_SIGN_PX = 7.0
"""Radius of the sum in a norm behind one."""
_SAID = frozenset({"activation", "softmax", "convolution", "contraction"})


@dataclass(frozen=True)
class Boxes:
    """Draws nodes.

    Attributes:
        outline: What the map is of: its totals are what bars are parts of.
        words: The language.
    """

    outline: Outline
    words: Words

    @cached_property
    def running(self) -> frozenset[int]:
        """Axes that are as long as what the pass was given."""
        return running_axes(self.outline)

    def draw(self, spot: Spot) -> Iterator[Mark]:
        """The marks of one node."""
        yield from _PAINTERS[spot.node.kind](self, spot)

    def title(self, node: Node) -> str:
        """What a node is called; of several boxes that are alike, what each is."""
        node = replace(node, steps=node.steps[: len(node.steps) // node.copies])
        if node.kind == "add_norm":
            return self.words.say("Add & {norm}", norm=self.words.say(clean(node.steps[-1].title)))
        if node.section is not None:
            return self.words.say(clean(node.section.title))
        if node.sublayer == "attention" and any(o.part is Part.CONTEXT for step in node.steps for o in step.operands):
            return self.words.say("Cross-attention")
        if node.sublayer == "attention" and len({step.role for step in node.steps}) == 1:
            return self.words.say(clean(node.steps[0].title))
        if node.sublayer in _TITLES and not (node.sublayer == "attention" and is_mixer(node.steps)):
            return self.words.say(_TITLES[node.sublayer])
        if len(node.steps) > 3 and (
            module := common_module([step.path.split(".") for step in node.steps if step.parameters])
        ):
            return clean(module)
        first = next((step for step in node.steps if step.kind in _SAID or step.operands[1:]), node.steps[0])
        return self.words.say(clean(first.title))

    def width(self, node: Node) -> float:
        """Width of an input, a result or small steps."""
        if node.value is not None and node.kind == "given":
            return width_px(named_spans(node.value, inf), "label") + width_px(shape_text(node.value), "figure") + 34
        return width_px(self._listed(node), "note") + 24

    def _listed(self, node: Node) -> str:
        return " · ".join(dict.fromkeys(self.words.say(clean(step.title)) for step in node.steps))

    def _box(self, spot: Spot) -> Iterator[Mark]:
        node, width = spot.node, spot.right - spot.left
        whole = sum(step.parameters_in_all for step in node.steps)
        has_weights = whole > 0 or any(o.role == "weight" for step in node.steps for o in step.operands)
        yield Rect(spot.left, spot.top, width, spot.bottom - spot.top, "block" if has_weights else "block-plain", 7)
        height = spot.bottom - spot.top
        sign, spot = self._signed(spot)
        yield from sign
        y = spot.top + (18 if height < 46 else 19)
        beside = tuple(self._beside_title(spot))
        yield from self._head(spot, y, beside)
        if height >= _TWO_LINES_PX:
            y += 15 if height < 46 else 18
            in_three = bool(sign) and _has_three_lines(spot)
            drawn = (bars_in_a_line if in_three else bars)(spot, spot.bottom - 11 if in_three else y, self.outline)
            yield from self._below(spot, y, () if beside else self._owned(spot), tuple(drawn))

    def _signed(self, spot: Spot) -> tuple[tuple[Mark, ...], Spot]:
        """The sign of a box without room for a picture, and the place that it leaves; none where words need it."""
        is_narrow = spot.right - spot.left < WIDE_PX
        sign = tuple(glyph(spot.node, spot.right - PAD_PX, spot.top, spot.bottom)) if is_narrow else ()
        if not sign:
            return (), spot
        left = replace(spot, right=enclosing(tuple(map(box_of, sign))).left - 2)
        room = left.right - left.left - 2 * PAD_PX
        is_said = bool(tuple(self._beside_title(left))) or not self._owned(spot) or _has_three_lines(left)
        return (sign, left) if is_said and width_px(self._title_of(spot), "label") <= room else ((), spot)

    def _title_of(self, spot: Spot) -> str:
        n_alike = spot.node.copies * (turns(spot) or 1)
        return self.title(spot.node) + (f" ×{n_alike}" if n_alike > 1 else "")

    def _owned(self, spot: Spot) -> tuple[str, ...]:
        owned = counted(spot.node.steps, spot.times * spot.node.copies)
        return (owned,) if owned else ()

    def _beside_title(self, spot: Spot) -> Iterator[tuple[str, str]]:
        """What stands right of the title, and its ink: how many parameters a box has, and whose it reads."""
        room = spot.right - spot.left - 2 * PAD_PX - _BETWEEN_PX - width_px(self._title_of(spot), "label")
        owned = self._owned(spot)
        is_tied = any(step.tied_to for step in spot.node.steps)
        also = f" + {owned[0]}" if is_tied and owned else ""
        tie = tie_of(spot.node, self.words, room - width_px(also, "note"))
        if also and room - width_px(also, "note") > _LEAST_TIE_PX:
            yield shortened(tie, "note", room - width_px(also, "note")) + also, "note"
        elif owned and width_px(owned[0], "figure") <= room:
            yield owned[0], "figure"
        elif tie and not owned and (is_tied or width_px(tie, "note") <= room) and room > _LEAST_TIE_PX:
            yield shortened(tie, "note", room), "note"

    def _head(
        self, spot: Spot, y: float, beside: tuple[tuple[str, str], ...]
    ) -> Iterator[Mark]:  # fmt: skip
        """The first line: what it is, how often, and what stands beside."""
        room = spot.right - spot.left - 2 * PAD_PX
        yield Text(spot.left + PAD_PX, y, (Span(shortened(self._title_of(spot), "label", room)),), "label")
        for said, ink in beside:
            yield Text(spot.right - PAD_PX, y, (Span(said),), ink, "end")

    def _below(self, spot: Spot, y: float, owned: tuple[str, ...], drawn_bars: tuple[Mark, ...]) -> Iterator[Mark]:
        """The second line, with what has no room beside the title, and the picture."""
        beside = [_left(mark) for mark in drawn_bars if isinstance(mark, Text | Rect) and mark.y <= y]
        used = spot.right - min(beside) + 10 if beside else PAD_PX
        room = spot.right - used - spot.left - PAD_PX
        note = fitting([*owned, *notes(spot, self.outline.trace, room, self.words)], room)
        yield Text(spot.left + PAD_PX, y, (Span(note),), "note")
        yield from drawn_bars
        width = spot.right - spot.left - 2 * PAD_PX
        frame = Frame(spot.left + PAD_PX, y + 8, width, spot.bottom - 8)
        drawn = tuple(picture(spot.node, replace(frame, bottom=frame.bottom - WEIGHTS_PX), self.running, self.words))
        yield from drawn
        if drawn and (line := weight_line(spot.node.steps, self.outline.trace, width)):
            yield Text(frame.x, frame.bottom - 1, line, "note")

    def _norm(self, spot: Spot) -> Iterator[Mark]:
        height, width = spot.bottom - spot.top, spot.right - spot.left
        y = spot.top + height / 2 + 4
        yield Rect(spot.left, spot.top, width, height, "block-soft", 6)
        is_sum = spot.node.kind == "add_norm"
        owned = counted(spot.node.steps, spot.times)
        listed = self.title(spot.node) if is_sum else self._listed(spot.node)
        sign = 2 * _SIGN_PX + 6 if is_sum else 0.0
        at_left, at_right = (0.0, sign) if spot.side == "right" else (sign, 0.0)
        room = width - 2 * PAD_PX - sign
        yield Text(spot.left + PAD_PX + at_left, y, (Span(shortened(listed, "note", room)),), "note")
        if owned and width_px(listed, "note") + 10 + width_px(owned, "shape") <= room:
            yield Text(spot.right - PAD_PX - at_right, y, (Span(owned),), "shape", "end")
        if is_sum:
            x = spot.right - PAD_PX - _SIGN_PX if at_right else spot.left + PAD_PX + _SIGN_PX
            yield from plus(x, spot.top + height / 2, _SIGN_PX)

    def _words(self, spot: Spot) -> Iterator[Mark]:
        height = spot.bottom - spot.top
        yield Rect(spot.left, spot.top, spot.right - spot.left, height, "pill", height / 2)
        listed = shortened(self._listed(spot.node), "note", spot.right - spot.left - 16)
        yield Text(spot.middle, spot.top + height / 2 + 4, (Span(listed),), "note", "middle")

    def _join(self, spot: Spot) -> Iterator[Mark]:
        yield from plus(spot.middle, (spot.top + spot.bottom) / 2, JOIN_PX)

    def _given(self, spot: Spot) -> Iterator[Mark]:
        operand = spot.node.value
        if operand is None:
            return
        height = spot.bottom - spot.top
        is_weight = operand.role == "weight"
        yield Rect(spot.left, spot.top, spot.right - spot.left, height, "block" if is_weight else "data", height / 2)
        inside, sizes = spot.right - spot.left - 24, shape_spans(operand, self.running)
        name = named_spans(operand, inside)
        yield Text(spot.left + 12, spot.top + 17.5, name, "name-weight" if is_weight else "name-data")
        if width_px(name, "label") + width_px(sizes, "figure") + 8 <= inside:
            yield Text(spot.right - 12, spot.top + 17.5, sizes, "figure", "end")

    def _frame(self, spot: Spot) -> Iterator[Mark]:
        node, width = spot.node, spot.right - spot.left
        ink = "panel" if node.inside is not None else "block-soft"
        yield Rect(spot.left, spot.top, width, spot.bottom - spot.top, ink, 10)
        title = self.title(node) + (f" ×{node.repeat}" if node.repeat > 1 else "")
        is_left = spot.side == "right" or node.inside is None  # away from the residuals; a closed one is like a box
        x, anchor, step = (spot.left + PAD_PX, "start", 1) if is_left else (spot.right - PAD_PX, "end", -1)
        said, below = "" if node.inside is not None else self._said_of_closed(spot), ""
        if width_px(said, "note") + width_px(title, "legend") + 10 > width - 2 * PAD_PX:
            said, below = "", said
        inside_px = width - 2 * PAD_PX - width_px(said, "note") - 10
        room = abs(x - spot.middle) - 10 if node.inside is not None else inside_px
        ink = "corner" if width_px(title, "corner") <= room else "legend"
        lines = wrapped(title, ink, room, lines=1 if node.inside is None else 2)
        for line, y in zip(lines, _TITLE_AT[len(lines)], strict=True):
            yield Text(x, spot.top + y, (Span(line),), ink, anchor)  # type: ignore[arg-type]
        path, used = self._members(node), width_px(title, ink) + 10
        if path and node.inside is not None and width_px(path, "shape") <= room - used:
            yield Text(x + step * used, spot.top + 20, (Span(path),), "shape", anchor)  # type: ignore[arg-type]
        if node.inside is None:
            yield from self._closed(spot, node, said, below)

    def _said_of_closed(self, spot: Spot) -> str:
        """What stands beside the title of a frame that shows nothing of what is in it."""
        owned = counted(spot.node.steps, spot.times) or tie_of(spot.node, self.words)
        said = owned if spot.node.like is None else self._as_above(spot.node.steps, spot.node.like)
        return shortened(said, "note", (spot.right - spot.left) * 0.6 - PAD_PX)

    def _as_above(self, steps: Sequence[Step], like: Sequence[Step]) -> str:
        own, others = ([self.words.note(note) for note in notes] for notes in other_notes(steps, like))
        if own:
            return self.words.say("as above, with {what}", what=" · ".join(dict.fromkeys(own)))
        if others:
            return self.words.say("as above, without {what}", what=" · ".join(dict.fromkeys(others)))
        return self.words.say("as above")

    def _closed(self, spot: Spot, node: Node, said: str, below: str) -> Iterator[Mark]:
        """What a frame says of what it does not show, beside its title and below."""
        if said:
            yield Text(spot.right - PAD_PX, spot.top + 20, (Span(said),), "note", "end")
        if spot.bottom - spot.top < _TWO_LINES_PX:
            return
        names = (self.words.say(clean(name)) for name in inner_names(node))
        inner = " · ".join(dict.fromkeys([*([below] if below else []), *names]))
        room = spot.right - spot.left - 2 * PAD_PX
        yield Text(spot.left + PAD_PX, spot.top + 36, (Span(shortened(inner, "note", room)),), "note")

    def _members(self, node: Node) -> str:
        if node.section is None or not node.section.members:
            return ""
        members = [clean(member) for member in dict.fromkeys(node.section.members)]
        return members[0] if len(members) == 1 else f"{members[0]} … {members[-1]}"


_TITLE_AT = ((), (20,), (14, 27))
"""Where the lines of a frame's title stand below its top: what it holds begins 30 px below that."""


def _has_three_lines(spot: Spot) -> bool:
    """Whether the bars of a box have a line of their own."""
    return spot.bottom - spot.top >= _THREE_LINES_PX and spot.right - spot.left >= IN_A_LINE_PX


def _left(mark: Mark) -> float:
    if isinstance(mark, Rect):
        return mark.x
    return mark.x - width_px(mark.plain, mark.ink) if isinstance(mark, Text) else 1e9


_PAINTERS: Mapping[str, Callable[[Boxes, Spot], Iterator[Mark]]] = {
    "box": Boxes._box, "norm": Boxes._norm, "add_norm": Boxes._norm, "words": Boxes._words, "join": Boxes._join,
    "given": Boxes._given, "frame": Boxes._frame,
}  # fmt: skip
