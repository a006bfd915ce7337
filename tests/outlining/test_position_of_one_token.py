"""The position of a single token is one row, and is read as the rows of many are."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.outlining.reading import read, step


class Embedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.places, self.out = nn.Embedding(9, 8), nn.Embedding(16, 8), nn.Linear(8, 8)

    def forward(self, ids: Tensor) -> Any:
        x = self.words(ids) + self.places(torch.arange(3, 3 + ids.shape[1]))
        return x + self.out(x)


@pytest.mark.parametrize("length", [1, 5])
def test_the_position_of_one_token_begins_the_stream(length: int) -> None:
    found = read(Embedding(), torch.zeros(1, length, dtype=torch.long))
    position = step(found, "Position")
    assert [operand.name for operand in (*position.operands, *position.results)] == ["X", "P", "X_0"]


def test_one_learned_row_is_no_position() -> None:
    class Biased(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.row, self.out = nn.Embedding(9, 8), nn.Parameter(torch.rand(1, 8)), nn.Linear(8, 8)

        def forward(self, ids: Tensor) -> Any:
            x = self.words(ids) + self.row
            return x + self.out(x)

    names = [
        operand.name for s in read(Biased(), torch.zeros(1, 5, dtype=torch.long)).steps() for operand in s.operands
    ]
    assert "P" not in names
