"""Which rows of a table are looked up: kept where the ids' values are at hand, unknown where they are not."""

import pytest
import torch
from torch import Tensor, nn

from shapetrace.capture import capture
from shapetrace.generations.running import generated
from shapetrace.ir import MOST_PICKS, Trace
from shapetrace.making import from_config, preset
from shapetrace.request import Request

IDS = torch.tensor([[7, 3, 4, 5, 90]])
RUNS = ((7, 1), (3, 3), (90, 1))


class Lookup(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.table = nn.Embedding(100, 4)

    def forward(self, ids: Tensor) -> Tensor:
        if self.how == "module":
            return self.table(ids)
        if self.how == "indexed":
            return self.table.weight[ids]
        if self.how == "from the end":
            return self.table.weight[ids - 100]
        return self.table.weight.index_select(0, ids.flatten())


def picks(trace: Trace) -> list[tuple[tuple[int, int], ...]]:
    return [tensor.picks for tensor in trace.tensors if tensor.picks]


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("how", ["module", "indexed", "from the end", "selected"])
def test_ids_that_are_at_hand_tell_the_rows_that_they_pick(how: str, device: str) -> None:
    assert picks(capture(Lookup(how).to(device), (IDS,))) == [RUNS]


def test_ids_without_values_pick_nothing_that_is_known() -> None:
    assert picks(capture(Lookup("module").to("meta"), (IDS.to("meta"),))) == []


def test_rows_of_data_are_nobodys_business() -> None:
    class Sorted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[IDS[0]]

    assert picks(capture(Sorted(), (torch.randn(100, 4),))) == []


def test_of_many_ids_the_first_are_kept() -> None:
    ids = torch.arange(0, 100, 2).repeat(1, 3)
    assert picks(capture(Lookup("module"), (ids,))) == [tuple((2 * n, 1) for n in range(MOST_PICKS))]


def test_an_id_that_the_table_does_not_have_picks_none() -> None:
    with pytest.raises(IndexError) as caught:
        capture(Lookup("module"), (torch.tensor([[3, 100]]),))
    assert picks(caught.value.trace) == []  # type: ignore[attr-defined]


def test_ids_that_were_given_are_known_on_meta_and_none_are_made_up() -> None:
    given = preset("gpt2", layers=1, tokens="464,3139,318")
    assert given.tensors[given.inputs[0]].picks == ((464, 1), (3139, 1), (318, 1))
    for made_up in (
        preset("gpt2", layers=1, seq=3),
        preset("gpt2", layers=1, seq=3, device="cpu"),
        from_config("gpt2"),
    ):
        assert not any(tensor.picks for tensor in made_up.tensors if tensor.role == "data")


def test_ids_that_were_given_go_on_in_a_generation() -> None:
    for cached in (True, False):
        request = Request(model="gpt2", shape={"layers": 1}, tokens="464,3139,318")
        first = generated(request, print, 1, cached=cached).passes[0].trace
        assert first.tensors[first.inputs[0]].picks == ((464, 1), (3139, 1), (318, 1))


def test_the_table_of_a_step_has_the_rows() -> None:
    outline = preset("gpt2", layers=1, tokens="464,3139,318").outline()
    assert [operand.picks for operand in next(outline.steps()).operands] == [(), ((464, 1), (3139, 1), (318, 1))]
