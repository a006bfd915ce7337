"""The reference model's cache: decode steps give what the whole pass gives, and keep the bytes that are published."""

import pytest
import torch

from shapetrace.errors import UsageError
from shapetrace.generations.decoding import Bill
from shapetrace.generations.reference import generated
from shapetrace.models import building
from shapetrace.models.caching import Cache
from shapetrace.models.presets import preset
from shapetrace.models.settings import Attention, Latent, Settings
from shapetrace.request import Request

SMALL = {"layers": 4, "d_model": 32, "heads": 4, "vocab": 50, "seq": 9, "device": "cpu"}
LATENT = Latent(kv_lora_rank=12, qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=8, q_lora_rank=10)
FORMS = {
    "gpt2": Settings(**SMALL),
    "llama": Settings(**SMALL, kv_heads=2, positions="rope", attention=Attention("separate", qk_norm=True)),
    "lecture": Settings(**SMALL, attention=Attention("per-head")),
    "sinusoids": Settings(**SMALL, positions="sinusoidal", context=None, post_norm=True),
    "window": Settings(**SMALL, attention=Attention(window=3)),
    "window, each second layer full": Settings(**SMALL, attention=Attention(window=3, full_every=2)),
    "latent": Settings(**SMALL, positions="rope", attention=Attention(latent=LATENT)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("first", [1, 5])
def test_logits_of_decode_steps_are_those_of_the_whole_pass(form, first) -> None:
    model, (ids,) = building.build(FORMS[form]), building.inputs(FORMS[form])[0]
    cache = Cache(FORMS[form])
    with torch.no_grad():
        whole = model(ids)
        parts = [model(part, cache) for part in (ids[:, :first], *ids[:, first:].split(1, dim=1))]
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-4, atol=1e-5)


def test_several_rows_behind_others_see_what_they_see_in_the_whole_pass() -> None:
    for form in ("gpt2", "window", "latent"):
        model, (ids,) = building.build(FORMS[form]), building.inputs(FORMS[form])[0]
        cache = Cache(FORMS[form])
        with torch.no_grad():
            parts = torch.cat([model(part, cache) for part in ids.split(3, dim=1)], 1)
            torch.testing.assert_close(parts, model(ids), rtol=1e-4, atol=1e-5)


def test_a_window_keeps_one_row_less_than_it_sees() -> None:
    settings = FORMS["window, each second layer full"]
    model, (ids,), cache = building.build(settings), building.inputs(settings)[0], Cache(settings)
    model(ids, cache)
    assert [layer.n_rows for layer in cache.layers] == [2, 9, 2, 9]


def test_the_bill_of_gpt2_is_what_was_counted_by_hand() -> None:
    found = generated(Request(model="gpt2", shape={"seq": 5, "dtype": "bfloat16"}), 1)
    assert found.bills == [
        Bill(927_462_912, 247_314_432, 0, 184_320),
        Bill(247_285_248, 247_308_288, 184_320, 36_864),
    ]


@pytest.mark.parametrize(
    ("name", "n_bytes"),
    [
        ("deepseek-v3", 70_272),
        ("qwen2.5-72b", 327_680),
        pytest.param("llama-3.1-405b", 516_096, marks=pytest.mark.slow),
    ],
)
def test_bytes_a_token_are_those_that_are_published(name, n_bytes) -> None:
    found = generated(Request(model=name, shape={"seq": 8, "dtype": "bfloat16"}), 1)
    assert [each.bill.cache_written for each in found.passes] == [8 * n_bytes, n_bytes]
    assert found.cache_bytes == 9 * n_bytes


def test_a_prompt_leaves_room_for_the_steps_or_says_that_it_cannot() -> None:
    found = generated(Request(shape={"d_model": 48, "heads": 4, "layers": 1, "seq": 1100}), 2)
    assert found.passes[0].trace.model.settings["seq"] == 1100
    whole = generated(Request(model="gpt2"), 2)
    assert whole.passes[0].trace.model.settings["seq"] == (preset("gpt2").settings.context or 0) - 2
    with pytest.raises(UsageError, match="1,024 positions"):
        generated(Request(model="gpt2", shape={"seq": 1024}), 1)
