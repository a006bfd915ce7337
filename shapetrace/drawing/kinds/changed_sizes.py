"""Which sizes changed into which, each pair once, with the number of steps in which it is found."""

from collections import Counter
from collections.abc import Iterator

from shapetrace.comparing.structure import Change, Comparison
from shapetrace.drawing.layout.names import stack_sizes
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Mark, Span, Text
from shapetrace.drawing.wording import Words
from shapetrace.outlining.structure import Operand, Step

_MOST = 8
_LINE_PX = 20.0
_GAP_PX = 22.0


def size_changes(comparison: Comparison) -> list[tuple[str, int]]:
    """``768 → 1024`` and in how many steps, all layers of the left counted; what is found most comes first."""
    found: Counter[str] = Counter()
    for change in comparison.changes:
        if change.status == "changed" and not change.section:
            repeat = change.left.repeat if change.left else 1
            found.update(dict.fromkeys(_pairs(change), repeat))
    return sorted(found.items(), key=lambda entry: -entry[1])[:_MOST]


def _pairs(change: Change) -> Iterator[str]:
    left, right = change.steps
    if left is None or right is None:
        return
    for one, other in _operands(left, right):
        if len(one.shape) == len(other.shape):
            yield from (f"{a} → {b}" for a, b in zip(one.shape, other.shape, strict=True) if a != b)
        stacks = stack_sizes(one), stack_sizes(other)
        if len(stacks[0]) == len(stacks[1]):
            yield from (f"×{a} → ×{b}" for a, b in zip(*stacks, strict=True) if a != b)


def _operands(left: Step, right: Step) -> Iterator[tuple[Operand, Operand]]:
    yield from zip(left.operands, right.operands, strict=False)
    yield from zip(left.results, right.results, strict=False)


def size_marks(comparison: Comparison, words: Words, room: float) -> tuple[tuple[Mark, ...], float]:
    """Write them from (0, 0) down, as many on a line as fit.

    Returns:
        The marks, and the height.
    """
    marks: list[Mark] = []
    x, y = 0.0, 12.0
    for pair, n in size_changes(comparison):
        told = words.several("in {n} steps", n)
        width = width_px(pair, "figure") + 8 + width_px(told, "note")
        if x and x + width > room:
            x, y = 0.0, y + _LINE_PX
        marks.append(Text(x, y, (Span(pair),), "figure"))
        marks.append(Line((((x, y + 4), (x + width_px(pair, "figure"), y + 4)),), "change-line"))
        marks.append(Text(x + width_px(pair, "figure") + 8, y, (Span(told),), "note"))
        x += width + _GAP_PX
    return tuple(marks), y + 8 if marks else 0.0
