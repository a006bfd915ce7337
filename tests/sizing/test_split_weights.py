"""Columns of one weight that are keys and columns that are values have names of their own, though they are as many."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

import shapetrace
from shapetrace import ir
from shapetrace.outlining import outline
from shapetrace.sizing.variables import Variable
from shapetrace.sizing.varying import sizes

VARIED = [Variable(name, name, value, "entry") for name, value in {"h": 4, "d_qk": 8, "d_v": 8, "r_kv": 24}.items()]


class Expanded(nn.Module):
    """Attention whose keys and values come from a latent, by one weight."""

    def __init__(self, h: int = 4, d_qk: int = 8, d_v: int = 8, r_kv: int = 24) -> None:
        super().__init__()
        self.sizes = h, d_qk, d_v
        self.q, self.down = nn.Linear(32, h * (d_qk + 6)), nn.Linear(32, r_kv + 6)
        self.up, self.out = nn.Linear(r_kv, h * (d_qk + d_v)), nn.Linear(h * d_v, 32)

    def forward(self, x: Tensor) -> Tensor:
        h, d_qk, d_v = self.sizes
        q = self.q(x).unflatten(-1, (h, -1)).transpose(1, 2)
        latent, shared = self.down(x).tensor_split([-6], -1)
        k, v = self.up(latent).unflatten(-1, (h, -1)).transpose(1, 2).split([d_qk, d_v], -1)
        k = torch.cat([k, shared[:, None].expand(-1, h, -1, -1)], -1)
        heads = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(heads.transpose(1, 2).flatten(2))


def passed(values: Mapping[str, int], *, shallow: bool = False) -> ir.Trace:
    return shapetrace.trace(Expanded(**values).to("meta"), torch.zeros(1, 5, 32, device="meta"))


def test_keys_and_values_of_one_weight_are_told_apart() -> None:
    trace = passed({})
    found = outline(replace(trace, sizes=sizes(trace, VARIED, passed, shallow_layers=False)))
    columns = {step.title: step.operands[1].dims[-1] for step in found.steps() if step.title in ("Key", "Value")}
    assert columns == {"Key": "d_qk", "Value": "d_v"}
