"""GPTs that we did not write come out as people would draw them."""

import pytest
import torch

from shapetrace.capture import capture
from shapetrace.models.building import build, inputs
from shapetrace.models.presets import preset
from shapetrace.outlining import outline
from tests.outlining.gpts import LectureGPT, NanoGPT, ids
from tests.outlining.reading import faults, products, read, step, titles

BLOCK = [
    ("Query", "[10,24]×[24,6]→[10,6]", 4),
    ("Key", "[10,24]×[24,6]→[10,6]", 4),
    ("Value", "[10,24]×[24,6]→[10,6]", 4),
    ("Scores", "[10,6]×[6,10]→[10,10]", 4),
    ("Weighted sum", "[10,10]×[10,6]→[10,6]", 4),
    ("Output", "[10,24]×[24,24]→[10,24]", 1),
    ("Expand", "[10,24]×[24,96]→[10,96]", 1),
    ("Shrink", "[10,96]×[96,24]→[10,24]", 1),
]


@pytest.mark.parametrize("flash", [False, True])
def test_a_nanogpt_has_the_products_of_every_textbook(flash: bool) -> None:
    found = read(NanoGPT(flash=flash), ids())
    assert products(found) == [*BLOCK, ("Unembedding", "[10,24]×[24,50]→[10,50]", 1)]
    assert {s.repeat for s in found.steps() if s.section.startswith("transformer.h.0")} == {3}


@pytest.mark.parametrize("flash", [False, True])
def test_scores_under_a_triangle_are_causal(flash: bool) -> None:
    found = read(NanoGPT(flash=flash), ids())
    assert step(found, "Scores").results[0].pattern == step(found, "Softmax").results[0].pattern == "causal"
    assert "Q Kᵀ ⁄ √6" in map(str, step(found, "Scores").notes)


def test_the_fused_projection_stays_one_flag_away() -> None:
    found = read(NanoGPT(), ids(), fused=True)
    assert products(found)[0][1] == "[10,24]×[24,72]→[10,72]"


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_any_number_of_layers_is_drawn_once(layers: int) -> None:
    found = read(NanoGPT(layers=layers), ids())
    assert titles(found).count("Scores") == 1 and step(found, "Scores").repeat == layers


def test_a_tied_head_counts_its_table_once_and_says_so() -> None:
    tied, untied = read(NanoGPT(tie=True), ids()), read(NanoGPT(tie=False), ids())
    assert (step(tied, "Unembedding").parameters, step(tied, "Token lookup").parameters) == (0, 50 * 24)
    assert step(tied, "Unembedding").tied_to and not step(untied, "Unembedding").tied_to
    assert step(untied, "Unembedding").parameters == 50 * 24
    assert untied.totals.parameters - tied.totals.parameters == 50 * 24


def test_heads_in_modules_of_their_own_fold_to_the_same_products() -> None:
    found = read(LectureGPT(vocab=100), ids(1, 8))
    expected = {
        ("Query", "[8,32]×[32,8]→[8,8]", 4), ("Key", "[8,32]×[32,8]→[8,8]", 4), ("Value", "[8,32]×[32,8]→[8,8]", 4),
        ("Scores", "[8,8]×[8,8]→[8,8]", 4), ("Weighted sum", "[8,8]×[8,8]→[8,8]", 4),
        ("Output", "[8,32]×[32,32]→[8,32]", 1), ("Expand", "[8,32]×[32,128]→[8,128]", 1),
        ("Shrink", "[8,128]×[128,32]→[8,32]", 1), ("Unembedding", "[8,32]×[32,100]→[8,100]", 1),
    }  # fmt: skip
    assert set(products(found)) == expected and len(products(found)) == len(expected)
    assert step(found, "Query").parameters == 4 * 32 * 8


def test_the_small_lecture_gpt_has_exactly_437764_parameters() -> None:
    assert read(LectureGPT(), ids(1, 8)).totals.parameters == 437_764


def test_the_preset_of_the_lecture_reads_as_the_lecture_s_own_code() -> None:
    settings = preset("lecture-gpt-small").settings
    args, kwargs = inputs(settings)
    trace = capture(build(settings), args, kwargs)
    ours = outline(trace)
    assert faults(trace, ours) == [] and ours.totals.parameters == 437_764
    seq = args[0].size(1)
    assert sorted(products(ours)) == sorted(products(read(LectureGPT(), ids(1, seq))))


def test_a_batch_is_kept_apart() -> None:
    model = NanoGPT(d=768, heads=12, layers=2, vocab=64, flash=True).to("meta")
    found = read(model, ids(4, 16, device="meta"))
    lookup = step(found, "Token lookup")
    assert lookup.results[0].shape == (4, 16, 768)
    split = next(s for s in found.steps() if s.kind == "split")
    assert split.equation == "[4,16,12,64]→[4,12,16,64]"
    scores = step(found, "Scores")
    assert scores.equation == "[16,64]×[64,16]→[16,16]"
    assert (scores.results[0].stack, scores.results[0].stack_axes) == (48, (4, 12))
    assert step(found, "Query").equation == "[4,16,768]×[768,64]→[4,16,64]"


def test_a_prompt_and_the_whole_context_are_the_same_picture() -> None:
    short, long = (read(NanoGPT(), ids(1, n)) for n in (2, 16))
    assert titles(short) == titles(long)


def test_one_token_and_one_example_still_work() -> None:
    found = read(NanoGPT(), ids(1, 1))
    assert "Unembedding" in titles(found)


def test_training_with_dropout_reads_the_same() -> None:
    model = NanoGPT().train()
    torch.manual_seed(0)
    trained = outline(capture(model, (ids(),)))
    assert products(trained) == products(read(model, ids()))
