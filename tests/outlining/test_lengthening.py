"""How FLOPs grow with the input, told from one pass: what passes at other lengths really took, or nothing."""

from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

import shapetrace
from shapetrace.making import from_config, preset
from shapetrace.outlining.lengthening import flops_by_power


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("gpt2", {"layers": 2}), ("llama-3.1-8b", {"layers": 2}),
        ("transformer-base", {}), ("gpt2", {"layers": 1, "last_row": True}),
        ("mixtral-8x7b", {"layers": 2}), ("deepseek-v3", {"layers": 4}),
    ],
)  # fmt: skip
def test_a_pass_of_another_length_takes_what_was_told(name, changes):
    def outline(rows):
        two = {"target_seq": rows} if name == "transformer-base" else {}
        return preset(name, seq=rows, **two, **changes).outline()

    powers, longer = flops_by_power(outline(48)), outline(96).totals.flops
    assert powers is not None
    assert sum(flops * 2**power for power, flops in powers.items()) == longer
    assert 2 in powers


@pytest.mark.parametrize("kind", ["bert", "bloom", "t5", "phi3", "olmoe", "gpt_oss"])
def test_models_of_others_take_what_was_told_too(kind):
    powers = flops_by_power(from_config(kind, seq=40).outline())
    assert powers is not None
    longer = from_config(kind, seq=60).outline().totals.flops
    assert sum(flops * Fraction(3, 2) ** power for power, flops in powers.items()) == longer


def test_experts_that_choose_rows_are_not_told():
    """Each expert takes a quarter of the rows: how many that are, one pass does not say."""

    class Choosing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.router = nn.Embedding(50, 8), nn.Linear(8, 4)
            self.read = nn.Linear(8, 8)

        def forward(self, ids: Tensor) -> Tensor:
            x = self.table(ids)[0]
            weights, rows = self.router(x).softmax(-1).T.topk(len(x) // 4)
            return self.read(x[rows.flatten()]) * weights.flatten()[:, None]

    traced = shapetrace.trace(Choosing(), torch.zeros(1, 32, dtype=torch.int64))
    assert flops_by_power(traced.outline()) is None


@pytest.mark.parametrize("shape", [(-1, 4), (-1, 1)])
def test_pieces_of_the_input_are_not_told(shape):
    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.read, self.table = nn.Linear(8, 8), nn.Embedding(50, 8)

        def forward(self, ids: Tensor) -> Tensor:
            x = self.read(self.table(ids)).unflatten(1, shape)  # (B, T, 8) -> (B, T/4, 4, 8)
            return x @ x.transpose(-1, -2)

    traced = shapetrace.trace(Windows(), torch.zeros(1, 16, dtype=torch.int64))
    assert flops_by_power(traced.outline()) is None


def test_what_has_no_input_that_gets_longer_is_not_told():
    for model, given in ((nn.Linear(8, 4), torch.zeros(8)), (nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 8, 8))):
        assert flops_by_power(shapetrace.trace(model, given).outline()) is None
