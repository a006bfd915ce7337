"""Themes and languages: complete, legible, and the user's own."""

import tomllib

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.drawing.inks import SHAPES, TEXTS
from shapetrace.drawing.resources import names_in, read
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.wording import words_in
from shapetrace.errors import UsageError
from shapetrace.language import Phrase
from tests.drawing.outlines import gpt2

GROUNDS = {
    "name-data": ["data", "data_back", "background", "panel", "card"],
    "name-weight": ["weight", "weight_back", "background", "panel", "card"],
    "name-const": ["const", "background", "panel", "card"],
    "pill-text": ["pill"],
}
"""What a text may stand on; others stand on the page, a panel or a card."""


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", names_in("themes"))
def test_every_text_of_every_theme_is_legible(name):
    theme, pages = theme_named(name), theme_named("default")
    for colours, page in ((theme.colours, pages.colours["background"]), (theme.dark, pages.dark["background"])):
        for ink, style in TEXTS.items() if colours else ():
            for ground in GROUNDS.get(ink, ["background", "panel", "card"]):
                behind = page if colours[ground] == "transparent" else colours[ground]
                assert contrast(colours[style.colour], behind) >= 4.5, (name, ink, ground)


def test_every_ink_has_its_colours():
    colours = theme_named("default").colours
    wanted = {ink.fill for ink in SHAPES.values()} | {ink.line for ink in SHAPES.values()}
    assert (wanted | {ink.colour for ink in TEXTS.values()}) - {""} <= set(colours)
    assert set(colours) == set(theme_named("default").dark)
    assert all(style.size_px >= 10.5 for style in TEXTS.values())


def test_light_and_dark_alone_have_one_appearance():
    assert theme_named("light").dark == theme_named("dark").dark == {}
    assert theme_named("light").colours == theme_named("default").colours
    assert theme_named("dark").colours == theme_named("default").dark


def test_the_transparent_theme_has_no_ground_in_either_appearance():
    theme = theme_named("transparent")
    assert (theme.colours["background"], theme.dark["background"]) == ("transparent", "transparent")
    assert theme.dark["ink"] != theme.colours["ink"]


def test_the_print_theme_hatches_weights():
    assert any(mark.ink == "hatch" for mark in figure(gpt2(), theme="print").marks())


def test_a_theme_of_the_user_names_only_what_it_changes(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('[light]\ndata = "#ffeecc"\n')
    assert figure(gpt2(), theme=str(mine)).theme.colours["data"] == "#ffeecc"
    mine.write_text('[light]\ndata = "url(http://x)"\n')
    with pytest.raises(UsageError, match="expected a colour"):
        theme_named(str(mine))
    mine.write_text('[light]\ndatum = "#fff"\n')
    with pytest.raises(UsageError, match="no colour is called 'datum'"):
        theme_named(str(mine))


def test_a_third_language_is_one_file(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "de.toml").write_text('[phrases]\n"Query" = "Anfrage"\n"{n} heads" = "{n} Köpfe"\n')
    drawn = figure(gpt2(), lang="de", look=Look(templates=tmp_path))
    assert any("12 Köpfe" in mark.plain for mark in drawn.marks() if hasattr(mark, "spans"))


def test_a_translation_may_not_invent_fields(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "xx.toml").write_text('[phrases]\n"{n} heads" = "{m}"\n')
    with pytest.raises(UsageError, match="has fields"):
        words_in("xx", tmp_path)
    (tmp_path / "labels" / "xx.toml").write_text('[phrases]\n"{n} heads" = "{n"\n')
    with pytest.raises(UsageError, match=r"labels xx: '\{n' is no phrase"):
        words_in("xx", tmp_path)


def test_chinese_has_every_phrase_and_english_is_its_own_key():
    english = tomllib.loads(read("labels/en.toml"))["phrases"]
    assert all(key == value for key, value in english.items())
    assert set(tomllib.loads(read("labels/zh.toml"))["phrases"]) == set(english)


def test_notes_are_translated_with_their_values():
    assert words_in("zh").note(Phrase("{n} heads", {"n": 12})) == "12 个注意力头"
    assert words_in("en").note(Phrase("what {x} is", {"x": "{braces}"})) == "what {braces} is"
    assert words_in("zh").listed(("Q", "K", "V")) == "Q、K、V"
    assert words_in("en").listed(("Q", "K", "V")) == "Q, K and V"
