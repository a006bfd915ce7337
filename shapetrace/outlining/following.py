"""One position followed through an outline: its row in every value, what it sees, who sees it, where it ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from shapetrace.errors import UsageError
from shapetrace.ir import Pattern
from shapetrace.ops.mask_spans import first, runs
from shapetrace.ops.masks import band
from shapetrace.ops.masks import rows as rows_of
from shapetrace.outlining.lanes import UNKNOWN, Positions
from shapetrace.outlining.roles import Part
from shapetrace.outlining.structure import Operand, Outline, Step

Runs = tuple[tuple[int, int], ...]
"""Starts and stops of runs of indices."""

SCORED = frozenset({Part.SCORES, Part.ATTENTION_WEIGHTS})
Ending = Literal["", "left", "merged", "lost"]
"""How a position ends: others are taken, several become one, or nobody knows which row it is."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A position that is followed.

    Attributes:
        positions: What is known of all of them.
        position: It, counted from the first row of the pass; below 0 for one that was kept from before.
        label: Its word; empty if unknown.
    """

    positions: Positions
    position: int
    label: str = ""

    @property
    def number(self) -> int:
        """Its number among all positions, from 1 on."""
        return self.position + self.positions.n_before + 1

    @property
    def n_positions(self) -> int:
        """How many there are, those before the pass too."""
        return self.positions.n_before + self.positions.size

    def index(self, operand: Operand, axis: int) -> int | None:
        """Where it is along an axis of an operand, counted from either end; None if it is not known there."""
        rank = len(operand.shape)
        if operand.role != "data" and operand.value < 0:
            return None
        if not -rank <= axis < rank or operand.value in self.positions.moved:
            return None
        axis %= rank
        number = operand.axes[axis] if axis < len(operand.axes) else UNKNOWN
        if number != UNKNOWN:
            lane = self.positions.lanes.get(number)
            return None if lane is None else lane.index(self.position)
        alone = operand.shape[axis] == 1 and axis == self._row_axis(operand)
        return 0 if alone and self.positions.alone.get(operand.value) == self.position else None

    @staticmethod
    def _row_axis(operand: Operand) -> int:
        """The axis of its rows: of Kᵀ the columns."""
        rank = len(operand.shape)
        return rank - 1 if operand.transposed or rank < 2 else rank - 2

    def is_in(self, operand: Operand) -> bool:
        """Whether an operand has a row or a column of it."""
        return any(self.index(operand, axis) is not None for axis in range(-2, 0))

    def ending(self, step: Step) -> Ending:
        """How it ends in a step; "" where it does not: it goes on, or was not there."""
        data = [operand for operand in step.operands if operand.role == "data"]
        if step.kind == "weighted_sum" or not step.results or any(map(self.is_in, step.results)):
            return ""
        if not any(map(self.is_in, data)):
            return ""
        if step.kind == "select":
            return "left"
        merges = step.kind in {"reduce", "convolution"} or all(len(r.shape) < 2 for r in step.results)
        return "merged" if merges else "lost"


def followed(outline: Outline, asked: str) -> Followed:
    """The position that is asked for: its number, from 1 on, or its word.

    Raises:
        UsageError: If the pass reads no such position, or its word twice.
    """
    found = outline.positions
    total = found.n_before + found.size
    if not found.size:
        raise UsageError(f"nothing to follow: {outline.model.name} reads no rows that are counted, as tokens are")
    if asked.isdecimal():
        if not 1 <= int(asked) <= total:
            raise UsageError(f"no position {asked} to follow: there are {total}, 1 to {total}")
        position = int(asked) - 1 - found.n_before
        label = found.labels[position] if 0 <= position < len(found.labels) else ""
        return Followed(found, position, label)
    return _named(found, asked)


def _named(found: Positions, word: str) -> Followed:
    if not found.labels:
        raise UsageError(f"cannot follow {word!r}: the words of the input are not known; give its number, or --text")
    places = [n for n, label in enumerate(found.labels) if label.strip() == word.strip()]
    if not places:
        raise UsageError(f"{word!r} is not in the text; it has: {' · '.join(label.strip() for label in found.labels)}")
    if len(places) > 1:
        numbers = ", ".join(str(n + found.n_before + 1) for n in places)
        raise UsageError(f"{word!r} is in the text {len(places)} times: follow one by its number, {numbers}")
    return Followed(found, places[0], found.labels[places[0]])


def seen_by_row(scores: Operand, row: int) -> Runs | None:
    """The columns that a row of scores sees; None where nobody knows which a mask hides, or examples differ."""
    n_rows, n_columns = scores.shape[-2:]
    if scores.veiled:
        return None
    reach = near(scores)
    if reach is not None:
        middle = row + n_columns - n_rows
        return _clipped(middle - reach[0], middle + reach[1] + 1, n_columns)
    if scores.seen is None:
        return ((0, n_columns),)
    cells = _cells(scores.seen)
    if cells is None or scores.seen.size[1] != n_columns or len(cells) not in (1, n_rows):
        return None
    return runs(cells[row if len(cells) > 1 else 0])


def sees_column(scores: Operand, column: int) -> Runs | None:
    """The rows of scores that see a column."""
    n_rows = scores.shape[-2]
    bits = 0
    for row in range(n_rows):
        seen = seen_by_row(scores, row)
        if seen is None:
            return None
        bits |= any(start <= column < stop for start, stop in seen) << row
    return runs(bits)


def near(scores: Operand) -> tuple[int, int] | None:
    """Columns before and after the diagonal that a row sees, where all rows see as many."""
    if scores.pattern == "causal":
        return scores.shape[-1], 0
    return scores.band or (None if scores.seen is None else band(scores.seen))


@lru_cache(maxsize=64)
def _cells(seen: Pattern) -> list[int] | None:
    if seen.differs:
        return None
    if seen.kind == "all":
        return [first(seen.size[1])] * seen.size[0]
    return rows_of(seen)


def _clipped(start: int, stop: int, size: int) -> Runs:
    start, stop = max(start, 0), min(stop, size)
    return ((start, stop),) if start < stop else ()


def count(found: Runs) -> int:
    """How many indices runs have."""
    return sum(stop - start for start, stop in found)


def indices(found: Runs) -> Iterator[int]:
    """All indices of runs."""
    for start, stop in found:
        yield from range(start, stop)
