"""Pictures of masks in the outline: exact where they are small, coarse where they are large."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.api import Trace
from shapetrace.capture import capture
from shapetrace.obtaining import obtain
from shapetrace.ops.mask_spans import coarse
from shapetrace.request import Request


class Masked(nn.Module):
    """Attention under a given mask; what is true is seen."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.mask, self.q, self.k, self.v = mask, *(nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x), attn_mask=self.mask)


def cells(mask: Tensor) -> list[list[bool]]:
    """Of the scores; those of the weights are the same."""
    outline = Trace.of(capture(Masked(mask), (torch.zeros(1, len(mask), 8),), {})).outline()
    scores, weights = (next(s for s in outline.steps() if s.kind == kind) for kind in ("scores", "softmax"))
    assert scores.results[0].cells == weights.results[0].cells
    return [[cell == "1" for cell in row] for row in scores.results[0].cells]


def causal(n: int) -> Tensor:
    return torch.ones(n, n, dtype=torch.bool).tril()


def prefix(n: int, first: int) -> Tensor:
    return causal(n) | (torch.arange(n) < first)


def packed(n: int, size: int) -> Tensor:
    place = torch.arange(n) // size
    return causal(n) & (place.unsqueeze(1) == place)


def dilated(n: int, step: int) -> Tensor:
    rows = torch.arange(n)
    return causal(n) & ((rows.unsqueeze(1) - rows) % step == 0)


@pytest.mark.parametrize("mask", [prefix(20, 6), packed(24, 8), dilated(30, 3)])
def test_a_small_mask_is_shown_cell_by_cell(mask: Tensor) -> None:
    assert cells(mask) == mask.tolist()


@pytest.mark.parametrize("mask", [prefix(128, 32), packed(192, 48)])
def test_a_large_mask_is_shown_by_what_most_of_its_cells_are(mask: Tensor) -> None:
    n = len(mask) // 32
    share = F.avg_pool2d(mask.float().unsqueeze(0), n)[0]
    assert cells(mask) == (share >= 0.5).tolist()


def test_of_a_large_dilated_mask_a_corner_is_shown() -> None:
    assert cells(dilated(300, 4)) == dilated(300, 4)[-32:, -32:].tolist()


def test_sizes_that_32_does_not_divide_leave_no_cell_out() -> None:
    assert coarse([0b1] * 50 + [0b0] * 50, 1, 32) == ["1"] * 16 + ["0"] * 16
    assert coarse([0b111] * 2, 3, 32) == ["111", "111"]


def test_the_compressed_branch_of_sparse_attention_shows_the_past_blocks() -> None:
    outline = obtain(Request(model="toy:nsa"), str).outline()
    scores = next(s.results[0] for s in outline.steps() if s.kind == "scores" and s.results[0].shape == (64, 8))
    expected = ["".join("01"[8 * (j + 1) <= 2 * i + 2] for j in range(8)) for i in range(32)]  # two rows in one
    assert list(scores.cells) == expected
