# ruff: noqa: ARG005 - a forward takes what it is given
"""Mistakes of every day whose nearest mend would mean something else: losses, states, maps, what code makes itself."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tests.failing.kinds import heads, sdpa
from tests.failing.models import LONG, Fails, R, fails, of


def losses() -> dict[str, Fails]:
    one, three = nn.Linear(10, 1), nn.Linear(10, 3)
    x, labels = R(4, 10), torch.tensor([0, 1, 1, 0])
    binary = F.binary_cross_entropy_with_logits
    return {
        "whole numbers beside scores": fails(
            of(lambda s, x, y, _: binary(s.f(x).squeeze(1), y), x, labels, f=one), "dtype", "int64 ≠ float32",
            "would fit: y.to(torch.float32)\n",
        ),
        "whole numbers beside probabilities": fails(
            of(lambda s, x, y, _: F.binary_cross_entropy(s.f(x).sigmoid().squeeze(1), y), x, labels, f=one), "dtype",
            "int64 ≠ float32", "would fit: y.to(torch.float32)\n",
        ),
        "whole numbers with an axis too few": fails(
            of(lambda s, x, y, _: binary(s.f(x), y), x, labels, f=one), "shape", "1 ≠ 2 axes",
            "would fit: y.to(torch.float32).unsqueeze(1): [4,1]\n",
        ),
        "whole numbers of 0 and 1 for each class": fails(
            of(lambda s, x, y, _: F.cross_entropy(s.f(x), y), x, R(4, 3, dtype=LONG), f=three), "shape", "2 ≠ 1 axes",
            "would fit: y.float(), if each row adds up to 1\n",
        ),
        "the farthest index is said": fails(
            of(lambda s, x, *_: s.f(x), torch.tensor([[55, 57], [52, 60]]), f=nn.Embedding(50, 8)), "index", "60 ≥ 50",
            "at least 61 rows",
        ),
        "advantages of all with all": fails(
            of(lambda s, x, y, _: s.h((y.squeeze(1) - s.f(x)).mean(1, keepdim=True)), R(8, 10), R(8, 1), f=one,
               h=nn.Linear(8, 2)), "shape", "1 ≠ 8", "sub before it met [8] with [8,1], each with all: [8,8]\n",
            "parameter h.weight [2,8], turned\n  at",
        ),
    }  # fmt: skip


def states() -> dict[str, Fails]:
    x = R(4, 7, 10)

    def begun(*shape: int) -> Any:
        def forward(s: Any, x: Any, *_: Any) -> Any:
            state = torch.zeros(shape)
            return s.f(x, (state, state) if isinstance(s.f, nn.LSTM | nn.LSTMCell) else state)[0]

        return forward

    return {
        "a state of another width": fails(
            of(begun(1, 4, 16), x, f=nn.LSTM(10, 32, batch_first=True)), "shape", "16 ≠ 32",
            "would fit: zeros(1, 4, 32) instead of zeros(1, 4, 16)\n",
        ),
        "a state of another number of layers": fails(
            of(begun(1, 4, 32), x, f=nn.GRU(10, 32, 2, batch_first=True)), "shape", "1 ≠ 2",
            "would fit: zeros(2, 4, 32) instead of zeros(1, 4, 32)\n",
        ),
        "a state of another batch": fails(
            of(begun(1, 7, 32), x, f=nn.GRU(10, 32, batch_first=True)), "shape", "7 ≠ 4", "zeros(1, 4, 32)",
        ),
        "a state of another layer": fails(
            of(lambda s, x, *_: s.d(x, s.e(x)[1])[0], x, e=nn.GRU(10, 64, batch_first=True),
               d=nn.GRU(10, 32, batch_first=True)), "shape", "64 ≠ 32", "would fit: d with hidden_size=64\n",
        ),
        "one state for all": fails(
            of(begun(1, 32), R(4, 10), f=nn.LSTMCell(10, 32)), "shape", "4 ≠ 1",
            "would fit: zeros(4, 32) instead of zeros(1, 32)\n",
        ),
    }  # fmt: skip


def maps() -> dict[str, Fails]:
    image, conv = R(2, 3, 32, 32), nn.Conv2d(3, 16, 3, padding=1)
    down = nn.Conv2d(8, 16, 3, padding=1)

    def again(s: Any, x: Any, *_: Any) -> Any:
        skip = s.b(F.max_pool2d(s.a(x), 2))
        return torch.cat([s.up(s.c(F.max_pool2d(skip, 2))), skip], 1)

    return {
        "sides that are as many as channels": fails(
            of(lambda s, x, *_: s.b(s.a(x).relu()), image, a=conv, b=nn.Conv2d(32, 32, 3)), "shape", "16 ≠ 32",
            "would fit: Conv2d(16, 32, …) as b\n",
        ),
        "a norm as wide as half a side": fails(
            of(lambda s, x, *_: s.n(s.a(x)), image, a=conv, n=nn.LayerNorm(16)), "shape", "32 ≠ 16",
            "would fit: .permute(0, 2, 3, 1) on the result of a: [2,32,32,16]\n",
        ),
        "a factor that is no whole number": fails(
            of(again, R(2, 3, 30, 30), a=nn.Conv2d(3, 8, 3, padding=1), b=down, c=nn.Conv2d(16, 16, 3, padding=1),
               up=nn.Upsample(scale_factor=2)), "shape", "14 ≠ 15",
            "would fit: F.pad(the result of up, (0, 1, 0, 1)): [2,16,15,15]\n",
        ),
        "a scale of channels as many as the sides": fails(
            of(lambda s, x, *_: s.a(x) * s.b(s.a(x).mean((2, 3))), image, a=nn.Conv2d(3, 32, 3, padding=1),
               b=nn.Linear(32, 32)), "shape", "32 ≠ 2",
            "would fit: .unsqueeze(2).unsqueeze(2) on the result of b: [2,32,1,1]\n",
        ),
        "patches that leave a rest": fails(
            of(lambda _s, x, *_: x.reshape(2, 3, 30 // 4, 4, 30 // 4, 4), R(2, 3, 30, 30)), "shape", "30 ≠ 28",
            "axis 2 of x [2,3,30,30] is 30; 7·4 is 28\n",
        ),
        "heads that leave a rest": fails(
            of(lambda s, x, *_: s.q(x).view(2, 6, 5, 32 // 5), R(2, 6, 32), q=nn.Linear(32, 32)), "shape", "32 ≠ 30",
            "axis 2 of the result of q [2,6,32] is 32; 5·6 is 30\n",
        ),
    }  # fmt: skip


def attentions() -> dict[str, Fails]:
    x, q, kv = R(2, 6, 32), nn.Linear(32, 48), nn.Linear(32, 32)

    def grouped(s: Any, x: Any, *_: Any) -> Any:
        return sdpa(heads(s.q(x), 6), heads(s.k(x)), heads(s.k(x)), enable_gqa=True)

    def functional(s: Any, x: Any, c: Any, _: Any) -> Any:
        return F.multi_head_attention_forward(x.transpose(0, 1), c, c, 32, 4, torch.zeros(96, 32), None, None, None,
                                              False, 0.0, s.o.weight, None)[0]  # fmt: skip

    def hidden(s: Any, x: Any, *_: Any) -> Any:
        return (heads(s.q(x)) @ heads(s.q(x)).mT).masked_fill(s.bias[:6, :6] == 0, float("-inf"))

    masked = of(hidden, x, q=nn.Linear(32, 32))
    masked[0].register_buffer("bias", torch.tril(torch.ones(4, 4)))
    return {
        "groups that do not divide": fails(
            of(grouped, x, q=q, k=kv), "shape", "6 ≠ 4", "6 heads (axis 1 of the queries) are no multiple of the 4",
            "then transpose to [2,4,6,8]\n  at",
        ),
        "queries alone with their positions first": fails(
            of(functional, x, R(2, 9, 32), o=kv), "shape", "2 ≠ 9", "would fit: y.transpose(0, 1)",
        ),
        "a mask of double numbers": fails(
            of(lambda s, x, *_: sdpa(x, x, x, attn_mask=torch.zeros(6, 6, dtype=torch.float64)), R(2, 4, 6, 8)),
            "dtype", "float64 ≠ float32", ".to(torch.float32) on the result of zeros",
        ),
        "a buffer of a mask that is too small": fails(
            masked, "shape", "6 ≠ 4", "buffer bias [4,4], then getitem, then eq\n",
        ),
        "a sum with weights that are not turned": fails(
            of(lambda s, x, *_: s.a(x).softmax(1) @ x, R(4, 6, 32), a=nn.Linear(32, 1)), "shape", "1 ≠ 6",
            "would fit: .transpose(-2, -1) on the result of a: [4,1,6]\n",
        ),
        "angles of one width beside as many heads": fails(
            of(lambda s, x, *_: s.q(x).view(2, 6, 4, 4) * torch.outer(torch.arange(6), torch.arange(4)), x,
               q=nn.Linear(32, 16)), "shape", "4 ≠ 6", "would fit: .unsqueeze(1) on the result of outer: [6,1,4]\n",
        ),
    }  # fmt: skip


def made() -> dict[str, Fails]:
    x = R(4, 6, 32)
    queries, merged = nn.Parameter(torch.zeros(5, 32)), R(2, 16, 64)

    def shared(s: Any, x: Any, *_: Any) -> Any:
        made = torch.zeros_like(x)
        rows = torch.arange(8)
        return made.index_add_(0, rows, s.e(x[rows]))

    tokens = of(lambda s, x, *_: torch.cat([s.queries.repeat(4, 1), x], 1), x)
    tokens[0].queries = queries
    return {
        "rows added to others of another width": fails(
            of(shared, R(16, 32), e=nn.Linear(32, 16)), "shape", "16 ≠ 32", "would fit: Linear(32, 32) as e\n",
        ),
        "queries repeated one after the other": fails(
            tokens, "shape", "2 ≠ 3 axes", "would fit: .repeat(4, 1, 1) instead of .repeat(4, 1): [4,5,32]\n",
        ),
        "an input whose heads are put together where they stand": fails(
            of(lambda _s, x, *_: x.view(2, 16, 8, 8).transpose(1, 2).reshape(2, 8, 64), merged), "shape", "2048 ≠ 1024",
            "would fit: .transpose(1, 2).reshape(2, 16, 64) on the result of transpose\n",
        ),
        "weights of experts for each row": fails(
            of(lambda s, x, *_: x.unsqueeze(1) @ s.w[torch.zeros(16, 2, dtype=LONG)], R(16, 32),
               w=nn.Parameter(torch.zeros(4, 32, 64))), "shape", "16 ≠ 2",
            "would fit: .unsqueeze(1) on the result of unsqueeze: [16,1,1,32]\n",
        ),
    }  # fmt: skip


def layouts() -> dict[str, Fails]:
    qkv, o, table = nn.Linear(64, 192), nn.Linear(64, 64), nn.Embedding(15, 4)
    x, tokens, patches = R(2, 8, 64), R(4, 10, 32), R(4, 3, 32, 32)

    def parts(s: Any, x: Any, *order: int) -> Any:
        return s.qkv(x).reshape(2, 8, 3, 4, 16).permute(*order)

    def turned(s: Any, x: Any, *_: Any) -> Any:
        q, k, v = parts(s, x, 2, 0, 1, 3, 4)
        return sdpa(q, k, v.transpose(1, 2))

    def unturned(s: Any, x: Any, *_: Any) -> Any:
        q, k, v = parts(s, x, 2, 0, 3, 1, 4)
        return s.o(sdpa(q, k, v).flatten(2))

    def biased(s: Any, x: Any, *_: Any) -> Any:
        q, k, _v = parts(s, x, 2, 0, 3, 1, 4)
        places = torch.arange(8)
        return q @ k.mT + s.table(places[None] - places[:, None] + 7)

    def labelled(s: Any, x: Any, y: Any, _: Any) -> Any:
        scores = s.f(s.t(x, s.e(y[:, :-1])))
        return F.cross_entropy(scores.reshape(-1, 9), y.reshape(-1))

    return {
        "queries and keys that are not split as values are": fails(
            of(turned, x, qkv=qkv), "shape", "4 ≠ 8", "would fit: .transpose(1, 2) on the queries and the keys\n",
        ),
        "heads that are flattened where they stand": fails(
            of(unturned, x, qkv=qkv, o=o), "shape", "128 ≠ 64",
            "would fit: .transpose(1, 2).flatten(2) instead of .flatten(2): [2,8,64]\n",
        ),
        "biases of heads that lie last": fails(
            of(biased, x, qkv=qkv, table=table), "shape", "4 ≠ 8, 8 ≠ 4",
            "would fit: .permute(2, 0, 1) on the result of table: [4,8,8]\n",
        ),
        "labels of a decoder that is given all but the last": fails(
            of(labelled, R(4, 6, 32), torch.ones(4, 10, dtype=LONG), f=nn.Linear(32, 9), e=nn.Embedding(9, 32),
               t=nn.Transformer(32, 4, 1, 1, 64, batch_first=True)), "shape", "36 ≠ 40",
            "would fit: y[:, 1:], if each row's label is the next token\n",
        ),
        "an image beside its flat copy": fails(
            of(lambda s, x, *_: F.mse_loss(s.f(x.flatten(1)), x), R(2, 1, 8, 8), f=nn.Linear(64, 64)), "shape",
            "4 ≠ 2 axes", "would fit: .view(2, 1, 8, 8) on the result of f: [2,1,8,8]; or x.flatten(1): [2,64]\n",
        ),
        "one number for each of several": fails(
            of(lambda s, x, *_: F.mse_loss(s.f(x).argmax(1), torch.zeros(4, 3)), R(4, 8), f=nn.Linear(8, 3)), "shape",
            "2 ≠ 1 axes", "[4,3]  zeros produced",
        ),
        "noise without sides": fails(
            of(lambda s, x, *_: s.g(x), R(8, 100), g=nn.ConvTranspose2d(100, 4, 4)), "shape", "2 ≠ 4 axes",
            "would fit: x.unsqueeze(2).unsqueeze(2): [8,100,1,1]\n",
        ),
        "a level of noise for each image": fails(
            of(lambda s, x, t, _: x * t.sigmoid(), patches, R(4)), "shape", "32 ≠ 4",
            "would fit: .view(-1, 1, 1, 1) on the result of sigmoid: [4,1,1,1]\n",
        ),
        "a dilated convolution without its padding": fails(
            of(lambda s, x, *_: x + s.c(x), R(4, 32, 20), c=nn.Conv1d(32, 32, 3, dilation=2, padding=1)), "shape",
            "20 ≠ 18", "would fit: c with padding=2: [4,32,20]\n",
        ),
        "groups of an image with channels in their place": fails(
            of(lambda s, x, *_: F.group_norm(s.c(x), 8), patches, c=nn.Conv2d(3, 20, 3, padding=1)), "shape", "",
            "would fit: num_groups=5; or num_groups=4\n",
        ),
        "weights of experts that are stacked first": fails(
            of(lambda s, x, *_: torch.stack([s.a(x), s.b(x)]) * s.g(x).softmax(-1), R(16, 32), a=nn.Linear(32, 32),
               b=nn.Linear(32, 32), g=nn.Linear(32, 2)), "shape", "32 ≠ 2", "then softmax\n  at",
        ),
        "a graph on the other side": fails(
            of(lambda s, x, *_: s.w(x) @ torch.eye(5), R(5, 8), w=nn.Linear(8, 16)), "shape", "16 ≠ 5",
            "layouts.<locals>.<lambda>\n  at",
        ),
        "an id with an axis of its own": fails(
            of(lambda s, x, c, _: torch.cat([x, s.e(c)], 1), R(5, 6), R(5, 1, dtype=LONG), e=nn.Embedding(9, 4)),
            "shape", "2 ≠ 3 axes", "would fit: .squeeze(1) on the result of e: [5,4]\n",
        ),
        "a gate whose columns are taken later": fails(
            of(lambda s, x, *_: s.d(F.silu(s.a(x)) * s.b(x)), tokens, a=nn.Linear(32, 48), b=nn.Linear(32, 64),
               d=nn.Linear(64, 32)), "shape", "48 ≠ 64", "would fit: Linear(32, 64) as a\n",
        ),
        "queries and keys of two types": fails(
            of(lambda _s, x, *_: sdpa(x, x.half(), x.half()), R(2, 4, 6, 8)), "dtype", "float32 ≠ float16",
            "the queries are float32, the keys float16",
        ),
        "columns for fewer heads": fails(
            of(lambda s, x, *_: s.k(x).view(2, 16, 4, 16), R(2, 16, 64), k=nn.Linear(64, 32)), "shape", "1024 ≠ 2048",
            "would fit: [2,16,2,16]; or [2,16,4,8]\n",
        ),
        "heads of another width put side by side": fails(
            of(lambda s, x, *_: sdpa(*[heads(s.q(x))] * 3).transpose(1, 2).reshape(2, 16, 64), R(2, 16, 64),
               q=nn.Linear(64, 128)), "shape", "4096 ≠ 2048", "would fit: [2,16,128]\n",
        ),
        "keys expanded too often": fails(
            of(lambda s, x, *_: heads(s.q(x)) @ heads(s.k(x), 2)[:, :, None].expand(2, 2, 4, 16, 16).flatten(1, 2).mT,
               R(2, 16, 64), q=nn.Linear(64, 64), k=nn.Linear(64, 32)), "shape", "4 ≠ 8", "mT\n  at",
        ),
        "labels that are not flat": fails(
            of(lambda s, x, y, _: F.cross_entropy(s.f(x).view(-1, 9), y), R(2, 5, 8), R(2, 5, dtype=LONG),
               f=nn.Linear(8, 9)), "shape", "2 ≠ 1 axes", "would fit: y.flatten(): [10]\n",
        ),
        "a map given to a layer of sequences": fails(
            of(lambda s, x, *_: s.e(s.c(x).flatten(2)), patches, c=nn.Conv2d(3, 32, 16, 16),
               e=nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)), "shape", "4 ≠ 32",
            "[4,32,4]  c (Conv2d 3→32, kernel 16×16) produced", "would fit: .transpose(1, 2) on the result of c\n",
        ),
        "channels that a shuffle cannot share out, after a convolution": fails(
            of(lambda s, x, *_: F.pixel_shuffle(s.c(x), 2), patches, c=nn.Conv2d(3, 10, 3, padding=1)), "shape", "",
            "produced [4,10,32,32]\n  at",
        ),
        "a gate for each head beside heads": fails(
            of(lambda s, x, *_: heads(s.q(x)) * s.g(x), R(2, 16, 64), q=nn.Linear(64, 64), g=nn.Linear(64, 4)),
            "shape", "4 ≠ 2, 16 ≠ 4", "would fit: .transpose(-2, -1).unsqueeze(3) on the result of g: [2,4,16,1]\n",
        ),
        "codes beside a map": fails(
            of(lambda s, x, *_: s.e(torch.zeros(2, 16, 16, dtype=LONG)) - x, R(2, 64, 16, 16), e=nn.Embedding(9, 64)),
            "shape", "16 ≠ 64, 64 ≠ 16", "would fit: .permute(0, 3, 1, 2) on the result of e: [2,64,16,16]\n",
        ),
        "advantages of all with all, joined": fails(
            of(lambda s, x, r, _: torch.cat([s.p(x)[:, 0], r - s.v(x)]), R(8, 4), R(8), p=nn.Linear(4, 3),
               v=nn.Linear(4, 1)), "shape", "1 ≠ 2 axes", "each with all: [8,8]\n", "sub produced [8,8] at",
        ),
        "maps joined for another number of channels": fails(
            of(lambda s, x, *_: s.c(torch.cat([s.a(x), s.b(x)], 1)), patches, a=nn.Conv2d(3, 8, 3),
               b=nn.ConvTranspose2d(3, 8, 3, padding=2), c=nn.Conv2d(8, 8, 3)), "shape", "16 ≠ 8",
            "would fit: Conv2d(16, 8, …) as c\n",
        ),
        "a mean over channels and rows": fails(
            of(lambda s, x, *_: s.f(s.c(x).mean((1, 2))), patches, f=nn.Linear(16, 9),
               c=nn.Conv2d(3, 16, 3, padding=1)),
            "shape", "32 ≠ 16", "would fit: .mean((2, 3)) instead of .mean([1, 2]): [4,16]\n",
        ),
        "rows of a table that are to be flat": fails(
            of(lambda s, x, *_: s.f(s.e(x)), R(4, 8, dtype=LONG), e=nn.Embedding(9, 16), f=nn.Linear(128, 2)), "shape",
            "16 ≠ 128", "would fit: .flatten(1) on the result of e: [4,128]\n",
        ),
        "a map of another side that is flat": fails(
            of(lambda s, x, *_: s.f(s.c(x).flatten(1)), patches, c=nn.Conv2d(3, 8, 3, 2, 1), f=nn.Linear(8192, 9)),
            "shape", "2048 ≠ 8192", "would fit: Linear(2048, 9) as f; or c with stride=1: [4,8192]\n",
        ),
        "the largest with its index": fails(
            of(lambda s, x, *_: s.f(x.max(1)), tokens, f=nn.Linear(32, 2)), "other", "", ".values, or .indices",
        ),
        "rows that are a batch of their own": fails(
            of(lambda s, x, *_: x @ s.w, R(6, 1, 3), w=nn.Parameter(torch.zeros(2, 3, 5))), "shape", "6 ≠ 2",
            "parameter w [2,3,5]\n  at",
        ),
        "a length as long as channels are many": fails(
            of(lambda s, x, *_: s.b(s.a(x)), R(2, 3, 32), a=nn.Conv1d(3, 16, 3, padding=1), b=nn.Conv1d(32, 8, 3)),
            "shape", "16 ≠ 32", "would fit: Conv1d(16, 8, …) as b\n",
        ),
        "one example beside several": fails(
            of(lambda s, x, *_: torch.cat([s.a(x[0]), s.a(x[1:])]), R(4, 8, 16), a=nn.Linear(16, 8)), "shape",
            "2 ≠ 3 axes", "would fit: .expand(1, -1, -1) on the result of a\n",
        ),
        "latents without a batch": fails(
            of(lambda s, x, *_: s.a(s.e.weight, x, x)[0], R(2, 10, 32), e=nn.Embedding(5, 32),
               a=nn.MultiheadAttention(32, 4, batch_first=True)), "shape", "2 ≠ 3 axes",
            "e.weight [5,32] has 2 axes, x [2,10,32] has 3\n", "input x [2,10,32]\n  at",
        ),
        "more chosen than there are": fails(
            of(lambda s, x, *_: s.g(x).topk(20), R(16, 32), g=nn.Linear(32, 8)), "shape", "20 > 8", "would fit: k=8\n",
        ),
    }  # fmt: skip


MISTAKES = {**losses(), **states(), **maps(), **attentions(), **made(), **layouts()}
