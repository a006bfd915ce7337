"""A figure that follows one position: its row is green wherever it is, and what happens to it is said."""

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.drawing.primitives import Rect, Text
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from tests.drawing.geometry import assert_sound, text_boxes

WORDS = "The capital of France is"
VIEWS = {"story": {}, "overview": {}, "rows": {}, "attention": {"section": "attention"}}


@pytest.fixture(scope="module")
def paris():
    return obtain(Request(model="gpt2", text=WORDS), print).outline()


@pytest.fixture(scope="module")
def long():
    return obtain(Request(model="gpt2"), print).outline()


def look(view, follow):
    return Look(view="overview" if view == "attention" else view, follow=follow)


def written(drawn):
    return [text for text, _ in text_boxes(drawn)]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("follow", ["The", "France", "is"])
def test_every_view_with_a_row_in_it_is_sound(paris, view, follow, lang):
    drawn = figure(paris, look=look(view, follow), lang=lang, **VIEWS[view])
    assert_sound(drawn)
    assert drawn.width_px <= 700


@pytest.mark.parametrize("view", VIEWS)
def test_what_it_sees_and_who_looks_back_is_said_where_rows_look_at_each_other(paris, view):
    assert "sees “The”, “capital”, “of” and itself · “is” looks back" in written(
        figure(paris, look=look(view, "France"), **VIEWS[view])
    )


@pytest.mark.parametrize(
    ("follow", "ending"), [("France", "another row is taken: it ends here"), ("is", "it alone goes on")]
)
def test_where_it_ends_or_goes_on_alone_is_said(paris, follow, ending):
    assert ending in written(figure(paris, look=look("story", follow)))


def test_the_marks_of_one_line_are_on_one_height(paris):
    drawn = figure(paris, look=look("attention", "France"), section="attention")
    for group in drawn.groups:
        rows = [mark for mark in group.marks if isinstance(mark, Rect) and mark.ink == "marker" and mark.width > 20]
        if group.id.endswith(("query", "output")):
            assert len(rows) > 1
            assert len({round(row.y, 3) for row in rows}) == 1


def test_in_scores_it_is_a_cell_for_each_row_that_it_sees_and_a_ring_for_each_that_looks_back(paris):
    drawn = figure(paris, look=look("attention", "of"), section="attention")
    scores = next(group for group in drawn.groups if group.id.endswith("scores"))
    rings = [mark for mark in scores.marks if isinstance(mark, Rect) and mark.ink == "marker-ring"]
    cells = [
        mark for mark in scores.marks if isinstance(mark, Rect) and mark.ink == "marker" and mark.width == mark.height
    ]
    assert (len(rings), len(cells)) == (2 * 2, 2 * 3), "in S and in A: two look back, three are seen"


def test_its_word_alone_is_green(paris):
    marked = [mark.plain for mark in figure(paris, look=look("story", "capital")).marks()
              if isinstance(mark, Text) and mark.ink == "token-marked"]  # fmt: skip
    assert set(marked) == {"capital"}


@pytest.mark.parametrize("view", ["story", "overview", "rows"])
def test_one_row_of_a_thousand_is_seen(long, view):
    drawn = figure(long, look=look(view, "300"))
    assert_sound(drawn)
    rows = [mark for mark in drawn.marks() if isinstance(mark, Rect) and mark.ink == "marker" and mark.width > 20]
    assert len(rows) > 10
    assert all(row.height > 2.39 for row in rows)
    assert "sees 300 of 1,024: 1 to 300 · 724 of 1,024 rows look back at it" in written(drawn)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("follow", ["The", "is"])
def test_rows_that_pad_have_no_cells_and_no_rings(view, follow):
    padded = obtain(Request(model="gpt2", text=WORDS, shape={"pad": 1024}), print).outline()
    drawn = figure(padded, look=look(view, follow), **VIEWS[view])
    assert_sound(drawn)
    assert drawn.height_px < 3000


def test_a_row_of_the_source_is_read_by_the_rows_of_the_target():
    translator = obtain(Request(model="transformer-base", text="Das ist ein guter Satz"), print).outline()
    drawn = figure(translator, section="decoder.0.cross_attn", look=Look(follow="guter"))
    assert_sound(drawn)
    assert any("look back at it" in text or "looks back" in text for text in written(drawn))


@pytest.mark.parametrize("view", ["map", "mesh"])
def test_a_view_without_rows_follows_none(view):
    with pytest.raises(UsageError, match=f"the {view} has no rows to follow"):
        Look(view=view, follow="3")


def test_a_comparison_follows_none(long):
    from shapetrace.drawing import compare

    with pytest.raises(UsageError, match="follow is of one model"):
        compare([long, long], look=Look(follow="3"))
