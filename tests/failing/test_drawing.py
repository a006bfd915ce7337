"""The figure of a failure: the last steps, then the clash in red."""

import pytest

import shapetrace
from shapetrace.drawing.primitives import Text
from tests.failing.models import FAILING


def drawn(name: str) -> shapetrace.Figure:
    case = FAILING[name]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each model has its own
        shapetrace.trace(case.model, *case.inputs)
    return shapetrace.figure(caught.value.trace, section="failure")


@pytest.mark.parametrize("name", FAILING)
def test_every_failure_is_drawn(name):
    figure = drawn(name)
    words = " ".join(mark.plain for mark in figure.drawing.marks() if isinstance(mark, Text))
    assert "where the pass failed" in words
    assert FAILING[name].clash in words
    assert figure.svg == drawn(name).svg


def test_the_clashing_sizes_and_edges_are_red():
    marks = list(drawn("layers of different width").drawing.marks())
    assert [mark.plain for mark in marks if isinstance(mark, Text) and mark.ink == "clash"] == ["768", "512"]
    assert sum(mark.ink == "clash-edge" for mark in marks) == 2
    accented = (mark.plain for mark in marks if isinstance(mark, Text) and mark.ink == "match")
    assert sorted(accented) == ["512", "512", "64"]


def test_a_folder_of_figures_has_that_of_the_failure(tmp_path):
    from shapetrace.publishing import publish

    case = FAILING["layers of different width"]
    with pytest.raises(RuntimeError) as caught:
        shapetrace.trace(case.model, *case.inputs)
    names = {path.name for path in publish(caught.value.trace.outline(), tmp_path)}
    assert {"overview.svg", "failure.svg"} <= names
