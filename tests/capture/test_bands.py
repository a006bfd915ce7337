"""What a mask lets through, read off its values: on the CPU and on meta alike."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.capture import capture
from shapetrace.capture.bands import band

N = 8
FULL = torch.ones(N, N, dtype=torch.bool)


def by_definition(below: int, above: int, rows: int = N, columns: int = N) -> Tensor:
    """Row i sees column j if j is at most so far from the diagonal that ends in the last corner."""
    return torch.tensor([[-below <= j - (i + columns - rows) <= above for j in range(columns)] for i in range(rows)])


@pytest.mark.parametrize("extent", [(7, 0), (3, 0), (1, 1), (0, 0), (2, 4), (0, 7)])
@pytest.mark.parametrize("shape", [(8, 8), (3, 8), (1, 1, 8, 8)])
def test_a_band_is_read_as_it_was_defined(extent: tuple[int, int], shape: tuple[int, ...]) -> None:
    marks = by_definition(*extent, *shape[-2:]).reshape(shape)
    floats = torch.zeros(shape).masked_fill(~marks, float("-inf"))
    found = [band(marks), band(~marks), band(floats), band(torch.clamp(floats, min=-1e9))]
    assert all(each is None or torch.equal(by_definition(*each, *shape[-2:]), marks[..., :, :].reshape(shape[-2:]))
               for each in found)  # fmt: skip
    assert found[0] is not None or marks.all()


@pytest.mark.parametrize(
    "marks",
    [
        FULL, torch.zeros(N, N), FULL.tril() & (torch.arange(N) != 2), torch.stack([FULL.tril(), FULL.tril(-1)]),
        torch.block_diag(FULL[:4, :4], FULL[:4, :4]).bool(), torch.linspace(-1, 1, N * N).view(N, N),
    ],
)  # fmt: skip
def test_what_is_no_band_is_none(marks: Tensor) -> None:
    assert band(marks) is None


class Masked(nn.Module):
    """Scores of ones under a mask, in the ways that models write it."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.q = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        q = self.q(x).unsqueeze(1)
        seen = torch.ones(N, N, dtype=torch.bool, device=x.device).tril().triu(-2)
        if self.how == "fused":
            return F.scaled_dot_product_attention(q, q, q, attn_mask=seen)
        scores = q @ q.mT
        if self.how == "fill":
            scores = scores.masked_fill(~seen, -1e9)
        elif self.how == "add":
            scores = scores + torch.zeros(N, N, device=x.device).masked_fill(~seen, float("-inf"))
        else:
            scores = torch.where(seen, scores, torch.finfo(scores.dtype).min)
        return scores.softmax(-1) @ q


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("how", ["fused", "fill", "add", "where"])
def test_a_mask_keeps_its_band_in_the_trace(how: str, device: str) -> None:
    trace = capture(Masked(how).to(device), (torch.randn(2, N, 4, device=device),))
    assert {tensor.band for tensor in trace.tensors} == {None, (2, 0)}
