"""Two steps side by side: how they differ in words, below it both equations, sizes that changed underlined."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from shapetrace.comparing.structure import Change, Side
from shapetrace.drawing.content.emphasis import Emphasis
from shapetrace.drawing.kinds.column_layout import ColumnLayout
from shapetrace.drawing.layout.columns import EquationLine, depth_below, painted_lines
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
        change: How it differs.
        lines: Its equation on the left and on the right; empty where there is none.
    """

    change: Change
    lines: tuple[tuple[EquationLine, ...], tuple[EquationLine, ...]]


def paired(pair: FittedChange, columns: ColumnLayout, top: float, words: Words) -> tuple[tuple[Mark, ...], float]:
    """Paint a step from ``top`` down.

    Returns:
        The marks, and the y below them.
    """
    left, room = columns.left(0), columns.left(1) + columns.room - columns.left(0)
    marks = list(tagged(pair.change, left, top + _TOP_PX, room, words))
    y = top + _TOP_PX
    if words_of := _differences(pair, words):
        y += _LINE_PX
        marks.append(Text(left + _TAG_PX, y, (Span(shortened(words_of, "note", room - _TAG_PX)),), "note"))
    axis = y + _GAP_PX + max((lines[0].above for lines in pair.lines if lines), default=0)
    for place, lines in enumerate(pair.lines):
        marks += painted_lines(lines, columns.left(place), axis)
    marks += (Text(columns.left(place), axis + 4, (Span("—"),), "note") for place in range(2) if not pair.lines[place])
    below = max(map(depth_below, pair.lines))
    return tuple(marks), axis + below + _BOTTOM_PX


def tagged(change: Change, left: float, y: float, room: float, words: Words) -> Iterator[Mark]:
    """``~ changed  Query  c_attn``: what happened in words and by a sign, the title, the path."""
    yield Text(left, y, (Span(words.say(SIGNS[change.status])),), f"tag-{change.status}")
    sides = [side for side in (change.left, change.right) if side]
    title = shortened(" → ".join(dict.fromkeys(titled(side, words) for side in sides)), "label", room * 0.5)
    yield Text(left + _TAG_PX, y, (Span(title),), "label")
    x = left + _TAG_PX + width_px(title, "label") + 12
    if path := " → ".join(dict.fromkeys(clean(side.place) for side in sides)):
        yield Text(x, y, (Span(shortened(path, "path", left + room - x)),), "path")


def titled(side: Side, words: Words) -> str:
    """``Query``, ``Block ×12`` in a language."""
    return words.say(clean(side.title)) + side.times


def _differences(pair: FittedChange, words: Words) -> str:
    """``768 → 1024 · 2,362,368 → 4,198,400 parameters``."""
    change = pair.change
    told = [f"{a} → {b}" for a, b in _sizes(change)]
    sides = (change.left or Side("", ""), change.right or Side("", ""))
    if sides[0].stack != sides[1].stack and all((change.left, change.right)):
        told.append(f"×{sides[0].stack} → ×{sides[1].stack}")
    numbers = [[words.say("{n} parameters", n=counted(side.parameters)) if side.parameters else "" for side in sides],
               [flops_text(side.flops) if side.flops else "" for side in sides]]  # fmt: skip
    told += [" → ".join(dict.fromkeys(filter(None, both))) for both in numbers]
    return " · ".join(filter(None, told))


def _sizes(change: Change) -> list[tuple[int, int]]:
    """Sizes that differ, each pair once."""
    left, right = change.steps
    if left is None or right is None:
        return []
    found = [
        (a, b)
        for one, other in zip((*left.operands, *left.results), (*right.operands, *right.results), strict=False)
        if len(one.shape) == len(other.shape)
        for a, b in zip(one.shape, other.shape, strict=True)
        if a != b
    ]
    return list(dict.fromkeys(found))[:4]


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
