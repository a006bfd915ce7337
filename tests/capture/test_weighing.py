"""Weights of attention that were really computed: kept as the product with the values met them."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import shapetrace
from shapetrace.outlining.roles import Part

T, C, HEADS = 5, 48, 3


def matmul(q, k, v, mask):
    return ((q @ k.mT) / 4).masked_fill(mask, -torch.inf).softmax(-1) @ v


def einsum(q, k, v, mask):
    a = (torch.einsum("bhqd,bhkd->bhqk", q, k) / 4).masked_fill(mask, -torch.inf).softmax(-1)
    return torch.einsum("bhqk,bhkd->bhqd", a, v)


def einsum_values_first(q, k, v, mask):
    a = (torch.einsum("bhqd,bhkd->bhqk", q, k) / 4).masked_fill(mask, -torch.inf).softmax(-1)
    return torch.einsum("bhkd,bhqk->bhqd", v, a)


def keys_first(q, k, v, mask):
    a = ((k @ q.mT) / 4).masked_fill(mask.mT, -torch.inf).softmax(-2)
    return (v.mT @ a).mT


def bmm(q, k, v, mask):
    q, k, v = (each.flatten(0, 1) for each in (q, k, v))
    a = torch.bmm(q, k.mT).div(4).masked_fill(mask, -torch.inf).softmax(-1)
    return torch.bmm(a, v).unflatten(0, (-1, HEADS))


def fused(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def fused_with_mask(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=~mask)


def fused_with_numbers(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, torch.zeros(T, T).masked_fill(mask, -torch.inf), 0.0, scale=0.25)


def fused_with_groups(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k[:, :1], v[:, :1], is_causal=True, enable_gqa=True)


WAYS = [matmul, einsum, einsum_values_first, keys_first, bmm]
FUSED = [fused, fused_with_mask, fused_with_numbers, fused_with_groups]


class Attention(nn.Module):
    """Causal attention of three heads, written in one of many ways."""

    def __init__(self, way):
        super().__init__()
        self.way, self.qkv, self.out = way, nn.Linear(C, 3 * C), nn.Linear(C, C)

    def heads(self, x):
        return [part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1)]

    def forward(self, x):
        mask = torch.ones(T, T, dtype=torch.bool).triu(1)
        return self.out(self.way(*self.heads(x), mask).transpose(1, 2).flatten(2))


def weighed(trace):
    """All weights that an outline shows: of the softmax's result, and where they meet the values."""
    operands = (each for step in trace.outline().steps() for each in (*step.operands, *step.results))
    return [each.weighed for each in operands if each.part == Part.ATTENTION_WEIGHTS]


def expected(model, x):
    q, k, _ = (part[0, 0] for part in model.heads(x))
    return (q @ k.T / 4).masked_fill(torch.ones(T, T, dtype=torch.bool).triu(1), -torch.inf).softmax(-1)


@pytest.mark.parametrize("n_examples", [1, 2])
@pytest.mark.parametrize("way", WAYS + FUSED, ids=lambda way: way.__name__)
def test_they_are_those_of_the_first_head_however_attention_is_written(way, n_examples):
    torch.manual_seed(0)
    model, x = Attention(way), torch.randn(n_examples, T, C)
    before = model(x)
    found = weighed(trace := shapetrace.trace(model, x))
    assert len(found) == 2
    for each in found:
        torch.testing.assert_close(torch.tensor(each), expected(model, x).detach(), atol=6e-4, rtol=0)
    assert torch.equal(model(x), before)
    assert all(round(number, 3) == number for each in trace.weighed for row in each.rows for number in row)


def test_those_of_a_module_of_pytorch_are_kept_too():
    torch.manual_seed(0)
    model, x = nn.MultiheadAttention(C, HEADS, batch_first=True).eval(), torch.randn(2, T, C)
    weights = model(x, x, x, need_weights=True, average_attn_weights=False)[1]
    found = weighed(shapetrace.trace(model, x, x, x, need_weights=False))
    torch.testing.assert_close(torch.tensor(found[-1]), weights[0, 0].detach(), atol=6e-4, rtol=0)


def test_what_dropout_took_from_a_fused_call_is_known_to_nobody():
    def dropping(q, k, v, mask):
        return F.scaled_dot_product_attention(q, k, v, dropout_p=0.5)

    torch.manual_seed(0)
    assert not any(weighed(shapetrace.trace(Attention(dropping), torch.randn(1, T, C))))


@pytest.mark.parametrize("way", [matmul, fused], ids=lambda way: way.__name__)
def test_on_meta_there_are_none(way):
    with torch.device("meta"):
        model, x = Attention(way), torch.randn(1, T, C)
    assert not shapetrace.trace(model, x).weighed


def test_more_rows_than_a_figure_shows_one_by_one_are_not_kept():
    def both(q, k, v, mask):
        return F.scaled_dot_product_attention(q, k, v) + (q @ k.mT).softmax(-1) @ v

    assert len(shapetrace.trace(Attention(both), torch.randn(1, 16, C)).weighed) == 2
    assert not shapetrace.trace(Attention(both), torch.randn(1, 17, C)).weighed


def test_numbers_that_are_no_shares_are_not_kept():
    def unbounded(q, k, v, mask):
        return F.relu(q @ k.mT).square() @ v

    torch.manual_seed(0)
    model = Attention(unbounded)
    assert not any(weighed(shapetrace.trace(model, 9 * torch.randn(1, T, C))))


def test_they_outlive_a_file(tmp_path):
    trace = shapetrace.trace(Attention(matmul), torch.randn(1, T, C))
    trace.save(tmp_path / "t.json")
    again = shapetrace.load(tmp_path / "t.json")
    assert again.weighed == trace.weighed != ()
    assert weighed(again) == weighed(trace)


@pytest.mark.parametrize(
    ("old", "new"), [('"by":"left"', '"by":"right"'), ('"rows":[[', '"rows":[[2,'), ('"result":', '"result":9')]
)
def test_a_file_whose_weights_do_not_fit_is_refused(tmp_path, old, new):
    (path := tmp_path / "t.json").write_bytes(b"")
    shapetrace.trace(Attention(matmul), torch.randn(1, T, C)).save(path)
    text = path.read_text()
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(shapetrace.UsageError, match="do not fit"):
        shapetrace.load(path)


def test_behind_dropout_nothing_is_kept_and_in_eval_mode_it_is():
    model = nn.Sequential(nn.Dropout(0.1), Attention(fused), Attention(matmul))
    x = torch.randn(1, T, C)
    assert not shapetrace.trace(model.train(), x).weighed
    assert len(shapetrace.trace(model.eval(), x).weighed) == 2
