"""An encoder with a decoder that writes: the encoder runs once, its keys are kept, the decoder goes step by step."""

import pytest
import torch
from transformers import BartConfig, BartForConditionalGeneration, T5Config, T5ForConditionalGeneration

import shapetrace
from shapetrace.drawing.generating.content import PassColumn
from shapetrace.drawing.generating.gathering import layers_of
from shapetrace.drawing.primitives import Text
from shapetrace.generations.decoding import Generation
from shapetrace.generations.running import generated
from shapetrace.models import building
from shapetrace.models.caching import Cache
from shapetrace.models.settings import Settings
from shapetrace.outlining.roles import Role
from shapetrace.request import Request

SMALL = {"layers": 3, "encoder_layers": 2, "d_model": 32, "heads": 4, "vocab": 50, "seq": 7, "device": "cpu"}
FORMS = {
    "2017": Settings(**SMALL, target_seq=6, positions="sinusoidal", context=None, post_norm=True),
    "grouped": Settings(**SMALL, target_seq=6, kv_heads=2),
}


def t5() -> T5ForConditionalGeneration:
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "vocab_size": 60}
    return T5ForConditionalGeneration(T5Config(**sizes, decoder_start_token_id=0)).eval()


def bart() -> BartForConditionalGeneration:
    sizes = {"encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 4, "decoder_attention_heads": 4}
    wide = {
        "d_model": 32,
        "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 48,
        "vocab_size": 60,
        "max_position_embeddings": 64,
    }
    return BartForConditionalGeneration(BartConfig(**sizes, **wide)).eval()


def titles(generation: Generation, number: int) -> list[str]:
    return [section.title for section in generation.passes[number].outline.root.sections()]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("first", [1, 4])
def test_logits_of_decode_steps_are_those_of_the_whole_pass(form, first) -> None:
    model, (source, target) = building.build(FORMS[form]), building.inputs(FORMS[form])[0]
    cache = Cache(FORMS[form])
    with torch.no_grad():
        whole = model(source, target)
        parts = [model(source, target[:, :first], cache)]
        parts += [model(None, part, cache) for part in target[:, first:].split(1, dim=1)]
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", [t5, bart])
def test_bytes_kept_are_those_of_both_caches(build) -> None:
    with shapetrace.generation() as g:
        done = build().generate(
            torch.arange(3, 10)[None], max_new_tokens=4, min_new_tokens=4, do_sample=False, return_dict_in_generate=True
        )
    kept = done.past_key_values
    layers = [*kept.self_attention_cache.layers, *kept.cross_attention_cache.layers]
    assert g.cache_bytes == sum(t.nbytes for layer in layers for t in (layer.keys, layer.values))
    crossed = sum(t.nbytes for layer in kept.cross_attention_cache.layers for t in (layer.keys, layer.values))
    assert g.bills[2].cache_read - g.bills[2].cache_written == crossed
    assert "Encoder" in str(g) and "Prefill" not in str(g)


@pytest.mark.parametrize("model", ["transformer-base", "hf:t5", "hf:bart", "hf:whisper"])
def test_the_encoder_runs_once_and_its_keys_are_made_once(model) -> None:
    g = generated(Request(model=model, shape={} if "whisper" in model else {"seq": 6}), print, 2)
    assert "Encoder block" in titles(g, 0)
    for number in (1, 2):
        assert "Encoder block" not in titles(g, number)
        assert {"Decoder block", "Attention", "Cross-attention"} <= set(titles(g, number))
        crossed = [s for s in g.passes[number].outline.root.sections() if s.crosses]
        roles = {step.role for section in crossed for step in section.steps()}
        assert Role.QUERY in roles and not roles & {Role.KEY, Role.VALUE, Role.CACHE_APPEND}
    own, step = g.bills[1].cache_written, g.bills[2].cache_read - g.bills[1].cache_read
    assert own == step > 0
    assert g.bills[0].cache_written == g.bills[1].cache_read > own


def test_without_a_cache_the_encoder_runs_in_each_pass() -> None:
    g = generated(Request(model="transformer-base", shape={"seq": 6}), print, 2, cached=False)
    assert all("Encoder block" in titles(g, number) for number in range(3))
    lengths = [next(s for s in reversed(list(each.outline.steps())) if s.kind == "scores") for each in g.passes]
    assert [step.results[0].shape for step in lengths] == [(1, 6), (2, 6), (3, 6)]
    assert {bill.cache_read for bill in g.bills} == {0}
    hf = generated(Request(model="hf:t5", shape={"seq": 6}), print, 1, cached=False)
    assert [bill.cache_written for bill in hf.bills] == [0, 0]


def test_the_figure_draws_what_an_encoder_gives_as_kept_and_never_as_new() -> None:
    g = generated(Request(model="transformer-base", text="I have a cat"), print, 3)
    columns = [PassColumn(each.outline, n, 0, g.bills[n]) for n, each in enumerate(g.passes)]
    encoder, own, crossed = layers_of(columns)
    assert encoder.is_once and [each is None for each in encoder.columns] == [False, True, True, True]
    assert [kept.n_rows for each in own.passes for kept in each.kept if kept] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [(kept.n_rows, kept.is_whole) for each in crossed.passes for kept in each.kept if kept] == [
        (4, False), (4, False), *[(4, True)] * 6
    ]  # fmt: skip
    said = [mark.plain for mark in g.figure().drawing.marks() if isinstance(mark, Text)]
    assert "I have a cat".split() == [word for word in said if word in {"I", "have", "a", "cat"}]
    assert "encoder 4 · decoder 1" in said and "1 token · 3 before" in said


def test_words_stand_beside_the_ids_that_were_given_and_beside_no_other() -> None:
    g = generated(Request(model="gpt2", text="Hello", shape={"layers": 2}), print, 2)
    said = [mark.plain for mark in g.figure().drawing.marks() if isinstance(mark, Text)]
    assert said.count("Hello") == 1


def test_the_decoder_begins_with_as_many_ids_as_are_asked_for() -> None:
    g = generated(Request(model="transformer-base", shape={"seq": 6, "target_seq": 3}), print, 1)
    scores = [step.results[0].shape for each in g.passes for step in each.outline.steps() if step.kind == "scores"]
    assert scores == [(6, 6), (3, 3), (3, 6), (1, 4), (1, 6)]
