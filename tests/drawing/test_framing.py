"""Figures without a heading, or without a title."""

import pytest

from shapetrace.drawing import Look, compare, figure
from shapetrace.drawing.layout.boxes import around
from shapetrace.drawing.theme import theme_named
from shapetrace.errors import UsageError
from shapetrace.formats.svg import render
from tests.drawing.geometry import assert_sound, text_boxes
from tests.drawing.outlines import gpt2

DRAW = {
    "rows": lambda look: figure(gpt2(), section="attention", look=look),
    "overview": lambda look: figure(gpt2(), look=look),
    "map": lambda look: figure(gpt2(), look=Look(view="map", title=look.title, bare=look.bare)),
    "story": lambda look: figure(gpt2(), look=Look(view="story", title=look.title, bare=look.bare)),
    "comparison": lambda look: compare([gpt2(), gpt2(5)], look=look),
}


def texts(drawn):
    return [text for text, _ in text_boxes(drawn)]


def top(drawn):
    return around(mark for group in drawn.groups if group.id != "canvas" for mark in group.marks).top


@pytest.mark.parametrize("kind", DRAW)
def test_a_bare_figure_has_no_heading_and_keeps_its_rows(kind):
    whole, bare = DRAW[kind](Look()), DRAW[kind](Look(bare=True))
    heading = next(group for group in whole.groups if group.id == "heading")
    said = [mark.plain for mark in heading.marks if hasattr(mark, "plain")]
    assert texts(bare) == texts(whole)[len(said) :]
    assert bare.title == whole.title, "screen readers are still told"
    assert bare.height_px < whole.height_px
    assert top(bare) == pytest.approx(16)
    assert_sound(bare)


@pytest.mark.parametrize("kind", DRAW)
def test_an_empty_title_is_none(kind):
    whole, untitled = DRAW[kind](Look()), DRAW[kind](Look(title=""))
    assert set(texts(whole)) - set(texts(untitled)) <= set(whole.title.split()) | {whole.title, "GPT-2 small"}
    assert len(texts(untitled)) < len(texts(whole))
    assert f">{whole.title}</title>" in render(untitled)
    assert_sound(untitled)


def test_a_theme_may_have_no_ground(tmp_path):
    path = tmp_path / "clear.toml"
    path.write_text('[light]\nbackground = "transparent"\n')
    drawn = figure(gpt2(), section="mlp", theme=str(path))
    assert 'fill="transparent"' in render(drawn)
    path.write_text('[light]\nbackground = "clear"\n')
    with pytest.raises(UsageError, match="expected a colour such as #3b82f6, or transparent"):
        theme_named(str(path))
