"""The whole pass in one column: scenes from ids to the next word."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import shapetrace
from shapetrace.drawing import Look, figure
from shapetrace.drawing.layout.captions import shared_with
from shapetrace.drawing.primitives import Rect, Text
from shapetrace.drawing.telling.paths import spoken_paths
from shapetrace.drawing.telling.picking import pick_of
from shapetrace.drawing.telling.scene_cells import Pick, Tile, scene_pieces
from shapetrace.drawing.telling.scenes import Opened, Scene, story_of
from shapetrace.drawing.telling.tokens import token_axes
from shapetrace.drawing.wording import words_in
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.outlining.roles import Part
from shapetrace.prompts import read_prompt, spoken
from shapetrace.request import Request
from tests.drawing.geometry import assert_sound, text_boxes
from tests.drawing.outlines import gpt2

STORY = Look(view="story")
WORDS = ("The", "capital", "of", "France", "is")


def told(model, text="", **shape):
    return obtain(Request(model=model, text=text, shape=shape), print).outline()


@pytest.fixture(scope="module")
def paris():
    return told("gpt2", " ".join(WORDS))


@pytest.fixture(scope="module")
def padded():
    return told("gpt2", " ".join(WORDS), pad=1024)


@pytest.fixture(scope="module")
def translator():
    return told("transformer-base", "Das ist ein guter Satz")


def written(outline, **options):
    return [text for text, _ in text_boxes(figure(outline, look=STORY, **options))]


def scenes(outline):
    for each in story_of(outline, frozenset()):
        yield from each.scenes if isinstance(each, Opened) else (each,)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("fixture", ["paris", "padded", "translator"])
def test_it_fits_a_column(request, fixture, lang):
    drawn = figure(request.getfixturevalue(fixture), look=STORY, lang=lang)
    assert_sound(drawn)
    assert drawn.width_px <= 700
    assert drawn.height_px <= 1800


def test_it_goes_from_ids_to_the_next_word(padded):
    texts = written(padded)
    order = [
        "Words to rows", "pick rows", "Pad", "Query, Key and Value", "softmax", "concat", "GELU", "row of “is”",
        "next word",
    ]  # fmt: skip
    assert sorted((text for text in dict.fromkeys(texts) if text in order), key=order.index) == order
    assert texts.count("softmax") == 2  # that of attention, and that of the scores


def test_words_stand_on_rows_and_on_both_sides_of_scores(paris):
    groups = {group.id: group for group in figure(paris, look=STORY).groups}
    marks = [mark for mark in groups["h-0-attn-scores"].marks if isinstance(mark, Text) and mark.ink == "token"]
    assert Counter(mark.plain for mark in marks if not mark.turned) == dict.fromkeys(WORDS, 3)  # Q, S, A
    assert Counter(mark.plain for mark in marks if mark.turned) == dict.fromkeys(WORDS, 2)  # S, A
    for group in ("h-0-attn-query", "h-0-mlp-expand", "h-0-attn-concat-heads"):
        assert [m.plain for m in groups[group].marks if isinstance(m, Text) and m.ink == "token"] == list(WORDS)


def test_more_than_sixteen_words_stand_nowhere():
    many = told("gpt2", "so " * 17, layers=1)
    assert not token_axes(many)
    assert "so" not in written(many)
    assert_sound(figure(many, look=STORY))


def test_the_row_of_the_last_token_is_told_where_padding_follows(padded):
    axes = token_axes(padded)
    assert {(axis.size, axis.real) for axis in axes.values()} == {(5, 5), (1024, 5)}
    pick = pick_of(padded, axes)
    assert (pick.row, pick.label) == (4, "is")
    assert "Rows 6 to 1,024 are padding." in " ".join(written(padded))


def test_no_next_word_where_rows_see_what_comes_after_them(translator):
    assert pick_of(translator, {}).row == 47
    encoder = replace(translator, root=next(part for part in translator.root.sections() if part.kind == "block"))
    assert pick_of(encoder, {}).row is None


def test_the_residual_is_added_in_the_scene_of_what_it_is_added_to(paris):
    added = [
        [o.part for o in step.operands] for scene in scenes(paris) for step in scene.steps if step.kind == "residual"
    ]
    assert added == [[Part.STREAM, Part.ATTENTION], [Part.STREAM, Part.FEED_FORWARD]]
    assert "X2 goes into the next block as X0" in written(paris)


def test_what_a_norm_behind_a_sum_gave_is_added_again(translator):
    said = words_in("en")
    told = [scene for scene in scenes(translator) if scene.closed is None and scene.steps[-1].kind == "residual"]
    for scene in told:
        names = [piece.operand.name for piece in scene_pieces(scene, Pick(), said) if isinstance(piece, Tile)]
        assert names[-3:] == [scene.steps[-1].operands[place].name for place in (1, 0)] + [names[-1]]
    assert len(told) == 3


def test_weights_that_are_counted_elsewhere_and_not_drawn_are_tied():
    step = next(gpt2().steps())
    bare = replace(step, tied_to="a.bias", operands=step.operands[:1])
    assert shared_with(bare, words_in("en")) == "tied to a.bias"


def test_every_product_of_a_chain_wears_the_accent(paris):
    for scene in scenes(paris):
        drawn = {group.id: group for group in figure(paris, look=STORY).groups}
        name = scene.steps[0].id.replace(".", "-").replace("/", "-").strip("<>-").replace(">", "").replace("<", "")
        accents = [m.plain for m in drawn[name].marks if isinstance(m, Text) and m.ink.startswith("match")]
        products = [step for step in scene.steps if step.inner is not None]
        assert Counter(accents) == Counter(str(s.operands[n].shape[s.inner[n]]) for s in products for n in (0, 1))


def test_a_decoder_is_told_with_its_cross_attention_and_the_encoder_is_closed(translator):
    story = story_of(translator, frozenset())
    closed = [scene for scene in story if isinstance(scene, Scene) and scene.closed]
    (opened,) = (each for each in story if isinstance(each, Opened))
    assert [(scene.closed.repeat, [end.name for end in scene.ends]) for scene in closed] == [(6, ["X_0", "C"])]
    read = [operand.part for scene in opened.scenes for operand in scene.steps[0].operands]
    assert Part.CONTEXT in read


def test_a_closed_group_says_what_goes_in_and_what_comes_out():
    story = story_of(told("deepseek-v3"), frozenset())
    (dense,) = (scene for scene in story if isinstance(scene, Scene) and scene.closed)
    (opened,) = (each for each in story if isinstance(each, Opened))
    assert dense.ends[1].name == opened.section.items[0].operands[0].name  # what the open block reads


def test_every_product_is_told_once():
    for model in ("gpt2", "mixtral-8x7b", "llama-3.1-8b"):
        outline = told(model, layers=2)
        steps = [step.id for scene in scenes(outline) for step in scene.told() if step.inner is not None]
        assert steps == sorted(set(steps), key=steps.index)
        assert set(steps) == {step.id for step in outline.steps() if step.inner is not None}


def test_the_next_word_is_no_word(paris):
    drawn = figure(paris, look=STORY)
    marks = [
        mark for group in drawn.groups for mark in group.marks if isinstance(mark, Text) and mark.ink == "name-marker"
    ]
    assert {mark.plain for mark in marks} == {"x̂2", "next word"}
    assert sum(isinstance(mark, Rect) and mark.ink == "marker" for mark in drawn.marks()) == 4  # legend, row, x̂, word


@pytest.mark.parametrize("preset", ["llama-3.1-8b", "deepseek-v3", "transformer-base", "mixtral-8x7b"])
def test_the_story_of_any_preset_is_sound(preset):
    drawn = figure(told(preset), look=STORY)
    assert_sound(drawn)
    assert drawn.height_px < 2200


@pytest.mark.parametrize("options", [{"section": "mlp"}, {"step": 1}])
def test_a_part_has_no_story(options):
    with pytest.raises(UsageError, match="whole model"):
        figure(gpt2(), look=STORY, **options)


def test_an_unknown_view_is_refused():
    with pytest.raises(UsageError, match="expected overview, rows, map, story or mesh"):
        Look(view="novel")


def test_chinese_is_cut_in_characters_and_the_figure_says_so():
    words = read_prompt("法国的首都是 Paris吗")
    assert words.labels == ("法", "国", "的", "首", "都", "是", "Paris", "吗")
    assert spoken(words.labels) == "法国的首都是 Paris 吗"
    assert not read_prompt("The capital").cut
    outline = told("gpt2", "法国的首都", layers=1)
    assert any("text cut in characters" in text for text in written(outline))
    assert any("文本 按字切分" in text for text in written(outline, lang="zh"))


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (("wte", "wpe"), "wte, wpe"),
        (("h.0.self_attn.q_proj", "h.0.self_attn.k_proj"), "h.0.self_attn.{q,k}_proj"),
        (("model.decoder.fc1", "model.decoder.fc2"), "model.decoder.fc{1,2}"),
        (
            ("model.decoder.embed_tokens", "model.decoder.embed_positions"),
            "model.decoder.{embed_tokens,embed_positions}",
        ),
    ],
)
def test_paths_are_cut_where_words_end(paths, said):
    assert spoken_paths(paths) == said


def test_of_nested_blocks_the_outer_one_is_told():
    outline = gpt2()
    inner = replace(next(part for part in outline.root.sections() if part.kind == "mlp"), repeat=99, kind="block")
    block = next(part for part in outline.root.items if getattr(part, "kind", "") == "block")
    nested = replace(block, items=tuple(inner if getattr(part, "kind", "") == "mlp" else part for part in block.items))
    root = replace(outline.root, items=tuple(nested if part is block else part for part in outline.root.items))
    (opened,) = (each for each in story_of(replace(outline, root=root), frozenset()) if isinstance(each, Opened))
    assert opened.section is nested
    assert [scene.closed.repeat for scene in opened.scenes if scene.closed] == [99]


def test_the_legend_speaks_of_italics_only_where_some_stand(paris, padded):
    for outline, some in ((paris, True), (padded, False)):
        slanted = [m for m in figure(outline, look=STORY).marks() if isinstance(m, Text) and m.ink.endswith("-run")]
        assert ("length of the input" in written(outline), len(slanted) > 1) == (some, some)


def test_of_an_encoder_around_blocks_that_repeat_the_block_is_told():
    outline = gpt2()
    block = next(part for part in outline.root.items if getattr(part, "kind", "") == "block")
    assert block.repeat > 1
    encoder = replace(block, path="encoder", title="Encoder", repeat=1, members=("encoder",), items=(block,))
    root = replace(outline.root, items=tuple(encoder if part is block else part for part in outline.root.items))
    (opened,) = (each for each in story_of(replace(outline, root=root), frozenset()) if isinstance(each, Opened))
    assert opened.section is block
    assert not any(scene.closed for scene in opened.scenes)


class Ours(nn.Module):
    """Rows of ids that a table does not hold are set to 0, as on each rank of a vocabulary-parallel embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.out = nn.Embedding(10, 8), nn.Linear(8, 10)

    def forward(self, ids: Tensor) -> Tensor:
        foreign = ids >= 10
        x = self.table(ids.masked_fill(foreign, 0))
        x[foreign] = 0.0
        y: Tensor = self.out(x)
        return y


def test_numbers_written_where_something_is_true_are_a_mask_and_no_scene_of_their_own():
    outline = shapetrace.trace(Ours(), torch.tensor([[3, 12, 1]])).outline()
    titles = [step.title for step in outline.steps()]
    assert "Mask" in titles and "Write" not in titles
    (scene,) = story_of(outline, frozenset())
    assert [step.title for step in scene.steps] == ["Lookup", "Unembedding"]
    assert [step.title for step in scene.before] == ["Mask"]


class Reading(nn.Module):
    """Layers that read, and fewer that write: rows of these see nothing behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 8)
        self.reads = nn.ModuleList(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True) for _ in range(3))
        self.writes = nn.ModuleList(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True) for _ in range(2))
        self.out = nn.Linear(8, 10)

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        for layer in self.reads:
            x = layer(x)
        x = torch.cat((x, self.words(ids)), dim=1)
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        for layer in self.writes:
            x = layer(x, src_mask=mask, is_causal=True)
        y: Tensor = self.out(x)
        return y


def test_of_blocks_that_read_and_blocks_that_write_those_that_write_are_told():
    outline = shapetrace.trace(Reading(), torch.randn(1, 5, 8), torch.zeros(1, 4, dtype=torch.long)).outline()
    (opened,) = (each for each in story_of(outline, frozenset()) if isinstance(each, Opened))
    assert (opened.section.repeat, opened.section.path) == (2, "writes.0")


@pytest.mark.slow
def test_a_closed_section_gives_what_is_read_of_it_and_may_give_the_next_word():
    outline = told("hf:blip-2", seq=64)
    scenes = [
        scene for each in story_of(outline, frozenset()) for scene in ((each,) if isinstance(each, Scene) else ())
    ]
    queries = next(scene for scene in scenes if scene.closed and scene.closed.path == "qformer")
    assert queries.ends[-1].shape == (32, 768), "not the row that is taken out and read by nobody"
    (opened,) = (each for each in story_of(outline, frozenset()) if isinstance(each, Opened))
    assert opened.section.path.startswith("language_model.")
    written = [text for text, _ in text_boxes(figure(outline, look=STORY))]
    assert "next word" in written
    name = outline.model.name
    assert sum(name in text for text in written) == 1, "in the title alone"


def test_queries_keys_and_values_of_other_heads_say_each_how_many():
    drawn = figure(told("llama-3-8b", layers=2), look=STORY)
    said = " ".join(mark.plain for mark in drawn.marks() if isinstance(mark, Text))
    assert "Q: 32 heads · K: 8 heads · V: 8 heads" in said
    said = " ".join(mark.plain for mark in figure(gpt2(), look=STORY).marks() if isinstance(mark, Text))
    assert "Q: " not in said
