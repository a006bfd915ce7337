"""Small models of many kinds, each with inputs, for what must hold for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.capture.plain import tensors_in

Sample = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]


@dataclass
class Pair:
    first: Tensor
    rest: list[Tensor]
    nothing: None = None


class Returns(nn.Module):
    """Gives back what a function makes of its input."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self.fc(x))


class Attends(nn.Module):
    """Causal attention over a fused projection, with dropout."""

    def __init__(self, d: int = 16, heads: int = 4) -> None:
        super().__init__()
        self.heads, self.qkv, self.out, self.drop = heads, nn.Linear(d, 3 * d), nn.Linear(d, d), nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.size()
        q, k, v = (p.view(B, T, self.heads, -1).transpose(1, 2) for p in self.qkv(x).split(C, dim=2))
        dropout = 0.3 if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout)
        return self.drop(self.out(y.transpose(1, 2).reshape(B, T, C)))


class Writes(nn.Module):
    """In-place operations, views, writes into parts, a buffer that counts calls."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        y = self.fc(x).relu_()
        half = y[..., :4]
        half.mul_(2)
        z = torch.zeros_like(y)
        z[..., 4:] = half
        torch.add(z.detach(), y.detach(), out=z.detach())
        return z.data + y.detach()


def samples() -> dict[str, Sample]:
    """Every sample by name, with fresh seeded weights."""
    torch.manual_seed(0)
    x, tokens = torch.randn(2, 5, 16), torch.randint(0, 20, (2, 5))
    layer = {"d_model": 16, "nhead": 4, "dim_feedforward": 32, "batch_first": True}
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(**layer), 2, enable_nested_tensor=False)
    return {
        "linear": (nn.Linear(16, 4), (x,), {}),
        "attention": (Attends(), (x,), {}),
        "embedding": (nn.Sequential(nn.Embedding(20, 16), nn.LayerNorm(16), nn.GELU()), (tokens,), {}),
        "encoder": (encoder, (x,), {}),
        "transformer": (nn.Transformer(16, 4, 1, 1, 32, batch_first=True), (x, x[:, :3]), {}),
        "multihead": (nn.MultiheadAttention(16, 4, batch_first=True), (x, x, x), {"need_weights": True}),
        "convolution": (nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.Flatten(2)), (torch.randn(2, 3, 8, 8),), {}),
        "recurrent": (nn.LSTM(16, 8), (x,), {}),
        "writes": (Writes(), (torch.randn(3, 8),), {}),
        "dataclass": (Returns(lambda y: Pair(y, [y.sum(), y[0]])), (torch.randn(3, 8),), {}),
        "mapping": (Returns(lambda y: {"a": y, "b": (None, y.mean()), "n": 3}), (torch.randn(3, 8),), {}),
        "nothing": (Returns(lambda _y: None), (torch.randn(3, 8),), {}),
    }


NAMES = tuple(samples())


def in_dtype(sample: Sample, dtype: torch.dtype) -> Sample:
    """A sample whose weights and numbers are of this dtype."""
    model, args, kwargs = sample
    return model.to(dtype), tuple(each.to(dtype) if each.is_floating_point() else each for each in args), kwargs


def results(name: str, training: bool, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """What a sample gives without a trace, under seed 1."""
    model, args, kwargs = in_dtype(samples()[name], dtype)
    torch.manual_seed(1)
    return list(tensors_in(model.train(training)(*args, **kwargs)))
