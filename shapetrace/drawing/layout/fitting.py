"""Choosing the scale of a figure: the largest at which its rows fit, each on one line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.layout.columns import EquationLine, broken_at_link, compact, spread, widest_cell, wrapped
from shapetrace.drawing.layout.equations import Slot, equation_slots
from shapetrace.drawing.layout.matrices import Style
from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Role

_FACTORS = (1.0, 0.97, 0.94, 0.91, 0.88, 0.85, 0.82, 0.79, 0.76, 0.73, 0.7, 0.67)
"""What all sides are multiplied with, so that no equation is wrapped; the best first."""
_WRAPPED_FACTORS = (0.85, 0.76, 0.67, 0.6)
_SMALL_FACTORS = (0.5, 0.4, 0.3, 0.2)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Rows set at one scale.

    Attributes:
        lines: The lines of each row, in order.
        factor: What all sides are multiplied with.
    """

    lines: tuple[tuple[EquationLine, ...], ...]
    factor: float


def too_long(row: Row, style: Style, words: Words, room_px: float) -> bool:
    """Whether a row would fit in one line without the steps that go on from its first."""
    scaled = _scaled(style, _FACTORS[-1])
    alone = replace(row, steps=row.steps[:1])
    return all(
        (compact(equation_slots(part, scaled, words)).right <= room_px) == fits
        for part, fits in ((row, False), (alone, True))
    )


def fit_lines(rows: Sequence[Row], style: Style, words: Words, room_px: float) -> Fitted:
    """Choose one scale for all rows and set them, free space spread as equal gaps.

    A third smaller is better than wrapped; only logits, which are as wide as the vocabulary, start a line at once.
    """
    for factor in _FACTORS:
        lines = [_whole(row, slots, room_px) for row, slots in _slots(rows, style, factor, words)]
        if all(lines):
            return Fitted(tuple(line for line in lines if line), factor)
    return _wrapped(rows, style, words, room_px)


def _wrapped(rows: Sequence[Row], style: Style, words: Words, room_px: float) -> Fitted:
    """The scale that needs the fewest lines; smaller ones where a single matrix has no room."""
    best: tuple[float, int, float] | None = None
    for factor in (*_WRAPPED_FACTORS, *_SMALL_FACTORS):
        if factor in _SMALL_FACTORS and best and best[0] <= 0:
            break
        slots_of = [slots for _, slots in _slots(rows, style, factor, words)]
        overflow = max((widest_cell(slots) - room_px for slots in slots_of), default=0.0)
        lines = tuple(_least(slots, room_px) for slots in slots_of)
        rank = (max(overflow, 0.0), sum(map(len, lines)), -factor)
        if best is None or rank < best:
            best, fitted = rank, Fitted(lines, factor)
    return fitted


def _slots(rows: Sequence[Row], style: Style, factor: float, words: Words) -> Iterator[tuple[Row, tuple[Slot, ...]]]:
    scaled = _scaled(style, factor)
    return ((row, equation_slots(row, scaled, words)) for row in rows)


def _whole(row: Row, slots: Sequence[Slot], room_px: float) -> tuple[EquationLine, ...] | None:
    """A row on one line, or logits on two; None if it has no room."""
    if compact(slots).right <= room_px:
        return (spread(slots, room_px),)
    lines = broken_at_link(slots)
    if row.steps[0].role is not Role.UNEMBED or any(compact(line).right > room_px for line in lines):
        return None
    return tuple(spread(line, room_px) for line in lines)


def _least(slots: Sequence[Slot], room_px: float) -> tuple[EquationLine, ...]:
    """A row on one line, or broken at its link, or else wherever it has to be."""
    for lines in ([slots], broken_at_link(slots)):
        if all(compact(line).right <= room_px for line in lines):
            return tuple(spread(line, room_px) for line in lines)
    return wrapped(slots, room_px)


def _scaled(style: Style, factor: float) -> Style:
    return replace(style, scale=replace(style.scale, factor=factor))
