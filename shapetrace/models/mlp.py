"""The position-wise part of a block: two linear layers, or three with a gate."""

from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.models.settings import Settings


class MLP(nn.Module):
    """Up, non-linearity, down, as GPT-2 has it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.c_fc = nn.Linear(settings.d_model, settings.ff_size, bias=settings.bias)
        self.c_proj = nn.Linear(settings.ff_size, settings.d_model, bias=settings.bias)
        self.activation = settings.activation

    def forward(self, x: Tensor) -> Tensor:
        x = self.c_fc(x)  # (B, T, C) -> (B, T, F)
        if self.activation == "gelu":
            x = F.gelu(x, approximate="tanh")  # what GPT-2 calls gelu
        elif self.activation == "relu":
            x = F.relu(x)
        else:
            x = F.silu(x)
        out: Tensor = self.c_proj(x)  # (B, T, F) -> (B, T, C)
        return out


class GatedMLP(nn.Module):
    """SwiGLU, as Llama has it: silu(gate) times up, then down."""

    def __init__(self, settings: Settings, d_ff: int | None = None) -> None:
        super().__init__()
        C, d_ff = settings.d_model, settings.ff_size if d_ff is None else d_ff
        self.gate_proj = nn.Linear(C, d_ff, bias=settings.bias)
        self.up_proj = nn.Linear(C, d_ff, bias=settings.bias)
        self.down_proj = nn.Linear(d_ff, C, bias=settings.bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))  # (B, T, F) -> (B, T, C)
        return out
