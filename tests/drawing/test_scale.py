"""The law of lengths: the cube root, the same everywhere, broken only where a side would fill the page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapetrace.drawing.layout.scale import UNIT_PX, scale_for


@given(st.lists(st.integers(1, 64**3), min_size=1, max_size=8), st.integers(1, 32**3))
def test_eight_times_the_size_is_twice_the_side(sizes, size):
    sides = scale_for(sizes)
    assert sides.length_px(8 * size) == pytest.approx(2 * sides.length_px(size))


def test_a_vocabulary_is_to_scale_and_does_not_squeeze_the_rest():
    sides = scale_for([50257, 3072, 768, 1024, 64])
    assert sides.broken == ()
    assert sides.length_px(50257) == pytest.approx(UNIT_PX * 50257 ** (1 / 3))
    assert sides.length_px(64) > 26


def test_small_sizes_alone_have_longer_sides():
    assert scale_for([5, 4]).length_px(5) > 3 * scale_for([5, 4, 50257]).length_px(5)


@pytest.mark.parametrize("sizes", [[5, 768], [6, 4], [1, 1], [], [7], [262144, 4096], [131072, 128256, 4096, 128]])
def test_sizes_that_fit_a_page_are_to_scale(sizes):
    assert scale_for(sizes).broken == ()


def test_a_million_tokens_are_broken():
    sides = scale_for([1_000_000, 10_000_000, 4096])
    assert sides.broken == (1_000_000, 10_000_000)
    assert sides.length_px(262_144) < sides.length_px(1_000_000) < sides.length_px(10_000_000) < 2 * UNIT_PX * 64


@given(st.lists(st.integers(0, 10**9), max_size=8))
def test_a_larger_size_is_never_shorter(sizes):
    sides = scale_for(sizes)
    lengths = [sides.length_px(size) for size in sorted(sizes)]
    assert lengths == sorted(lengths)
    assert all(length >= UNIT_PX for length in lengths)
