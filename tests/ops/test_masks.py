"""Masks by their cells: each kind against its definition, complement and meet against torch's."""

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from shapetrace.capture.masks import read
from shapetrace.ir import Pattern
from shapetrace.ops import masks


class Cell(NamedTuple):
    """Row, column, and how far the column lies after the diagonal that ends in the last corner."""

    i: int
    j: int
    o: int


def table(rows: int, columns: int, on: Any) -> Tensor:
    cells = [[bool(on(Cell(i, j, j - (i + columns - rows)))) for j in range(columns)] for i in range(rows)]
    return torch.tensor(cells, dtype=torch.bool).reshape(rows, columns)


def found(pattern: Pattern) -> Tensor:
    """The cells that a pattern says are on, by its kind and its numbers alone."""
    columns = [any(a <= j < b for a, b in pattern.columns or [(0, pattern.size[1])]) for j in range(pattern.size[1])]
    rows = [any(a <= i < b for a, b in pattern.rows or [(0, pattern.size[0])]) for i in range(pattern.size[0])]
    below, above, step, prefix = (getattr(pattern, name) or 0 for name in ("below", "above", "step", "prefix"))
    starts = [sum(pattern.blocks[:k]) for k in range(len(pattern.blocks))]
    shift = pattern.size[1] - pattern.size[0]
    heights = pattern.block_rows or [size - (shift if k == 0 else 0) for k, size in enumerate(pattern.blocks)]
    block_of_row = [k for k, height in enumerate(heights) for _ in range(height)]

    def in_block(c: Cell) -> bool:
        start = starts[block_of_row[c.i]]
        return start <= c.j < start + pattern.blocks[block_of_row[c.i]] and (c.o <= 0 or not pattern.causal)

    kinds: dict[str, Any] = {
        "all": lambda _: True, "none": lambda _: False, "causal": lambda c: c.o <= 0,
        "future": lambda c: c.o > 0, "window": lambda c: -below <= c.o <= above,
        "prefix": lambda c: c.o <= 0 or c.j < prefix, "blocks": in_block,
        "dilated": lambda c: -below <= c.o <= above and (c.o + below) % step == 0,
        "diagonal": lambda c: c.o == 0, "off_diagonal": lambda c: c.o != 0,
        "columns": lambda _: True, "rows": lambda _: True,
    }  # fmt: skip
    return table(*pattern.size, lambda c: rows[c.i] and columns[c.j] and kinds[pattern.kind](c))


@st.composite
def tables(draw: st.DrawFn, kinds: tuple[str, ...] = ()) -> tuple[str, Tensor]:
    """A kind by which a table was made, and the table."""
    rows, past = draw(st.integers(2, 9)), draw(st.integers(0, 4))
    columns = rows + past
    n, m, step = draw(st.integers(0, columns)), draw(st.integers(0, rows)), draw(st.integers(2, 4))
    cut = sorted(draw(st.sets(st.integers(1, rows - 1), min_size=1)))
    block = [sum(i >= c for c in cut) for i in range(rows)]
    held = [block[max(j - past, 0)] for j in range(columns)]
    chance = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    noise = torch.rand(rows, columns, generator=chance)
    on: dict[str, Any] = {
        "all": lambda _: True, "none": lambda _: False, "causal": lambda c: c.o <= 0,
        "future": lambda c: c.o > 0, "window": lambda c: -n <= c.o <= m,
        "prefix": lambda c: c.o <= 0 or c.j < n, "blocks": lambda c: block[c.i] == held[c.j],
        "causal blocks": lambda c: block[c.i] == held[c.j] and c.o <= 0,
        "dilated": lambda c: c.o % step == 0, "causal dilated": lambda c: c.o <= 0 and c.o % step == 0,
        "diagonal": lambda c: c.o == 0, "off_diagonal": lambda c: c.o != 0,
        "columns": lambda c: bool(noise[0, c.j] > 0.4), "rows": lambda c: bool(noise[c.i, 0] > 0.4),
        "padded": lambda c: c.o <= 0 and c.j >= n, "padded at the end": lambda c: -m <= c.o <= 0 and c.j < n,
        "both padded": lambda c: c.o <= 0 and c.j < n and c.i < m,
        "random": lambda c: bool(noise[c.i, c.j] > 0.5), "mostly on": lambda c: bool(noise[c.i, c.j] > 0.03),
    }  # fmt: skip
    kind = draw(st.sampled_from(kinds or tuple(on)))
    return kind, table(rows, columns, on[kind])


def pattern(mask: Tensor) -> Pattern:
    """What is on along the last two axes."""
    found = read(mask)
    assert found is not None
    return replace(found, across=None)


def cells(given: Pattern) -> Tensor:
    rows = masks.rows(given)
    assert rows is not None
    return table(*given.size, lambda c: rows[c.i] >> c.j & 1)


@given(tables())
def test_what_a_pattern_says_is_what_is_on(made: tuple[str, Tensor]) -> None:
    _, mask = made
    read_as = pattern(mask)
    assert torch.equal(cells(read_as), mask)
    assert read_as.cells == tuple("".join(str(int(cell)) for cell in row) for row in mask)
    assert read_as.kind == "other" or torch.equal(found(read_as), mask)
    assert read_as.causal == (bool(mask.any()) and not (mask & table(*mask.shape, lambda c: c.o > 0)).any())


PLAIN = ("all", "none", "causal", "future", "window", "prefix", "blocks", "causal blocks", "dilated", "causal dilated")


@given(tables((*PLAIN, "diagonal", "off_diagonal", "columns", "rows", "padded", "padded at the end", "both padded")))
def test_what_was_made_by_a_rule_is_never_other(made: tuple[str, Tensor]) -> None:
    kind, mask = made
    few = kind.endswith("dilated") and min(mask.shape) < 6  # two diagonals that miss the corner are no rule
    assert few or pattern(mask).kind != "other"


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (lambda c: c.o <= 0, {"kind": "causal", "above": 0, "causal": True}),
        (lambda c: c.o > 0, {"kind": "future", "below": -1}),
        (lambda c: -2 <= c.o <= 1, {"kind": "window", "below": 2, "above": 1, "causal": False}),
        (lambda c: c.o <= 0 or c.j < 5, {"kind": "prefix", "prefix": 5, "causal": False}),
        (lambda c: c.o == 0, {"kind": "diagonal"}),
        (lambda c: c.o != 0, {"kind": "off_diagonal"}),
        (lambda c: c.o <= 0 and c.o % 3 == 0, {"kind": "dilated", "step": 3, "causal": True}),
        (lambda c: 1 <= c.j < 4, {"kind": "columns", "columns": ((1, 4),)}),
        (lambda c: c.i != 2, {"kind": "rows", "rows": ((0, 2), (3, 8))}),
        (lambda c: c.o <= 0 and c.j >= 2, {"kind": "causal", "columns": ((2, 8),), "causal": True}),
    ],
)
def test_a_kind_has_its_numbers(on: Any, expected: dict[str, Any]) -> None:
    read_as = pattern(table(8, 8, on))
    assert {name: getattr(read_as, name) for name in expected} == expected


def test_packed_documents_are_blocks_with_their_sizes() -> None:
    sizes = (3, 1, 4)
    full = torch.block_diag(*(torch.ones(n, n) for n in sizes)).bool()
    assert (pattern(full).kind, pattern(full).blocks, pattern(full).causal) == ("blocks", sizes, False)
    assert (pattern(full.tril()).kind, pattern(full.tril()).blocks, pattern(full.tril()).causal) == (
        "blocks",
        sizes,
        True,
    )
    images = torch.block_diag(torch.ones(2, 5), torch.ones(3, 5)).bool()
    assert (pattern(images).blocks, pattern(images).block_rows) == ((5, 5), (2, 3))
    mixed = full.clone()
    mixed[:3, :3] = mixed[:3, :3].tril()
    assert pattern(mixed).kind == "other"


@given(tables(), tables())
def test_complement_and_meet_are_those_of_torch(one: tuple[str, Tensor], other: tuple[str, Tensor]) -> None:
    left, right = one[1], other[1]
    rows, columns = (min(a, b) for a, b in zip(left.shape, right.shape, strict=True))
    left, right = left[:rows, :columns], right[:rows, :columns]
    assert masks.complement(pattern(left)) == pattern(~left)
    assert masks.meet(pattern(left), pattern(right)) == pattern(left & right)
    assert masks.meet(pattern(left[:1]), pattern(right)) == pattern(left[:1] & right)
    assert masks.meet(pattern(left[:, :1]), pattern(right[:1])) == pattern(left[:, :1] & right[:1])


@given(tables(), tables())
def test_rows_and_columns_change_places_as_in_torch(one: tuple[str, Tensor], other: tuple[str, Tensor]) -> None:
    assert masks.turned(pattern(one[1])) == pattern(one[1].mT)
    rows, columns = (min(a, b) for a, b in zip(one[1].shape, other[1].shape, strict=True))
    both = torch.stack([mask[:rows, :columns] for _, mask in (one, other)])
    assert masks.turned(pattern(both)) == pattern(both.mT)


@given(tables(), st.integers(1, 3))
def test_a_mask_is_read_too_along_axes_that_do_not_lie_last(made: tuple[str, Tensor], heads: int) -> None:
    _, mask = made
    shapes = [mask[:, None].repeat(1, heads, 1), mask[:, :, None].repeat(1, 1, heads)]
    for between, axes in zip(shapes, ((-3, -1), (-3, -2)), strict=True):
        found_along = read(between)
        assert found_along is not None
        across = found_along.across
        if across is not None and across.axes == axes:
            assert replace(across, axes=(-2, -1)) == pattern(mask)
        else:
            assert min(mask.shape) == 1 or pattern(mask).kind in ("all", "none", "columns", "rows")


@given(st.lists(tables(("columns", "all", "causal", "random")), min_size=2, max_size=4), tables())
def test_examples_and_heads_that_differ_meet_one_by_one(
    made: list[tuple[str, Tensor]], other: tuple[str, Tensor]
) -> None:
    rows = min(mask.shape[0] for _, mask in (*made, other))
    columns = min(mask.shape[1] for _, mask in (*made, other))
    batch = torch.stack([mask[:rows, :columns] for _, mask in made]).unsqueeze(1)
    heads = torch.stack([other[1][:rows, :columns], torch.ones(rows, columns, dtype=torch.bool)]).unsqueeze(0)
    assert masks.complement(pattern(batch)) == pattern(~batch)
    assert masks.meet(pattern(batch), pattern(heads[:, :1])) == pattern(batch & heads[:, :1])
    assert masks.meet(pattern(batch), pattern(heads)) == pattern(batch & heads)


def test_the_kind_of_examples_that_differ_is_the_one_that_they_share() -> None:
    full, causal = torch.ones(4, 4, dtype=torch.bool), torch.ones(4, 4, dtype=torch.bool).tril()
    padded = full & torch.tensor([True, True, False, False])
    pairs = {"columns": (full, padded), "causal": (causal, causal & padded), "other": (causal, padded)}
    assert [pattern(torch.stack(pair)).kind for pair in pairs.values()] == [*pairs]
    assert not pattern(torch.stack([causal, causal])).differs
    assert pattern(torch.stack([full, padded])).differs


def test_sizes_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        masks.meet(pattern(torch.ones(3, 4).bool()), pattern(torch.ones(2, 4).bool()))


@pytest.mark.parametrize("n", [40, 1500])
def test_a_large_mask_is_known_by_its_kind_and_by_its_cells(n: int) -> None:
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    distance = torch.arange(n) - torch.arange(n).unsqueeze(1)
    for made in (mask, mask & (torch.arange(n) > 3), distance % 7 == 0, distance % 7 != 0):
        read_as = pattern(made)
        assert read_as.cells is None
        assert masks.complement(read_as) == pattern(~made)
        assert masks.meet(read_as, pattern(mask)) == pattern(made & mask)
        assert masks.complement(masks.complement(read_as)) == read_as


def test_what_takes_too_many_numbers_is_other_and_meets_nothing_but_all_and_none() -> None:
    noise = pattern(torch.rand(64, 64, generator=torch.Generator().manual_seed(0)) > 0.5)
    causal, full = pattern(torch.ones(64, 64).tril().bool()), pattern(torch.ones(64, 64).bool())
    assert (noise.kind, noise.spans, masks.complement(noise).kind) == ("other", None, "other")
    assert masks.meet(noise, causal) is None
    assert masks.meet(noise, full) == noise
    assert masks.meet(noise, masks.complement(full)) == pattern(torch.zeros(64, 64).bool())
