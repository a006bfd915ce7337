"""The same attention in every spelling is the same steps."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.outlining.attentions import (
    GROUPED,
    ORDERS,
    SPELLINGS,
    Attends,
    Fused,
    exp_over_sum_masked,
    heads_in_a_loop,
    sigmoid,
)
from tests.outlining.reading import products, read, step, titles

KEYS_FIRST = ("einsum_keys_first", "keys_times_queries")


def attention(queries: int = 5, keys: int = 5, kv_heads: int = 4) -> list[tuple[str, str, int]]:
    return [
        ("Query", f"[{queries},24]×[24,6]→[{queries},6]", 4),
        ("Key", f"[{keys},24]×[24,6]→[{keys},6]", kv_heads),
        ("Value", f"[{keys},24]×[24,6]→[{keys},6]", kv_heads),
        ("Scores", f"[{queries},6]×[6,{keys}]→[{queries},{keys}]", 4),
        ("Weighted sum", f"[{queries},{keys}]×[{keys},6]→[{queries},6]", 4),
        ("Output", f"[{queries},24]×[24,24]→[{queries},24]", 1),
    ]


def x(batch: int = 1, seq: int = 5) -> torch.Tensor:
    return torch.ones(batch, seq, 24)


@pytest.mark.parametrize("combine", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_spelling_is_the_same_six_products(combine: Callable[..., Any]) -> None:
    found = read(Attends(combine), x())
    expected = attention()
    if combine.__name__ in KEYS_FIRST and titles(found)[0] == "Key":  # T = S: which is which is told by the order
        expected[:2] = expected[1::-1]
    assert sorted(products(found)) == sorted(expected)
    assert [t for t in titles(found) if t in ("Softmax", "Concat heads")] == ["Softmax", "Concat heads"]


@pytest.mark.parametrize("combine", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_queries_and_keys_are_told_apart_in_cross_attention(combine: Callable[..., Any]) -> None:
    if combine.__name__ == "added_mask":
        pytest.skip("its mask is square")
    found = read(Attends(combine), x(), x(seq=7))
    assert sorted(products(found)) == sorted(attention(5, 7))
    by_title = {s.title: s for s in found.steps()}
    assert by_title["Query"].operands[0].source == "x" and by_title["Key"].operands[0].source == "context"
    assert [o.name for o in by_title["Scores"].operands] == ["Q", "K"]


@pytest.mark.parametrize("combine", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_spelling_keeps_a_batch_apart(combine: Callable[..., Any]) -> None:
    found = read(Attends(combine), x(3))
    assert step(found, "Scores").results[0].stack_axes == (3, 4)
    assert step(found, "Query").equation == "[3,5,24]×[24,6]→[3,5,6]"


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("combine", GROUPED.values(), ids=GROUPED.keys())
def test_key_heads_are_counted_as_key_heads(combine: Callable[..., Any], kv_heads: int) -> None:
    found = read(Attends(combine, kv_heads), x())
    assert products(found) == attention(kv_heads=kv_heads)
    assert [o.stack for o in step(found, "Scores").operands] == [4, kv_heads]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("batch", [1, 2])
def test_a_fused_projection_is_told_apart_in_any_order(order: str, batch: int) -> None:
    found = read(Fused(order), x(batch))
    rows = "[5," if batch == 1 else "[2,5,"
    projections = [p for p in products(found) if p[0] in ("Query", "Key", "Value")]
    assert projections == [(title, f"{rows}24]×[24,6]→{rows}6]", 4) for title in ("Query", "Key", "Value")]
    assert [step(found, title).parameters for title in ("Query", "Key", "Value")] == [600, 600, 600]


def test_heads_cut_out_in_a_loop_are_heads() -> None:
    assert products(read(Attends(heads_in_a_loop), x())) == attention()


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("batch", [1, 2])
def test_torch_s_multi_head_attention_is_the_same(batch_first: bool, batch: int) -> None:
    model = nn.MultiheadAttention(24, 4, batch_first=batch_first)
    value = x(batch) if batch_first else x(batch).transpose(0, 1)
    found = read(model, value, value, value, need_weights=False)
    assert [title for title, _, _ in products(found)] == [title for title, _, _ in attention()]
    assert step(found, "Scores").equation == "[5,6]×[6,5]→[5,5]"
    assert step(found, "Scores").results[0].stack == 4 * batch
    assert step(found, "Output").path == "out_proj"


def test_cross_attention_shares_one_parameter_fairly() -> None:
    model = nn.MultiheadAttention(24, 4, batch_first=True)
    found = read(model, x(), x(seq=7), x(seq=7), need_weights=False)
    assert products(found) == attention(5, 7)
    assert [step(found, title).parameters for title in ("Query", "Key", "Value")] == [600, 600, 600]
    assert not any(s.tied_to for s in found.steps())


class FewNumbers(nn.Module):
    """One matrix for queries, keys and values, scattered from eight numbers: they do not divide by three."""

    def __init__(self) -> None:
        super().__init__()
        self.few = nn.Parameter(torch.ones(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = torch.zeros(72 * 24).index_put((torch.arange(8) * 5,), self.few).view(72, 24)
        q, k, v = (part.unflatten(-1, (4, 6)).transpose(1, 2) for part in F.linear(x, weight).split(24, dim=-1))
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def test_parts_of_a_parameter_add_up_to_all_of_it() -> None:
    found = read(FewNumbers(), x())
    steps = [step(found, title) for title in ("Query", "Key", "Value")]
    assert [each.parameters for each in steps] == [2, 3, 3]
    assert sum(each.weight_bytes for each in steps) == 8 * 4


def test_a_mask_that_is_a_factor_of_the_exponentials_is_part_of_the_softmax() -> None:
    found = read(Attends(exp_over_sum_masked), x())
    assert sorted(products(found)) == sorted(attention())
    assert step(found, "Scores").results[0].pattern == "causal"


def test_attention_with_a_sigmoid_says_so() -> None:
    found = read(Attends(sigmoid), x())
    assert sorted(products(found)) == sorted(attention())
    assert step(found, "Sigmoid").results[0].name == "A"


def test_products_of_data_without_an_activation_between_them_are_no_attention() -> None:
    class Linear(nn.Module):
        def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            return (q @ k.mT * 0.5) @ v

    assert titles(read(Linear(), x(), x(), x())) == ["Product", "Scale", "Product"]


def test_the_steps_inside_a_fused_call_say_what_made_their_operands() -> None:
    found = read(Attends(SPELLINGS["fused"]), x())
    scores, softmax, weighted = (step(found, title) for title in ("Scores", "Softmax", "Weighted sum"))
    assert softmax.operands[0].made_by == scores.id and weighted.operands[0].made_by == softmax.id


def test_the_two_sequences_of_cross_attention_have_names_of_their_own() -> None:
    found = read(Attends(SPELLINGS["matmul"]), x(), x(seq=7))
    by_title = {s.title: s.operands[0].name for s in found.steps() if s.title in ("Query", "Key", "Value")}
    assert by_title == {"Query": "X_A", "Key": "X_B", "Value": "X_B"}


def test_what_an_encoder_hands_to_the_decoder_is_c() -> None:
    model = torch.nn.Transformer(24, 4, 2, 2, 40, batch_first=True)
    found = read(model, x(), x(seq=7))
    cross = [s for s in found.steps() if s.title in ("Key", "Value") and s.operands[0].shape == (5, 24)]
    assert [s.operands[0].name for s in cross][-2:] == ["C", "C"]


def test_blocks_of_an_encoder_and_of_a_decoder_are_called_so() -> None:
    found = read(torch.nn.Transformer(24, 4, 2, 3, 40, batch_first=True), x(), x(seq=7))
    blocks = {s.title: s.repeat for s in found.root.sections() if s.kind == "block" and s.title.endswith("block")}
    assert blocks == {"Encoder block": 2, "Decoder block": 3}
    alone = read(torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(24, 4, 40, batch_first=True), 2), x())
    assert "Encoder block" not in [s.title for s in alone.root.sections()]
