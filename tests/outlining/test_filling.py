"""A tensor that is made empty and filled piece by piece is what a ``cat`` would have made."""

import pytest
import torch
from torch import Tensor, nn

import shapetrace
from tests.outlining.reading import faults, step, titles

A, B = torch.randn(2, 5, 8), torch.randn(2, 5, 4)


class Filled(nn.Module):
    """Scores of rows that are put together from two."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        rows = getattr(self, self.way)(a, b, a.new_empty(2, 5, 12))
        return rows @ rows.transpose(-1, -2)

    def joined(self, a: Tensor, b: Tensor, _: Tensor) -> Tensor:
        return torch.cat([a, b], -1)

    def assigned(self, a: Tensor, b: Tensor, rows: Tensor) -> Tensor:
        rows[..., :8] = a
        rows[..., 8:] = b
        return rows

    def copied(self, a: Tensor, b: Tensor, rows: Tensor) -> Tensor:
        rows[..., -4:].copy_(b)
        rows[..., :-4].copy_(a)
        return rows

    def partly(self, a: Tensor, b: Tensor, rows: Tensor) -> Tensor:
        rows[..., :8].copy_(a)
        rows[..., 8:11].copy_(b[..., :3])
        return rows

    def twice(self, a: Tensor, b: Tensor, rows: Tensor) -> Tensor:
        rows[..., :8].copy_(a)
        rows[..., 4:8].copy_(b)
        return rows

    def read_between(self, a: Tensor, b: Tensor, rows: Tensor) -> Tensor:
        rows[..., :8].copy_(a)
        rows[..., 8:].copy_(b + rows[..., :4].clone())
        return rows


@pytest.mark.parametrize("way", ["joined", "assigned", "copied"])
def test_all_spellings_of_side_by_side_are_one_concat(way: str) -> None:
    found = shapetrace.trace(Filled(way), A, B).outline()
    assert titles(found) == ["Concat", "Product"]
    joined = step(found, "Concat")
    assert joined.equation == "[2,5,8], [2,5,4]→[2,5,12]"
    assert step(found, "Product").operands[0].made_by == joined.id


@pytest.mark.parametrize("way", ["partly", "twice", "read_between"])
def test_what_is_not_filled_piece_by_piece_is_no_concat_of_the_pieces(way: str) -> None:
    trace = shapetrace.trace(Filled(way), A, B)
    found = trace.outline()
    assert "[2,5,8], [2,5,4]→[2,5,12]" not in [each.equation for each in found.steps()]
    assert not faults(trace, found)
