"""The whole pass on one page."""

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from tests.drawing.geometry import assert_sound, text_boxes
from tests.drawing.outlines import gpt2

STORY = Look(view="story")


@pytest.fixture(scope="module")
def paris():
    request = Request(model="gpt2", text="The capital of France is", shape={"pad": 1024})
    return obtain(request, print).outline()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_gpt2_fits_one_page(paris, lang):
    drawn = figure(paris, look=STORY, lang=lang)
    assert_sound(drawn)
    assert drawn.height_px <= 1000


def test_the_story_goes_from_ids_to_the_last_row(paris):
    written = [text for text, _ in text_boxes(figure(paris, look=STORY))]
    told = ["[5]", "[50257, 768]", "Pad", "[768, 64]", "softmax", "concat 12", "GELU", "Select row", "[1, 50257]"]
    assert [text for text in written if text in told] == sorted(
        (text for text in written if text in told), key=told.index
    )
    assert set(told) <= set(written)


def test_products_go_on_in_one_row():
    drawn = figure(gpt2(), look=STORY)
    assert {"Expand → Shrink", "Weighted sum → Output"} <= {text for text, _ in text_boxes(drawn)}


def test_norms_are_left_out_and_the_story_says_so():
    written = [text for text, _ in text_boxes(figure(gpt2(), look=STORY))]
    assert "LayerNorm" not in written
    assert "Norms, positions and residual adds are left out." in written


@pytest.mark.parametrize("preset", ["llama-3.1-8b", "deepseek-v3", "transformer-base"])
def test_the_story_of_any_preset_is_sound(preset):
    drawn = figure(obtain(Request(model=preset), print).outline(), look=STORY)
    assert_sound(drawn)
    assert drawn.height_px < 2600


@pytest.mark.parametrize("options", [{"section": "mlp"}, {"step": 1}])
def test_a_part_has_no_story(options):
    with pytest.raises(UsageError, match="whole model"):
        figure(gpt2(), look=STORY, **options)


def test_an_unknown_view_is_refused():
    with pytest.raises(UsageError, match="expected rows, story or map"):
        Look(view="novel")
