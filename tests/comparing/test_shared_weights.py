"""Weights that several layers share count once: in shares, in sums, and in diff, which tells them from own ones."""

import itertools
import re

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace.comparing import compare
from shapetrace.formats.comparison import compared
from shapetrace.formats.summary import parameter_parts
from shapetrace.formats.table import render_grid


class Block(nn.Module):
    def __init__(self, up: nn.Module | None = None, down: nn.Module | None = None) -> None:
        super().__init__()
        self.up, self.down = up or nn.Linear(8, 16), down or nn.Linear(16, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(self.up(x).relu())


class Net(nn.Module):
    def __init__(self, layers: list[nn.Module], times: int = 1) -> None:
        super().__init__()
        self.layers, self.times = nn.ModuleList(layers), times

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in [*self.layers] * self.times:
            x = layer(x)
        return x


def nets() -> dict[str, Net]:
    one, two, up, down = Block(), Block(), nn.Linear(8, 16), nn.Linear(16, 8)
    unused = Net([Block() for _ in range(4)])
    unused.spare = nn.Linear(3, 5)
    return {
        "own": Net([Block() for _ in range(4)]),
        "one block four times": Net([one] * 4),
        "one up": Net([Block(up) for _ in range(4)]),
        "one down": Net([Block(None, down) for _ in range(4)]),
        "two blocks in turn": Net([one, two, one, two]),
        "two blocks one after the other": Net([one, one, two, two]),
        "three alike, one own": Net([one, one, one, two]),
        "a group run again": Net([Net([one, two])] * 2),
        "a weight that no pass reads": unused,
    }


def traced(net: nn.Module) -> shapetrace.Trace:
    return shapetrace.trace(net, torch.zeros(1, 3, 8))


def counted(net: nn.Module) -> int:
    """Parameters as torch counts them: a shared one is one object."""
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("name", nets())
def test_shares_and_sums_count_each_weight_once(name):
    net = nets()[name]
    outline = traced(net).outline()
    assert outline.totals.parameters == counted(net) == sum(parameter_parts(outline).values())
    steps = sum(step.parameters_in_all for step in outline.steps())
    assert steps + outline.totals.unused_parameters == counted(net)
    assert outline.root.parameters == steps
    shares = [float(share) for share in re.findall(r"([\d.]+) %", str(traced(net)))]
    assert max(shares) <= 100
    assert sum(shares) == pytest.approx(100, abs=0.2)


@pytest.mark.parametrize(("left", "right"), list(itertools.combinations(nets(), 2)))
def test_models_that_own_other_numbers_of_weights_differ(left, right):
    found = compare(traced(nets()[left]), traced(nets()[right]))
    same_numbers = {"two blocks in turn", "two blocks one after the other", "three alike, one own"}
    assert found.products_equal == ({left, right} <= same_numbers)
    assert found.differs(("steps", "names", "kernels")) != found.products_equal


@pytest.mark.parametrize("name", nets())
def test_a_model_does_not_differ_from_itself(name):
    assert not compare(traced(nets()[name]), traced(nets()[name])).differs(())


def test_the_row_shows_the_numbers_that_differ():
    table = render_grid(compared(compare(traced(nets()["own"]), traced(nets()["one up"]))))
    assert "576 parameters" in table
    assert "144 parameters" in table
    assert "Shrink" not in table


def test_more_layers_of_the_same_kind_differ_in_the_section_alone():
    for blocks in ([Block(), Block()], [Block()] * 2):
        more = [Block() for _ in range(4)] if blocks[0] is not blocks[1] else blocks * 2
        changes = compare(traced(Net(blocks)), traced(Net(more))).changes
        assert [change.section for change in changes if change.status != "same"] == [True]
