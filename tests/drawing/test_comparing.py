"""Models side by side: aligned bands, parameters and cache in the headings."""

from dataclasses import replace

import pytest

from shapetrace.drawing import Look, compare
from shapetrace.drawing.kinds.aligning import bands
from shapetrace.drawing.kinds.side_by_side import rows_of
from shapetrace.errors import UsageError
from shapetrace.obtaining import variants
from shapetrace.outlining.kept import Cache, CachedLayers
from tests.drawing.geometry import assert_sound, text_boxes
from tests.drawing.outlines import gpt2


@pytest.fixture(scope="module")
def three():
    return [trace.outline() for trace in variants()]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("section", ["attention", "mlp", "block", None])
def test_three_attentions_side_by_side_are_sound(three, lang, section):
    assert_sound(compare(three, section=section, lang=lang))


def test_two_models_fit_a_narrow_figure(three):
    assert_sound(compare(three[1:], look=Look(width_px=800)))


def test_headings_say_parameters_and_cache(three):
    written = [text for text, _ in text_boxes(compare(three))]
    assert "2,359,296 parameters · 123,551,232 in the model" in written
    assert "KV cache: 2,048 bytes per token and layer" in written
    assert "(latent 128 + 32 rotated) values · 4 bytes" in written


def cached(outline, *layers, itemsize=4):
    return replace(outline, cache=Cache(layers, itemsize))


def test_where_layers_keep_unlike_things_headings_count_all_of_them(three):
    mixed = cached(three[0], CachedLayers(10, ((2, 8), (2, 8)), window=16), CachedLayers(2, ((2, 8), (2, 8))))
    written = [text for text, _ in text_boxes(compare([mixed, three[1]]))]
    assert "KV cache: 1,536 bytes per token" in written  # 12 layers x 32 numbers x 4 bytes
    assert "KV cache: 24,576 bytes per token" in written
    assert "K and V: 2 · 2 · 8 values · 4 bytes · window of 16 · 10 layers" in " ".join(written)
    assert "K and V: 2 · 2 · 8 values · 4 bytes · 2 layers" in written


def test_a_model_that_keeps_nothing_has_no_bar(three):
    written = [text for text, _ in text_boxes(compare([replace(three[0], cache=None), three[1]]))]
    assert sum(text.startswith("KV cache") for text in written) == 1


def test_the_same_work_is_in_one_band(three):
    drawn = compare(three)
    scores = [box.top for text, box in text_boxes(drawn) if text == "Scores"]
    assert len(scores) == 3
    assert max(scores) - min(scores) < 1


def test_equal_columns_have_no_gaps():
    section = next(part for part in gpt2().root.sections() if part.kind == "attention")
    column = rows_of(section, Look())
    assert all(len(band) == 2 and None not in band for band in bands([column, column]))


def test_independent_rows_in_another_order_align():
    section = next(part for part in gpt2().root.sections() if part.kind == "attention")
    swapped = replace(section, items=(*section.items[1:3], section.items[0], *section.items[3:]))
    aligned = bands([rows_of(section, Look()), rows_of(swapped, Look())])
    assert all(None not in band for band in aligned)


@pytest.mark.parametrize(("count", "width", "message"), [(1, 1200, "expected 2 or 3"), (3, 900, "need 1080")])
def test_what_cannot_be_compared_is_told(three, count, width, message):
    with pytest.raises(UsageError, match=message):
        compare(three[:count], look=Look(width_px=width))
