"""The figure of a failure: the last steps, then the clash in red."""

import pytest

import shapetrace
from shapetrace.drawing.primitives import Text
from tests.failing.kinds import KINDS
from tests.failing.models import FAILING
from tests.failing.reported import REPORTED

EVERY = {**FAILING, **REPORTED, **KINDS}


def drawn(name: str) -> shapetrace.Figure:
    case = EVERY[name]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each model has its own
        shapetrace.trace(case.model, *case.inputs)
    return shapetrace.figure(caught.value.trace, section="failure")


@pytest.mark.parametrize("name", EVERY)
def test_every_failure_is_drawn(name):
    figure = drawn(name)
    words = " ".join(mark.plain for mark in figure.drawing.marks() if isinstance(mark, Text))
    assert "where the pass failed" in words
    assert EVERY[name].clash in words
    assert figure.svg == drawn(name).svg


def test_the_clashing_sizes_and_edges_are_red():
    marks = list(drawn("layers of different width").drawing.marks())
    assert [mark.plain for mark in marks if isinstance(mark, Text) and mark.ink == "clash"] == ["64", "768", "512"]
    assert sum(mark.ink == "clash-edge" for mark in marks) == 2
    assert [mark.plain for mark in marks if isinstance(mark, Text) and mark.ink == "match"].count("512") == 2
    assert sum(mark.ink == "clash-line" for mark in marks) == 3  # one of them in the legend


def test_sizes_that_clash_in_a_stack_are_marked_too():
    marks = list(drawn("bmm of batches that differ").drawing.marks())
    assert [mark.plain for mark in marks if isinstance(mark, Text) and mark.ink == "clash"] == ["64", "×2", "×3"]
    lines = [mark for mark in marks if mark.ink == "clash-line"]
    shapes = {mark.plain: mark for mark in marks if isinstance(mark, Text) and mark.ink == "shape"}
    assert [line.strokes[0][0][1] - 4 for line in lines[1:]] == [shapes["[2, 3, 4]"].y, shapes["[3, 4, 5]"].y]
    assert all(line.strokes[0][1][0] - line.strokes[0][0][0] < 10 for line in lines[1:])  # one digit


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
