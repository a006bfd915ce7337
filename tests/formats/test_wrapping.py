"""Lines of words in a terminal: English as the standard library breaks it, Chinese by its cells."""

import textwrap

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from shapetrace.formats.wrapping import begun, broken, shortened

ENGLISH = st.lists(st.text("abz09,;()-", min_size=1, max_size=30), max_size=30).map(" ".join)
CHINESE = st.text("参数量第轴，。；：（）、 ab12[]×", max_size=120)


@given(ENGLISH, st.integers(8, 60), st.booleans())
def test_english_is_broken_as_the_standard_library_breaks_it(line, room, hard):
    expected = textwrap.wrap(
        line, room, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False, break_long_words=hard
    )
    assert broken(line, room, first="  ", rest="  ", hard=hard) == [part.rstrip() for part in expected]


@given(CHINESE, st.integers(10, 60))
def test_chinese_fits_and_loses_nothing(line, room):
    lines = broken(line, room, first=" ", rest="   ", hard=True)
    assert all(cell_len(part) <= room for part in lines)
    assert "".join(lines).replace(" ", "") == line.replace(" ", "")


def test_chinese_is_broken_after_its_punctuation_first():
    line = "查询与键要相乘，但查询的第 3 轴为 16，键的第 3 轴为 17"
    assert broken(line, 30) == ["查询与键要相乘，但查询的第 3", "轴为 16，键的第 3 轴为 17"]
    assert broken(line.replace(" ", ""), 30) == ["查询与键要相乘，", "但查询的第3轴为16，", "键的第3轴为17"]


def test_a_long_run_of_chinese_comes_apart_between_letters():
    assert broken("数" * 25, 21) == ["数" * 10, "数" * 10, "数" * 5]


@given(st.text("参数a1", max_size=80), st.integers(4, 40))
def test_texts_are_shortened_to_cells(text, room):
    assert cell_len(shortened(text, room)) <= room
    assert cell_len(begun(text, room)) <= room
    assert text.startswith(begun(text, room))
