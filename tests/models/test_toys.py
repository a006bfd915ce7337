"""Toys and the parts of the reference model against naive oracles on CPU."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.errors import UsageError
from shapetrace.models.attention import SelfAttention, repeat_heads
from shapetrace.models.building import build, inputs
from shapetrace.models.experts import MoE
from shapetrace.models.nsa import NativeSparseAttention
from shapetrace.models.positions import causal_mask, sinusoids
from shapetrace.models.settings import Experts, Settings
from shapetrace.models.toys import TOYS
from shapetrace.obtaining import obtain
from shapetrace.request import Request

SHAPES = {
    "matmul": (4, 5), "single-head": (1, 8, 16), "six-words": (6, 4), "cross-words": (6, 4), "mha": (1, 128, 512),
    "gqa": (1, 128, 512), "mqa": (1, 128, 512), "mla": (1, 128, 512), "nsa": (1, 64, 64),
}  # fmt: skip


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_every_toy_runs_with_its_own_inputs(name: str, device: str) -> None:
    with torch.device(device):
        toy = TOYS[name]()
    out = toy(*toy.example_inputs())
    assert tuple(out.shape) == SHAPES[name]
    assert out.is_meta or out.isfinite().all()


def test_a_toy_is_traced_by_its_name() -> None:
    said: list[str] = []
    trace = obtain(Request(model="toy:cross-words"), said.append)
    assert (trace.model.name, trace.model.device, said) == ("toy:cross-words", "meta", [])
    assert [trace.tensors[value].shape for value in trace.inputs] == [(6, 4), (9, 4)]


def test_an_unknown_toy_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="'cross-attention': did you mean cross-words"):
        obtain(Request(model="toy:cross-attention"), print)


def test_a_single_head_is_scaled_dot_product_attention() -> None:
    toy, x = TOYS["single-head"](), torch.randn(1, 8, 16)
    q, k, v = toy.head.query(x), toy.head.key(x), toy.head.value(x)
    assert torch.allclose(toy(x), F.scaled_dot_product_attention(q, k, v, is_causal=True), atol=1e-6)


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_grouped_attention_is_scaled_dot_product_attention(kv_heads: int) -> None:
    attn, x = SelfAttention(Settings(d_model=32, heads=4, kv_heads=kv_heads)), torch.randn(2, 7, 32)
    q, k, v = (part.view(2, 7, -1, 8).transpose(1, 2) for part in attn.project(x))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    expected = attn.c_proj(y.transpose(1, 2).reshape(2, 7, 32))
    assert torch.allclose(attn(x, causal_mask(7, 7, None, x.device)), expected, atol=1e-6)


def test_repeated_heads_stand_beside_their_original() -> None:
    x = torch.arange(2.0).view(1, 2, 1, 1)
    assert repeat_heads(x, 3).flatten().tolist() == [0, 0, 0, 1, 1, 1]


def naive_experts(moe: MoE, x: Tensor) -> Tensor:
    """One token and one expert at a time."""
    chosen, weights = moe.gate(x)
    out = torch.zeros_like(x)
    for t in range(x.size(0)):
        for e, w in zip(chosen[t], weights[t], strict=True):
            gate, up = (x[t] @ moe.experts.gate_up_proj[e]).chunk(2)
            out[t] += w * ((F.silu(gate) * up) @ moe.experts.down_proj[e])
    return out if moe.shared_experts is None else out + moe.shared_experts(x)


@pytest.mark.parametrize("shared", [0, 2])
def test_experts_are_those_of_a_naive_loop(shared: int) -> None:
    experts = Experts(8, 3, 12, shared=shared)
    moe = MoE(Settings(d_model=16, heads=2, activation="swiglu"), experts)
    for weight in moe.parameters():
        nn.init.normal_(weight)
    x = torch.randn(2, 5, 16)
    assert torch.allclose(moe(x).view(10, 16), naive_experts(moe, x.view(10, 16)), atol=1e-4)


def test_a_token_meets_exactly_k_experts() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    settings = Settings(
        layers=1, d_model=16, heads=2, vocab=32, seq=6, activation="swiglu", bias=False, experts=Experts(8, 3, 12)
    )
    model, (args, _) = build(settings), inputs(settings)
    with FlopCounterMode(display=False) as counter:
        model.h[0].mlp.experts(*(torch.empty(shape, device="meta", dtype=dtype) for shape, dtype in (
            ((6, 16), torch.float32), ((6, 3), torch.int64), ((6, 3), torch.float32),
        )))  # fmt: skip
    assert counter.get_total_flops() == 2 * 6 * 3 * (16 * 24 + 12 * 16)
    assert model(*args).shape == (1, 6, 32)


def test_the_encoder_and_decoder_are_those_of_torch() -> None:
    settings = Settings(
        layers=1, encoder_layers=1, d_model=16, heads=2, d_ff=24, vocab=20, seq=6, target_seq=4, context=None,
        positions="sinusoidal", activation="relu", post_norm=True, final_norm=False, device="cpu",
    )  # fmt: skip
    ours = build(settings)
    for weight in ours.parameters():
        nn.init.normal_(weight, std=0.3)
    kind = {"d_model": 16, "nhead": 2, "dim_feedforward": 24, "dropout": 0.0, "batch_first": True}
    encoder, decoder = nn.TransformerEncoderLayer(**kind), nn.TransformerDecoderLayer(**kind)
    copy_layer(ours.encoder[0], encoder)
    copy_layer(ours.decoder[0], decoder)
    source, target = inputs(settings)[0]
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    context = encoder(ours.embed(source))
    expected = ours.lm_head(decoder(ours.embed(target), context, tgt_mask=mask, tgt_is_causal=True))
    assert torch.allclose(ours(source, target), expected, atol=1e-4)


def copy_layer(ours: nn.Module, torchs: nn.Module) -> None:
    """Give torch's layer the weights of ours."""
    names = {"linear1": "mlp.c_fc", "linear2": "mlp.c_proj", "norm1": "ln_1", "norm2": "ln_2", "norm3": "ln_3"}
    names |= {"self_attn.in_proj_": "attn.c_attn.", "self_attn.out_proj": "attn.c_proj"}
    mine = dict(ours.named_parameters())
    for part in ("weight", "bias"):
        qkv = [mine.get(f"cross_attn.{letter}_proj.{part}") for letter in "qkv"]
        if qkv[0] is not None:
            mine[f"multihead_attn.in_proj_{part}"] = torch.cat(qkv)
            mine[f"multihead_attn.out_proj.{part}"] = mine[f"cross_attn.o_proj.{part}"]
    for their_name, weight in torchs.named_parameters():
        old, new = next((pair for pair in names.items() if pair[0] in their_name), ("", ""))
        weight.data.copy_(mine[their_name.replace(old, new)])


def test_sinusoids_are_those_of_the_paper() -> None:
    table = sinusoids(10, 8, like=torch.zeros(1))
    assert table[3, 4].item() == pytest.approx(math.sin(3 / 10000 ** (4 / 8)), abs=1e-6)
    assert table[3, 5].item() == pytest.approx(math.cos(3 / 10000 ** (4 / 8)), abs=1e-6)


def test_sparse_attention_sees_no_future() -> None:
    nsa = NativeSparseAttention()
    x = torch.randn(1, 64, 64)
    changed = x.clone()
    changed[:, 40:] = 0
    assert torch.allclose(nsa(x)[:, :40], nsa(changed)[:, :40], atol=1e-5)


def test_selecting_every_block_is_full_attention() -> None:
    nsa = NativeSparseAttention(chosen=8)
    x = torch.randn(1, 64, 64)
    q = nsa.q_proj(x).view(1, 64, 4, 16).transpose(1, 2)
    k, v = nsa.selected.kv(x)
    full = F.scaled_dot_product_attention(q, repeat_heads(k, 4), repeat_heads(v, 4), is_causal=True)
    assert torch.allclose(nsa.selected(x, q, torch.rand(1, 4, 64, 8)), full, atol=1e-5)
