"""Masks: what is on in one, what in its complement, and what in two of them together. Exact, and without torch."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product, zip_longest
from math import prod

from shapetrace.ir import Pattern, PatternKind
from shapetrace.ops.mask_kinds import pattern_of
from shapetrace.ops.mask_spans import MOST_CELLS, MOST_SPANS, first, rows_of

_MOST_PARTS = 64
"""Examples and heads whose patterns are kept one by one."""

_MOST_KEPT = 64
"""Answers that are kept: the layers of a model ask the same."""

_OPPOSITE: dict[PatternKind, PatternKind] = {
    "all": "none", "none": "all", "columns": "columns", "rows": "rows",
}  # fmt: skip
"""Kinds whose complement is known where the cells are not; all others keep their cells, or are other."""

_CASES: dict[PatternKind, frozenset[PatternKind]] = {
    "columns": frozenset({"all", "none"}), "rows": frozenset({"all", "none"}), "blocks": frozenset({"all", "causal"}),
    "prefix": frozenset({"all", "causal"}), "window": frozenset({"causal", "diagonal", "future"}),
}  # fmt: skip
"""Kinds of which others are special cases: among examples that are padded, one is not."""

_BANDS = frozenset({"causal", "window", "diagonal"})
_HALVES = frozenset({"future", "window", "off_diagonal", "other"})
"""Kinds whose complement may be a band."""


def rows(pattern: Pattern) -> list[int] | None:
    """The cells: bit j of row i is on where row i has column j on. None if they are not known one by one."""
    n_rows, n_columns = pattern.size
    if pattern.spans is None or pattern.differs or len(pattern.spans) > MOST_SPANS or n_rows * n_columns > MOST_CELLS:
        return None
    return rows_of(pattern.spans, n_rows, n_columns)


@lru_cache(maxsize=_MOST_KEPT)
def complement(pattern: Pattern) -> Pattern:
    """What is off: ``~mask``."""
    cells = rows(pattern)
    if cells is not None:
        full = first(pattern.size[1])
        return pattern_of([row ^ full for row in cells], pattern.size[1])
    if pattern.parts:
        return together([complement(part) for part in pattern.parts], pattern.lead)
    simple = not pattern.differs and (pattern.columns is None or pattern.rows is None)
    kind = _OPPOSITE.get(pattern.kind, "other") if simple else "other"
    return Pattern(kind, pattern.size, differs=pattern.differs, lead=pattern.lead)


@lru_cache(maxsize=_MOST_KEPT)
def turned(pattern: Pattern) -> Pattern:
    """What is on with rows as columns."""
    n_rows, n_columns = pattern.size
    cells = rows(pattern)
    if cells is not None:
        texts = [f"{row:0{n_columns}b}"[::-1] for row in reversed(cells)]
        made = pattern_of([int("".join(column), 2) for column in zip(*texts, strict=True)], n_rows)
        return replace(made, biased=pattern.biased, factor=pattern.factor)
    if pattern.parts:
        return together([turned(part) for part in pattern.parts], pattern.lead)
    kind: PatternKind = pattern.kind if pattern.kind in ("all", "none") and not pattern.differs else "other"
    return Pattern(kind, (n_columns, n_rows), differs=pattern.differs, biased=pattern.biased, lead=pattern.lead)


@lru_cache(maxsize=_MOST_KEPT)
def meet(one: Pattern, other: Pattern) -> Pattern | None:
    """What is on in both: ``one & other``, with sizes of 1 broadcast.

    Returns:
        None if it cannot be known: one of them is known by its kind alone, and does not leave the other as it is.

    Raises:
        ValueError: If the sizes do not fit together.
    """
    size = _broadcast(one.size, other.size)
    if not one.differs and not other.differs:
        return _meet(one, other, size)
    lead = _broadcast(one.lead, other.lead)
    if prod(lead) > _MOST_PARTS:
        return None
    found = []
    for index in product(*map(range, lead)):
        left, right = _at(one, index), _at(other, index)
        both = None if left is None or right is None else _meet(left, right, size)
        if both is None:
            return None
        found.append(both)
    return together(found, lead)


def together(parts: Sequence[Pattern], lead: tuple[int, ...]) -> Pattern:
    """The pattern of all examples and heads: what theirs have in common.

    Args:
        parts: The pattern of each, in order.
        lead: Sizes of the axes before the rows.
    """
    head = parts[0]
    if all(part == head for part in parts):
        return head
    for axis, size in enumerate(lead):
        inner = prod(lead[axis + 1 :])
        first_of = [at - at // inner % size * inner for at in range(len(parts))]
        if size > 1 and all(part == parts[at] for part, at in zip(parts, first_of, strict=True)):
            return together([parts[at] for at in dict.fromkeys(first_of)], (*lead[:axis], 1, *lead[axis + 1 :]))
    kinds = sorted({part.kind for part in parts})
    names = ("size", "below", "above", "step", "prefix", "blocks", "block_rows", "columns", "rows", "causal", "factor")
    common = {
        name: getattr(head, name) for name in names if all(getattr(p, name) == getattr(head, name) for p in parts)
    }
    return Pattern(
        **{**common, "size": head.size},
        kind=next((kind for kind in kinds if {*kinds} - {kind} <= _CASES.get(kind, frozenset())), "other"),
        differs=True,
        biased=any(part.biased for part in parts),
        parts=tuple(parts) if len(parts) <= _MOST_PARTS else (),
        lead=lead,
    )


def band(pattern: Pattern) -> tuple[int, int] | None:
    """Columns before and after the diagonal that a mask lets through, if it is a band along it.

    What is on may mean seen or hidden: the last row sees the last column.
    """
    if min(pattern.size) < 2 or pattern.differs:
        return None
    return _along(pattern) or (_along(complement(pattern)) if pattern.kind in _HALVES else None)


def _along(seen: Pattern) -> tuple[int, int] | None:
    """The columns of a band that the diagonal is in."""
    if seen.kind not in _BANDS or seen.columns or seen.rows or seen.below is None or seen.above is None:
        return None
    return (seen.below, seen.above) if min(seen.below, seen.above) >= 0 else None


def _meet(one: Pattern, other: Pattern, size: tuple[int, ...]) -> Pattern | None:
    if "none" in (one.kind, other.kind):
        return pattern_of([0] * size[0], size[1])
    for whole, rest in ((one, other), (other, one)):
        if whole.kind == "all" and rest.size == size:
            return replace(rest, biased=one.biased or other.biased)
    left, right = rows(one), rows(other)
    if left is None or right is None or prod(size) > MOST_CELLS:
        return None
    pairs = zip(spread(left, one.size, size), spread(right, other.size, size), strict=True)
    found = pattern_of([a & b for a, b in pairs], size[1])
    return replace(found, biased=found.kind != "none" and (one.biased or other.biased))


def spread(cells: Sequence[int], size: Sequence[int], to: Sequence[int]) -> Sequence[int]:
    """Rows of a table with one row or one column, broadcast to a larger size."""
    if size[1] != to[1]:
        cells = [row * first(to[1]) for row in cells]
    return cells if len(cells) == to[0] else [*cells] * to[0]


def _at(pattern: Pattern, index: tuple[int, ...]) -> Pattern | None:
    """The pattern of one example and head; None if it is not kept."""
    if not pattern.differs or not pattern.parts:
        return None if pattern.differs else pattern
    place = 0
    for size, at in zip(pattern.lead, index[len(index) - len(pattern.lead) :], strict=True):
        place = place * size + (at if size > 1 else 0)
    return pattern.parts[place]


def _broadcast(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    sizes = []
    for a, b in zip_longest(reversed(one), reversed(other), fillvalue=1):
        if a != b and 1 not in (a, b):
            raise ValueError(f"masks of sizes {list(one)} and {list(other)} do not fit together")
        sizes.append(max(a, b))
    return tuple(reversed(sizes))
