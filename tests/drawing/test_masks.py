"""Masks that are no triangle or band: every cell that is seen is filled, every other one is not."""

import random

import pytest

from shapetrace.drawing.layout.frames import Frame, body
from shapetrace.drawing.primitives import Line, Mark, Polygon, Rect
from tests.drawing.outlines import data

RANDOM = random.Random(7)


def table(n_rows: int, n_columns: int, seen) -> tuple[str, ...]:
    return tuple("".join("01"[bool(seen(i, j))] for j in range(n_columns)) for i in range(n_rows))


MASKS = {
    "prefix": table(12, 12, lambda i, j: j <= max(i, 3)),
    "packed": table(32, 32, lambda i, j: i // 8 == j // 8 and j <= i),
    "dilated": table(24, 24, lambda i, j: (i - j) % 4 == 0 and j <= i),
    "blocks of the past": table(32, 8, lambda i, j: 4 * (j + 1) <= i + 1),
    "all but the diagonal": table(9, 9, lambda i, j: i != j),
    "wide": table(5, 20, lambda i, j: j % 5 >= i),
    "any": table(13, 29, lambda *_: RANDOM.random() < 0.5),
    "one cell": table(4, 4, lambda i, j: (i, j) == (3, 0)),
    "nothing": table(4, 4, lambda *_: False),
}


def drawn(cells: tuple[str, ...], width: float = 160, height: float = 90) -> list[Mark]:
    operand = data("S", len(cells), len(cells[0]), cells=cells)
    return list(body(Frame("data", 0, 1, width, height), operand))


def holds(polygon: Polygon, x: float, y: float) -> bool:
    """Whether a ray to the right crosses the outline an odd number of times."""
    found = False
    for (ax, ay), (bx, by) in zip(polygon.points, (*polygon.points[1:], polygon.points[0]), strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax) - 1e-9:
            found = not found
    return found


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("size", [(160.0, 90.0), (12.0, 30.0)])
def test_the_middle_of_a_cell_is_filled_where_it_is_seen(name: str, size: tuple[float, float]) -> None:
    cells, (width, height) = MASKS[name], size
    filled = [mark for mark in drawn(cells, *size) if isinstance(mark, Polygon)]
    assert {mark.ink for mark in filled} <= {"data-fill"}
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            x, y = ((j + 0.5) / len(row) - 0.5) * width, ((i + 0.5) / len(cells) - 0.5) * height
            assert any(holds(mark, x, y) for mark in filled) == (cell == "1"), (name, i, j)


@pytest.mark.parametrize("name", MASKS)
def test_nothing_leaves_the_frame_of_a_mask(name: str) -> None:
    for mark in drawn(MASKS[name]):
        if isinstance(mark, Polygon):
            assert all(abs(x) <= 80 and abs(y) <= 45 for x, y in mark.points)


def test_cells_that_belong_together_are_one_shape() -> None:
    counts = {name: len(drawn(cells)) for name, cells in MASKS.items() if name != "any"}
    assert max(counts.values()) <= 12  # the frame, and a shape for a diagonal or a step
    assert counts["prefix"] == 3
    assert counts["packed"] == 5


def test_a_causal_mask_is_its_triangle_still() -> None:
    operand = data("S", 8, 8, pattern="causal", cells=())
    kinds = [type(mark) for mark in body(Frame("data", 0, 1, 90, 90), operand)]
    assert kinds == [Rect, Polygon, Line, Line]
