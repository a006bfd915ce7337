"""Small models of many sorts, each traced once: presets with few layers on meta, and modules written here."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.api import Trace
from shapetrace.capture import capture
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from tests.outlining.blocks import Attention as Rotated
from tests.outlining.blocks import LoRA, rope_halves
from tests.outlining.gpts import LectureGPT, NanoGPT


class AdaptedBlock(nn.Module):
    """A pre-norm block whose every projection has an adapter."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(24), nn.LayerNorm(24)
        self.qkv, self.proj, self.up, self.down = LoRA(24, 72), LoRA(24, 24), LoRA(24, 96), LoRA(96, 24)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        q, k, v = self.qkv(self.ln_1(x)).view(B, T, 3, 4, 6).permute(2, 0, 3, 1, 4).unbind(0)
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(heads.transpose(1, 2).reshape(B, T, C))
        return x + self.down(F.gelu(self.up(self.ln_2(x))))


class Adapted(nn.Module):
    """Ids → blocks with adapters → scores over the vocabulary."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(40, 24), nn.Linear(24, 40, bias=False)
        self.h = nn.Sequential(*(AdaptedBlock() for _ in range(3)))

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.h(self.table(ids)))


class Classifier(nn.Module):
    """A small picture network: convolutions, a pooled row, classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        x = x + F.relu(self.second(x))
        return self.head(x.mean((2, 3)))


def preset(model: str, **shape: int) -> Callable[[], Trace]:
    return lambda: obtain(Request(model=model, shape=shape), str)


def module(model: Callable[[], nn.Module], *inputs: Tensor) -> Callable[[], Trace]:
    return lambda: Trace.of(capture(model().eval(), inputs, {}))


IDS = torch.zeros(2, 7, dtype=torch.int64)

MODELS: dict[str, Callable[[], Trace]] = {
    "gpt2": preset("gpt2", layers=3, seq=8),
    "llama": preset("llama-3.1-8b", layers=3, seq=8, batch=2),
    "mixtral": preset("mixtral-8x7b", layers=3, seq=8),
    "deepseek": preset("deepseek-v3", layers=6, seq=8),
    "encoder-decoder": preset("transformer-base", layers=2, encoder_layers=2, seq=8, target_seq=6),
    "adapters": module(Adapted, IDS),
    "nsa": preset("toy:nsa"),
    "own gpt": module(lambda: NanoGPT(flash=False, tie=True), IDS),
    "heads apart": module(LectureGPT, IDS),
    "rotated": module(lambda: Rotated(kv_heads=2, rotate=rope_halves, qk_norm=True, window=3), torch.zeros(2, 7, 24)),
    "pictures": module(Classifier, torch.zeros(1, 3, 9, 9)),
    "recurrent": module(lambda: nn.LSTM(6, 5, num_layers=2), torch.zeros(4, 1, 6)),
    "torch encoder": module(
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(24, 4, 48, batch_first=True), 2), torch.zeros(2, 7, 24)
    ),
}


@cache
def traced(name: str) -> Trace:
    return MODELS[name]()
