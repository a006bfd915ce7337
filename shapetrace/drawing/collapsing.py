"""At most so many rows: sections become one row each, the deepest and cheapest first."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shapetrace.drawing.arranging import Item, Panel, Row, rows_in

_TAIL_ROWS = 12


@dataclass(frozen=True, slots=True)
class Collapsed:
    """Items that fit.

    Attributes:
        items: Rows and panels.
        n_sections: Sections that became one row.
        n_left_out: Rows that are not drawn at all.
        gap_after: Row after which those are missing.
    """

    items: tuple[Item, ...]
    n_sections: int = 0
    n_left_out: int = 0
    gap_after: Row | None = None


def collapse(items: tuple[Item, ...], max_rows: int) -> Collapsed:
    """Fold sections until the rows are few enough; if that is not enough, leave out rows in the middle."""
    n_sections = 0
    while _n_rows(items) > max_rows:
        panels = [(depth, panel) for depth, panel in _panels(items) if _n_rows(panel.items) > 1]
        if not panels:
            break
        deepest = max(depth for depth, _ in panels)
        cheapest = min((panel for depth, panel in panels if depth == deepest), key=_cost)
        items = _replaced(items, cheapest)
        n_sections += 1
    n_rows = _n_rows(items)
    if n_rows <= max_rows:
        return Collapsed(items, n_sections)
    tail = min(_TAIL_ROWS, max_rows // 3)
    head = max(max_rows - tail - 1, 1)
    gap_after = list(rows_in(items))[head - 1]
    kept = (number < head or number >= n_rows - tail for number in range(n_rows))
    return Collapsed(_filtered(items, kept), n_sections, n_rows - head - tail, gap_after)


def _n_rows(items: tuple[Item, ...]) -> int:
    return sum(1 for _ in rows_in(items))


def _panels(items: tuple[Item, ...], depth: int = 1) -> Iterator[tuple[int, Panel]]:
    for item in items:
        if isinstance(item, Panel):
            yield depth, item
            yield from _panels(item.items, depth + 1)


def _cost(panel: Panel) -> tuple[int, int]:
    steps = list(panel.section.steps())
    return sum(step.flops or 0 for step in steps), sum(step.parameters for step in steps)


def _replaced(items: tuple[Item, ...], folded: Panel) -> tuple[Item, ...]:
    done: list[Item] = []
    for item in items:
        if item is folded:
            done.append(Row(tuple(folded.section.steps()), folded=folded.section, repeat=folded.section.repeat))
        elif isinstance(item, Panel):
            done.append(replace(item, items=_replaced(item.items, folded)))
        else:
            done.append(item)
    return tuple(done)


def _filtered(items: tuple[Item, ...], kept: Iterator[bool]) -> tuple[Item, ...]:
    done: list[Item] = []
    for item in items:
        if isinstance(item, Row):
            done += [item] if next(kept) else []
        elif inner := _filtered(item.items, kept):
            done.append(replace(item, items=inner))
    return tuple(done)
