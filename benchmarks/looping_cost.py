"""What loops written out cost to trace and to read, as a Markdown table: ``python benchmarks/looping_cost.py``.

Models whose operations grow with a number: a state that changes from turn to turn, experts that are asked one by one,
tokens that are generated inside of ``forward`` with a cache, and the layers of a preset. An operation should cost the
same in a long loop, and the layers of a preset the same with many experts, which multiply in one operation.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from timing import seconds
from torch import Tensor, nn

from shapetrace.capture import capture
from shapetrace.models.building import build, inputs
from shapetrace.models.presets import preset
from shapetrace.outlining import outline

D, HEADS = 32, 4
HEADER = """\
| model | number | operations | trace, µs an operation | outline, µs an operation |
| --- | ---: | ---: | ---: | ---: |"""


class States(nn.Module):
    """A state-space model, turn by turn."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.keys, self.queries = nn.Linear(D, D), nn.Linear(D, 16), nn.Linear(D, 16)
        self.fade = nn.Parameter(torch.rand(D, 16))

    def forward(self, x: Tensor) -> Tensor:
        u, keys, queries = self.inner(x), self.keys(x), self.queries(x)
        state, rows = torch.zeros(x.shape[0], D, 16), []
        for t in range(x.shape[1]):
            state = state * torch.exp(-self.fade) + u[:, t, :, None] * keys[:, t, None]
            rows.append((state * queries[:, t, None]).sum(-1))
        return torch.stack(rows, 1)


class Experts(nn.Module):
    """Experts that are asked one by one, and weighed."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.router = nn.Linear(D, n)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(D, 64), nn.ReLU(), nn.Linear(64, D)) for _ in range(n))

    def forward(self, x: Tensor) -> Tensor:
        weights, chosen = self.router(x).softmax(-1).topk(2, -1)
        y = torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            y = y + expert(x) * ((chosen == number) * weights).sum(-1, keepdim=True)
        return y


class Writing(nn.Module):
    """One layer of attention that writes tokens, each read with the keys and values of those before it."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n, self.table = n, nn.Embedding(100, D)
        self.qkv, self.o, self.head = nn.Linear(D, 3 * D), nn.Linear(D, D), nn.Linear(D, 100)

    def forward(self, ids: Tensor) -> Tensor:
        kept: tuple[Tensor, ...] = ()
        for _ in range(self.n):
            x = self.table(ids[:, -1:] if kept else ids)
            q, k, v = (rows.unflatten(-1, (HEADS, -1)).transpose(1, 2) for rows in self.qkv(x).chunk(3, -1))
            kept = (torch.cat([kept[0], k], 2), torch.cat([kept[1], v], 2)) if kept else (k, v)
            weights = (q @ kept[0].mT * (D // HEADS) ** -0.5).softmax(-1)
            x = x + self.o((weights @ kept[1]).transpose(1, 2).flatten(2))
            ids = torch.cat([ids, self.head(x[:, -1:]).argmax(-1)], 1)
        return ids


def of_preset(name: str, **changed: int) -> tuple[nn.Module, Tensor]:
    """A preset on meta, with another number of layers or experts."""
    settings = replace(preset(name).settings, device="meta")
    if "experts" in changed and settings.experts is not None:
        settings = replace(settings, experts=replace(settings.experts, count=changed["experts"]))
    settings = replace(settings, layers=changed.get("layers", settings.layers))
    args, _ = inputs(settings)
    return build(settings), *args


MODELS: dict[str, tuple[Callable[[int], tuple[nn.Module, Tensor]], tuple[int, ...]]] = {
    "states, turn by turn": (lambda n: (States(), torch.ones(2, n, D)), (128, 256, 512)),
    "experts, one by one": (lambda n: (Experts(n), torch.ones(2, 8, D)), (128, 256, 512)),
    "tokens, one by one": (lambda n: (Writing(n), torch.ones(1, 4, dtype=torch.int64)), (32, 64, 128)),
    "layers of llama-3.1-405b": (lambda n: of_preset("llama-3.1-405b", layers=n), (12, 42, 126)),
    "experts of mixtral-8x7b": (lambda n: of_preset("mixtral-8x7b", experts=n), (2, 8, 64)),
}


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(HEADER)
    for name, (made, sizes) in MODELS.items():
        for n in sizes:
            model, x = made(n)
            trace = capture(model, (x,), {})
            tracing = min(seconds(partial(capture, model, (x,), {})) for _ in range(3)) / len(trace.ops)
            reading = min(seconds(partial(outline, trace)) for _ in range(3)) / len(trace.ops)
            print(f"| {name} | {n} | {len(trace.ops):,} | {tracing * 1e6:.0f} | {reading * 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
