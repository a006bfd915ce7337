"""What sections cost: every level adds up, to numbers that were counted otherwise."""

import re

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace.drawing.wording import words_in
from shapetrace.formats.contract import Options
from shapetrace.formats.costs import Cost, costs, totals
from shapetrace.formats.table import render_grid
from shapetrace.obtaining import obtain
from shapetrace.outlining.structure import Section
from shapetrace.request import Request

MODELS = ["gpt2", "llama-3.2-1b", "deepseek-v2-lite", "toy:mha", "toy:nsa", "toy:cross-words"]


def traced(name: str) -> shapetrace.Trace:
    shape = {} if name.startswith("toy:") else {"seq": 16}
    return obtain(Request(model=name, shape=shape), print)


class Net(nn.Module):
    """Known sizes, in two types."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(8, 16, bias=False), nn.Linear(16, 4, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(self.up(x).relu())


def numbers(grid, level: int = 0) -> list[tuple[int, ...]]:
    """Parameters, FLOPs, bytes of weights and of activations in the rows of one level, the total apart."""
    rows = [row for row in grid.rows[:-1] if len(row[0]) - len(row[0].lstrip()) == 2 * level]
    return [tuple(row[place] or 0 for place in (2, 4, 6, 7)) for row in rows]


@pytest.mark.parametrize("name", MODELS)
def test_the_first_level_adds_up_to_the_whole_pass(name):
    outline = traced(name).outline()
    whole = totals(outline)
    columns = list(zip(*numbers(costs(outline)), strict=True))
    assert [sum(column) for column in columns] == [
        whole.parameters, whole.flops, whole.weight_bytes, whole.activation_bytes,
    ]  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_every_section_is_the_sum_of_what_is_below_it(name):
    outline = traced(name).outline()
    for section in outline.root.sections():
        if section is outline.root or not any(isinstance(item, Section) for item in section.items):
            continue
        grid = costs(outline, section=section.path)
        total = tuple(grid.rows[-1][place] or 0 for place in (2, 4, 6, 7))
        assert tuple(map(sum, zip(*numbers(grid), strict=True))) == total


def test_bytes_are_those_of_the_tensors():
    net = Net().to(torch.bfloat16)
    outline = shapetrace.trace(net, torch.zeros(2, 8, dtype=torch.bfloat16)).outline()
    by_title = {step.title: step for step in outline.steps()}
    assert sum(step.weight_bytes for step in by_title.values()) == sum(p.numel() * 2 for p in net.parameters())
    assert [step.activation_bytes for step in outline.steps()] == [2 * 16 * 2, 2 * 16 * 2, 2 * 4 * 2]


def test_queries_keys_and_values_of_one_product_share_its_bytes_by_width():
    outline = traced("gpt2").outline()
    made = [step.activation_bytes for step in outline.steps() if step.title in {"Query", "Key", "Value"}]
    assert made == [12 * 16 * 768 * 4] * 3


def test_what_is_not_counted_is_no_zero():
    rows = {row[0].strip(): row for row in costs(traced("gpt2").outline()).rows}
    assert rows["Embedding"][4] is None
    assert rows["Unembedding"][5] == "97.8 %" or rows["Unembedding"][4]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_eighty_columns_hold_the_table(lang):
    table = render_grid(costs(traced("gpt2").outline(), words_in(lang)), Options(width=80))
    assert max(map(len, table.splitlines())) <= 80
    assert "124,439,808" in table
    assert re.search(r"\d M", table)


def test_a_closed_depth_shows_fewer_rows():
    outline = traced("gpt2").outline()
    assert len(costs(outline, depth=0).rows) == 4 < len(costs(outline).rows)
    assert Cost.of([]) == Cost()
