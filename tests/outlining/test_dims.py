"""Names of sizes follow from what an operand is, and are never given to a size that is something else."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from shapetrace.models.building import build
from shapetrace.models.settings import Attention, Experts, Latent, Settings
from shapetrace.models.toys import CrossWords
from shapetrace.outlining.structure import Outline
from tests.outlining.reading import read

SMALL = Settings(layers=1, d_model=48, heads=4, d_ff=80, vocab=100, seq=10, context=16, device="cpu")


def dims(found: Outline) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    return {s.title: [(o.name, o.dims) for o in (*s.operands, *s.results)] for s in found.steps()}


def of(settings: Settings, **how: bool) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    return dims(read(build(settings), torch.zeros(settings.batch, settings.seq, dtype=torch.long), **how))


def test_every_size_of_a_plain_block_has_its_name() -> None:
    found = of(SMALL)
    assert found["Query"] == [
        ("X̂_0", ("T", "d_model")), ("W_Q", ("d_model", "d_head")), ("Q", ("T", "d_head")),
    ]  # fmt: skip
    assert found["Scores"][1:] == [("K", ("d_head", "T")), ("S", ("T", "T"))]
    assert found["Concat heads"][1] == ("Z", ("T", "h·d_head"))
    assert found["Output"][1] == ("W_O", ("h·d_head", "d_model"))
    assert found["Shrink"][1] == ("W_2", ("d_ff", "d_model"))
    assert found["Unembedding"][1] == ("E", ("d_model", "vocab"))


def test_all_heads_in_one_product_are_not_one_head() -> None:
    separate = replace(SMALL, attention=Attention(projections="separate"))
    assert of(separate, fused=True)["Query"][1:] == [("W_Q", ("d_model", "h·d_head")), ("Q", ("T", "h·d_head"))]


def test_a_batch_is_b() -> None:
    found = of(replace(SMALL, batch=3))
    assert found["Query"][0] == ("X̂_0", ("B", "T", "d_model"))


def test_ranks_of_latents_are_no_d_model() -> None:
    latent = Latent(kv_lora_rank=16, qk_nope_head_dim=12, qk_rope_head_dim=4, v_head_dim=12, q_lora_rank=24)
    attention = Attention(projections="separate", latent=latent)
    found = of(replace(SMALL, attention=attention, positions="rope", bias=False, norm="rmsnorm"))
    assert found["Compress"][1:] == [("W_DKV", ("d_model", "")), ("C_KV", ("T", ""))]
    assert found["Key"][1] == ("W_K", ("", "d_head"))


def test_rows_of_experts_are_no_positions() -> None:
    found = of(replace(SMALL, experts=Experts(4, 2, 24), activation="swiglu", bias=False))
    assert found["Router"][1] == ("W_R", ("d_model", "experts"))
    assert found["Down"][1:] == [("W_down", ("d_ff", "d_model")), ("M", ("", "d_model"))]


@pytest.mark.parametrize(("queries", "keys"), [(6, 9), (7, 7)])
def test_keys_of_another_sequence_are_counted_by_s(queries: int, keys: int) -> None:
    found = dims(read(CrossWords(), torch.zeros(queries, 4), torch.zeros(keys, 4)))
    assert found["Key"] == [("X_B", ("S", "d_model")), ("W_K", ("d_model", "d_head")), ("K", ("S", "d_head"))]
    assert found["Scores"][-1] == ("S", ("T", "S"))


def test_the_length_of_a_signal_is_no_d_model() -> None:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    convolutions = nn.Conv1d(8, 16, 3, padding=1), nn.ReLU(), nn.Conv1d(16, 16, 3, 2, 1)
    found = read(nn.Sequential(*convolutions, Turned(), layer), torch.randn(1, 8, 30))
    named = {operand.shape: operand.dims for step in found.steps() for operand in (*step.operands, *step.results)}
    assert not any(name for shape in ((8, 30), (16, 30), (16, 15)) for name in named[shape])
    assert named[15, 16] == ("T", "d_model")


class Turned(nn.Module):
    """Channels last."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mT
