"""Configurations that lack what their model asks for."""

import pytest

pytest.importorskip("transformers")

from shapetrace import hf_obtaining
from shapetrace.errors import UsageError
from shapetrace.models import hf_completing, huggingface
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from tests.models.shrinking import shrink

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_missing_entry_is_filled_in_and_said() -> None:
    config = shrink(huggingface.config("esm"))
    said: list[str] = []
    model = huggingface.build(config, say=said.append)
    assert model.get_input_embeddings().num_embeddings == hf_completing.usual("vocab_size") == config.vocab_size
    assert said == [
        f"The configuration of esm lacks vocab_size: {config.vocab_size} is taken; --set says it otherwise."
    ]


def test_what_follows_from_other_entries_is_worked_out() -> None:
    config = shrink(huggingface.config("nemotron"))
    said: list[str] = []
    huggingface.build(config, say=said.append)
    assert config.num_key_value_heads == config.num_attention_heads
    assert len(said) == 1


def test_an_entry_that_only_the_pass_misses_is_filled_in_too() -> None:
    said: list[str] = []
    settings = ("num_hidden_layers=2", "first_k_dense_replace=1")
    trace = obtain(Request(model="hf:deepseek_v2", hf_set=settings, shape={"seq": 4}), said.append)
    assert trace.failure is None
    assert any("lacks num_experts_per_tok: 8 is taken" in sentence for sentence in said)


def test_the_place_of_a_picture_is_a_word_that_the_table_has() -> None:
    config = shrink(huggingface.config("llava"))
    config.image_token_index = config.text_config.vocab_size
    said: list[str] = []
    huggingface.build(config, say=said.append)
    assert config.image_token_index == config.text_config.vocab_size - 1
    assert said == [
        "The image_token_index of llava, 1024, is beyond its 1024 words: 1023 is taken; --set says it otherwise."
    ]


def test_an_entry_that_is_there_is_never_changed() -> None:
    config = huggingface.config("gpt2", {"n_head": 7})
    with pytest.raises(UsageError, match="divisible"):
        huggingface.build(config)
    assert config.n_head == 7


def test_the_usual_value_is_the_one_that_most_types_have() -> None:
    assert hf_completing.usual("layer_norm_eps") == 1e-05 or hf_completing.usual("layer_norm_eps") == 1e-12
    assert hf_completing.usual("no_such_entry") is None


def test_sections_of_rotary_frequencies_are_made_to_fit() -> None:
    said: list[str] = []
    trace = obtain(Request(model="hf:glm4v_text", hf_set=("num_hidden_layers=1",), shape={"seq": 4}), said.append)
    assert trace.failure is None
    assert len(said) == 1
    assert "glm4v_text lacks rope_parameters.mrope_section: [16, 24, 24] is taken" in said[0]


def test_a_text_is_as_long_as_its_positions_allow() -> None:
    trace = obtain(Request(model="hf:camembert", hf_set=("num_hidden_layers=1",)), print)
    assert trace.tensors[trace.inputs[0]].shape == (1, 510)  # 512 positions, of which two are before the first


def test_a_length_that_was_asked_for_is_kept_and_its_failure_told() -> None:
    trace = obtain(Request(model="hf:camembert", hf_set=("num_hidden_layers=1",), shape={"seq": 512}), print)
    assert trace.failure is not None
    assert "out of bounds" in trace.failure.message


def test_a_pass_that_takes_its_tokens_one_by_one_gets_few(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hf_obtaining._MOST_OPS == 60_000
    monkeypatch.setattr(hf_obtaining, "_MOST_OPS", 5_000)
    said: list[str] = []
    trace = obtain(Request(model="hf:mamba", hf_set=("num_hidden_layers=1",)), said.append)
    assert trace.tensors[trace.inputs[0]].shape == (1, 64)
    assert said == [
        "With 1,024 tokens the pass makes more than 5,000 operations: traced with 64; --seq says otherwise."
    ]
