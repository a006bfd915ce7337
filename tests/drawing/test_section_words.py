"""A figure of one section says what the figure of the whole says."""

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.drawing.layout.names import name_spans
from shapetrace.obtaining import obtain
from shapetrace.outlining.structure import Outline
from shapetrace.request import Request
from shapetrace.sharding.degrees import Degrees
from tests.drawing.geometry import assert_sound, text_boxes


def outline_of(model: str) -> Outline:
    return obtain(Request(model=model), print).outline()


def written(outline: Outline, **options: object) -> list[str]:
    drawn = figure(outline, **options)
    assert_sound(drawn)
    return [text for text, _ in text_boxes(drawn)]


@pytest.fixture(scope="module")
def gpt2() -> Outline:
    return outline_of("gpt2")


def test_a_lookup_picks_rows_in_every_view(gpt2):
    for options in ({}, {"section": "embedding"}, {"look": Look(view="story")}, {"step": 1}):
        assert "pick rows" in written(gpt2, **options), options


def test_names_at_the_edges_are_said_in_numbers_above(gpt2):
    for options in ({"section": "h.0.attn"}, {"step": 4}):
        for dims in ("names", "both"):
            assert any(
                "T 1024 · d_model 768 · d_head 64" in text for text in written(gpt2, look=Look(dims=dims), **options)
            )
        assert not any("d_head 64" in text for text in written(gpt2, **options))


def test_sums_of_names_have_their_subscripts():
    spans = name_spans("d_qk+d_rope", "size", 80)
    assert [(span.text, span.shift) for span in spans] == [("d", 0), ("qk", 1), ("+d", 0), ("rope", 1)]
    assert len(name_spans("d_qk+d_rope", "size", 30)) == 1, "no room"
    assert name_spans("a+d_rope", "size", 80)[0].text == "a+d_rope"


def test_equations_are_in_the_language_of_the_figure(gpt2):
    for section in (None, "embedding"):
        assert not any("rows of" in text for text in written(gpt2, section=section, lang="zh"))


def test_what_ranks_put_together_is_as_long_as_the_input():
    ranks = Degrees(tp=2)
    outline = obtain(Request(model="llama-3.1-8b", shape={"layers": 1, "seq": 64}, ranks=ranks), print).outline()
    logits = outline.root.items[-1].items[-1].results[-1]
    assert logits.shape == (64, 128256) and logits.axes[0] == outline.positions.axis
