"""Figures of every preset stay small enough to put into a page: 150 KB a model, 40 KB a section."""

import pytest

from shapetrace.drawing import figure
from shapetrace.formats.svg import render
from shapetrace.models import presets
from shapetrace.publishing import KINDS
from tests.obtained import obtained

SAMPLE = ["gpt2", "llama-2-70b", "qwen3-0.6b", "transformer-big", "deepseek-v3"]
REST = [pytest.param(name, marks=pytest.mark.slow) for name in presets.names() if name not in SAMPLE]


@pytest.mark.parametrize("name", [*SAMPLE, *REST])
def test_the_figures_of_a_preset_are_small(name):
    outline = obtained(name).outline()
    assert len(render(figure(outline)).encode()) < 150_000
    paths = [section.path for section in outline.root.sections() if section.kind in KINDS and section.path]
    sizes = {path: len(render(figure(outline, section=path)).encode()) for path in paths}
    assert paths
    assert max(sizes.values()) < 40_000, sizes
