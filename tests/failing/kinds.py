# ruff: noqa: ARG005 - a forward takes what it is given
"""Failures of which a near mend does not run, or runs and means something else: what must be said of each."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tests.failing.models import Fails, R, fails, of

sdpa = F.scaled_dot_product_attention


def heads(x: torch.Tensor, n: int = 4) -> torch.Tensor:
    return x.view(*x.shape[:-1], n, -1).transpose(1, 2)


def two_axes() -> dict[str, Fails]:
    conv, skip = nn.Conv2d(4, 8, 3, 2, 1), nn.Conv2d(4, 8, 1)
    pooled = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(4, 8, 1))
    image = R(2, 4, 15, 15)

    def both(s: Any, x: Any, *_: Any) -> Any:
        return s.a(x) + s.b(x)

    return {
        "a pooled shortcut of odd sides": fails(
            of(both, image, a=conv, b=pooled), "shape", "8 ≠ 7", "axes 2, 3", "b.0 with ceil_mode=True: [2,8,8,8]"
        ),
        "a shortcut without the stride": fails(
            of(both, image, a=conv, b=skip), "shape", "8 ≠ 15", "axes 2, 3", "b with stride=2: [2,8,8,8]"
        ),
        "a convolution without padding": fails(
            of(lambda s, x, *_: x + s.b(s.a(x)), R(2, 4, 9, 7), a=nn.Conv2d(4, 4, 3, padding=1), b=nn.Conv2d(4, 4, 3)),
            "shape", "9 ≠ 7, 7 ≠ 5", "b with padding=1: [2,4,9,7]",
        ),
        "a sequence that is pooled on one side": fails(
            of(both, R(2, 4, 15), a=nn.Conv1d(4, 8, 3, 2, 1), b=nn.Sequential(nn.MaxPool1d(2), nn.Conv1d(4, 8, 1))),
            "shape", "8 ≠ 7", "b.0 with ceil_mode=True: [2,8,8]",
        ),
        "a product of maps of two sizes": fails(
            of(lambda s, x, *_: s.a(x) * torch.sigmoid(s.b(x)), image, a=conv, b=pooled), "shape", "8 ≠ 7",
            "axes 2, 3", "ceil_mode=True: [2,8,8,8]",
        ),
        "nothing fits both axes": fails(
            of(lambda s, x, y, _: x + y, R(2, 3, 4), R(2, 5, 6)), "shape", "3 ≠ 5, 4 ≠ 6", "axes 1, 2 of x"
        ),
    }  # fmt: skip


def products() -> dict[str, Fails]:
    q, k = nn.Linear(32, 32), nn.Linear(32, 32)
    x = R(2, 5, 32)
    return {
        "keys that are repeated along the rows": fails(
            of(
                lambda s, x, *_: heads(s.q(x), 8) @ heads(s.k(x), 2).repeat_interleave(4, 2).mT,
                R(3, 12, 64), q=nn.Linear(64, 64), k=nn.Linear(64, 16),
            ),
            "shape", "8 ≠ 2", "would fit: .repeat_interleave(4, 1) instead of .repeat_interleave(4, 2): [3,8,8,12]\n",
        ),
        "heads that are put together where they stand": fails(
            of(lambda s, x, *_: heads(s.q(x)).reshape(2, 4, 32), R(2, 16, 32), q=q), "shape", "1024 ≠ 256",
            "would fit: .transpose(1, 2).reshape(2, 16, 32) on the result of q",
        ),
        "examples that a view would mix": fails(
            of(lambda s, x, *_: s.q(x).view(2, 8, 32), R(2, 16, 32), q=q), "shape", "1024 ≠ 512",
            "would fit: [2,16,32]\n",
        ),
        "keys that are not split into heads": fails(
            of(lambda s, x, *_: heads(s.q(x)) @ s.k(x).transpose(-1, -2), x, q=q, k=k), "shape", "8 ≠ 32, 4 ≠ 2",
            ".view(2, 5, 4, -1).transpose(1, 2).transpose(-2, -1) on the result of k",
        ),
        "queries that are not split into heads": fails(
            of(lambda s, x, *_: s.q(x) @ heads(s.k(x)).transpose(-1, -2), x, q=q, k=k), "shape", "32 ≠ 8, 2 ≠ 4",
            "on the result of q, as the result of k: [2,4,5,8]",
        ),
        "values that are not split into heads": fails(
            of(lambda s, x, *_: (heads(s.q(x)) @ heads(s.q(x)).mT).softmax(-1) @ s.k(x), x, q=q, k=k), "shape",
            "4 ≠ 2", "on the result of k, as the result of q: [2,4,5,8]",
        ),
        "keys of another number of heads": fails(
            of(lambda s, x, *_: heads(s.q(x)) @ heads(s.k(x), 2).transpose(-1, -2), x, q=q, k=k), "shape",
            "8 ≠ 16, 4 ≠ 2", "[2,4,8,5]",
        ),
        "the wrong two axes of the keys": fails(
            of(lambda s, x, *_: heads(s.q(x)) @ heads(s.k(x)).transpose(1, 2), x, q=q, k=k), "shape", "8 ≠ 4, 4 ≠ 5",
            ".transpose(-2, -1) instead of .transpose(1, 2): [2,4,8,5]",
        ),
        "batches that differ under equal inner sizes": fails(
            of(lambda s, x, y, _: x @ y.transpose(-1, -2), R(2, 4, 5, 8), R(3, 4, 5, 8)), "shape", "2 ≠ 3"
        ),
        "batches that differ and inner sizes too": fails(
            of(lambda s, x, y, _: torch.bmm(x, y), R(2, 5, 8), R(3, 6, 8)), "shape", "8 ≠ 6, 2 ≠ 3"
        ),
    }  # fmt: skip


def joins() -> dict[str, Fails]:
    d = 24
    token = nn.Embedding(1, d)
    patches = R(2, 16, d)

    class Tokens(nn.Module):
        def __init__(self, *shapes: tuple[int, ...], join: Callable[..., Any] = torch.cat) -> None:
            super().__init__()
            self.join = join
            self.tokens = nn.ParameterList([nn.Parameter(torch.zeros(shape)) for shape in shapes])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.join([*self.tokens, x], 1)

    return {
        "a class token": fails((Tokens((1, 1, d)), (patches,)), "shape", "1 ≠ 2", "tokens.0.expand(2, -1, -1)"),
        "two tokens": fails(
            (Tokens((1, 1, d), (1, 1, d)), (patches,)), "shape", "1 ≠ 2",
            "tokens.0.expand(2, -1, -1) and tokens.1.expand(2, -1, -1)",
        ),
        "a token of one axis": fails((Tokens((d,)), (patches,)), "shape", "1 ≠ 3 axes", "tokens.0.expand(2, 1, -1)"),
        "a token of two axes": fails((Tokens((1, d)), (patches,)), "shape", "2 ≠ 3 axes", "tokens.0.expand(2, -1, -1)"),
        "a token of a table": fails(
            of(lambda s, x, *_: torch.cat([s.token.weight[None], x], 1), patches, token=token), "shape", "1 ≠ 2",
            ".expand(2, -1, -1)",
        ),
        "a state beside each position": fails(
            of(lambda s, x, y, _: torch.cat([x, y], -1), patches, R(2, 1, 8)), "shape", "16 ≠ 1", "y.expand(-1, 16, -1)"
        ),
        "batches that differ are not joined along another axis": fails(
            of(lambda s, x, y, _: torch.cat([x, y], 1), R(2, 4, 8), R(3, 4, 8)), "shape", "2 ≠ 3"
        ),
    }  # fmt: skip


def masks() -> dict[str, Fails]:
    q = R(2, 4, 6, 8)
    keep = torch.tensor([[1, 1, 1, 0, 0, 0]] * 2)

    def attend(_: Any, x: Any, mask: Any, __: Any) -> Any:
        return sdpa(x, x, x, attn_mask=mask)

    return {
        "a mask of a tokenizer": fails(
            of(lambda s, x, m, _: sdpa(x, x, x, attn_mask=m[:, None, None, :]), q, keep), "dtype", "int64 ≠ bool",
            "would fit: y.bool()\n",
        ),
        "a mask of int32": fails(of(attend, q, R(6, 6, dtype=torch.int32)), "dtype", "int32 ≠ bool", "y.bool()"),
        "a mask of bytes": fails(of(attend, q, R(6, 6, dtype=torch.uint8)), "dtype", "uint8 ≠ bool", "y.bool()"),
        "a mask of a tokenizer as it is": fails(
            of(attend, q, keep), "dtype", "int64 ≠ bool", "y.bool().unsqueeze(1).unsqueeze(1): [2,1,1,6]"
        ),
        "numbers in masked_fill": fails(
            of(lambda s, x, m, _: x.masked_fill(m[:, None, None, :], 0.0), R(2, 4, 6, 6), keep), "dtype",
            "int64 ≠ bool", "if 1 is to be hidden", "if 1 may be seen",
        ),
    }  # fmt: skip


def multi_head() -> dict[str, Fails]:
    first, last = nn.MultiheadAttention(32, 4, batch_first=True), nn.MultiheadAttention(32, 4)

    def cross(s: Any, q: Any, c: Any, _: Any) -> Any:
        return s.attn(q, c, c)[0]

    decoder = nn.TransformerDecoderLayer(32, 4, 64)
    return {
        "attention without batch_first": fails(
            of(cross, R(2, 5, 32), R(2, 9, 32), attn=last), "shape", "5 ≠ 9", "multi_head_attention_forward failed",
            "would fit: batch_first=True",
        ),
        "one query for all": fails(
            of(cross, R(1, 5, 32), R(4, 9, 32), attn=first), "shape", "1 ≠ 4", "x.expand(4, -1, -1)", "batch is axis 0"
        ),
        "batches of two sizes": fails(of(cross, R(2, 5, 32), R(3, 9, 32), attn=first), "shape", "2 ≠ 3"),
        "a decoder without batch_first": fails(
            of(lambda s, t, m, _: s.layer(t, m), R(2, 5, 32), R(2, 9, 32), layer=decoder), "shape", "5 ≠ 9",
            "batch_first=True", "layer.multihead_attn",
        ),
        "another number of values": fails(
            of(lambda s, q, k, v: s.attn(q, k, v)[0], R(2, 5, 32), R(2, 9, 32), R(2, 7, 32), attn=first), "shape",
            "9 ≠ 7", "as many values as keys",
        ),
        "keys of another width in attention": fails(
            of(cross, R(2, 5, 32), R(2, 9, 24), attn=first), "shape", "24 ≠ 32", "axis 2 of y [2,9,24] is 24"
        ),
    }  # fmt: skip


def learned() -> dict[str, Fails]:
    table, head = nn.Embedding(12, 32), nn.Linear(64, 10)

    def losses(s: Any, x: Any, labels: Any, _: Any) -> Any:
        return F.cross_entropy(s.head(x)[:, :-1].reshape(-1, 10), labels.view(-1))

    return {
        "a table of positions of another width": fails(
            of(lambda s, x, *_: x + s.pos(torch.arange(12, device=x.device)), R(4, 12, 64), pos=table), "shape",
            "64 ≠ 32", "would fit: Embedding(12, 64) as pos\n",
        ),
        "two tables of different widths": fails(
            of(lambda s, ids, *_: s.token(ids) + s.pos(torch.arange(5)), torch.zeros(2, 5, dtype=torch.int64),
               token=nn.Embedding(9, 64), pos=table), "shape", "64 ≠ 32",
        ),
        "labels of all tokens beside scores of all but one": fails(
            of(losses, R(4, 10, 64), torch.zeros(4, 10, dtype=torch.int64), head=head), "shape", "36 ≠ 40",
            "would fit: y[:, 1:], if each row's label is the next token\n",
        ),
    }  # fmt: skip


def widths() -> dict[str, Fails]:
    up, gate, conv = nn.Linear(64, 256), nn.Linear(64, 128), nn.Conv1d(8, 8, 4, groups=8, padding=3)
    x = R(2, 10, 64)
    return {
        "a gate of another width": fails(
            of(lambda s, x, *_: F.silu(s.gate(x)) * s.up(x), x, up=up, gate=gate), "shape", "128 ≠ 256",
            "would fit: Linear(64, 256) as gate; or Linear(64, 128) as up\n",
        ),
        "two towers of different widths": fails(
            of(lambda s, x, *_: s.a(x.mean(1)) @ s.b(x.mean(1)).T, x, a=nn.Linear(64, 16), b=nn.Linear(64, 24)),
            "shape", "16 ≠ 24", "Linear(64, 24) as a; or Linear(64, 16) as b\n",
        ),
        "teacher and student with other classes": fails(
            of(lambda s, x, *_: F.kl_div(s.a(x).log_softmax(-1), s.b(x).softmax(-1), reduction="batchmean"), x,
               a=nn.Linear(64, 10), b=nn.Linear(64, 12)), "shape", "10 ≠ 12", "Linear(64, 12) as a",
        ),
        "a causal convolution that is not cut": fails(
            of(lambda s, x, *_: s.c(x) * x, R(2, 8, 10), c=conv), "shape", "13 ≠ 10",
            "would fit: .narrow(2, 0, 10) on the result of c: [2,8,10]\n",
        ),
        "a scale that is wider than a head": fails(
            of(lambda s, x, *_: s.up(x).view(2, 10, 16, 16) * s.w, x, up=up, w=nn.Parameter(torch.ones(32))), "shape",
            "16 ≠ 32", "parameter w [32]\n  at",
        ),
        "a weight for each example": fails(
            of(lambda s, x, *_: torch.bmm(x, s.w), x, w=nn.Parameter(torch.zeros(3, 64, 8))), "shape", "2 ≠ 3",
            "parameter w [3,64,8]\n  at",
        ),
    }  # fmt: skip


def sides() -> dict[str, Fails]:
    down, deep = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1)
    image, q = R(2, 3, 32, 32), nn.Linear(32, 32)

    def again(s: Any, x: Any, *_: Any) -> Any:
        x = s.down(x)
        return torch.cat([F.interpolate(s.deep(x), scale_factor=4), x], 1)

    def resized(s: Any, x: Any, *_: Any) -> Any:
        x = s.down(x)
        return torch.cat([F.interpolate(s.deep(x), (32, 32)), x], 1)

    def raised(s: Any, x: Any, *_: Any) -> Any:
        x = s.down(x)
        return torch.cat([s.up(s.deep(x)), x], 1)

    def attends(s: Any, x: Any, kept: Any, _: Any) -> Any:
        keys = torch.cat([kept, heads(s.q(x))], 2)
        return sdpa(heads(s.q(x)), keys, keys, attn_mask=torch.ones(1, 1, 1, 9, dtype=torch.bool))

    return {
        "a map that is made too large": fails(
            of(again, image, down=down, deep=deep), "shape", "32 ≠ 16",
            "would fit: interpolate with scale_factor=2: [2,16,16,16]",
        ),
        "a map that is made too large by its sides": fails(
            of(resized, image, down=down, deep=deep), "shape", "32 ≠ 16",
            "would fit: interpolate with size=[16, 16]: [2,16,16,16]",
        ),
        "a layer that makes a map too large": fails(
            of(raised, image, down=down, deep=deep, up=nn.Upsample(scale_factor=4)), "shape", "32 ≠ 16",
            "would fit: up with scale_factor=2: [2,16,16,16]",
        ),
        "windows of another image": fails(
            of(lambda _s, x, *_: x.view(2, 7, 7, 16), R(2, 64, 16)), "shape", "2048 ≠ 1568", "would fit: [2,8,8,16]\n"
        ),
        "rows that are not split beside a cache": fails(
            of(lambda s, x, kept, _: torch.cat([kept, s.q(x)], 2), R(2, 5, 32), R(2, 4, 9, 8), q=q), "shape",
            "4 ≠ 3 axes", ".view(2, 5, 4, 8).transpose(1, 2) on the result of q: [2,4,5,8]\n",
        ),
        "a mask of the rows before": fails(
            of(attends, R(2, 1, 32), R(2, 4, 9, 8), q=q), "shape", "9 ≠ 10",
            "in sides.<locals>.attends\n  at",
        ),
        "batch_first for rows that lie first": fails(
            of(lambda s, x, *_: s.a(x, x, x, attn_mask=torch.ones(10, 10).triu(1).bool())[0], R(10, 2, 64),
               a=nn.MultiheadAttention(64, 4, batch_first=True)), "shape", "10 ≠ 2", "would fit: batch_first=False\n",
        ),
    }  # fmt: skip


def merged() -> dict[str, Fails]:
    conv, fc = nn.Conv2d(1, 4, 3), nn.Linear(4 * 26 * 26, 10)
    image = R(2, 1, 28, 28)
    a, b = nn.Linear(4, 8), nn.Linear(6, 8)
    return {
        "a flatten of everything": fails(
            of(lambda s, x, *_: s.fc(s.conv(x).flatten()), image, conv=conv, fc=fc), "shape", "5408 ≠ 2704",
            "would fit: .flatten(1) instead of .flatten()",
        ),
        "a view of everything": fails(
            of(lambda s, x, *_: s.fc(s.conv(x).relu().view(-1)), image, conv=conv, fc=fc), "shape", "5408 ≠ 2704",
            "would fit: .flatten(1) instead of .view(-1): [2,2704]",
        ),
        "a flatten of the first axes": fails(
            of(lambda s, x, *_: s.fc(torch.flatten(s.conv(x), 0)), image, conv=conv, fc=fc), "shape", "5408 ≠ 2704",
            ".flatten(1)",
        ),
        "features joined along the batch": fails(
            of(lambda s, x, y, _: s.fc(torch.cat([s.a(x), s.b(y)], 0)), R(3, 4), R(3, 6), a=a, b=b,
               fc=nn.Linear(16, 2)), "shape", "8 ≠ 16", "would fit: cat along dim 1: [3,16]",
        ),
        "features joined along the batch before a norm": fails(
            of(lambda s, x, y, _: s.n(torch.cat([s.a(x), s.b(y)]).relu()), R(3, 4), R(3, 6), a=a, b=b,
               n=nn.LayerNorm(16)), "shape", "8 ≠ 16", "cat along dim 1: [3,16]",
        ),
        "features joined along the positions": fails(
            of(lambda s, x, y, _: s.fc(torch.cat([s.a(x), s.b(y)], 1)), R(3, 7, 4), R(3, 7, 6), a=a, b=b,
               fc=nn.Linear(16, 2)), "shape", "8 ≠ 16", "cat along dim 2: [3,7,16]",
        ),
        "a mean over the batch": fails(
            of(lambda s, x, y, _: F.cross_entropy(s.a(x).mean(0), y), R(3, 7, 4), R(3, dtype=torch.long), a=a),
            "shape", "7 ≠ 3", "would fit: .mean(1) instead of .mean(0): [3,8]",
        ),
        "a flatten that splits examples": fails(
            of(lambda s, x, y, _: F.cross_entropy(s.fc(s.conv(x).view(-1, 1352)), y), image,
               R(2, dtype=torch.long), conv=conv, fc=nn.Linear(1352, 10)), "shape", "4 ≠ 2", "has 4 rows",
        ),
    }  # fmt: skip


def casts() -> dict[str, Fails]:
    class Adapter(nn.Module):
        def __init__(self, base: nn.Module, down: nn.Module) -> None:
            super().__init__()
            self.base, self.down, self.up = base, down, nn.Linear(2, 16, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.base(x) + self.up(self.down(x))

    half, whole = nn.Linear(16, 16).half(), nn.Linear(16, 2, bias=False)
    return {
        "a float adapter on a half model": fails(
            (Adapter(half, whole), (R(3, 16).half(),)), "dtype", "float16 ≠ float32",
            "would fit: the model in float16: model.to(torch.float16)",
        ),
        "a float adapter on a bfloat16 model": fails(
            (Adapter(nn.Linear(16, 16).bfloat16(), whole), (R(3, 16).bfloat16(),)), "dtype", "bfloat16 ≠ float32",
            "would fit: the model in bfloat16",
        ),
        "float inputs of a model of two types": fails(
            (Adapter(half, whole), (R(3, 16),)), "dtype", "float32 ≠ float16", "would fit: the model in float32",
        ),
        "a float convolution after a half one": fails(
            of(lambda s, x, *_: s.b(s.a(x)), R(2, 3, 8, 8).half(), a=nn.Conv2d(3, 4, 3).half(), b=nn.Conv2d(4, 4, 3)),
            "dtype", "float16 ≠ float32", "the model in float16",
        ),
        "a half input of a float model": fails(
            (nn.Linear(4, 4), (R(2, 4).half(),)), "dtype", "float16 ≠ float32", "input.to(torch.float32)"
        ),
    }  # fmt: skip


KINDS = {
    **two_axes(), **products(), **joins(), **masks(), **multi_head(), **learned(), **widths(), **sides(), **merged(),
    **casts(),
}  # fmt: skip
