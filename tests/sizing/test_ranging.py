"""Names hold over a range: the model itself says where it ends, and PyTorch's symbols say the same."""

import json

import pytest
import torch
from torch import Tensor, nn

import shapetrace
from shapetrace import hf_obtaining
from shapetrace.ir import Range
from shapetrace.models import huggingface
from shapetrace.obtaining import obtain
from shapetrace.proving import prove
from shapetrace.request import Request
from tests.sizing.oracle import symbolic_bounds


def ranges_of(model: nn.Module, *args: Tensor) -> dict[str, Range]:
    trace = shapetrace.sizes(model, *args)
    assert trace.sizes is not None
    return {each.symbol: each for each in trace.sizes.ranges}


class Positions(nn.Module):
    """Rows of a table for as many positions as there are."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.table, self.out = nn.Embedding(longest, 8), nn.Linear(8, 40)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x + self.table.weight[: x.shape[1]])


class Window(nn.Module):
    """The last rows."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -16:].relu()


class Pool(nn.Module):
    """Rows in groups of four, eight at least."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] < 8:
            x = x.cumsum(1)
        return x.relu()


@pytest.mark.parametrize("longest", [30, 61, 200])
def test_a_table_of_positions_ends_the_range(longest: int) -> None:
    found = ranges_of(Positions(longest), torch.randn(2, 12, 8))
    assert set(found) == {"T"}
    assert (found["T"].least, found["T"].most) == (None, longest)
    assert found["T"].beyond


def test_a_formula_that_is_wrong_further_on_ends_the_range() -> None:
    found = ranges_of(Window(), torch.randn(2, 12, 8))
    assert (found["T"].most, found["T"].beyond) == (16, "T is 16 there")


def test_other_operations_end_the_range() -> None:
    found = ranges_of(Pool(), torch.randn(2, 12, 8))
    assert (found["T"].least, found["T"].below) == (8, "other operations in the model itself")


def test_what_has_no_bounds_has_no_range() -> None:
    assert ranges_of(nn.Linear(8, 8), torch.randn(2, 12, 8)) == {}


def test_the_context_of_a_preset_ends_the_range() -> None:
    request = Request(model="gpt2", shape={"layers": 2})
    trace = prove(request, obtain(request, str))
    assert trace.sizes is not None
    assert [(each.symbol, each.least, each.most) for each in trace.sizes.ranges] == [("T", None, 1024)]


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_the_upper_end_is_that_of_symbolic_shapes(family: str) -> None:
    pytest.importorskip("transformers")
    entries = {"hidden_size": 48, "num_attention_heads": 4, "intermediate_size": 80, "num_hidden_layers": 2}
    words = tuple(f"{name}={json.dumps(value)}" for name, value in entries.items())
    asked = Request(model=f"hf:{family}", shape={"batch": 3, "seq": 24}, hf_set=words)
    trace = prove(asked, hf_obtaining.obtain(asked, str))
    assert trace.sizes is not None

    def build() -> nn.Module:
        return huggingface.build(huggingface.config(family, huggingface.parse_entries(words)), device="cpu")

    most = {each.symbol: each.most for each in trace.sizes.ranges}
    assert most.get("T") == symbolic_bounds(build, 3, 24)["T"][1]
