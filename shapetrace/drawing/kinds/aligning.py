"""Rows of several models in bands: what does the same work stands side by side, and nothing before what it needs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from shapetrace.drawing.content.rows import Row
from shapetrace.outlining.structure import SectionKind

Work: TypeAlias = tuple[str, str, str, str]
Key: TypeAlias = tuple[Work, int]
Band: TypeAlias = tuple[Row | None, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """A row of a column that is not in a band yet.

    Attributes:
        row: The row.
        needs: Keys of the rows of its column that it works on.
        at: Where in its column it is, from 0 to 1.
    """

    row: Row
    needs: frozenset[Key]
    at: float


def bands(columns: Sequence[Sequence[tuple[Row, SectionKind]]]) -> list[Band]:
    """Align columns of rows.

    Rows are the same work if their section and step are of the same kind, for the same, with the same part as a result.
    Each band has a row of every column that has one ready, so that a column may order independent rows otherwise.

    Args:
        columns: Rows with the kinds of their sections, a sequence a model.

    Returns:
        Bands from top to bottom; each has one row, or None, a column.
    """
    waiting = [_placed(column) for column in columns]
    done: list[Band] = []
    while any(waiting):
        key = _next(waiting)
        band = [_ready(key, column) for column in waiting]
        for column, is_ready in zip(waiting, band, strict=True):
            if is_ready is not None:
                del column[key]
        done.append(tuple(place.row if place else None for place in band))
    return done


def _next(waiting: list[dict[Key, _Place]]) -> Key:
    """The key to go on with: ready in all columns that have it, if any is; the earliest of those."""

    def rank(key: Key) -> tuple[int, float]:
        having = [column for column in waiting if key in column]
        n_unready = sum(_ready(key, column) is None for column in having)
        return n_unready, sum(column[key].at for column in having) / len(having)

    keys = dict.fromkeys(key for column in waiting for key in column if _ready(key, column))
    return min(keys, key=rank)


def _ready(key: Key, column: dict[Key, _Place]) -> _Place | None:
    place = column.get(key)
    return place if place and not any(need in column for need in place.needs) else None


def _placed(column: Sequence[tuple[Row, SectionKind]]) -> dict[Key, _Place]:
    counts: Counter[Work] = Counter()
    places: dict[Key, _Place] = {}
    makers: dict[str, Key] = {}
    for number, (row, section) in enumerate(column):
        step = row.steps[0]
        work = (section, step.kind, step.role, next((result.part for result in step.results), ""))
        key = (work, counts[work])
        counts[work] += 1
        needed = {makers[operand.made_by] for step in row.drawn() for operand in step.operands
                  if operand.made_by in makers}  # fmt: skip
        places[key] = _Place(row, frozenset(needed), number / len(column))
        makers |= {step.id: key for step in row.drawn()}
    return places
