"""Passes in columns: what is read from the cache is told from what is added; shapes are those recorded."""

from itertools import pairwise

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, StaticCache

import shapetrace
from shapetrace.drawing.generating.content import PassColumn
from shapetrace.drawing.generating.gathering import layers_of
from shapetrace.drawing.generating.tiles import lengths_for
from shapetrace.drawing.primitives import Figure, Group, Rect, Text
from shapetrace.errors import UsageError
from shapetrace.generations.decoding import Generation, shown
from shapetrace.generations.running import generated
from shapetrace.request import Request
from tests.generations import LAYERS, PARIS, passes

TOKEN_PX = 14.0


def with_static_cache(n_layers: int) -> Generation:
    """A prefill of five rows and a decode step that write into a buffer of sixteen."""
    sizes = {"num_hidden_layers": n_layers, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=50)).eval()
    kept = StaticCache(config=model.config, max_cache_len=16)
    with shapetrace.generation() as g, torch.no_grad():
        model(torch.arange(5)[None], past_key_values=kept, cache_position=torch.arange(5))
        model(torch.tensor([[1]]), past_key_values=kept, cache_position=torch.tensor([5]))
    return g


def group(figure: Figure, name: str) -> Group:
    return next(each for each in figure.groups if each.id == name)


def texts(figure: Figure) -> list[str]:
    return [mark.plain for mark in figure.marks() if isinstance(mark, Text)]


def rects(drawn: Group, ink: str) -> list[Rect]:
    return [mark for mark in drawn.marks if isinstance(mark, Rect) and mark.ink == ink]


def columns(generation: Generation) -> list[PassColumn]:
    numbers = shown(generation.passes)
    return [PassColumn(generation.passes[n].outline, n, 0, generation.bills[n]) for n in numbers]


def test_kept_rows_stand_under_a_bar_and_one_row_is_added_in_each_step() -> None:
    cached = group(passes("gpt2").figure().drawing, "cache-0-0")
    bars = rects(cached, "kept-bar")
    assert [bar.height / TOKEN_PX for bar in bars] == [5, 5, 8, 8]  # K and V of the first step, and of the last
    assert [rect.height / TOKEN_PX for rect in rects(cached, "marker")] == [5, 5, 1, 1, 1, 1]
    for bar, below in zip(bars, rects(cached, "marker")[2:], strict=True):
        assert below.y == bar.y + bar.height


def test_shapes_are_those_of_the_passes() -> None:
    said = texts(passes("gpt2").figure().drawing)
    assert [text for text in said if text.endswith("×12") and "64]" in text and "→" not in text] == [
        "[5, 64] ×12", "[1, 64] ×12", "[1, 64] ×12",  # Q
        "[5, 64] ×12", "[1, 64] ×12", "[1, 64] ×12",  # Z
    ]  # fmt: skip
    assert {"0 + 5 → [5, 64] ×12", "→ [6, 64] ×12", "→ [9, 64] ×12"} <= set(said)
    assert said[said.index("S") + 1] == "[5, 5] ×12"
    assert {"[1, 6] ×12", "[1, 9] ×12"} <= set(said)
    assert said.count("next id") == 5  # chosen three times, read twice
    assert PARIS.split() == [text for text in said if text in PARIS.split()]


def test_bills_are_below_their_columns() -> None:
    generation = passes("gpt2")
    said = texts(generation.figure().drawing)
    assert said[said.index("FLOPs") + 1 :][:3] == ["927 MFLOPs", "247 MFLOPs", "247 MFLOPs"]
    assert said[said.index("cache written") + 1 :][:3] == ["369 kB", "73.7 kB", "73.7 kB"]
    bars = group(generation.figure().drawing, "bytes-moved")
    widths = [rect.width for rect in rects(bars, "bar-left")]
    assert widths[0] == pytest.approx(widths[1], rel=1e-3)


def test_latents_are_what_is_kept_and_keys_are_made_again() -> None:
    (layer,) = layers_of(columns(passes("deepseek-v3", 2, seq=5)))
    assert layer.repeat == LAYERS["deepseek-v3"][1]
    for attended, n_rows in zip(layer.columns, (5, 6, 7), strict=True):
        assert [kept.new.shape[-1] for kept in attended.kept if kept] == [512, 64]
        assert {kept.n_rows for kept in attended.kept if kept} == {n_rows}
        assert [made.shape for made in attended.expanded] == [(n_rows, 192), (n_rows, 128)]


def test_layers_with_a_window_are_drawn_apart_and_stop_growing() -> None:
    sliding, full = layers_of(columns(passes("hf:gpt_oss", 2, seq=200)))
    assert [{kept.n_rows for kept in each.kept if kept} for each in sliding.columns] == [{200}, {128}, {128}]
    assert sliding.columns[0].kept[0].n_written == 127  # what the next pass finds
    assert [{kept.n_rows for kept in each.kept if kept} for each in full.columns] == [{200}, {201}, {202}]
    said = texts(passes("hf:gpt_oss", 2, seq=200).figure().drawing)
    assert said.count("in 2 layers") == 2


def test_a_static_cache_is_written_in_place() -> None:
    said = texts(with_static_cache(n_layers=2).figure().drawing)
    assert "written in place" in said
    assert any(text.startswith("[16, 16] ←") for text in said)


def test_the_chosen_id_is_read_by_the_next_pass_dashed_over_passes_not_drawn() -> None:
    ways = group(passes("gpt2").figure().drawing, "next-ids")
    assert [mark.ink for mark in ways.marks if mark.ink != "marker-tip"] == ["marker-way", "marker-later"]
    ways = group(passes("gpt2", 1, seq=5).figure().drawing, "next-ids")
    assert [mark.ink for mark in ways.marks if mark.ink != "marker-tip"] == ["marker-way"]


def test_one_row_is_one_token_only_while_there_are_few() -> None:
    near, far = lengths_for([(64, 60)], [5, 11], 0, 160), lengths_for([(64, 60)], [5, 4096], 0, 160)
    assert near.rows_px(11) == 11 * TOKEN_PX
    assert far.rows_px(4096) <= 160
    assert all(far.rows_px(a) < far.rows_px(b) for a, b in pairwise([64, 512, 4096]))


def test_a_loop_that_called_nothing_cannot_be_drawn() -> None:
    with shapetrace.generation() as g:
        pass
    with pytest.raises(UsageError, match="no module was called"):
        g.figure()


def test_the_figure_is_the_same_bytes_each_time() -> None:
    request = Request(model="gpt2", shape={"seq": 5, "layers": 2})
    one, other = (generated(request, print, 2).figure(lang="zh").svg for _ in range(2))
    assert one == other


def test_without_a_cache_each_pass_is_whole_and_what_a_cache_saves_is_said() -> None:
    generation = generated(Request(model="gpt2", text=PARIS), print, 3, cached=False)
    said = texts(generation.figure().drawing)
    assert [text for text in said if text.startswith("Pass ")] == ["Pass 1", "Pass 2", "Pass 4"]
    assert [text for text in said if text.endswith(" tokens")][-3:] == ["5 tokens", "6 tokens", "8 tokens"]
    assert "with a cache: 1.67 G FLOPs in products instead of 4.73 G" in said
    assert not [text for text in said if "bytes a token" in text or "read from the cache" in text]
    tips = group(generation.figure().drawing, "next-ids")
    ids = group(generation.figure().drawing, "input")
    ends = [mark.points[0][1] for mark in tips.marks if mark.ink == "marker-tip"]
    lows = [rect.y + rect.height for rect in rects(ids, "marker")[1:]]
    assert all(low - TOKEN_PX < end < low for end, low in zip(ends, lows, strict=True))  # the last row is the new id
