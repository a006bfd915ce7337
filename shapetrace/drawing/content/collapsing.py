"""At most so many rows: sections become one row each, the deepest and cheapest first."""

from collections.abc import Iterator
from dataclasses import replace

from shapetrace.drawing.content.rows import Item, Panel, Row, rows_in

_TAIL_ROWS = 12
_DROPPED = -1


def collapse(items: tuple[Item, ...], max_rows: int, wanted: int | None = None) -> tuple[Item, ...]:
    """Fold sections until the rows are few enough; if that is not enough, leave out rows in the middle.

    Args:
        items: Rows and panels, however deep.
        max_rows: The most rows that a figure may have.
        wanted: How many it should have: sections are folded for it, rows are not left out.
    """
    while _n_rows(items) > min(max_rows, wanted or max_rows):
        panels = [(depth, panel) for depth, panel in _panels(items) if _n_rows(panel.items) > 1]
        if not panels:
            return _shortened(items, max_rows) if _n_rows(items) > max_rows else items
        deepest = max(depth for depth, _ in panels)
        items = _replaced(items, min((panel for depth, panel in panels if depth == deepest), key=_cost))
    return items


def _shortened(items: tuple[Item, ...], max_rows: int) -> tuple[Item, ...]:
    """Keep the first and the last rows; the last of the first ones says how many are missing after it."""
    n_rows = _n_rows(items)
    tail = min(_TAIL_ROWS, max_rows // 3)
    head = max(max_rows - tail - 1, 1)
    after = [0] * (head - 1) + [n_rows - head - tail] + [_DROPPED] * (n_rows - head - tail) + [0] * tail
    return _filtered(items, iter(after))


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


def _filtered(items: tuple[Item, ...], left_out: Iterator[int]) -> tuple[Item, ...]:
    """Keep the rows that are not marked as dropped, with how many are left out after them."""
    done: list[Item] = []
    for item in items:
        if isinstance(item, Row):
            if (n_after := next(left_out)) != _DROPPED:
                done.append(replace(item, n_left_out=n_after))
        elif inner := _filtered(item.items, left_out):
            done.append(replace(item, items=inner))
    return tuple(done)
