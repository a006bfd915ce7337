"""Small models, and one rank's trace of each."""

from typing import Any

import torch
from torch import nn

from shapetrace import ir
from shapetrace.api import Trace
from shapetrace.capture import capture
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from shapetrace.sharding.degrees import Degrees

SHAPES: dict[str, dict[str, Any]] = {
    "llama-3.1-8b": {"layers": 2, "d_model": 64, "heads": 8, "kv_heads": 4, "d_ff": 96, "vocab": 96, "seq": 16},
    "gpt2": {"layers": 2, "d_model": 64, "heads": 8, "vocab": 98, "seq": 16},
    "mixtral-8x7b": {"layers": 2, "d_model": 64, "heads": 8, "kv_heads": 4, "vocab": 96, "seq": 16},
    "deepseek-v3": {"layers": 4, "heads": 64, "vocab": 96, "seq": 8},
}
HF = {
    "llama": ("hidden_size=64", "intermediate_size=96", "num_hidden_layers=2", "num_attention_heads=8",
              "num_key_value_heads=4", "vocab_size=96"),
    "mixtral": ("hidden_size=64", "intermediate_size=96", "num_hidden_layers=2", "num_attention_heads=8",
                "num_key_value_heads=4", "vocab_size=96", "num_local_experts=8"),
}  # fmt: skip


def preset(name: str, **degrees: Any) -> Trace:
    """One rank of a small preset; of one machine without degrees."""
    return obtain(Request(model=name, shape=SHAPES[name], ranks=Degrees(**degrees) if degrees else None), print)


def hugging(kind: str, *entries: str, seq: int = 16, **degrees: Any) -> Trace:
    """One rank of a small model of transformers."""
    ranks = Degrees(**degrees) if degrees else None
    settings = HF.get(kind, ()) + entries
    return obtain(Request(model=f"hf:{kind}", shape={"seq": seq}, hf_set=settings, ranks=ranks), print)


class Mlp(nn.Module):
    def __init__(self, d: int, f: int, device: str = "cpu") -> None:
        super().__init__()
        self.up = nn.Linear(d, f, bias=False, device=device)
        self.down = nn.Linear(f, d, bias=False, device=device)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(torch.relu(self.up(x)))


def trace(model: nn.Module, *args: torch.Tensor) -> Trace:
    return Trace.of(capture(model, args))


def collectives(recorded: ir.Trace) -> list[ir.Kernel]:
    return [kernel for op in recorded.ops for kernel in op.kernels if "ranks" in kernel.args]


def roles(recorded: Trace) -> list[str]:
    """Roles of all steps in order, those of ranks that talk left out."""
    found = [step.role.value for step in recorded.outline().steps() if step.kind != "collective"]
    return [role for role in found if role != "other"]
