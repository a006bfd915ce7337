"""Models side by side: aligned bands, parameters and cache in the headings."""

from collections import Counter
from dataclasses import replace

import pytest

from shapetrace.drawing import Look, compare
from shapetrace.drawing.kinds.aligning import bands
from shapetrace.drawing.kinds.head_sharing import HeadSharing, head_sharing, sharing_cell
from shapetrace.drawing.kinds.quieting import drawn_makers, sources_of
from shapetrace.drawing.kinds.side_by_side import parts_of, rows_of
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.primitives import Line, Rect, Text
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain, variants
from shapetrace.outlining.kept import Cache, CachedLayers
from shapetrace.request import Request
from tests.drawing.geometry import assert_sound, text_boxes
from tests.drawing.outlines import gpt2


@pytest.fixture(scope="module")
def three():
    return [trace.outline() for trace in variants()]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("section", ["attention", "mlp", "block", None])
def test_three_attentions_side_by_side_are_sound(three, lang, section):
    assert_sound(compare(three, section=section, lang=lang))


def test_two_models_fit_a_narrow_figure(three):
    assert_sound(compare(three[1:], look=Look(width_px=800)))


def test_headings_say_parameters_and_cache(three):
    written = [text for text, _ in text_boxes(compare(three))]
    assert {"2,359,296 parameters", "123,551,232 in the model"} <= set(written)
    assert {"2,048 bytes of cache a token", "in one layer; 24,576 in all 12"} <= set(written)
    assert "(latent 128 + 32 rotated) × 4 bytes" in written


def cached(outline, *layers, itemsize=4):
    return replace(outline, cache=Cache(layers, itemsize))


def test_where_layers_keep_unlike_things_headings_count_all_of_them(three):
    mixed = cached(three[0], CachedLayers(10, ((2, 8), (2, 8)), window=16), CachedLayers(2, ((2, 8), (2, 8))))
    written = [text for text, _ in text_boxes(compare([mixed, three[1]]))]
    assert "1,536 bytes of cache a token" in written  # 12 layers x 32 numbers x 4 bytes
    assert "24,576 bytes of cache a token" in written
    assert written.count("in all 12 layers") == 2
    assert "K and V: 2 · 2 · 8 × 4 bytes · window of 16 · 10 layers" in " ".join(written)
    assert "K and V: 2 · 2 · 8 × 4 bytes · 2 layers" in written


def test_a_model_that_keeps_nothing_has_no_bar(three):
    written = [text for text, _ in text_boxes(compare([replace(three[0], cache=None), three[1]]))]
    assert sum(text.endswith("of cache a token") for text in written) == 1


def test_the_same_work_is_in_one_band(three):
    drawn = compare(three)
    scores = [box.top for text, box in text_boxes(drawn) if text == "S"]
    assert len(scores) == 3
    assert max(scores) - min(scores) < 1


def columns_of(drawn):
    """Texts of the bands by the column they stand in."""
    panels = [box_of(group.marks[0]) for group in drawn.groups if group.id.startswith("column-")]
    return [
        [text for text, box in text_boxes(drawn) if panel.left <= box.left < panel.right and box.top > panel.top]
        for panel in panels
    ]


def test_what_the_first_column_said_is_not_said_again(three):
    first, *others = columns_of(compare(three))
    titles = ["Query", "Key and Value", "Heads", "Scores", "Weighted sum", "Output"]
    assert [text for text in first if text in titles] == titles
    assert not any(text in titles or "causal mask" in text for column in others for text in column)


@pytest.mark.parametrize(("heads", "keys", "drawn"), [(12, 12, (12, 12)), (12, 4, (12, 4)), (32, 1, (32, 1))])
def test_the_heads_that_share_a_key_are_joined_to_it(heads, keys, drawn):
    cell = sharing_cell(HeadSharing(heads, keys), 400)
    tops = [mark.y for mark in cell.marks if isinstance(mark, Rect)]
    assert (tops.count(min(tops)), tops.count(max(tops))) == drawn
    lines = [stroke for mark in cell.marks if isinstance(mark, Line) for stroke in mark.strokes]
    assert set(Counter(end for _, end in lines).values()) == {heads // keys}


@pytest.mark.parametrize(("heads", "keys"), [(128, 128), (128, 8), (128, 1), (96, 2), (512, 2)])
@pytest.mark.parametrize("room", [150, 199, 600])
def test_many_heads_stay_in_their_column(heads, keys, room):
    assert sharing_cell(HeadSharing(heads, keys), room).box.right <= room


def test_sharing_is_read_from_stacks_and_parts(three):
    found = [head_sharing(next(s for s in outline.root.sections() if s.kind == "attention")) for outline in three]
    assert [(each.queries, each.keys) for each in found] == [(12, 12), (12, 4), (12, 12)]
    assert [bool(each.latent) for each in found] == [False, False, True]


@pytest.mark.parametrize("hidden", [("positions",), ("norms", "positions"), ("pointwise", "norms")])
def test_steps_stay_in_the_order_of_computation_whatever_is_hidden(three, hidden):
    parts = parts_of(three, "attention")
    look = Look(hide=hidden)
    sources = [sources_of(part) for part in parts]
    for place, part in enumerate(parts):
        aligned = bands([rows_of(part, look) for part in parts], sources)
        ids = [step.id for band in aligned if band[place] for step in band[place].drawn()]
        before = {maker: step.id for step in part.steps() for maker in drawn_makers(step, ids, sources[place])}
        assert all(ids.index(maker) < ids.index(step) for maker, step in before.items() if step in ids)
        assert len(ids) == len(set(ids)) > 5


def test_every_factor_of_a_chain_wears_the_accent(three):
    drawn = compare(three)
    query = next(group for group in drawn.groups if group.id == "h-0-attn-compress")
    accents = [mark.plain for mark in query.marks if isinstance(mark, Text) and mark.ink == "match"]
    assert sorted(accents) == ["256", "256", "768", "768"]


def test_three_fit_a_column_of_700_px(three):
    drawn = compare(three)
    assert drawn.width_px == 700
    assert drawn.height_px < 1300


def test_equal_columns_have_no_gaps():
    section = next(part for part in gpt2().root.sections() if part.kind == "attention")
    column = rows_of(section, Look())
    assert all(len(band) == 2 and None not in band for band in bands([column, column]))


def test_independent_rows_in_another_order_align():
    section = next(part for part in gpt2().root.sections() if part.kind == "attention")
    swapped = replace(section, items=(*section.items[1:3], section.items[0], *section.items[3:]))
    aligned = bands([rows_of(section, Look()), rows_of(swapped, Look())])
    assert all(None not in band for band in aligned)


@pytest.mark.parametrize(("count", "width", "message"), [(1, 1200, "expected 2 or 3"), (3, 600, "need 630")])
def test_what_cannot_be_compared_is_told(three, count, width, message):
    with pytest.raises(UsageError, match=message):
        compare(three[:count], look=Look(width_px=width))


@pytest.fixture(scope="module")
def gated():
    plain, gates = (obtain(Request(model=name, shape={"seq": 64}), print) for name in ("gpt2", "llama-3.1-8b"))
    return [plain.outline(), gates.outline()]


def texts_of(drawn):
    return [mark for mark in drawn.marks() if isinstance(mark, Text)]


def test_lengths_of_the_input_are_italic_and_the_legend_says_so(gated):
    texts = texts_of(compare(gated))
    assert {"size", "size-run", "match-run"} <= {mark.ink for mark in texts if mark.plain == "64"}
    assert any("length of the input" in mark.plain for mark in texts)


def test_an_mlp_with_a_gate_and_one_without_have_the_same_bands(gated):
    drawn = compare(gated, section="mlp")
    texts = texts_of(drawn)
    assert not any(mark.plain == "none" for mark in texts)
    assert {"H′", "G", "U"} <= {mark.plain for mark in texts}
    assert drawn.height_px < 700


def test_bytes_of_the_cache_stand_above_what_looks_at_keys_alone(gated):
    def told(section):
        return any("bytes of cache" in mark.plain for mark in texts_of(compare(gated, section=section)))

    assert told("attention") and told("block") and not told("mlp")


def test_where_one_model_has_nothing_it_says_so():
    def without_its_last_step(section):
        inner = [without_its_last_step(item) if hasattr(item, "items") else item for item in section.items]
        return replace(section, items=tuple(inner[:-1] if section.kind == "attention" else inner))

    whole = gpt2()
    less = replace(whole, root=without_its_last_step(whole.root))
    assert [mark.plain for mark in texts_of(compare([whole, less]))].count("none") == 1
