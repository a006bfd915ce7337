"""An entry of a product: its row, its column, where they meet, and the sum that it is."""

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.drawing.primitives import Rect
from shapetrace.errors import UsageError
from shapetrace.formats import png
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from tests.drawing.geometry import assert_sound, text_boxes


@pytest.fixture(scope="module")
def product():
    return obtain(Request(model="toy:matmul"), print).outline()


@pytest.fixture(scope="module")
def gpt():
    return obtain(Request(model="gpt2"), print).outline()


def marked(drawn):
    """Of each marked rectangle, its place and size in cells of the matrix that it is in."""
    shapes = [mark for group in drawn.groups if group.id == "product" for mark in group.marks]
    cell = next(mark.height for mark in shapes if isinstance(mark, Rect) and mark.ink == "marker")
    marks = [mark for mark in shapes if isinstance(mark, Rect) and mark.ink == "marker"]
    return [(round(mark.width / cell), round(mark.height / cell)) for mark in marks]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_row_a_column_and_the_entry_that_they_make_are_marked(product, lang):
    drawn = figure(product, look=Look(entry="2,5"), lang=lang)
    assert_sound(drawn)
    assert marked(drawn) == [(3, 1), (1, 3), (1, 1)]


def test_the_sum_is_written_out(product):
    texts = [text for text, _ in text_boxes(figure(product, look=Look(entry=(4, 1))))]
    assert "Y[4, 1] = Σ X[4, k] · W[k, 1], k = 1 … 3: a sum of 3 products" in texts


@pytest.mark.parametrize(("entry", "is_hidden"), [((5, 2), False), ((5, 5), False), ((2, 5), True)])
def test_an_entry_that_a_mask_hides_is_told(gpt, entry, is_hidden):
    drawn = figure(gpt, step=7, look=Look(entry=entry))
    assert_sound(drawn)
    assert any("The mask hides it" in text for text, _ in text_boxes(drawn)) == is_hidden
    marks = [mark for mark in drawn.marks() if isinstance(mark, Rect) and mark.ink == "marker"]
    assert len(marks) == 3 + 1, "the legend has one too"


@pytest.mark.parametrize(
    ("step", "entry", "said"),
    [
        (None, "2,5", "--entry is of one product, GPT-2 small has 9: choose one with --step N"),
        (3, "1,1", "step 3 is no product of two matrices: choose one with --step N"),
        (7, "2000,1", "no row 2000 in the result of step 7: there are 1024, 1 to 1024"),
        (7, "1,0", "no column 0 in the result of step 7: there are 1024, 1 to 1024"),
        (99, "1,1", "no step 99 in GPT-2 small; it has steps 1 to 19"),
    ],
)
def test_what_is_no_entry_is_told_in_one_line(gpt, step, entry, said):
    with pytest.raises(UsageError) as error:
        figure(gpt, step=step, look=Look(entry=entry))
    assert str(error.value) == said


@pytest.mark.parametrize("entry", ["2", "2,x", "1,2,3", (1,)])
def test_an_entry_is_two_numbers(entry):
    with pytest.raises(UsageError, match="expected a row and a column, as in 2,5"):
        Look(entry=entry)


def test_in_slow_motion_the_row_the_column_and_the_entry_appear_in_turn(product):
    still, moving = (figure(product, look=Look(entry="2,5", animate=animate)) for animate in (False, True))
    by_name = {group.id: group.marks for group in moving.groups}
    stages = [by_name[name] for name in moving.stages]
    cell = min(mark.height for (mark,) in stages)
    assert [(round(mark.width / cell), round(mark.height / cell)) for (mark,) in stages] == [(3, 1), (1, 3), (1, 1)]
    assert sorted(map(repr, still.marks())) == sorted(map(repr, moving.marks()))
    assert png.render(still) == png.render(moving)


def test_a_model_that_is_one_product_is_that_picture_alone(product, tmp_path):
    from shapetrace.publishing import publish

    assert {path.name for path in publish(product, tmp_path)} == {"overview.svg", "index.html", "README.md"}
    assert "Y[2, 5] = " in (tmp_path / "overview.svg").read_text(encoding="utf-8")
