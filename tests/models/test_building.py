"""The reference model: parameters, shapes, and numbers against other implementations."""

import dataclasses
from dataclasses import replace

import pytest
import torch

from shapetrace.models import presets
from shapetrace.models.building import active_parameters, build, inputs
from shapetrace.models.settings import Attention, Experts, Latent, Settings

SMALL = {"layers": 2, "d_model": 32, "heads": 4, "vocab": 50, "seq": 7, "context": 16, "device": "cpu"}


def small(**changes: object) -> Settings:
    return Settings(**{**SMALL, **changes})  # type: ignore[arg-type]


def n_parameters(settings: Settings) -> int:
    return sum(parameter.numel() for parameter in build(settings).parameters())


def test_the_defaults_have_the_parameters_of_gpt2_small() -> None:
    assert n_parameters(Settings()) == 124_439_808


def test_the_small_lecture_gpt_has_the_parameters_that_its_source_prints() -> None:
    settings = Settings(
        layers=3, d_model=32, heads=4, vocab=6148, seq=8, context=8, activation="relu", tie=False, head_bias=True,
        attention=Attention(projections="per-head", qkv_bias=False),
    )  # fmt: skip
    assert n_parameters(settings) == 437_764


def lecture_parameters(*, vocab: int, d: int, layers: int, context: int) -> int:
    """Counted by hand: q, k and v without biases, everything else with one, a head of its own."""
    attention = 3 * d * d + (d * d + d)
    mlp = (d * 4 * d + 4 * d) + (4 * d * d + d)
    norms = 2 * (d + d)
    ends = vocab * d + context * d + (d + d) + (d * vocab + vocab)
    return ends + layers * (attention + mlp + norms)


@pytest.mark.parametrize(
    ("name", "sizes", "expected"),
    [
        ("lecture-gpt-small", {"vocab": 6148, "d": 32, "layers": 3, "context": 8}, 437_764),
        ("lecture-gpt", {"vocab": 6148, "d": 384, "layers": 6, "context": 256}, 15_466_756),
        ("lecture-gpt-chars", {"vocab": 65, "d": 384, "layers": 6, "context": 256}, 10_788_929),
    ],
)
def test_the_settings_of_the_lecture_gpt_are_counted_by_hand(name: str, sizes: dict[str, int], expected: int) -> None:
    assert n_parameters(presets.preset(name).settings) == lecture_parameters(**sizes) == expected


def test_the_larger_lecture_gpt_is_the_small_one_in_other_sizes() -> None:
    small, larger = (presets.preset(name).settings for name in ("lecture-gpt-small", "lecture-gpt"))
    assert (larger.layers, larger.heads, larger.d_model, larger.context) == (6, 6, 384, 256)
    assert replace(larger, layers=3, heads=4, d_model=32, context=8, seq=small.seq) == small


VARIANTS = {
    "gpt2": small(),
    "gpt1": small(post_norm=True, final_norm=False),
    "no positions": small(positions="none", activation="relu"),
    "sinusoidal": small(positions="sinusoidal", activation="silu", scale_embedding=True, embedding_norm=True),
    "rope in a fused layer": small(positions="rope", kv_heads=2),
    "multi-query": small(kv_heads=1),
    "llama": small(
        positions="rope", norm="rmsnorm", activation="swiglu", bias=False, tie=False, kv_heads=2, d_head=6,
        attention=Attention(projections="separate", qk_norm=True, window=3, full_every=2),
    ),
    "per head": small(attention=Attention(projections="per-head", qkv_bias=False), head_bias=True, tie=False),
    "latent": small(positions="rope", attention=Attention(latent=Latent(8, 6, 4, 5, q_lora_rank=12))),
    "latent, queries whole": small(positions="rope", attention=Attention(latent=Latent(8, 6, 4, 5))),
    "experts": small(activation="swiglu", experts=Experts(8, 2, 16)),
    "grouped experts": small(
        activation="swiglu",
        experts=Experts(8, 2, 16, shared=1, first_dense=1, score="sigmoid", groups=4, groups_kept=2, correction=True),
    ),
    "encoder-decoder": small(encoder_layers=3, target_seq=5, positions="sinusoidal", post_norm=True, final_norm=False),
    "encoder-decoder, pre-norm": small(encoder_layers=1, target_seq=5, kv_heads=2),
}  # fmt: skip


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS.keys())
def test_every_variant_runs_on_cpu_and_has_the_same_shapes_on_meta(settings: Settings) -> None:
    meta = dataclasses.replace(settings, device="meta", dtype="bfloat16")
    real, ghost = (build(s)(*inputs(s)[0]) for s in (settings, meta))
    assert real.shape == ghost.shape == (1, settings.n_target_tokens if settings.encoder_layers else 7, 50)
    assert real.isfinite().all()
    assert ghost.is_meta and ghost.dtype == torch.bfloat16


@pytest.mark.parametrize("name", [name for name in VARIANTS if "encoder" not in name])
def test_no_token_sees_the_future(name: str) -> None:
    settings = VARIANTS[name]
    model, (args, _) = build(settings), inputs(settings)
    changed = args[0].clone()
    changed[:, -1] += 1
    assert torch.allclose(model(args[0])[:, :-1], model(changed)[:, :-1], atol=1e-6)


def test_a_window_hides_what_is_further_back() -> None:
    settings = small(layers=1, positions="none", attention=Attention(window=3))
    model, (args, _) = build(settings), inputs(settings)
    changed = args[0].clone()
    changed[:, 0] += 1
    same = torch.isclose(model(args[0]), model(changed), atol=1e-7).all(dim=-1)[0]
    assert same.tolist() == [False, False, False, True, True, True, True]


def test_building_leaves_the_random_state_alone_and_repeats_itself() -> None:
    before = torch.random.get_rng_state()
    first, second = build(small()), build(small())
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_given_tokens_are_the_input_and_padding_fills_the_rest() -> None:
    settings = small(tokens=(3, 1, 4), pad=10, last_row=True, batch=2)
    args, _ = inputs(settings)
    assert args[0].tolist() == [[3, 1, 4], [3, 1, 4]]
    assert build(settings)(*args).shape == (2, 50)


def test_the_last_row_is_the_last_token_and_not_its_padding() -> None:
    settings = small(tokens=(3, 1, 4), pad=10)
    whole, args = build(settings), inputs(settings)[0]
    last = build(dataclasses.replace(settings, last_row=True))
    assert torch.allclose(whole(*args)[:, 2], last(*args), atol=1e-6)


def test_active_parameters_leave_out_the_experts_that_a_token_does_not_use() -> None:
    settings = small(activation="swiglu", experts=Experts(8, 2, 16, first_dense=1))
    model = build(settings)
    one_expert = 3 * 32 * 16
    assert active_parameters(model) == sum(p.numel() for p in model.parameters()) - 6 * one_expert
