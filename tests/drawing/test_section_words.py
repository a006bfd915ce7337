"""A figure of one section says what the figure of the whole says."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace.drawing import Look, figure
from shapetrace.drawing.compact.scaling import law_for
from shapetrace.drawing.compact.tiles import Shown, TileStyle, tile
from shapetrace.drawing.layout.names import name_spans
from shapetrace.drawing.primitives import Text
from shapetrace.obtaining import obtain
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Outline
from shapetrace.request import Request
from shapetrace.sharding.degrees import Degrees
from tests.drawing.geometry import assert_sound, text_boxes
from tests.obtained import obtained


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


def test_a_section_of_one_rank_says_which_rank_it_is_of():
    outline = obtained("gpt2", ranks=Degrees(tp=4)).outline()
    assert "rank 0 of 4 · tp 4" in " ".join(written(outline, section="attention"))


def test_what_ranks_put_together_is_as_long_as_the_input():
    ranks = Degrees(tp=2)
    outline = obtain(Request(model="llama-3.1-8b", shape={"layers": 1, "seq": 64}, ranks=ranks), print).outline()
    logits = outline.root.items[-1].items[-1].results[-1]
    assert logits.shape == (64, 128256) and logits.axes[0] == outline.positions.axis


def test_matrices_of_one_list_have_their_names_inside_or_above_all_of_them():
    drawn = figure(obtained("gpt2").outline(), section="attention", look=Look(dims="both"))
    names = {mark.plain: mark.y for mark in drawn.marks() if isinstance(mark, Text) and mark.ink == "name-weight"}
    assert names["WQ"] == names["WK"] == names["WV"]


def test_a_norm_is_a_pill_of_the_first_row_of_what_has_no_room_on_one():
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    drawn = figure(shapetrace.trace(layer, torch.randn(2, 9, 64)).outline(), look=Look())
    said = [mark.plain for mark in drawn.marks() if isinstance(mark, Text)]
    assert said.count("LayerNorm") == 3, "one before Expand; the last has a row, with its title"


def test_an_input_has_its_axes_in_the_order_in_which_it_was_given():
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    drawn = figure(shapetrace.trace(layer, torch.randn(2, 9, 64)).outline(), look=Look(view="map"))
    assert "[2, 9, 64]" in [mark.plain for mark in drawn.marks() if isinstance(mark, Text)]


@pytest.mark.parametrize(("dims", "said"), [("names", "×h"), ("numbers", "×12"), ("both", "×12")])
def test_with_names_stacks_are_named_too(dims, said):
    step = next(step for step in obtained("gpt2").outline().steps() if step.role is Role.QUERY)
    operand = replace(step.results[0], stack_dims=("h",))
    drawn = tile(operand, TileStyle(law_for((1024, 64), 4.0), dims), Shown())
    assert [mark.plain for mark in drawn.marks if isinstance(mark, Text) and mark.ink == "stack"] == [said]
