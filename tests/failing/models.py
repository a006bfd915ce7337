# ruff: noqa: ARG005 - a forward takes what it is given
"""Models that fail, after the kinds that people report: the size, the place and the advice that each must give."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

R = torch.zeros
LONG = torch.long


class Fn(nn.Module):
    """A function with modules, as a forward."""

    def __init__(self, function: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x: Any, y: Any = None, z: Any = None) -> Any:
        return self.function(self, x, y, z)


@dataclass(frozen=True)
class Fails:
    """A failing model.

    Attributes:
        model: What runs.
        inputs: Its inputs.
        kind: What sort of error it is.
        clash: The numbers that do not fit.
        says: Words that the report must have.
    """

    model: nn.Module
    inputs: tuple[Any, ...]
    kind: str
    clash: str = ""
    says: tuple[str, ...] = ()


def of(function: Callable[..., Any], *inputs: Any, **modules: nn.Module) -> tuple[nn.Module, tuple[Any, ...]]:
    return Fn(function, **modules), inputs


def fails(made: tuple[nn.Module, tuple[Any, ...]], kind: str, clash: str = "", *says: str) -> Fails:
    return Fails(*made, kind, clash, says)


def products() -> dict[str, Fails]:
    fc1, fc2 = nn.Linear(512, 768), nn.Linear(512, 10)
    conv, fc = nn.Conv2d(3, 16, 5), nn.Linear(400, 10)
    return {
        "layers of different width": fails(
            of(lambda s, x, *_: s.fc2(s.fc1(x).relu()), R(4, 512), fc1=fc1, fc2=fc2), "shape", "768 ≠ 512",
            "fc1 (Linear 512→768) produced [4,768]", "fc2 takes 512", "Linear(768, 10) as fc2", "then relu",
        ),
        "an image of another size than in the tutorial": fails(
            of(lambda s, x, *_: s.fc(s.conv(x).flatten(1)), R(2, 3, 32, 32), conv=conv, fc=fc), "shape", "12544 ≠ 400",
            "conv (Conv2d 3→16, kernel 5×5) produced [2,16,28,28]", "flatten to [2,12544]",
        ),
        "a flatten that is missing": fails(
            of(lambda s, x, *_: s.fc(x), R(2, 16, 5, 5), fc=nn.Linear(400, 10)), "shape", "5 ≠ 400",
            "x.flatten(1): [2,400]",
        ),
        "channels where features belong": fails(
            of(lambda s, x, *_: s.fc(x), R(2, 64, 10), fc=nn.Linear(64, 3)), "shape", "10 ≠ 64", ".transpose(1, 2)"
        ),
        "keys that are not turned": fails(
            of(lambda s, q, k, _: q @ k, R(2, 3, 4), R(2, 7, 4)), "shape", "4 ≠ 7",
            "y.transpose(-2, -1): [2,4,7]",
        ),
        "the right side is turned before the left": fails(
            of(lambda s, q, k, _: q @ k, R(2, 9, 7), R(2, 9, 7)), "shape", "7 ≠ 9",
            "would fit: y.transpose(-2, -1): [2,7,9]; or x.transpose(-2, -1)",
        ),
        "a bias of the other axis": fails(
            of(lambda s, x, w, b: nn.functional.linear(x, w.t(), b), R(4, 16), R(16, 8), R(16)), "shape", "16 ≠ 8",
            "linear([4,16], [8,16], [16])", "the product that it is added to has 8",
        ),
        "a bias of a convolution": fails(
            of(lambda s, x, w, b: nn.functional.conv1d(x, w, b), R(2, 3, 9), R(8, 3, 3), R(3)), "shape", "3 ≠ 8",
            "the product that it is added to has 8",
        ),
        "heads that do not divide the width": fails(
            of(lambda s, x, *_: x.view(2, 7, 5, -1), R(2, 7, 32)), "shape", "", "no multiple of 70",
            "would fit: [2,7,4,-1]",
        ),
        "an image of other channels whose side fits": fails(
            of(lambda s, x, *_: s.conv(x), R(1, 6, 8, 8), conv=nn.Conv2d(8, 16, 3)), "shape", "6 ≠ 8",
            "would fit: Conv2d(6, 16, …) as conv\n",
        ),
        "rows of another width, added by index": fails(
            of(lambda s, x, i, _: torch.zeros(5, 4).index_add(0, i, x), R(6, 3), torch.tensor([0, 1, 2, 3, 4, 0])),
            "shape", "3 ≠ 4", "axis 1 of x [6,3] is 3; the result of zeros [5,4] has 4 there",
        ),
        "an index of another length": fails(
            of(lambda s, x, i, _: torch.zeros(5, 3).index_add(0, i, x), R(6, 3), torch.tensor([0, 1])),
            "shape", "2 ≠ 6", "y has 2 indices for 6 entries of x in axis 0",
        ),
        "mm": fails(of(lambda s, x, y, _: torch.mm(x, y), R(2, 3), R(4, 2)), "shape", "3 ≠ 4"),
        "mm of a batch": fails(of(lambda s, x, *_: x.mm(x), R(2, 3, 3)), "shape", "3 ≠ 2 axes", "mm takes 2"),
        "bmm": fails(of(lambda s, x, y, _: x.bmm(y), R(2, 3, 4), R(2, 5, 6)), "shape", "4 ≠ 5"),
        "bmm of batches that differ": fails(
            of(lambda s, x, y, _: torch.bmm(x, y), R(2, 3, 4), R(3, 4, 5)), "shape", "2 ≠ 3", "inner sizes match"
        ),
        "addmm with another bias": fails(
            of(torch_addmm, R(7), R(3, 4), R(4, 5)), "shape", "7 ≠ 5", "added to the product [3,5]"
        ),
        "addmm": fails(of(torch_addmm, R(5), R(3, 4), R(6, 5)), "shape", "4 ≠ 6"),
        "einsum of two head widths": fails(
            of(lambda s, x, y, _: torch.einsum("bhqd,bhkd->bhqk", x, y), R(2, 3, 4, 5), R(2, 3, 4, 6)), "shape",
            "5 ≠ 6", "'d' in 'bhqd,bhkd->bhqk' is 5 in x and 6 in y",
        ),
        "einsum with a letter too few": fails(
            of(lambda s, x, y, _: torch.einsum("bqd,bkd->bqk", x, y), R(2, 3, 4, 5), R(2, 4, 5)), "shape",
            "4 ≠ 3 axes", "'bqd' has 3 letters",
        ),
    }  # fmt: skip


def torch_addmm(_: nn.Module, x: Any, y: Any, z: Any) -> Any:
    return torch.addmm(x, y, z)


def convolutions() -> dict[str, Fails]:
    return {
        "a sequence with its features last": fails(
            (nn.Conv1d(8, 4, 3), (R(2, 20, 8),)), "shape", "20 ≠ 8", "transpose(1, 2): [2,8,20]"
        ),
        "a grey image": fails((nn.Conv2d(3, 4, 3), (R(2, 1, 8, 8),)), "shape", "1 ≠ 3", "1 in axis 1, its channels"),
        "an image with its channels last": fails(
            (nn.Conv2d(3, 4, 3), (R(2, 32, 32, 3),)), "shape", "32 ≠ 3", "permute(0, 3, 1, 2): [2,3,32,32]"
        ),
        "an image smaller than the kernel": fails(
            (nn.Conv2d(3, 4, 9), (R(2, 3, 4, 4),)), "shape", "4 < 9", "smaller than the kernel"
        ),
        "a video in a convolution of images": fails(
            (nn.Conv2d(3, 4, 3), (R(2, 5, 3, 8, 8),)), "shape", "5 ≠ 4 axes",
            "has 5 axes; conv2d takes (batch, channels",
        ),
        "an image in a convolution of sequences": fails(
            (nn.Conv1d(3, 4, 3), (R(2, 3, 8, 8),)), "shape", "4 ≠ 3 axes", "conv1d takes (batch, channels, length)"
        ),
        "an image in a convolution of volumes": fails(
            (nn.Conv3d(3, 4, 3), (R(3, 8, 8),)), "shape", "3 ≠ 5 axes", "(batch, channels, depth"
        ),
        "a skip connection into the decoder": fails(
            of(lambda s, x, y, _: s.up(torch.cat([x, y], 1)), R(2, 8, 4, 4), R(2, 4, 4, 4),
               up=nn.ConvTranspose2d(8, 4, 2)), "shape", "12 ≠ 8", "cat produced [2,12,4,4]",
        ),
        "channels that a shuffle cannot share out": fails(
            of(lambda s, x, *_: F.pixel_shuffle(s.conv(x), 2), R(2, 3, 8, 8), conv=nn.Conv2d(3, 10, 3)), "shape", "",
            "axis 1 of the result of conv [2,10,6,6] is 10, no multiple of 4",
        ),
        "an odd side in an unshuffle": fails(
            (nn.PixelUnshuffle(2), (R(2, 3, 8, 7),)), "shape", "", "axis 3 of input [2,3,8,7] is 7, no multiple of 2"
        ),
        "a pooling too many": fails((nn.MaxPool2d(4), (R(2, 3, 2, 2),)), "shape", "", "nothing would be left"),
    }  # fmt: skip


def pointwise() -> dict[str, Fails]:
    return {
        "add": fails(of(lambda s, x, y, _: x + y, R(2, 3, 4), R(2, 5, 4)), "shape", "3 ≠ 5", "[2,3,4]+[2,5,4]"),
        "mul": fails(of(lambda s, x, y, _: torch.mul(x, y), R(2, 3), R(2, 4)), "shape", "3 ≠ 4"),
        "a scale for each row": fails(
            of(lambda s, x, y, _: x * y, R(4, 3), R(4)), "shape", "3 ≠ 4", "y.unsqueeze(1): [4,1]"
        ),
        "positions longer than the text": fails(
            of(lambda s, x, *_: s.emb(x) + s.pos.weight, R(2, 7, dtype=LONG), emb=nn.Embedding(9, 4),
               pos=nn.Embedding(16, 4)), "shape", "7 ≠ 16", "emb (Embedding 9×4) produced [2,7,4]", "pos.weight",
        ),
        "in place": fails(of(lambda s, x, y, _: x.add_(y), R(4), R(2, 4)), "shape", "", "cannot grow"),
        "where": fails(of(lambda s, x, y, _: torch.where(x > 0, x, y), R(2, 4), R(2, 5)), "shape", "4 ≠ 5"),
        "a mask without the axis of heads": fails(
            of(lambda s, x, y, _: x.masked_fill(y, 0.0), R(2, 4, 5, 5), R(2, 5, 5, dtype=torch.bool)), "shape",
            "4 ≠ 2", "y.unsqueeze(1): [2,1,5,5]",
        ),
        "expand": fails(of(lambda s, x, *_: x.expand(5, 4), R(2, 4)), "shape", "2 ≠ 5", "only axes of size 1 grow"),
        "layer_norm": fails((nn.LayerNorm(768), (R(2, 5, 512),)), "shape", "512 ≠ 768", "LayerNorm(512)"),
        "batch_norm": fails((nn.BatchNorm2d(16), (R(2, 8, 4, 4),)), "shape", "8 ≠ 16", "8 channels (axis 1)"),
        "group_norm": fails((nn.GroupNorm(4, 16), (R(2, 8, 4, 4),)), "shape", "8 ≠ 16"),
    }  # fmt: skip


def layouts() -> dict[str, Fails]:
    return {
        "cat": fails(
            of(lambda s, x, y, _: torch.cat([x, y], 1), R(2, 3, 4), R(2, 3, 5)), "shape", "4 ≠ 5",
            "cat joins axis 1", "dim=2",
        ),
        "cat of maps that differ in both sides": fails(
            of(lambda s, x, y, _: torch.cat([x, y], 1), R(1, 8, 15, 15), R(1, 8, 16, 16)), "shape", "15 ≠ 16",
            "axis 2 is 15 in x and 16 in y; axis 3 is 15 in x and 16 in y", "F.pad(x",
        ),
        "cat of a token and a sequence": fails(
            of(lambda s, x, y, _: torch.cat([x, y], dim=1), R(2, 4), R(2, 3, 4)), "shape", "2 ≠ 3 axes", ".unsqueeze"
        ),
        "stack": fails(
            of(lambda s, x, y, _: torch.stack([x, y]), R(2, 3), R(2, 4)), "shape", "3 ≠ 4", "axis 1 is 3 in x"
        ),
        "view": fails(
            of(lambda s, x, *_: x.view(2, 3, 5), R(2, 3, 4)), "shape", "24 ≠ 30", "2·3·4 = 24 elements", "[2,3,4]"
        ),
        "view for heads": fails(
            of(lambda s, x, *_: x.view(2, -1, 7), R(2, 3, 4)), "shape", "", "no multiple of 14", "[2,-1,6]"
        ),
        "view of what was turned": fails(
            of(lambda s, x, *_: x.transpose(1, 2).view(2, 12), R(2, 3, 4)), "other", "", ".reshape(…) instead"
        ),
        "reshape": fails(of(lambda s, x, *_: x.reshape(5, 5), R(4, 6)), "shape", "24 ≠ 25"),
        "split": fails(of(lambda s, x, *_: x.split([3, 3], -1), R(2, 7)), "shape", "6 ≠ 7", "3 + 3 = 6"),
        "transpose": fails(of(lambda s, x, *_: x.transpose(1, 3), R(2, 3)), "shape", "", "has axes 0 to 1; 3 was"),
        "permute": fails(of(lambda s, x, *_: x.permute(0, 2, 1), R(2, 4)), "shape", "2 ≠ 3 axes"),
    }  # fmt: skip


def lookups() -> dict[str, Fails]:
    ids = torch.tensor([[1, 12, 3]])
    return {
        "a token outside of the table": fails(
            (nn.Embedding(10, 4), (ids,)), "index", "12 ≥ 10", "weight has 10 rows: 0 to 9", "at least 13 rows"
        ),
        "ids that are no integers": fails(
            (nn.Embedding(10, 4), (R(2, 3),)), "dtype", "float32 ≠ int64", "indices are int64"
        ),
        "gather": fails(of(lambda s, x, y, _: x.gather(1, y), R(2, 4), torch.tensor([[5], [1]])), "index", "5 ≥ 4"),
        "indexing": fails(of(lambda s, x, *_: x[:, 9], R(2, 4)), "index", "9 ≥ 4", "4 entries in axis 1"),
        "a label that is no class": fails(
            of(lambda s, x, y, _: F.cross_entropy(x, y), R(4, 10), torch.tensor([1, 2, 3, 10])), "index", "10 ≥ 10",
            "10 classes",
        ),
        "labels of another batch": fails(
            of(lambda s, x, y, _: F.cross_entropy(x, y), R(4, 10), torch.tensor([1, 2, 3])), "shape", "4 ≠ 3", "labels"
        ),
    }  # fmt: skip


def attentions() -> dict[str, Fails]:
    q = R(2, 4, 5, 8)

    def attend(_: nn.Module, x: Any, y: Any, z: Any) -> Any:
        return F.scaled_dot_product_attention(x, y, y, attn_mask=z)

    mha = nn.MultiheadAttention(16, 4, batch_first=True)
    return {
        "a mask for another batch": fails(
            of(attend, q, q, R(2, 5, 5)), "shape", "2 ≠ 4", "z.unsqueeze(1): [2,1,5,5]"
        ),
        "a mask for another length": fails(of(attend, q, q, R(5, 6)), "shape", "6 ≠ 5", "the scores [2,4,5,5]"),
        "fewer heads of keys": fails(of(attend, q, R(2, 2, 5, 8)), "shape", "4 ≠ 2", "enable_gqa=True"),
        "keys of another width": fails(of(attend, q, R(2, 4, 5, 6)), "shape", "8 ≠ 6", "queries and keys"),
        "multi-head attention of another width": fails(
            (mha, (R(2, 5, 12),) * 3), "shape", "12 ≠ 16", "axis 2 of query [2,5,12] is 12; the layer takes 16"
        ),
        "an LSTM in a model": fails(
            of(lambda s, x, *_: s.rnn(s.emb(x)), R(1, 3, dtype=LONG), emb=nn.Embedding(5, 8), rnn=nn.LSTM(10, 20)),
            "shape", "8 ≠ 10", "rnn (LSTM)", "emb (Embedding 5×8) produced [1,3,8]",
        ),
    }  # fmt: skip


def gru_as_lstm(self: Any, x: Any, *_: Any) -> Any:
    out, (_hidden, _cell) = self.rnn(x)
    return out


def others() -> dict[str, Fails]:
    return {
        "float64 weights": fails(
            (nn.Linear(4, 4).double(), (R(2, 4),)), "dtype", "float32 ≠ float64", "input.to(torch.float64)"
        ),
        "half inputs": fails(
            of(lambda s, x, *_: s.fc(x.half()), R(2, 4), fc=nn.Linear(4, 4)), "dtype", "float16 ≠ float32", "then half"
        ),
        "an image as bytes": fails(
            (nn.Conv2d(3, 4, 3), (R(1, 3, 8, 8, dtype=torch.uint8),)), "dtype", "uint8 ≠ float32"
        ),
        "a missing key": fails(of(lambda s, x, *_: {}["loss"], R(2)), "other", "", "KeyError raised in Fn", "'loss'"),
        "a missing attribute": fails(of(lambda s, x, *_: s.nope(x), R(2)), "other", "", "no attribute 'nope'"),
        "unpacking a shape": fails(
            of(lambda s, x, *_: [b for b, t in [x.shape]], R(2, 4, 3)), "other", "", "too many values to unpack"
        ),
        "a GRU unpacked as an LSTM": fails(
            of(gru_as_lstm, R(3, 2, 8), rnn=nn.GRU(8, 4)),
            "other",
            "",
            "the result of rnn [1,2,4] was unpacked along axis 0, which is 1, into 2 names",
        ),
        "attention unpacked to three": fails(
            of(lambda s, x, *_: [a for a, _b, _c in [s.attn(x, x, x)]], R(3, 2, 8), attn=nn.MultiheadAttention(8, 2)),
            "other",
            "",
            "attn gave a tuple of 2; 3 names wait for it",
        ),
        "a number unpacked": fails(
            of(lambda s, x, *_: list(torch.max(x)), R(3, 2)), "other", "", "the result of max is one number"
        ),
        "too many inputs": fails((nn.Linear(2, 3), (R(2), R(2))), "other", "", "takes 1 and was given 2 inputs"),
        "a division by zero": fails(of(lambda s, x, *_: x / (1 // 0), R(2)), "other", "", "ZeroDivisionError"),
    }


FAILING = {**products(), **convolutions(), **pointwise(), **layouts(), **lookups(), **attentions(), **others()}
