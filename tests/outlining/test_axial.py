"""Attention along the rows or the columns of a table: the other axis counts no heads."""

import pytest
import torch
from torch import Tensor, nn

from tests.outlining.reading import read, step


class Axial(nn.Module):
    """Every column attends along its rows, as in (rows, columns, examples, width) of aligned sequences."""

    def __init__(self, tied: bool) -> None:
        super().__init__()
        self.norm, self.tied = nn.LayerNorm(32), tied
        self.q, self.k, self.v, self.out = (nn.Linear(32, 32) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        q, k, v = (f(h).unflatten(-1, (4, 8)) for f in (self.q, self.k, self.v))
        if self.tied:  # one map of columns for all rows
            a = torch.einsum("rinhd,rjnhd->hnij", q, k * 48**-0.5).softmax(-1)
            z = torch.einsum("hnij,rjnhd->rinhd", a, v)
        else:
            a = torch.einsum("icnhd,jcnhd->hcnij", q, k * 8**-0.5).softmax(-1)
            z = torch.einsum("hcnij,jcnhd->icnhd", a, v)
        y: Tensor = self.out(z.flatten(-2))
        return x + y


@pytest.mark.parametrize(
    ("tied", "equation", "stack"), [(False, "[6,8]×[8,6]→[6,6]", 36), (True, "[9,48]×[48,9]→[9,9]", 4)]
)
def test_an_axis_that_attention_leaves_alone_counts_no_heads(tied: bool, equation: str, stack: int) -> None:
    found = read(Axial(tied), torch.ones(6, 9, 1, 32))
    scores = step(found, "Scores")
    assert (scores.equation, [o.stack for o in scores.operands]) == (equation, [stack, stack])
    assert step(found, "Query").operands[1].stack == 4
    assert step(found, "Residual").equation == "[6,9,1,32]+[6,9,1,32]→[6,9,1,32]"
    for joined in (s for s in found.steps() if s.title == "Concat heads"):
        before, after = joined.operands[0], joined.results[0]
        assert torch.Size(before.shape).numel() * before.stack == torch.Size(after.shape).numel() * after.stack
