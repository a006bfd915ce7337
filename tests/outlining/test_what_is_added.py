"""What is added to scores, hidden in them and mixed, however it is written; learned rows, positions and targets."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.outlining.reading import read, step, titles

N = 8
HERE = torch.arange(N)
AFTER = HERE[:, None] < HERE
HIDDEN = torch.zeros(N, N).masked_fill(AFTER, -torch.inf)
SLOPES = torch.tensor([0.5, 0.25, 0.125, 0.0625]).repeat(2)[:, None, None]

Weigh = Callable[["Attention", Tensor, Tensor], Tensor]


class Attention(nn.Module):
    """Attention whose weights are made of q and k, (B · h, T, d) each, as a test says."""

    def __init__(self, weigh: Weigh) -> None:
        super().__init__()
        self.qkv, self.out, self.table, self.weigh = nn.Linear(32, 96), nn.Linear(32, 32), nn.Embedding(15, 4), weigh
        self.before, self.after = nn.Parameter(torch.eye(4)), nn.Parameter(torch.eye(4))
        self.conv = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        b = len(x)
        q, k, v = self.qkv(x).view(b, N, 3, 4, 8).permute(2, 0, 3, 1, 4).flatten(1, 2)
        y: Tensor = self.out((self.weigh(self, q, k) @ v).view(b, 4, N, 8).transpose(1, 2).flatten(2))
        return y


def _relative(model: Attention, *, masked: bool) -> Tensor:
    bias: Tensor = model.table(HERE[:, None] - HERE + 7).permute(2, 0, 1)
    return (bias + HIDDEN if masked else bias).repeat(2, 1, 1)


WEIGHED: dict[str, tuple[Weigh, list[str]]] = {
    "hidden where true": (
        lambda _, q, k: torch.where(AFTER, -1e4, q @ k.mT * 8**-0.5).softmax(-1), ["Q Kᵀ ⁄ √8", "causal mask"]),
    "seen where true": (
        lambda _, q, k: torch.where(~AFTER, q @ k.mT * 8**-0.5, -1e4).softmax(-1), ["Q Kᵀ ⁄ √8", "causal mask"]),
    "mask inside the product": (
        lambda _, q, k: torch.baddbmm(HIDDEN, q, k.mT, alpha=8**-0.5).softmax(-1), ["Q Kᵀ ⁄ √8", "causal mask"]),
    "distances inside the product": (
        lambda _, q, k: torch.baddbmm(HIDDEN - SLOPES * (HERE[:, None] - HERE), q, k.mT, alpha=0.3).softmax(-1),
        ["Q Kᵀ · 0.3", "causal mask", "plus a bias"]),
    "not read": (lambda _, q, k: torch.baddbmm(HIDDEN, q, k.mT, beta=0, alpha=0.3).softmax(-1), ["Q Kᵀ · 0.3"]),
    "learned": (lambda m, q, k: (q @ k.mT + _relative(m, masked=False)).softmax(-1), ["plus a learned bias"]),
    "learned and hidden": (
        lambda m, q, k: (q @ k.mT + _relative(m, masked=True)).softmax(-1), ["causal mask", "plus a learned bias"]),
    "the past alone": (
        lambda _, q, k: (q @ k.mT).masked_fill(HERE[:, None] <= HERE, -1e9).softmax(-1),
        ["sees only what comes before"]),
    "itself and the future": (
        lambda _, q, k: (q @ k.mT).masked_fill(HERE[:, None] > HERE, -1e9).softmax(-1),
        ["sees itself and what comes after"]),
    "every third": (
        lambda _, q, k: (q @ k.mT).masked_fill((HERE[:, None] - HERE) % 3 != 0, -1e9).softmax(-1),
        ["one position in 3"]),
    "queries scaled": (lambda _, q, k: ((q * 0.5) @ k.mT).softmax(-1), ["Q Kᵀ · 0.5"]),
    "both scaled": (lambda _, q, k: ((q * 8**-0.25) @ (k * 8**-0.25).mT).softmax(-1), ["Q Kᵀ ⁄ √8"]),
    "scaled twice": (lambda _, q, k: ((q / 8**0.5) @ k.mT / 3).softmax(-1), ["Q Kᵀ · 0.1179"]),
    "by a whole number": (lambda _, q, k: (q @ k.mT / 4).softmax(-1), ["Q Kᵀ · 0.25"]),
    "by who knows": (lambda _, q, k: ((q / torch.tensor(3.0)) @ k.mT).softmax(-1), []),
    "capped": (
        lambda _, q, k: (50 * torch.tanh(q @ k.mT * 8**-0.5 / 50)).masked_fill(AFTER, -1e9).softmax(-1),
        ["Q Kᵀ ⁄ √8", "capped at ±50", "causal mask"]),
    "bent": (lambda _, q, k: (3 * torch.tanh(q @ k.mT / 2)).softmax(-1), ["Q Kᵀ · 0.5"]),
}  # fmt: skip


@pytest.mark.parametrize("name", WEIGHED)
def test_scores_say_what_hides_them_and_what_is_added(name: str) -> None:
    weigh, notes = WEIGHED[name]
    found = read(Attention(weigh), torch.ones(2, N, 32), all_used=False)
    assert [*map(str, step(found, "Scores").notes)] == [*notes, "per batch and head"]


MIXED: dict[str, Weigh] = {
    "products": lambda m, q, k: torch.einsum(
        "bhij,hg->bgij", torch.einsum("bhij,hg->bgij", (q @ k.mT).view(2, 4, N, N), m.before).softmax(-1), m.after),
    "products, weights first": lambda m, q, k: torch.einsum(
        "gh,bhij->bgij", m.after, torch.einsum("gh,bhij->bgij", m.before, (q @ k.mT).view(2, 4, N, N)).softmax(-1)),
    "convolutions": lambda m, q, k: m.conv(m.conv((q @ k.mT).view(2, 4, N, N)).softmax(-1)),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXED)
def test_heads_may_be_mixed_before_the_softmax_and_again_after_it(name: str) -> None:
    found = read(Attention(lambda m, q, k: MIXED[name](m, q, k).flatten(0, 1)), torch.ones(2, N, 32), all_used=False)
    assert titles(found).count("Mix heads") == 2
    assert {"Query", "Key", "Value", "Scores", "Weighted sum", "Output"} <= {*titles(found)}


def test_masks_of_multi_head_attention_that_gives_its_weights_are_read() -> None:
    layer = nn.MultiheadAttention(32, 4, batch_first=True)
    x = torch.ones(2, N, 32)
    found = read(layer, x, x, x, attn_mask=AFTER, key_padding_mask=(HERE > 5).expand(2, -1))
    assert {"causal mask", "padding hidden"} <= {*map(str, step(found, "Scores").notes)}


class Branches(nn.Module):
    """Three attentions of the same heads: all keys, blocks of them, those before."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (y.view(2, -1, 4, 8).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        blocks = [y.unflatten(2, (-1, 2)).mean(3) for y in (k, v)]
        made = [F.scaled_dot_product_attention(q, *kv, is_causal=c) for kv, c in (
            ((k, v), False), (blocks, False), ((k, v), True))]  # fmt: skip
        y: Tensor = self.out(sum(made, torch.zeros(())).transpose(1, 2).flatten(2))
        return y


class Steps(nn.Module):
    """Three steps with a cache that begins empty."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)

    def forward(self, x: Tensor) -> Tensor:
        keys = values = torch.zeros(2, 4, 0, 8)
        for _ in range(3):
            q, k, v = (y.view(2, -1, 4, 8).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
            keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)
            x = x + self.out(F.scaled_dot_product_attention(q, keys, values).transpose(1, 2).flatten(2))
        return x


@pytest.mark.parametrize(("model", "x"), [(Branches(), torch.ones(2, N, 32)), (Steps(), torch.ones(2, 1, 32))])
def test_what_several_attentions_read_is_split_once(model: nn.Module, x: Tensor) -> None:
    drawn = [op for each in read(model, x).steps() if each.title == "Split heads" for op in each.ops]
    assert len(drawn) == len({*drawn}) > 0


class Latents(nn.Module):
    """Learned rows ask, and a residual goes on from them."""

    def __init__(self) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.ones(5, 32))
        self.norm, self.q, self.kv, self.out = nn.LayerNorm(32), nn.Linear(32, 32), nn.Linear(24, 64), nn.Linear(32, 32)

    def forward(self, x: Tensor) -> Tensor:
        z = self.latents.expand(len(x), -1, -1)
        q = self.q(self.norm(z)).unflatten(-1, (4, 8)).transpose(1, 2)
        k, v = self.kv(x).unflatten(-1, (2, 4, 8)).permute(2, 0, 3, 1, 4)
        return z + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def test_queries_of_learned_rows_are_no_weights() -> None:
    found = read(Latents(), torch.ones(2, 9, 24))
    assert [operand.name for operand in step(found, "Query").operands] == ["X", "W_Q"]
    assert [operand.name for operand in step(found, "Residual").operands] == ["X", "O"]
    assert all("the same weights" not in str(note) for each in found.steps() for note in each.notes)


class Depth(nn.Module):
    """One row of a table for each time a block runs."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.block = nn.Embedding(2, 16), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        for n in range(2):
            x = x + torch.relu(self.block(x + self.depth(torch.tensor(n))))
        return x


class Scales(nn.Module):
    """Rows of a table and rows made of the time, added: shifts and scales."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.time, self.out = nn.Parameter(torch.ones(2, 16)), nn.Linear(8, 32), nn.Linear(16, 16)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        shift, scale = (self.table + self.time(time).unflatten(-1, (2, 16))).chunk(2, 1)
        y: Tensor = x + self.out(x * (1 + scale) + shift)
        return y


@pytest.mark.parametrize(("model", "more"), [(Depth(), ()), (Scales(), (torch.ones(2, 8),))])
def test_rows_that_count_no_positions_are_none(model: nn.Module, more: tuple[Tensor, ...]) -> None:
    found = read(model, torch.ones(2, 5, 16), *more)
    assert "Position" not in titles(found)
    assert "P" not in {operand.name for each in found.steps() for operand in each.operands}


class Patches(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride, self.embed = stride, nn.Linear(48, 32)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.embed(F.unfold(x, 4, stride=self.stride).transpose(1, 2))
        return y


@pytest.mark.parametrize(("stride", "windows"), [(4, 4), (2, 9)])
def test_windows_are_cut_out_whether_they_overlap_or_not(stride: int, windows: int) -> None:
    assert step(read(Patches(stride), torch.ones(2, 3, 8, 8)), "Windows").equation == f"[2,3,8,8]→[2,48,{windows}]"


def test_a_fused_call_scales_what_was_scaled_before() -> None:
    found = read(Fused(), torch.ones(2, N, 32))
    assert "Q Kᵀ · 0.07071" in map(str, step(found, "Scores").notes)  # 0.2 / √8


class Fused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(32, 96)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).view(2, N, 3, 4, 8).permute(2, 0, 3, 1, 4)
        attended: Tensor = F.scaled_dot_product_attention(q * 0.2, k, v)
        return attended
