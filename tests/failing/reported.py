# ruff: noqa: ARG005 - a forward takes what it is given
"""Models that fail as people report it: each is the mistake of a real issue thread or of many, made small."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tests.failing.models import LONG, Fails, R, fails, of


class Halving(nn.Module):
    """A U-Net that halves twice: sides that are not divisible by 4 come back smaller (bigmb/Unet #55)."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        e1 = self.down1(x)
        e2 = self.down2(F.max_pool2d(e1, 2))
        return torch.cat([e1, self.up(e2)], dim=1)


class Energy(nn.Module):
    """Scores of one length, a mask of another (bentrevett/pytorch-seq2seq #130)."""

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return (x @ x.transpose(-2, -1)).masked_fill(mask == 0, -1e10)


class Positions(nn.Module):
    """More tokens than positions (huggingface/transformers #8042: index out of range in self)."""

    def __init__(self) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(50, 8), nn.Embedding(16, 8)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.wte(input_ids) + self.wpe(torch.arange(input_ids.shape[1]))


def dense() -> dict[str, Fails]:
    packed = R(1 << 12, 1, dtype=torch.uint8)
    return {
        "weights that are still packed (bitsandbytes #600)": fails(
            of(lambda s, x, w, _: F.linear(x, w), R(3, 64), packed), "shape", "64 ≠ 1", "y is packed, uint8"
        ),
        "a tuple of an LSTM": fails(
            of(lambda s, x, *_: s.fc(s.rnn(x)), R(5, 2, 8), rnn=nn.LSTM(8, 20), fc=nn.Linear(20, 2)), "other", "",
            "was given a tuple", "output, state = layer(x)",
        ),
        "a tuple of attention in a sum": fails(
            of(lambda s, x, *_: x + s.attn(x, x, x), R(2, 5, 8), attn=nn.MultiheadAttention(8, 2, batch_first=True)),
            "other", "", "+ takes two tensors", "was given a tuple", "output, state = layer(x)",
        ),
        "a residual around a layer that widens": fails(
            of(lambda s, x, *_: x + s.fc(x).relu(), R(2, 5, 8), fc=nn.Linear(8, 32)), "shape", "8 ≠ 32",
            "would fit: Linear(8, 8) as fc",
        ),
        "one more row of keys along the heads": fails(
            of(lambda s, k, past, _: torch.cat([past, k], 1), R(2, 4, 1, 8), R(2, 4, 7, 8)), "shape", "7 ≠ 1",
            "dim=2, if they are to be joined along that axis",
        ),
        "heads of keys that were repeated too seldom": fails(
            of(lambda s, q, k, _: q @ k.repeat_interleave(3, 1).mT, R(2, 8, 6, 16), R(2, 2, 6, 16)), "shape", "8 ≠ 6",
            "would fit: .repeat_interleave(4, 1) instead of .repeat_interleave(3, 1): [2,8,16,6]",
        ),
        "None from a function without return": fails(
            of(lambda s, x, *_: s.fc(None), R(2, 4), fc=nn.Linear(4, 2)), "other", "", "does what comes before return"
        ),
        "heads of keys that were not repeated": fails(
            of(lambda s, q, k, _: q @ k.transpose(-2, -1), R(2, 8, 5, 16), R(2, 2, 5, 16)), "shape", "8 ≠ 2",
            ".repeat_interleave(4, 1) on the result of transpose: [2,8,16,5]", "then transpose to [2,2,16,5]",
        ),
        "bmm of heads": fails(of(lambda s, x, y, _: x.bmm(y), R(2, 4, 5, 8), R(2, 4, 8, 5)), "shape", "4 ≠ 3 axes",
                              "torch.matmul"),
        "a bilinear layer": fails((nn.Bilinear(3, 4, 5), (R(2, 3), R(2, 5))), "shape", "5 ≠ 4", "input2 size"),
        "an LSTM cell": fails((nn.LSTMCell(10, 4), (R(2, 8),)), "shape", "8 ≠ 10", "LSTMCell(8, …)"),
        "einsum with an ellipsis": fails(
            of(lambda s, x, y, _: torch.einsum("...ij,...jk->...ik", x, y), R(2, 3, 4), R(2, 5, 4)), "shape", "4 ≠ 5"
        ),
        "a dot product of a matrix": fails(of(lambda s, x, y, _: torch.outer(x, y), R(2, 4), R(2)), "other", "",
                                           "Expected 1-D argument self"),
    }  # fmt: skip


def images() -> dict[str, Fails]:
    conv1, conv2 = nn.Conv2d(3, 16, 3), nn.Conv2d(32, 64, 3)
    return {
        "a U-Net of odd sides": fails((Halving(), (R(1, 3, 30, 31),)), "shape", "31 ≠ 30",
                                       "F.pad(the result of up, (0, 1)): [1,4,30,31]"),
        "convolutions that do not follow each other": fails(
            of(lambda s, x, *_: s.conv2(s.conv1(x)), R(2, 3, 32, 32), conv1=conv1, conv2=conv2), "shape", "16 ≠ 32",
            "Conv2d(16, 64, …) as conv2", "conv1 (Conv2d 3→16, kernel 3×3) produced [2,16,30,30]",
        ),
        "an image with transparency": fails((nn.Conv2d(3, 8, 3), (R(1, 4, 8, 8),)), "shape", "4 ≠ 3"),
        "a single image": fails((nn.BatchNorm2d(3), (R(3, 8, 8),)), "shape", "3 ≠ 4 axes", ".unsqueeze(0): [1,3,8,8]"),
        "a batch of one in training": fails(
            (nn.BatchNorm1d(4).train(), (R(1, 4),)), "shape", "", "model.eval()", "drop_last=True"
        ),
        "features last in a BatchNorm1d": fails(
            (nn.BatchNorm1d(16), (R(4, 5, 16),)), "shape", "5 ≠ 16", "input.transpose(1, 2)"
        ),
        "groups that do not divide": fails((nn.GroupNorm(4, 16), (R(2, 6, 3),)), "shape", "", "no multiple of 4"),
        "bilinear interpolation of a sequence": fails(
            of(lambda s, x, *_: F.interpolate(x, scale_factor=2, mode="bilinear"), R(2, 3, 8)), "shape",
            "3 ≠ 4 axes", "interpolate failed", "mode='linear'",
        ),
        "channels last in a LayerNorm": fails(
            (nn.LayerNorm(16), (R(2, 16, 8, 8),)), "shape", "8 ≠ 16", "input.permute(0, 2, 3, 1): [2,8,8,16]"
        ),
    }  # fmt: skip


def sequences() -> dict[str, Fails]:
    mha = nn.MultiheadAttention(16, 4)

    def padded(self: Any, x: Any, mask: Any, _: Any) -> Any:
        return self.attn(x, x, x, key_padding_mask=mask)

    def masked(self: Any, x: Any, mask: Any, _: Any) -> Any:
        return self.attn(x, x, x, attn_mask=mask)

    return {
        "more tokens than positions": fails(
            (Positions(), (R(1, 20, dtype=LONG),)), "index", "19 ≥ 16", "wpe.weight has 16 rows",
            "an input of at most 16",
        ),
        "a mask for another sentence": fails(
            (Energy(), (R(1, 2, 7, 8), R(1, 1, 1, 5))), "shape", "7 ≠ 5", "the result of eq", "masked_fill failed"
        ),
        "a padding mask that is turned": fails(
            of(padded, R(5, 2, 16), R(5, 2, dtype=torch.bool), attn=mha), "shape", "5 ≠ 2, 2 ≠ 5",
            "y.transpose(0, 1): [2,5]", "y [5,2] hides keys: (2, 5)",
            "multi_head_attention_forward failed in attn",
        ),
        "a mask for each head": fails(
            of(masked, R(5, 2, 16), R(2, 5, 5, dtype=torch.bool), attn=mha), "shape", "2 ≠ 8",
            "(5, 5) is its shape, or (2·4, 5, 5)", "y.repeat_interleave(4, 0): [8,5,5]",
        ),
        "a mask with an axis for heads": fails(
            of(masked, R(5, 2, 16), R(2, 1, 5, 5, dtype=torch.bool), attn=mha), "shape", "4 ≠ 3 axes",
            "y.squeeze(1).repeat_interleave(4, 0): [8,5,5]",
        ),
        "a mask of padding as one of scores": fails(
            of(masked, R(2, 5, 16), R(2, 5, dtype=torch.bool), attn=nn.MultiheadAttention(16, 4, batch_first=True)),
            "shape", "2 ≠ 5",
            "as key_padding_mask, if it says which keys are padding",
        ),
        "a hidden state of another batch": fails(
            of(lambda s, x, h, _: s.rnn(x, (h, h)), R(5, 2, 8), R(1, 3, 20), rnn=nn.LSTM(8, 20)), "shape", "3 ≠ 2",
            "y [1,3,20] should be [1,2,20]",
        ),
        "an image in an LSTM": fails((nn.LSTM(8, 20), (R(2, 5, 8, 1),)), "shape", "4 ≠ 3 axes", ".squeeze(3)"),
        "half of the width for rotation": fails(
            of(lambda s, q, cos, _: q * cos, R(2, 8, 5, 64), R(5, 32)), "shape", "64 ≠ 32", "axis 1 of y [5,32] is 32"
        ),
        "an index on a padded token": fails(
            (nn.Embedding(10, 4), (torch.tensor([[1, -1]]),)), "index", "-1 < 0", "10 rows"
        ),
    }  # fmt: skip


def losses() -> dict[str, Fails]:
    def entropy(_: Any, x: Any, y: Any, __: Any) -> Any:
        return F.cross_entropy(x, y)

    return {
        "classes last": fails(of(entropy, R(2, 7, 10), R(2, 7, dtype=LONG)), "shape", "10 ≠ 7",
                              "x.transpose(1, 2): [2,10,7]"),
        "targets with an axis too many": fails(
            of(entropy, R(4, 10), R(4, 1, dtype=LONG)), "shape", "2 ≠ 1 axes", "y.squeeze(1): [4]"
        ),
        "masks of one channel": fails(
            of(entropy, R(2, 3, 8, 8), R(2, 1, 8, 8, dtype=LONG)), "shape", "4 ≠ 3 axes", "y.squeeze(1): [2,8,8]"
        ),
        "targets of int32": fails(
            of(entropy, R(4, 10), R(4, dtype=torch.int32)), "dtype", "int32 ≠ int64", "y.long()"
        ),
        "a binary loss": fails(
            of(lambda s, x, y, _: F.binary_cross_entropy_with_logits(x, y), R(4, 1), R(4)), "shape", "1 ≠ 2 axes",
            "y.unsqueeze(1): [4,1]",
        ),
        "one_hot of too few classes": fails(
            of(lambda s, x, *_: F.one_hot(x, 3), torch.tensor([1, 5])), "index", "5 ≥ 3", "3 classes"
        ),
        "nll_loss": fails(
            of(lambda s, x, y, _: F.nll_loss(x, y), R(2, 4), torch.tensor([0, 5])), "index", "5 ≥ 4", "4 classes"
        ),
    }  # fmt: skip


def picking() -> dict[str, Fails]:
    return {
        "a single image without its batch": fails(
            of(lambda s, x, *_: s.a(x.squeeze()).flatten(1) @ torch.zeros(5, 5), R(1, 3, 4, 4), a=nn.Conv2d(3, 8, 3)),
            "shape", "4 ≠ 5",
        ),
        "gather without an axis": fails(of(lambda s, x, i, _: x.gather(1, i), R(2, 4), R(2, dtype=LONG)), "shape",
                                        "1 ≠ 2 axes", "y.unsqueeze(1): [2,1]"),
        "gather of whole rows": fails(
            of(lambda s, x, i, _: x.gather(1, i), R(2, 5, 16), R(2, 3, dtype=LONG)), "shape", "2 ≠ 3 axes",
            "would fit: y.unsqueeze(2).expand(-1, -1, 16): [2,3,16]\n",
        ),
        "gather of an index of other rows": fails(
            of(lambda s, x, i, _: x.gather(1, i), R(2, 5, 16), R(3, 3, dtype=LONG)), "shape", "2 ≠ 3 axes"
        ),
        "scatter of too many": fails(
            of(lambda s, x, i, v: x.scatter(1, i, v), R(2, 4), R(2, 3, dtype=LONG), R(2, 2)), "shape", "3 > 2"
        ),
        "a mask of other rows": fails(
            of(lambda s, x, m, _: x[m], R(2, 4), R(3, dtype=torch.bool)), "shape", "2 ≠ 3",
            "the mask [3] has 3 in axis 0",
        ),
        "a mask of numbers": fails(
            of(lambda s, x, m, _: x.masked_fill(m, 0.0), R(2, 4), R(2, 4)), "dtype", "float32 ≠ bool", "y.bool()"
        ),
        "a part that is written": fails(of(write, R(2, 4), R(2, 3)), "shape", "3 ≠ 2", "that is written to is [2,2]"),
        "index_select": fails(
            of(lambda s, x, i, _: x.index_select(1, i), R(2, 4), torch.tensor([1, 4])), "index", "4 ≥ 4"
        ),
        "top-k of fewer": fails(of(lambda s, x, *_: x.topk(9), R(2, 4)), "shape", "9 > 4", "k=4"),
        "unflatten into heads": fails(
            of(lambda s, x, *_: x.unflatten(-1, (3, 4)), R(2, 10)), "shape", "10 ≠ 12", "3·4 multiply to 12"
        ),
        "a chunk too few": fails(
            of(lambda s, x, *_: [k for q, k, v in [x.chunk(3, -1)]], R(2, 4)), "other", "",
            "chunk gave a tuple of 2; 3 names wait for it",
        ),
        "no CUDA": fails(of(lambda s, x, *_: x.cuda(), R(2)), "other", "", "no CUDA device"),
        "two devices": fails(
            of(lambda s, x, *_: x + torch.zeros(4, device="meta"), R(2, 4)), "other", "", "another on"
        ),
    }  # fmt: skip


def write(_: nn.Module, x: Any, y: Any, __: Any) -> Any:
    x[:, :2] = y
    return x


REPORTED = {**dense(), **images(), **sequences(), **losses(), **picking()}
