"""Two steps side by side: how they differ in words, below it both equations, sizes that changed underlined."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from shapetrace.comparing.structure import Change, Side
from shapetrace.drawing.compact.lines import axes_below, height_px, painted_at
from shapetrace.drawing.content.emphasis import Emphasis
from shapetrace.drawing.kinds.column_layout import ColumnLayout
from shapetrace.drawing.kinds.difference_bands import Differing
from shapetrace.drawing.layout.columns import EquationLine
from shapetrace.drawing.layout.names import stack_sizes
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Mark, Span, Text
from shapetrace.drawing.wording import Words, counted, flops_text
from shapetrace.outlining.structure import Step

SIGNS = {"changed": "~ changed", "added": "+ added", "removed": "− removed"}
_TAG_PX = 92.0
_TOP_PX = 20.0
_LINE_PX = 16.0
_GAP_PX = 12.0
_BOTTOM_PX = 16.0


@dataclass(frozen=True, slots=True)
class FittedChange:
    """A step that differs, set.

    Attributes:
        band: How it differs, and what else does so.
        lines: Its equation on the left and on the right; empty where there is none.
    """

    band: Differing
    lines: tuple[tuple[EquationLine, ...], tuple[EquationLine, ...]]

    @property
    def change(self) -> Change:
        """How it differs."""
        return self.band.change


def paired(pair: FittedChange, columns: ColumnLayout, top: float, words: Words) -> tuple[tuple[Mark, ...], float]:
    """Paint a step from ``top`` down.

    Returns:
        The marks, and the y below them.
    """
    left, room = columns.left(0), columns.left(1) + columns.room - columns.left(0)
    marks = list(tagged(pair.change, left, top + _TOP_PX, room, words, pair.band.alike))
    y = top + _TOP_PX
    for note in filter(None, (_numbers(pair, words), _elsewhere(pair, words))):
        y += _LINE_PX
        marks.append(Text(left + _TAG_PX, y, (Span(shortened(note, "note", room - _TAG_PX)),), "note"))
    start = y + _GAP_PX
    above = max((lines[0].above for lines in pair.lines if lines), default=0)
    for place, lines in enumerate(pair.lines):
        shift = above - lines[0].above if lines else 0
        marks += painted_at(lines, axes_below(lines, start + shift), columns.left(place))
    axis = start + above
    marks += (
        Text(columns.left(place), axis + 4, (Span(words.say("none")),), "note")
        for place in range(2)
        if not pair.lines[place]
    )
    tallest = max((above - lines[0].above + height_px(lines) for lines in pair.lines if lines), default=0)
    return tuple(marks), start + tallest + _BOTTOM_PX


def tagged(
    change: Change, left: float, y: float, room: float, words: Words, alike: tuple[Change, ...] = ()
) -> Iterator[Mark]:
    """``~ changed  Query  c_attn``: what happened in words and by a sign, the title, the path."""
    yield Text(left, y, (Span(words.say(SIGNS[change.status])),), f"tag-{change.status}")
    sides = [side for side in (change.left, change.right) if side]
    titles = tuple(_title(each, words) for each in (change, *alike))
    title = shortened(words.listed(tuple(dict.fromkeys(titles))), "label", room * 0.5)
    yield Text(left + _TAG_PX, y, (Span(title),), "label")
    x = left + _TAG_PX + width_px(title, "label") + 12
    if path := " → ".join(dict.fromkeys(clean(side.place) for side in sides)):
        yield Text(x, y, (Span(shortened(path, "path", left + room - x)),), "path")


def titled(side: Side, words: Words) -> str:
    """``Query``, ``Block ×12`` in a language."""
    return words.say(clean(side.title)) + side.times


def _title(change: Change, words: Words) -> str:
    sides = [side for side in (change.left, change.right) if side]
    return " → ".join(dict.fromkeys(titled(side, words) for side in sides))


def _numbers(pair: FittedChange, words: Words) -> str:
    """``2,362,368 parameters → 4,198,400 parameters``, of each of several."""
    sides = (pair.change.left or Side("", ""), pair.change.right or Side("", ""))
    numbers = [[words.say("{n} parameters", n=counted(side.parameters)) if side.parameters else "" for side in sides],
               [flops_text(side.flops) if side.flops else "" for side in sides]]  # fmt: skip
    told = [" → ".join(dict.fromkeys(filter(None, both))) for both in numbers]
    each = words.say("of each") if pair.band.alike and any(told) else ""
    return " · ".join(filter(None, [*told, each]))


def _elsewhere(pair: FittedChange, words: Words) -> str:
    """Where the same is found again: ``the same: LayerNorm h.0.ln_2, LayerNorm ln_f``."""
    names = []
    for change in pair.band.again:
        side = change.right or change.left
        if side:
            names.append(f"{words.say(clean(side.title))} {clean(side.place)}".strip())
    return words.say("the same: {names}", names=", ".join(names)) if names else ""


def emphases(change: Change) -> tuple[Emphasis, Emphasis]:
    """The sizes and stacks in which each side differs from what stands opposite."""
    left, right = change.steps
    return _emphasis(left, right), _emphasis(right, left)


def _emphasis(step: Step | None, other: Step | None) -> Emphasis:
    if step is None or other is None:
        return Emphasis("change")
    both = (*zip_longest(step.operands, other.operands), *zip_longest(step.results, other.results))
    pairs = [(mine, theirs) for mine, theirs in both if mine is not None]
    axes = tuple(_unequal(mine.shape, theirs.shape) if theirs else frozenset() for mine, theirs in pairs)
    stacks = (n for n, (mine, theirs) in enumerate(pairs) if theirs and stack_sizes(mine) != stack_sizes(theirs))
    return Emphasis("change", axes, frozenset(stacks))


def _unequal(ours: tuple[int, ...], theirs: tuple[int, ...]) -> frozenset[int]:
    if len(ours) != len(theirs):
        return frozenset()
    return frozenset(axis for axis, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
