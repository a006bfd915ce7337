"""Long runs of element-wise operations: what grouping them costs."""

import sys

import torch
from torch import nn

from shapetrace.capture import capture
from shapetrace.outlining.passes import PASSES, run


class LongChain(nn.Module):
    """n times ``y = tanh(y)·x`` between two products."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n
        self.fc = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = y = self.fc(x)
        for _ in range(self.n):
            y = torch.tanh(y) * x
        return self.fc(y)


def calls_of_a_plan(n: int) -> int:
    trace = capture(LongChain(n), (torch.zeros(2, 4),))
    count = 0

    def counting(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        run(PASSES, trace=trace, fused=False)
    finally:
        sys.setprofile(None)
    return count


def test_a_chain_four_times_as_long_costs_about_four_times_as_much() -> None:
    assert calls_of_a_plan(400) < 6 * calls_of_a_plan(100)
