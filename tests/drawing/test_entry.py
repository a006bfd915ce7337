"""An entry of a product: its row, its column, where they meet, and the sum that it is."""

import pytest
import torch
from torch import nn

from shapetrace.capture import capture
from shapetrace.drawing import Look, figure
from shapetrace.drawing.primitives import Rect, Text
from shapetrace.errors import UsageError
from shapetrace.formats import png
from shapetrace.obtaining import obtain
from shapetrace.outlining import outline
from shapetrace.request import Request
from shapetrace.serialize import from_json, to_json
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


def test_the_sum_is_written_out_in_the_numbers_that_were_multiplied(product):
    drawn = figure(product, look=Look(entry=(2, 5)))
    texts = [text for text, _ in text_boxes(drawn)]
    assert "Y[2, 5] = Σ X[2, k] · W[k, 5] = 1·5 + 2·7 + 3·4 = 31" in texts
    cells = [text for text in drawn.marks() if isinstance(text, Text) and text.ink == "number"]
    assert len(cells) == 4 * 3 + 3 * 5 + 4 * 5
    assert_sound(drawn)


class Pair(nn.Module):
    """Numbers that are no whole ones, and below 0."""

    def forward(self, a, b):
        return a @ b


A, B = torch.tensor([[0.5, -2.0], [1 / 3, 4.0]]), torch.tensor([[3.0, -1.0], [0.25, -7.0]])


@pytest.mark.parametrize(
    ("entry", "said"),
    [((1, 1), "= 0.5·3 + (−2)·0.25 = 1"), ((1, 2), "= 0.5·(−1) + (−2)·(−7) = 13.5"), ((2, 1), "≈ 2")],
)
def test_numbers_are_rounded_and_say_so(entry, said):
    found = outline(capture(Pair(), (A, B)))
    (sum_,) = [text for text, _ in text_boxes(figure(found, look=Look(entry=entry))) if " = Σ " in text]
    assert sum_.endswith(said)


@pytest.mark.parametrize(
    ("a", "b"),
    [(A.to("meta"), B.to("meta")), (torch.ones(9, 9), torch.ones(9, 9)), (A / 0, B)],
    ids=["meta", "large", "infinite"],
)
def test_of_numbers_that_are_not_there_none_is_written(a, b):
    drawn = figure(outline(capture(Pair(), (a, b))), look=Look(entry=(1, 2)))
    assert not [mark for mark in drawn.marks() if isinstance(mark, Text) and mark.ink == "number"]
    (sum_,) = [text for text, _ in text_boxes(drawn) if " = Σ " in text]
    assert ", k = 1 … " in sum_


def test_numbers_stay_in_a_file(tmp_path):
    trace = capture(Pair(), (A, B))
    again = from_json(to_json(trace))
    assert dict(again.numbers)[0] == (0.5, -2.0, A[1, 0].item(), 4.0)
    assert again == trace


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
