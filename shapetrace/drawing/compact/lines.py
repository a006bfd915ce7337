"""Tiles and signs on one line: gaps shrink and grow, the line never breaks where the law of lengths can shrink."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import TypeAlias

from shapetrace.drawing.compact.scaling import most_px
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.columns import EquationLine
from shapetrace.drawing.primitives import Line, Mark, Polygon, Span, Text, moved

GAPS_PX = (2.5, 12.0)
"""The least and the most that stands between two cells."""
_GAPS_TRIED = 18
_CLEAR_PX = 1.0
_STEPS = 32
"""How many units are tried: a line may be narrower at a larger one, where sizes can be turned."""
_LINE_GAP_PX = 10.0
_MOST_BALANCED = 16
"""Tiles with their signs beyond which lines are as full as they can be, not of about the same width."""

Drawn: TypeAlias = tuple[Callable[[float], Sequence[Cell]], float]
"""What gives the cells of a line at a unit, and the room that it has."""


def sign(symbol: str) -> Cell:
    """``×``, ``=``, ``,`` between two tiles."""
    return cell([Text(0, 5.5, (Span(symbol),), "operator-small", "middle")])


def arrow(length: float = 14.0) -> Cell:
    """From what a function reads to what it gives."""
    tip = length / 2
    return cell(
        [
            Line((((-tip, 0), (tip - 4, 0)),), "arrow"),
            Polygon(((tip, 0), (tip - 5.5, -3), (tip - 5.5, 3)), "arrow-head"),
        ]
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """What of a cell may meet another one: the outermost of its marks at each height.

    Attributes:
        lefts: (-left, top, bottom) of marks that stand out to the left.
        rights: (right, top, bottom) of those that stand out to the right.
        left: Where the whole cell begins.
        right: Where it ends.
    """

    lefts: tuple[tuple[float, float, float], ...]
    rights: tuple[tuple[float, float, float], ...]
    left: float
    right: float


def _sides(cells: Sequence[Cell]) -> list[_Sides]:
    found = []
    for each in cells:
        lefts = _outermost((-box.left, box.top, box.bottom) for box in each.boxes)
        rights = _outermost((box.right, box.top, box.bottom) for box in each.boxes)
        found.append(_Sides(tuple(lefts), tuple(rights), each.box.left, each.box.right))
    return found


def _outermost(spans: Iterable[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """How far marks reach out, from which top to which bottom; without those that lie behind another one."""
    kept: list[tuple[float, float, float]] = []
    for out, top, bottom in sorted(spans, reverse=True):
        if not any(first <= top and bottom <= last for _, first, last in kept):
            kept.append((out, top, bottom))
    return kept


def least_px(cells: Sequence[Cell]) -> float:
    """How narrow a line can be."""
    return _right(_sides(cells), GAPS_PX[0])


def placed(cells: Sequence[Cell], room_px: float, most_px: float = GAPS_PX[1]) -> EquationLine:
    """Put cells on one line with equal gaps, as large as there is room, at most ``most_px``."""
    return _placed(cells, _sides(cells), room_px, most_px)


def _placed(cells: Sequence[Cell], sides: Sequence[_Sides], room_px: float, most_px: float) -> EquationLine:
    tries = [most_px - (most_px - GAPS_PX[0]) * step / _GAPS_TRIED for step in range(_GAPS_TRIED)]
    first = bisect_left(tries, True, key=lambda gap: _right(sides, gap) <= room_px)  # less apart is never wider
    xs, rights = _packed(sides, tries[first] if first < len(tries) else GAPS_PX[0])
    above = max((-each.box.top for each in cells), default=0.0)
    below = max((each.box.bottom for each in cells), default=0.0)
    return EquationLine(tuple(zip(cells, xs, strict=True)), above, below, rights[-1] if rights else 0.0)


def _right(cells: Sequence[_Sides], gap: float) -> float:
    """Where cells beside each other end."""
    return _packed(cells, gap)[1][-1] if cells else 0.0


def _packed(cells: Sequence[_Sides], gap: float) -> tuple[list[float], list[float]]:
    """The x of each cell, and where a line ends behind it: a sign may stand below a name wider than its tile."""
    xs: list[float] = []
    rights: list[float] = []
    standing: list[tuple[float, float, float]] = []  # (-right, top, bottom): the furthest to the right first
    for each in cells:
        x = -each.left
        for out, top, bottom in each.lefts:
            for reach, above, below in standing:
                if below - top > -_CLEAR_PX < bottom - above:
                    x = max(x, out - reach + gap)
                    break
        xs.append(x)
        standing += [(-out - x, top, bottom) for out, top, bottom in each.rights]
        standing.sort()
        rights.append(max(each.right + x, rights[-1] if rights else 0.0))
    return xs, rights


def wrapped(cells: Sequence[Cell], room_px: float, most_px: float = GAPS_PX[1]) -> tuple[EquationLine, ...]:
    """One line, or several of about the same width where even the least gaps are too wide.

    A sign starts the line of what follows it.
    """
    starts: list[int] = sorted({0, *range(1, len(cells), 2), len(cells)})
    sides = _sides(cells)
    n_pieces = len(starts) - 1

    @cache
    def rights(first: int) -> list[float]:
        return _packed(sides[starts[first] :], GAPS_PX[0])[1]

    def width(first: int, last: int) -> float:
        return rights(first)[starts[last] - starts[first] - 1]

    lines = _greedy(n_pieces, width, room_px)
    if 1 < len(lines) <= n_pieces <= _MOST_BALANCED:
        widths = sorted({width(*span) for span in combinations(range(n_pieces + 1), 2)})
        room = next((each for each in widths if len(_greedy(n_pieces, width, each)) <= len(lines)), room_px)
        lines = _greedy(n_pieces, width, min(room, room_px))
    spans = [slice(starts[first], starts[last]) for first, last in lines]
    return tuple(_placed(cells[span], sides[span], room_px, most_px) for span in spans)


def _greedy(n_pieces: int, width: Callable[[int, int], float], room_px: float) -> list[tuple[int, int]]:
    """Lines as the pieces between which they run: as many pieces on each as it has room for."""
    lines: list[tuple[int, int]] = []
    for piece in range(n_pieces):
        if lines and width(lines[-1][0], piece + 1) <= room_px + 0.01:
            lines[-1] = (lines[-1][0], piece + 1)
        else:
            lines.append((piece, piece + 1))
    return lines


def largest_unit(fits: Callable[[float], bool], bounds: tuple[float, float]) -> float:
    """The largest of some units between two bounds with which everything fits; the lower one if none does."""
    low, high = bounds
    units = (high - (high - low) * step / _STEPS for step in range(_STEPS))
    return next((unit for unit in units if fits(unit)), low)


def all_fit(draws: Iterable[Drawn]) -> Callable[[float], bool]:
    """Whether every line fits at a unit; the one that did not at the unit before is tried first."""
    waiting = list(draws)

    def fit(unit_px: float) -> bool:
        for place, (draw, room_px) in enumerate(waiting):
            if least_px(draw(unit_px)) > room_px:
                waiting.insert(0, waiting.pop(place))
                return False
        return True

    return fit


def shared_unit(
    draws: Sequence[Drawn],
    sizes: Sequence[int],
    units: tuple[float, float],
    side_px: float,
) -> float:
    """The largest unit at which every line fits; those that do not fit at the least one are wrapped, and do not count.

    Args:
        draws: All lines.
        sizes: All sizes that are drawn.
        units: The least unit, and the most where sizes are usual.
        side_px: How long the longest side may be at least, where all sizes are small.
    """
    able = [(draw, room) for draw, room in draws if least_px(draw(units[0])) <= room]
    bounds = (units[0], most_px(sizes, units[1], side_px))
    return largest_unit(all_fit(able), bounds)


def height_px(lines: Iterable[EquationLine]) -> float:
    """How tall lines below each other are."""
    heights = [line.above + line.below for line in lines]
    return sum(heights) + _LINE_GAP_PX * max(len(heights) - 1, 0)


def axes_below(lines: Sequence[EquationLine], top: float) -> list[float]:
    """Where the axes of lines are, the first of which starts at ``top``."""
    axes, y = [], top
    for line in lines:
        axes.append(y + line.above)
        y += line.above + line.below + _LINE_GAP_PX
    return axes


def painted_at(lines: Sequence[EquationLine], axes: Sequence[float], left: float) -> list[Mark]:
    """The marks of lines, each around its axis, from a left edge on."""
    return [
        mark
        for line, axis in zip(lines, axes, strict=True)
        for one, x in line.cells
        for mark in moved(one.marks, left + x, axis)
    ]
