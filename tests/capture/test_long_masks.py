"""Masks of long texts are read by their values too, and those that PyTorch makes inside a function are not computed."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import shapetrace
from shapetrace.capture.known_values import KnownValues
from shapetrace.obtaining import obtain
from shapetrace.request import Request


def seen(trace: shapetrace.Trace) -> tuple[object, object]:
    outline = trace.outline()
    scores = next(step for step in outline.steps() if step.kind == "scores")
    return scores.results[0].pattern, outline.cache and outline.cache.bytes_per_token()


@pytest.mark.parametrize(
    ("model", "sets", "length", "pattern"),
    [
        ("llama-3.1-8b", (), 4096, "causal"),
        ("llama-3.1-8b", (), 8192, "causal"),
        ("hf:mistral", ("num_hidden_layers=1",), 4096, "causal"),
        ("hf:mistral", ("num_hidden_layers=1", "sliding_window=512"), 4096, "band"),
    ],
)
def test_a_long_text_has_the_mask_and_the_cache_of_a_short_one(model, sets, length, pattern):
    def run(n_tokens: int) -> shapetrace.Trace:
        shape = {"seq": n_tokens} | ({"layers": 1} if not sets else {})
        return obtain(Request(model=model, shape=shape, hf_set=sets), str)

    kind, kept = seen(run(length))
    assert kind == pattern
    assert kept is not None and kept == seen(run(1024))[1]


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(8, 8, device="meta"), nn.Linear(8, 8, device="meta")

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.scaled_dot_product_attention(self.q(x), self.k(x), x, attn_mask=mask, is_causal=mask is None)


@pytest.mark.parametrize("is_given", [False, True])
def test_what_a_fused_call_makes_of_its_mask_is_not_computed(is_given, monkeypatch):
    held = []
    hold = KnownValues._hold
    monkeypatch.setattr(KnownValues, "_hold", lambda self, tensor, memory: (
        held.append(tensor.numel() if memory is not None else 0), hold(self, tensor, memory))[1])  # fmt: skip
    x, mask = torch.zeros(1, 256, 8), torch.ones(256, 256, dtype=torch.bool).tril()
    trace = shapetrace.trace(Attention(), x, *([mask] if is_given else []))
    assert seen(trace)[0] == "causal"
    assert held.count(256 * 256) == is_given, "the mask that is given, and nothing else of its size"
