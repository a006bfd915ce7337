"""The figure of a failure: the last steps, then the clash in red."""

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.primitives import Text
from tests.drawing.geometry import assert_sound
from tests.failing.every import EVERY, failed_case
from tests.failing.models import FAILING


def drawn(name: str) -> shapetrace.Figure:
    return shapetrace.figure(failed_case(name), section="failure")


@pytest.mark.parametrize("name", EVERY)
def test_every_failure_is_drawn(name):
    figure = drawn(name)
    words = " ".join(mark.plain for mark in figure.drawing.marks() if isinstance(mark, Text))
    assert "where the pass failed" in words
    assert EVERY[name].clash in words
    assert figure.svg == drawn(name).svg


def test_one_figure_of_a_pass_that_failed_is_of_what_failed_unless_another_is_asked_for():
    case = EVERY["layers of different width"]
    with pytest.raises(RuntimeError) as caught:
        shapetrace.trace(case.model, *case.inputs)
    trace = caught.value.trace
    assert shapetrace.figure(trace).svg == drawn("layers of different width").svg
    assert shapetrace.figure(trace, section="").drawing.name == "overview"
    assert shapetrace.figure(trace, view="map").drawing.name == "map"


def test_a_module_that_raised_itself_is_named_as_what_did_not_run():
    with pytest.raises(ValueError, match="expected 4D") as caught:
        shapetrace.trace(nn.BatchNorm2d(8), torch.randn(4, 8, 5))
    marks = shapetrace.figure(caught.value.trace).drawing.marks()
    assert "BatchNorm2d did not run" in [mark.plain for mark in marks if isinstance(mark, Text)]


def test_the_clashing_sizes_and_edges_are_red():
    marks = list(drawn("layers of different width").drawing.marks())
    assert [mark.plain for mark in marks if isinstance(mark, Text) and mark.ink == "clash"] == ["64", "768", "512"]
    assert sum(mark.ink == "clash-edge" for mark in marks) == 2
    assert [mark.plain for mark in marks if isinstance(mark, Text) and mark.ink == "match"].count("512") == 2
    assert sum(mark.ink == "clash-line" for mark in marks) == 3  # one of them in the legend


def test_sizes_that_clash_in_a_stack_are_marked_too():
    marks = list(drawn("bmm of batches that differ").drawing.marks())
    texts = [mark for mark in marks if isinstance(mark, Text) and mark.ink == "clash"]
    assert [text.plain for text in texts] == ["64", "×2", "×3"]
    lines = [mark.strokes[0] for mark in marks if mark.ink == "clash-line"]
    for text, ((left, y), (right, _)) in zip(texts[1:], lines[1:], strict=True):
        assert (left, right) == pytest.approx((box_of(text).left, box_of(text).right))
        assert 0 < y - text.y <= 4


def test_the_verdict_comes_first_and_says_other_words_than_titles_of_steps():
    figure = drawn("layers of different width").drawing
    texts = [mark for mark in figure.marks() if isinstance(mark, Text)]
    assert (texts[0].ink, texts[0].plain.partition(":")[0]) == ("verdict", "768 ≠ 512")
    assert texts[0].y < min(mark.y for mark in texts[1:])
    (title,) = (mark.plain for mark in texts if mark.ink == "tag-removed")
    assert title == "linear did not run"
    assert title not in {mark.plain for mark in texts if mark.ink == "label"}


def test_every_edge_that_must_be_alike_and_is_not_is_marked():
    class Cat(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(8, n) for n in (16, 24, 30))

        def forward(self, x):
            return torch.cat([layer(x) for layer in self.layers])

    with pytest.raises(RuntimeError) as caught:
        shapetrace.trace(Cat(), torch.zeros(4, 8))
    marks = list(shapetrace.figure(caught.value.trace, section="failure").drawing.marks())
    assert [m.plain for m in marks if isinstance(m, Text) and m.ink == "clash"] == ["64", "16", "24", "30"]
    assert sum(mark.ink == "clash-edge" for mark in marks) == 3


@pytest.mark.parametrize("name", EVERY)
def test_it_fits_a_column(name):
    figure = drawn(name).drawing
    assert_sound(figure)
    assert figure.width_px <= 700


def test_chinese_figures_speak_chinese():
    case = EVERY["layers of different width"]
    with pytest.raises(RuntimeError) as caught:
        shapetrace.trace(case.model, *case.inputs)
    figure = shapetrace.figure(caught.value.trace, section="failure", lang="zh")
    words = " ".join(mark.plain for mark in figure.drawing.marks() if isinstance(mark, Text))
    assert "fc2 中的 linear 失败" in words.replace(" (Linear 512→10)", "")
    assert "可行的做法：fc2 改为 Linear(768, 10)" in words


def test_a_folder_of_figures_has_that_of_the_failure(tmp_path):
    from shapetrace.publishing import publish

    case = FAILING["layers of different width"]
    with pytest.raises(RuntimeError) as caught:
        shapetrace.trace(case.model, *case.inputs)
    names = {path.name for path in publish(caught.value.trace.outline(), tmp_path)}
    assert {"overview.svg", "failure.svg"} <= names
