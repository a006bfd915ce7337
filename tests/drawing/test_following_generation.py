"""One row followed through a prefill and decode steps: where it is computed, where it is kept, who looks at it."""

import pytest

from shapetrace.drawing.primitives import Figure, Mark, Rect, Text
from shapetrace.errors import UsageError
from tests.drawing.geometry import assert_sound
from tests.drawing.test_generation import TOKEN_PX, group, with_static_cache
from tests.generations import passes


def drawn(follow: str, lang: str = "en", **given: object) -> Figure:
    return passes(**given).figure(follow=follow, lang=lang).drawing


def rows(figure: Figure, name: str) -> list[tuple[int, float]]:
    """Of each green row of a band, the column it is in and its place below the upper edge of its tile, in rows."""
    panels = [mark.x for mark in group(figure, "columns").marks if isinstance(mark, Rect)]
    tile, found = Rect(0, 0, 0, 0, ""), list[tuple[int, float]]()
    for mark in group(figure, name).marks:
        if isinstance(mark, Rect) and mark.ink in {"data", "kept"} and mark.height >= tile.height * (mark.x == tile.x):
            tile = mark
        if isinstance(mark, Rect) and mark.ink == "marker":
            found.append((sum(x < mark.x for x in panels) - 1, round((mark.y - tile.y) / TOKEN_PX, 2)))
    return found


def told(figure: Figure) -> list[str]:
    return [mark.plain for mark in figure.marks() if isinstance(mark, Text) and mark.ink == "follow"]


def inks(marks: tuple[Mark, ...]) -> list[str]:
    return [mark.ink for mark in marks]


def test_a_word_of_the_prompt_is_computed_once_and_read_from_the_cache_ever_after() -> None:
    figure = drawn("France")
    assert rows(figure, "input") == rows(figure, "query-0") == rows(figure, "sum-0") == [(0, 3)]
    assert rows(figure, "cache-0-0") == [(n, 3) for n in (0, 0, 1, 1, 2, 2)]
    assert told(figure)[-2:] == ["the new row looks at it"] * 2
    assert " ".join(told(figure)[:-2]) == "sees “The”, “capital”, “of” and itself “is” looks back"
    assert figure.title == "“France” followed through GPT-2 small"
    assert "row 4 of 9" in [mark.plain for mark in figure.marks() if isinstance(mark, Text)]


def test_green_means_the_row_alone() -> None:
    figure = drawn("France")
    words = [mark.plain for mark in figure.marks() if isinstance(mark, Text) and mark.ink == "token-marked"]
    assert words == ["France"]
    assert not {"marker-back", "marker-cut", "marker-way", "marker-later"} & {mark.ink for mark in figure.marks()}
    assert "marker" not in inks(group(figure, "bytes-moved").marks)


def test_a_row_that_is_generated_is_chosen_in_one_pass_and_computed_in_the_next() -> None:
    figure = drawn("6")
    ways = inks(group(figure, "next-ids").marks)
    assert ways == ["marker-way", "marker-tip", "arrow-later", "arrow-head"]
    marked = [mark.plain for mark in figure.marks() if isinstance(mark, Text) and mark.ink == "token-marked"]
    assert marked == ["next id", "next id"]
    assert [column for column, _ in rows(figure, "query-0")] == [1]
    assert rows(figure, "cache-0-0") == [(1, 5), (1, 5), (2, 5), (2, 5)]
    assert told(figure) == ["sees all 6", "the new row looks at it"]


def test_a_row_that_a_window_has_passed_is_no_longer_kept() -> None:
    said = told(drawn("4", model="hf:gpt_oss", n_steps=2, seq=200))
    assert said.count("no longer kept") == 2  # in the layers with a window, in both steps
    assert said.count("the new row looks at it") == 2
    said = told(drawn("150", model="hf:gpt_oss", n_steps=2, seq=200))
    assert (said.count("no longer kept"), said.count("the new row looks at it")) == (0, 4)


def test_a_latent_and_what_is_made_of_it_again_have_the_row_too() -> None:
    figure = drawn("2", model="deepseek-v3", n_steps=2, seq=5)
    assert rows(figure, "cache-0-0") == rows(figure, "cache-0-1") == [(n, 1) for n in (0, 1, 2)]
    assert rows(figure, "expanded-0") == [(n, 1) for n in (0, 0, 1, 1, 2, 2)]


def test_without_a_cache_it_is_computed_in_each_pass() -> None:
    figure = drawn("of", n_steps=3, cached=False)
    assert rows(figure, "query-0") == [(0, 2), (1, 2), (2, 2)]


def test_in_a_buffer_whose_rows_nobody_recorded_nothing_is_marked() -> None:
    figure = with_static_cache(n_layers=1).figure(follow="1").drawing
    assert {column for column, _ in rows(figure, "query-0")} == {0}
    assert {column for column, _ in rows(figure, "cache-0-0")} <= {0}


@pytest.mark.parametrize(
    ("follow", "given", "message"),
    [
        ("10", {}, "no position 10 to follow: there are 9, 1 to 9"),
        ("0", {}, "no position 0 to follow"),
        ("Paris", {}, "'Paris' is not in the text"),
        ("1", {"model": "transformer-base", "n_steps": 1, "seq": 5}, "count their rows apart"),
    ],
)
def test_what_cannot_be_followed_is_one_line(follow, given, message) -> None:
    with pytest.raises(UsageError, match=message):
        drawn(follow, **given)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("follow", ["The", "is", "9"])
def test_it_is_sound(follow, lang) -> None:
    assert_sound(drawn(follow, lang))


def test_it_can_be_animated() -> None:
    still, moving = (passes().figure(follow="France", animate=animate).drawing for animate in (False, True))
    assert sorted(map(repr, still.marks())) == sorted(map(repr, moving.marks()))
    assert moving.stages
