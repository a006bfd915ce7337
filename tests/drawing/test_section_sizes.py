"""Figures of one section stay small enough to put into a page."""

import pytest

from shapetrace.drawing import figure
from shapetrace.formats.svg import render
from shapetrace.publishing import KINDS
from tests.drawing.geometry import text_boxes
from tests.obtained import obtained


@pytest.mark.parametrize("preset", ["gpt2", "deepseek-v3", "transformer-base", "qwen3-235b-a22b"])
def test_a_section_takes_less_than_40_kilobytes(preset):
    outline = obtained(preset).outline()
    paths = [section.path for section in outline.root.sections() if section.kind in KINDS and section.path]
    sizes = {path: len(render(figure(outline, section=path)).encode()) for path in paths}
    assert max(sizes.values()) < 40_000, sizes


def test_a_long_block_says_which_of_its_sections_are_one_row():
    outline = obtained("deepseek-v3").outline()
    assert "3 sections are drawn as one row each." in [text for text, _ in text_boxes(figure(outline, section="h.3"))]
