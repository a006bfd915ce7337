"""Tiny models for ``check_on_gpu.py``: each a function from a device to a model in bfloat16 and its inputs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.models.building import build, inputs
from shapetrace.models.settings import Attention, Experts, Latent, Settings

Built = tuple[nn.Module, tuple[Any, ...]]

D, HEADS, T = 64, 4, 16


@dataclass(frozen=True)
class Architecture:
    """A model to check.

    Attributes:
        build: Makes it and its inputs on a device, with the same weights everywhere.
        fused_attention: Whether it calls PyTorch's attention, which has several backends.
        compiled: Whether its untraced pass is compiled: a traced one runs what was written, and may round apart.
    """

    build: Callable[[str], Built]
    fused_attention: bool = False
    compiled: bool = False


def _reference(**changed: Any) -> Architecture:
    small = Settings(layers=2, d_model=D, heads=HEADS, vocab=128, seq=T, context=32, dtype="bfloat16")

    def make(device: str) -> Built:
        settings = replace(small, **changed, device="meta" if device == "meta" else "cpu")
        return build(settings).to(device), tuple(each.to(device) for each in inputs(settings)[0])

    return Architecture(make)


def _own(module: Callable[[], nn.Module], *shapes: tuple[int, ...], **kinds: bool) -> Architecture:
    def make(device: str) -> Built:
        first = torch.device("meta" if device == "meta" else "cpu")
        with torch.random.fork_rng(devices=[]), first:
            torch.manual_seed(0)
            model = module().to(torch.bfloat16).eval()
            return model.to(device), tuple(torch.randn(shape, dtype=torch.bfloat16).to(device) for shape in shapes)

    return Architecture(make, **kinds)


class FusedAttention(nn.Module):
    """Attention that PyTorch runs as one call; fewer heads of keys share theirs."""

    def __init__(self, kv_heads: int = HEADS, *, causal: bool = True, d_head: int = 64) -> None:
        super().__init__()
        self.kv_heads, self.causal, self.d_head = kv_heads, causal, d_head
        self.q, self.o = nn.Linear(D, HEADS * d_head, bias=False), nn.Linear(HEADS * d_head, D, bias=False)
        self.kv = nn.Linear(D, 2 * kv_heads * d_head, bias=False)

    def forward(self, x: Tensor, context: Tensor | None = None, kept: tuple[Tensor, Tensor] | None = None) -> Tensor:
        B, N, _ = x.shape
        read = x if context is None else context
        q = self.q(x).view(B, N, HEADS, self.d_head).transpose(1, 2)  # (B, nh, N, hs)
        k, v = self.kv(read).view(B, read.size(1), 2 * self.kv_heads, self.d_head).transpose(1, 2).chunk(2, dim=1)
        if kept is not None:
            k, v = torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)
        if self.kv_heads != HEADS:
            k, v = (each.repeat_interleave(HEADS // self.kv_heads, dim=1) for each in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal and kept is None)
        return self.o(y.transpose(1, 2).reshape(B, N, -1))  # type: ignore[no-any-return]


class Block(nn.Module):
    """A block with fused attention and a fused RMSNorm."""

    def __init__(self, kv_heads: int = HEADS) -> None:
        super().__init__()
        self.norm, self.attn = nn.RMSNorm(D), FusedAttention(kv_heads)
        self.norm_2, self.up, self.down = nn.RMSNorm(D), nn.Linear(D, 128), nn.Linear(128, D)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm(x))
        return x + self.down(F.silu(self.up(self.norm_2(x))))  # type: ignore[no-any-return]


class DecodeStep(nn.Module):
    """One token more: the keys and values before it come from a cache."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = FusedAttention()

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return x + self.attn(x, None, (keys, values))  # type: ignore[no-any-return]


class GroupedExperts(nn.Module):
    """Rows sorted by expert, then one grouped product for all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(D, 4, bias=False)
        self.up, self.down = (nn.Parameter(torch.randn(4, *size) * 0.02) for size in ((D, 128), (128, D)))

    def forward(self, x: Tensor) -> Tensor:
        scores, chosen = self.router(x).softmax(-1).topk(1)
        order = chosen.flatten().argsort(stable=True)
        ends = torch.bincount(chosen.flatten(), minlength=4).cumsum(0).to(torch.int32)
        hidden = F.silu(torch._grouped_mm(x[order], self.up, offs=ends))
        y = torch._grouped_mm(hidden, self.down, offs=ends) * scores[order]
        return torch.zeros_like(x).index_copy(0, order, y)


class MultiHead(nn.Module):
    """PyTorch's own multi-head attention."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(D, HEADS, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attn(x, x, x, need_weights=False)[0]  # type: ignore[no-any-return]


class Compiled(nn.Module):
    """A block of which a part is compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block()
        self.mlp = torch.compile(nn.Sequential(nn.Linear(D, 128), nn.GELU(), nn.Linear(128, D)))

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x) + self.mlp(x)  # type: ignore[no-any-return]


def _convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, groups=2), nn.GroupNorm(4, 16), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, 10),
    )  # fmt: skip


_LLAMA = {"norm": "rmsnorm", "positions": "rope", "activation": "swiglu", "bias": False, "tie": False}
_LATENT = Latent(kv_lora_rank=16, qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=16)

ARCHITECTURES: dict[str, Architecture] = {
    "gpt-2": _reference(),
    "llama": _reference(**_LLAMA, kv_heads=2, attention=Attention(projections="separate")),
    "qwen-3": _reference(**_LLAMA, kv_heads=2, attention=Attention(projections="separate", qk_norm=True)),
    "mistral": _reference(**_LLAMA, attention=Attention(projections="separate", window=4)),
    "gemma": _reference(**_LLAMA, attention=Attention(projections="separate", window=4, full_every=2)),
    "heads-side-by-side": _reference(attention=Attention(projections="per-head")),
    "deepseek-latent": _reference(**_LLAMA, attention=Attention(projections="separate", latent=_LATENT)),
    "deepseek-q-lora": _reference(
        **_LLAMA, attention=Attention(projections="separate", latent=replace(_LATENT, q_lora_rank=24))
    ),
    "mixtral": _reference(
        **_LLAMA, attention=Attention(projections="separate"), experts=Experts(count=4, per_token=2, d_ff=32)
    ),
    "deepseek-experts": _reference(
        **_LLAMA,
        attention=Attention(projections="separate"),
        experts=Experts(4, 2, 32, shared=1, first_dense=1, score="sigmoid", groups=2, groups_kept=1, correction=True),
    ),
    "transformer-2017": _reference(encoder_layers=2, target_seq=8, positions="sinusoidal", post_norm=True),
    "last-row": _reference(pad=24, last_row=True),
    "batch": _reference(batch=3),
    "fused-block": _own(Block, (2, T, D), fused_attention=True),
    "fused-grouped-heads": _own(lambda: Block(kv_heads=2), (1, T, D), fused_attention=True),
    "fused-cross": _own(lambda: FusedAttention(causal=False), (1, T, D), (1, 24, D), fused_attention=True),
    "decode-step": _own(DecodeStep, (1, 1, D), (1, HEADS, T, 64), (1, HEADS, T, 64), fused_attention=True),
    "grouped-experts": _own(GroupedExperts, (T, D)),
    "multi-head": _own(MultiHead, (2, T, D)),
    "encoder-layer": _own(lambda: nn.TransformerEncoderLayer(D, HEADS, 128, batch_first=True), (2, T, D)),
    "fused-norms": _own(lambda: nn.Sequential(nn.LayerNorm(D), nn.Linear(D, D), nn.RMSNorm(D)), (2, T, D)),
    "convolutions": _own(_convolutions, (2, 3, 16, 16)),
    "lstm": _own(lambda: nn.LSTM(D, 32, batch_first=True), (2, T, D)),
    "large-activations": _own(lambda: nn.Sequential(nn.Linear(D, 8192), nn.GELU(), nn.Linear(8192, D)), (4096, D)),
    "compiled": _own(Compiled, (2, T, D), compiled=True),
}
