"""The law of lengths: to scale, the same everywhere, broken only where scale would hide the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapetrace.drawing.layout.scale import LONGEST_PX, SHORTEST_PX, scale_for


def test_the_largest_size_has_the_longest_side():
    sides = scale_for([64, 768, 1024, 3072])
    assert sides.broken == ()
    assert sides.length_px(3072) == LONGEST_PX
    assert sides.length_px(768) == pytest.approx(168 * (768 / 3072) ** 0.42)


def test_a_vocabulary_is_broken_and_does_not_squeeze_the_rest():
    sides = scale_for([50257, 3072, 768, 1024, 64])
    assert sides.broken == (50257,)
    assert sides.length_px(3072) == LONGEST_PX < sides.length_px(50257)


@pytest.mark.parametrize("sizes", [[5, 768], [6, 4], [1, 1], [], [7], [32000, 28672, 4096], [5, 64, 768]])
def test_sizes_that_are_legible_to_scale_are_not_broken(sizes):
    assert scale_for(sizes).broken == ()


def test_tiny_and_huge_sizes_share_an_equation():
    sides = scale_for([1, 7, 64, 128256])
    assert sides.broken == (128256,)
    assert sides.length_px(64) > sides.length_px(7) > sides.length_px(1) > SHORTEST_PX


def test_a_long_context_and_a_vocabulary_are_both_broken():
    assert scale_for([131072, 128256, 4096, 128]).broken == (128256, 131072)


def test_half_scale_halves_but_keeps_the_least_length():
    sides = scale_for([1024, 768, 2])
    assert sides.length_px(768, half=True) == sides.length_px(768) / 2
    assert sides.length_px(2, half=True) == SHORTEST_PX


@given(st.lists(st.integers(0, 10**9), max_size=8))
def test_a_larger_size_is_never_shorter(sizes):
    sides = scale_for(sizes)
    lengths = [sides.length_px(size) for size in sorted(sizes)]
    assert lengths == sorted(lengths)
    assert all(SHORTEST_PX <= length <= 212 for length in lengths)
