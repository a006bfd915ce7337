"""Measuring, shortening and cleaning text."""

import pytest

from shapetrace.drawing.layout.names import joined_path, name_spans, shape_pieces
from shapetrace.drawing.metrics import clean, first_of, shortened, width_px, wrapped
from shapetrace.drawing.primitives import Span


def test_chinese_counts_one_em():
    assert width_px("嵌入层", "label") == pytest.approx(3 * 13.5, rel=0.02)


def test_monospaced_text_is_as_wide_as_it_is_long():
    assert width_px("[1024, 768]", "shape") == pytest.approx(11 * 11 * 0.602)


def test_long_paths_are_shortened_in_the_middle():
    path = "model.language_model.layers.0.self_attn.q_proj"
    short = shortened(path, "path", 180)
    assert short.startswith("model.")
    assert short.endswith("q_proj")
    assert "…" in short
    assert width_px(short, "path") <= 180


def test_five_hundred_characters_are_shortened_too():
    assert width_px(shortened("W" * 500, "label", 150), "label") <= 150


def test_text_wraps_at_spaces_and_between_wide_characters():
    assert wrapped("one two three", "note", 60, lines=3) == ("one two", "three")
    assert all(width_px(line, "note") <= 60 for line in wrapped("残差" * 6, "note", 60, lines=3))


def test_a_list_breaks_between_its_parts_and_a_product_keeps_its_sign():
    assert wrapped("8 experts · 2 a token", "note", 80, lines=2, is_list=True) == ("8 experts", "2 a token")
    assert wrapped("2 · 12 · 64", "note", 50, lines=2) == ("2 · 12 ·", "64")


def test_controls_and_direction_marks_are_dropped():
    assert clean("a\x00b\u202ec\nd\ud800") == "abc d"


def test_names_get_real_subscripts_and_transposes():
    assert name_spans("W_Q", "name-weight", 100) == (Span("W"), Span("Q", 1))
    assert name_spans("K", "name-data", 100, transposed=True) == (Span("K"), Span("T", -1))
    assert name_spans("X̂_0′", "name-data", 100) == (Span("X̂"), Span("0", 1), Span("′"))
    assert name_spans("c_attn.weight", "name-weight", 200) == (Span("c_attn.weight"),)
    assert name_spans("", "name-data", 100) == ()


@pytest.mark.parametrize(
    ("shape", "text", "axes"),
    [
        ((1024, 768), "[1024, 768]", [0, 1]),
        ((2, 3, 8, 224, 224), "[2, 3, 8, 224, 224]", [0, 1, 2, 3, 4]),
        ((128, 256, 512, 1024, 2048, 4096), "[128, 256, 512, …, 2048, 4096]", [0, 1, 2, 4, 5]),
    ],
)
def test_long_shapes_lose_their_middle_and_every_size_knows_its_axis(shape, text, axes):
    pieces = shape_pieces(shape)
    assert "".join(piece for piece, _ in pieces) == text
    assert [axis for _, axis in pieces if axis is not None] == axes
    assert all(piece == str(shape[axis]) for piece, axis in pieces if axis is not None)


def test_paths_that_differ_little_are_written_as_one():
    assert joined_path(("h.0.attn.q_proj", "h.0.attn.k_proj")) == "h.0.attn.{q,k}_proj"
    assert joined_path(("h.0.c_attn", "h.0.c_attn")) == "h.0.c_attn"
    assert joined_path(("encoder.a", "decoder.b")) == "encoder.a"


def test_no_line_begins_with_what_ends_a_clause():
    text = "参数不变。" * 3
    room = width_px("参数不变", "caption") + 1
    assert all(not line.startswith("。") for line in wrapped(text, "caption", room, lines=9))
    assert "".join(wrapped(text, "caption", room, lines=9)) == text


def test_of_a_list_the_first_names_are_kept_whole():
    text = "Multiply, cos, sin …"
    assert first_of(text, "pill-text", 1000) == text
    assert first_of(text, "pill-text", 110) == "Multiply, cos …"
    assert first_of(text, "pill-text", 80) == "Multiply …"
    assert first_of("Multiply, cos", "pill-text", 70) == "Multiply …"
    assert first_of("Rearrangement", "pill-text", 60) == shortened("Rearrangement", "pill-text", 60)
