"""Cells of attention weights are as dark as their numbers, where these were really computed from given values."""

from pathlib import Path

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace.drawing.inks import N_SHADES
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.layout.canvas import HEADING
from shapetrace.drawing.primitives import Figure, Rect, Text
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from tests.capture.test_weighing import HEADS, Attention, C, T, fused, matmul

_NET = """
import torch
from torch import nn

class Net(nn.MultiheadAttention):
    def __init__(self):
        super().__init__(8, 2)

    def forward(self, x):
        return super().forward(x, x, x, need_weights=False)[0]

def build(device="cpu"):
    torch.manual_seed(0)
    return Net()

def inputs():
    return torch.ones(3, 1, 8)
"""


def traced(way=matmul, *, device="cpu", n_examples=1):
    torch.manual_seed(0)
    with torch.device(device):
        return shapetrace.trace(Attention(way), torch.randn(n_examples, T, C))


def drawn(trace, **choices) -> Figure:
    return shapetrace.figure(trace, **choices).drawing


def shades(figure: Figure) -> list[Rect]:
    heading = next(group.marks for group in figure.groups if group.id == HEADING)
    return [mark for mark in figure.marks() if mark.ink.startswith("data-shade") and mark not in heading]


def words(figure: Figure) -> str:
    return " ".join("".join(span.text for span in mark.spans) for mark in figure.marks() if isinstance(mark, Text))


@pytest.mark.parametrize("choices", [{"view": "story"}, {}], ids=["story", "steps"])
@pytest.mark.parametrize("way", [matmul, fused], ids=lambda way: way.__name__)
def test_each_cell_is_as_dark_as_its_number(way, choices):
    figure = drawn(trace := traced(way), **choices)
    (kept,) = trace.weighed
    expected = sorted(shade for row in kept.rows for number in row if (shade := round(number * N_SHADES)))
    found = sorted(int(mark.ink.rpartition("-")[2]) for mark in shades(figure))
    n_drawn = len(found) // len(expected)
    assert n_drawn in {1, 2}
    assert found == sorted(expected * n_drawn)
    assert f"attention of head 1 of {HEADS}, 0 to 1" in words(figure)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("choices", [{"view": "story"}, {}], ids=["story", "steps"])
def test_no_text_stands_on_shades(choices, lang):
    figure = drawn(traced(), lang=lang, **choices)
    texts = [box_of(mark) for mark in figure.marks() if isinstance(mark, Text)]
    for cell in map(box_of, shades(figure)):
        assert not any(
            text.left < cell.right and cell.left < text.right and text.top < cell.bottom and cell.top < text.bottom
            for text in texts
        )


def test_of_several_examples_the_first_is_named():
    assert f"attention of head 1 of {HEADS}, example 1, 0 to 1" in words(drawn(traced(n_examples=2), view="story"))


@pytest.mark.parametrize("choices", [{"view": "story"}, {}], ids=["story", "steps"])
def test_without_values_there_is_no_shade_and_no_word_of_it(choices):
    figure = drawn(traced(device="meta"), **choices)
    assert not shades(figure)
    assert "attention of head" not in words(figure)


def test_one_row_is_a_position_where_there_are_no_ids():
    assert "One row is one position" in words(drawn(traced(), view="story"))


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "net_of_shades.py").write_text(_NET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return "net_of_shades.py:build"


def test_a_users_own_weights_and_inputs_are_shown_on_the_cpu(net):
    request = Request(model=net, inputs_from="net_of_shades:inputs", shape={"device": "cpu"})
    assert obtain(request, print).weighed


def test_inputs_or_weights_that_nobody_gave_are_not(net):
    assert not obtain(Request(model=net, inputs=("x=3x1x8",), shape={"device": "cpu"}), print).weighed
    shape = {"layers": 1, "d_model": 16, "heads": 2, "vocab": 50, "device": "cpu"}
    assert not obtain(Request(tokens="1,2,3", shape=shape), print).weighed


def test_a_product_that_is_no_attention_has_no_weights():
    class Squares(nn.Module):
        def forward(self, x):
            return x.sigmoid() @ (x + 1)

    trace = shapetrace.trace(Squares(), torch.randn(4, 4))
    assert trace.weighed
    assert not shades(drawn(trace))


class Tower(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.attention, self.last = nn.Embedding(50, C), Attention(fused), nn.Linear(C, C)

    def forward(self, ids):
        return self.last(self.attention(self.table(ids)).mean(1))


class Towers(nn.Module):
    def __init__(self):
        super().__init__()
        self.question, self.answer = Tower(), Tower()

    def forward(self, question, answer):
        return self.question(question) @ self.answer(answer).T


def test_the_legend_names_the_attention_that_is_drawn_and_no_other():
    ids = torch.arange(T)[None]
    trace = shapetrace.trace(Towers(), ids, ids + 1)
    assert len(trace.weighed) == 2
    said = words(drawn(trace, section="question.attention"))
    assert f"attention of head 1 of {HEADS}, 0 to 1 · question.attention" in said
