"""FLOPs against torch's own counter, on meta, where attention is not one kernel."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from shapetrace.capture import capture
from shapetrace.models.building import build, inputs
from shapetrace.models.settings import Attention, Experts, Latent, Settings
from shapetrace.outlining import outline
from tests.ops.chains import Runs, facts_of

SMALL = {"layers": 2, "d_model": 32, "heads": 4, "vocab": 50, "seq": 7, "context": 16, "device": "meta"}

MODELS = {
    "gpt2": Settings(**SMALL),
    "llama": Settings(**SMALL, positions="rope", norm="rmsnorm", activation="swiglu", bias=False, kv_heads=2,
                      attention=Attention(projections="separate", qk_norm=True)),
    "per head": Settings(**SMALL, attention=Attention(projections="per-head", qkv_bias=False)),
    "latent": Settings(**SMALL, positions="rope", attention=Attention(latent=Latent(8, 6, 4, 5, q_lora_rank=12))),
    "experts": Settings(**SMALL, activation="swiglu", experts=Experts(8, 2, 16, shared=1, first_dense=1)),
    "encoder-decoder": Settings(**SMALL, encoder_layers=3, target_seq=5, positions="sinusoidal"),
}  # fmt: skip


def counted(run: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


@pytest.mark.parametrize("name", MODELS)
def test_models_have_the_flops_that_torch_counts(name: str) -> None:
    model, (args, kwargs) = build(MODELS[name]), inputs(MODELS[name])
    found = outline(capture(model, args, kwargs)).totals
    assert found.flops == found.matmul_flops == counted(lambda: model(*args, **kwargs))


def meta(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


OPERATIONS: dict[str, tuple[Callable[..., Any], list[Tensor]]] = {
    "linear": (F.linear, [meta(2, 3, 4), meta(5, 4), meta(5)]),
    "matrix times vector": (torch.matmul, [meta(3, 4), meta(4)]),
    "vector times vector": (torch.matmul, [meta(4), meta(4)]),
    "vector times matrix": (torch.matmul, [meta(4), meta(4, 5)]),
    "broadcast": (torch.matmul, [meta(2, 1, 3, 4), meta(5, 4, 6)]),
    "bmm": (torch.bmm, [meta(2, 3, 4), meta(2, 4, 5)]),
    "addbmm": (torch.addbmm, [meta(3, 5), meta(2, 3, 4), meta(2, 4, 5)]),
    "baddbmm": (torch.baddbmm, [meta(2, 3, 5), meta(2, 3, 4), meta(2, 4, 5)]),
    "addmm": (torch.addmm, [meta(3, 5), meta(3, 4), meta(4, 5)]),
    "attention": (F.scaled_dot_product_attention, [meta(2, 3, 5, 4), meta(2, 3, 6, 4), meta(2, 3, 6, 7)]),
    "einsum": (lambda a, b: torch.einsum("bqhd,bkhd->bhqk", a, b), [meta(2, 3, 4, 5), meta(2, 6, 4, 5)]),
    "multi_dot": (lambda *m: torch.linalg.multi_dot(m), [meta(3, 4), meta(4, 5), meta(5, 6)]),
    "conv1d": (F.conv1d, [meta(2, 3, 8), meta(4, 3, 3), meta(4)]),
    "conv2d in groups": (lambda x, w: F.conv2d(x, w, groups=2, stride=2), [meta(2, 4, 8, 8), meta(6, 2, 3, 3)]),
    "conv_transpose1d": (F.conv_transpose1d, [meta(2, 3, 8), meta(3, 4, 3)]),
    "conv_transpose2d": (lambda x, w: F.conv_transpose2d(x, w, stride=2), [meta(1, 3, 4, 4), meta(3, 4, 2, 2)]),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_have_the_flops_that_torch_counts(name: str) -> None:
    function, operands = OPERATIONS[name]
    found = sum(product.flops for product in facts_of(function, *operands).products)
    expected = counted(lambda: function(*operands))
    if name == "addbmm":  # torch counts it as nothing
        expected = counted(lambda: torch.bmm(*operands[1:]))
    if "vector" in name:  # torch counts no dot and no mv
        expected = 2 * operands[0].numel() * (operands[1].size(-1) if operands[1].dim() > 1 else 1)
    assert found == expected > 0


sizes = st.integers(1, 5)


@settings(max_examples=60)
@given(st.lists(sizes, max_size=3), sizes, sizes, sizes, st.data())
def test_any_matmul_is_two_operations_a_multiplication(
    batch: list[int], m: int, k: int, n: int, data: st.DataObject
) -> None:
    left = [1 if data.draw(st.booleans()) else size for size in batch]
    right = [1 if data.draw(st.booleans()) else size for size in batch]
    stack = torch.broadcast_shapes(left, right).numel()
    facts = facts_of(torch.matmul, meta(*left, m, k), meta(*right, k, n))
    assert sum(product.flops for product in facts.products) == 2 * stack * m * k * n
    for product in facts.products:
        atoms = facts.atoms
        rows = atoms.size(product.m) * atoms.size(tuple(leaf for axis in product.batch for leaf in axis))
        assert (atoms.size(product.k), product.flops) == (k, 2 * rows * k * atoms.size(product.n))


def test_fused_attention_on_cpu_counts_what_meta_counts() -> None:
    q, k, v = torch.ones(2, 4, 5, 6), torch.ones(2, 2, 7, 6), torch.ones(2, 2, 7, 6)
    model = Runs(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True))
    found = outline(capture(model, (q, k, v))).totals.matmul_flops
    assert found == 2 * 2 * 4 * 5 * 7 * 6 * 2
    assert outline(capture(model, tuple(x.to("meta") for x in (q, k, v)))).totals.matmul_flops == found


def test_a_causal_mask_is_not_discounted() -> None:
    q = meta(1, 2, 8, 4)
    masked, bare = (
        facts_of(lambda q, c=c: F.scaled_dot_product_attention(q, q, q, is_causal=c), q) for c in (True, False)
    )
    assert sum(p.flops for p in masked.products) == sum(p.flops for p in bare.products)


def test_what_is_not_counted_is_listed() -> None:
    found = outline(capture(nn.Sequential(nn.Linear(4, 4), nn.GELU()), (torch.ones(2, 4),)))
    assert found.totals.uncounted == {"gelu": 1}
    bilinear = outline(capture(Runs(F.bilinear), (torch.ones(3, 4), torch.ones(3, 5), torch.ones(6, 4, 5))))
    assert bilinear.totals.uncounted == {"bilinear": 1} and bilinear.totals.flops == 0
