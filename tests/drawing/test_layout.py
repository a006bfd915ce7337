"""Figures of hand-built outlines."""

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.primitives import Line, Polygon, Rect, Text
from shapetrace.drawing.widths import pixels
from shapetrace.errors import UsageError
from shapetrace.formats.svg import render
from shapetrace.outlining.structure import Operand, Outline, Step
from tests.drawing.geometry import assert_sound, text_boxes
from tests.drawing.outlines import data, gpt2, outline_of, product, weight


def texts(drawn):
    return [text for text, _ in text_boxes(drawn)]


@pytest.mark.parametrize("section", [None, "embedding", "h.7.attn", "mlp", "block", "unembedding"])
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [300, 336, 600, 700, 1200])
def test_every_figure_of_gpt2_is_sound(section, lang, width):
    drawn = figure(gpt2(), section=section, lang=lang, look=Look(width_px=width))
    assert_sound(drawn)
    assert drawn.width_px <= width


@pytest.mark.parametrize("view", ["rows", "story"])
def test_a_width_makes_the_same_figure_however_it_is_written(view):
    looks = [Look(view=view), Look(view=view, width_px=700), Look(view=view, width_px=pixels("700"))]
    assert len({render(figure(gpt2(), look=look)) for look in looks}) == 1


def test_the_overview_says_what_the_model_is():
    drawn = figure(gpt2())
    assert drawn.title == "GPT-2 small: one forward pass"
    assert "every shape recorded from a real forward pass · 124,439,808 parameters · 292 GFLOPs in products" in texts(
        drawn
    )
    assert "Block ×12" in texts(drawn)
    assert "h.0 … h.11" in texts(drawn)


def test_all_shapes_of_the_attention_are_written():
    written = texts(figure(gpt2(), section="attention"))
    for equation in (
        "[1024,768]×[768,64]→[1024,64]",
        "[1024,64]×[64,1024]→[1024,1024]",
        "[1024,1024]×[1024,64]→[1024,64]",
        "[1024,768]×[768,768]→[1024,768]",
    ):
        assert equation in written
    assert "12·64" in written
    assert "KT" in written
    assert "WQ" in written


def sizes_above(drawn):
    """Rectangles of matrices without a stack, with the size written above them."""
    rects = [mark for mark in drawn.marks() if isinstance(mark, Rect) and mark.ink in {"data", "weight"}]
    for text in (mark for mark in drawn.marks() if isinstance(mark, Text) and mark.ink in {"size", "match"}):
        for rect in rects:
            if abs(rect.x + rect.width / 2 - text.x) < 0.01 and 0 < rect.y - text.y < 8 and text.anchor == "middle":
                yield rect, text.plain


def test_inner_sizes_wear_the_accent_and_no_others():
    drawn = figure(gpt2(), section="h.0.attn")
    query = next(group for group in drawn.groups if group.id == "h-0-attn-query")
    assert [mark.plain for mark in query.marks if isinstance(mark, Text) and mark.ink == "match"] == ["768"] * 4


@pytest.mark.parametrize("section", [None, "embedding", "attention", "mlp", "unembedding"])
def test_equal_sizes_have_equal_sides_in_the_whole_figure(section):
    sides: dict[str, set[float]] = {}
    for rect, above in sizes_above(figure(gpt2(), section=section)):
        sides.setdefault(above, set()).add(round(rect.width, 3))
    assert sides
    assert all(len(lengths) == 1 for lengths in sides.values()), sides


def test_eight_times_the_size_is_twice_the_side_and_the_legend_says_so():
    drawn = figure(gpt2(), section="embedding")
    (table,) = (mark for mark in drawn.marks() if isinstance(mark, Rect) and mark.ink == "weight" and mark.height > 100)
    assert table.height / table.width == pytest.approx((50257 / 768) ** (1 / 3))
    assert "to scale: 8 × the size is 2 × the side" in texts(drawn)


def test_no_equation_of_gpt2_is_wrapped_but_its_logits():
    drawn = figure(gpt2())
    axes = {
        group.id: {round(mark.y, 1) for mark in group.marks if isinstance(mark, Text) and mark.ink == "operator"}
        for group in drawn.groups
        if any(isinstance(mark, Text) and mark.ink == "label" for mark in group.marks)
    }
    assert all(len(ys) <= 1 for name, ys in axes.items() if name != "unembedding-unembedding"), axes


def test_rails_cross_no_text():
    drawn = figure(gpt2(), look=Look(view="rows"))
    rails = next(group for group in drawn.groups if group.id == "rails")
    texts_left = [box.left for _, box in text_boxes(drawn) if box.top > 120]
    assert max(box_of(mark).right for mark in rails.marks) < min(texts_left)
    assert sum(isinstance(mark, Line) and mark.ink == "rail" for mark in rails.marks) == 2


def test_a_size_that_would_fill_the_page_is_broken_and_the_legend_says_so():
    step = product("Linear", data("X", 4, 4), weight("W", 4, 2_000_000), data("Y", 4, 2_000_000))
    drawn = figure(outline_of(step))
    assert "not to scale" in texts(drawn)
    assert sum(isinstance(mark, Polygon) and mark.ink == "weight" for mark in drawn.marks()) == 2


def test_causal_scores_are_half_empty():
    drawn = figure(gpt2(), section="attention")
    assert sum(isinstance(mark, Polygon) and mark.ink == "data-fill" for mark in drawn.marks()) == 3


def test_tokens_stand_beside_the_rows_the_middle_left_out():
    words = tuple(f"word{i}" for i in range(9))
    written = texts(figure(gpt2(9, words), section="embedding"))
    assert [word for word in written if word.startswith("word")] == [
        "word0",
        "word1",
        "word2",
        "word3",
        "word7",
        "word8",
    ]
    assert "…" in written


def test_a_batch_is_a_stack():
    step = product("Linear", data("X", 4, 16, 768), weight("W", 768, 768), data("Y", 4, 16, 768))
    drawn = figure(outline_of(step))
    assert texts(drawn).count("×4") == 2
    assert "[4,16,768]×[768,768]→[4,16,768]" in texts(drawn)


def test_heads_in_a_batch_show_both_numbers():
    heads = {"stack": 48, "stack_axes": (4, 12)}
    scores = product("Scores", data("Q", 16, 64, **heads), data("K", 64, 16, **heads), data("S", 16, 16, **heads))
    assert texts(figure(outline_of(scores))).count("×4×12") == 3


def test_names_of_sizes_can_replace_the_numbers():
    operand = data("X", 1024, 768, dims=("T", "d_model"))
    step = product("Linear", operand, weight("W", 768, 64), data("Y", 1024, 64))
    named = texts(figure(outline_of(step), look=Look(dims="names")))
    assert {"T", "dmodel"} <= set(named)


def test_one_step_is_a_figure():
    drawn = figure(gpt2(), step=6)
    assert drawn.title == "Scores in GPT-2 small" or drawn.title.endswith("in GPT-2 small")
    assert len([group for group in drawn.groups if group.title]) == 1


def test_a_failure_is_told():
    base = outline_of(product("Linear", data("X", 4, 4), weight("W", 4, 4), data("Y", 4, 4)))
    failed = Outline(base.model, base.root, base.totals, base.coverage, failure="RuntimeError in h.3")
    assert "The pass ended early: RuntimeError in h.3" in texts(figure(failed))


def test_folded_sections_are_told():
    drawn = figure(gpt2(), look=Look(view="rows", max_rows=8))
    assert any("drawn as one row" in text for text in texts(drawn))
    assert_sound(drawn)


def test_steps_of_any_arity_are_drawn():
    odd = Step("u", "", "unknown", "topk", "", "topk", (data("", 7, 1), data("", 128256), Operand("s", "constant", ())),
               tuple(data("", 2, n) for n in range(3, 13)))  # fmt: skip
    drawn = figure(outline_of(odd, Step("v", "", "unknown", "seed", "", "seed", (), ())))
    assert_sound(drawn)
    assert "scalar" in texts(drawn)


@pytest.mark.parametrize(("options", "message"), [
    ({"section": "nope"}, "no section 'nope'"),
    ({"section": "mlp", "step": 1}, "choose one"),
    ({"theme": "neon"}, "no theme named 'neon'; there are dark, default, light, print"),
    ({"lang": "tlh"}, "no labels for the language 'tlh'; there are en, zh"),
])  # fmt: skip
def test_wrong_requests_are_told_in_one_line(options, message):
    with pytest.raises(UsageError, match=message):
        figure(gpt2(), **options)


@pytest.mark.parametrize(
    "options", [{"width_px": 5000}, {"max_rows": 61}, {"hide": ("everything",)}, {"dims": "both!"}]
)
def test_wrong_looks_are_refused(options):
    with pytest.raises(UsageError):
        Look(**options)
