"""Rows of several models in bands: what does the same work stands side by side, and nothing before what it needs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.kinds.quieting import Sources, drawn_makers
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import SectionKind, Step

_WORKS = {
    **dict.fromkeys((Role.EXPAND, Role.GATE, Role.UP, Role.GATE_UP), "widen"),
    **dict.fromkeys((Role.SHRINK, Role.DOWN), "narrow"),
}
"""Roles that are the same work."""

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


def bands(columns: Sequence[Sequence[tuple[Row, SectionKind]]], sources: Sequence[Sources] = ()) -> list[Band]:
    """Align columns of rows.

    Rows are the same work if their section and step are of the same kind, for the same, with the same part as a result.
    Each band has a row of every column that has one ready, so that a column may order independent rows otherwise.

    Args:
        columns: Rows with the kinds of their sections, a sequence a model.
        sources: For each model who made what its steps read, those included that have no row; without it only what
            rows read of each other counts.

    Returns:
        Bands from top to bottom; each has one row, or None, a column.
    """
    known: Sequence[Sources] = sources or [{} for _ in columns]
    waiting = [_placed(column, makers) for column, makers in zip(columns, known, strict=True)]
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


def lead(row: Row) -> Step:
    """The step by which a row is aligned: of a chain the product that a low rank leads to."""
    if row.folded:
        return row.steps[0]
    return next((step for step in row.steps if step.role != Role.LATENT_DOWN), row.steps[0])


def _work(step: Step, section: SectionKind) -> Work:
    """What a step does: an MLP widens its rows and narrows them again, with a gate or without."""
    if step.role in _WORKS:
        return section, step.kind, _WORKS[step.role], ""
    return section, step.kind, step.role, next((result.part for result in step.results), "")


def _placed(column: Sequence[tuple[Row, SectionKind]], sources: Sources) -> dict[Key, _Place]:
    counts: Counter[Work] = Counter()
    places: dict[Key, _Place] = {}
    makers: dict[str, Key] = {}
    for number, (row, section) in enumerate(column):
        step = lead(row)
        work = _work(step, section)
        key = (work, counts[work])
        counts[work] += 1
        read = frozenset(operand.made_by for step in row.drawn() for operand in step.operands)
        read |= frozenset(maker for step in row.drawn() for maker in drawn_makers(step, makers, sources))
        needed = frozenset(makers[maker] for maker in read if maker in makers)
        places[key] = _Place(row, needed, number / len(column))
        makers |= {step.id: key for step in row.drawn()}
    return places
