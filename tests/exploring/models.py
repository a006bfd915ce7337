"""Models to walk through, each traced once and written to one page."""

from functools import cache

import torch
from torch import Tensor, nn

from shapetrace.api import Trace
from shapetrace.capture import capture
from shapetrace.errors import TraceError
from shapetrace.exploring import Explored, Tour
from shapetrace.formats.contract import Options
from shapetrace.formats.page import render
from shapetrace.generations.decoding import Generation
from shapetrace.generations.running import generated, tour
from shapetrace.request import Request
from shapetrace.sharding.degrees import Degrees
from tests.obtained import obtained

HOSTILE = '</script><script>document.title="taken"</script><img src=x onerror=alert(1)>'


class Hostile(nn.Module):
    """A module of a user, with a name that would be markup anywhere but in a text."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.relu(self.first(x)))


class Broken(nn.Module):
    """The second layer does not take what the first one gives."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(9, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))


class Layer(nn.Module):
    """One of many, no two of which have the same sizes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.grow = nn.LayerNorm(width), nn.Linear(width, width + 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cumsum(self.grow(self.norm(x)), 1)


def deep(n_layers: int) -> Trace:
    """Many layers that cannot be folded."""
    with torch.device("meta"):
        model, x = nn.Sequential(*map(Layer, range(16, 16 + n_layers))), torch.zeros(2, 4, 16)
    return Trace.of(capture(model, (x,), {}))


class Stacked(nn.Module):
    """Layers that are alike, but for one that is wider."""

    def __init__(self, n_layers: int, wider: int = -1) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Mixed(24 if n == wider else 16) for n in range(n_layers))
        self.last = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.last(x)


class Mixed(nn.Module):
    """A layer of `Stacked`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(8), nn.Linear(8, width), nn.Linear(width, 8)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(torch.relu(self.up(self.norm(x))))


def _stacked(wider: int) -> Trace:
    return Trace.of(capture(Stacked(6, wider), (torch.zeros(2, 3, 8),), {}))


def _mended() -> Trace:
    model = Broken()
    model.second = nn.Linear(8, 4)
    return Trace.of(capture(model, (torch.zeros(2, 3, 6),), {}))


def _hostile() -> Trace:
    found = capture(Hostile(), (torch.zeros(2, 3, 6),), {})
    return Trace.of(found.__class__(**{**vars(found), "model": type(found.model)(HOSTILE, {}, "cpu")}))


def _broken() -> Trace:
    try:
        capture(Broken(), (torch.zeros(2, 3, 6),), {})
    except (RuntimeError, TraceError) as error:
        return Trace.of(error.trace)  # type: ignore[union-attr]
    raise AssertionError("it ran")


@cache
def trace(name: str) -> Trace:
    """The trace of a preset, or of a module that stands here."""
    own = {"hostile": _hostile, "broken": _broken, "deep": lambda: deep(200)}
    if name.startswith("rank "):
        _, rank, model = name.split()
        return obtained(model, ranks=Degrees(tp=2, pp=2, rank=int(rank)))
    own |= {"mended": _mended, "alike": lambda: _stacked(-1), "wider": lambda: _stacked(3)}
    return own.get(name, lambda: obtained(name))()


@cache
def explored(name: str) -> Explored:
    """Both forms of it."""
    return Explored.of(trace(name).outline())


@cache
def generation(name: str) -> Generation:
    """A prompt of five tokens, and four decode steps."""
    return generated(Request(model=name, shape={"seq": 5}), print, 4)


@cache
def shown(name: str) -> Tour:
    """What a page shows: of two names with a space between them both in step, of ``generated NAME`` its passes, of
    ``recomputed NAME`` those without a cache, of ``ranks NAME`` the first and the last of four ranks."""
    first, *others = name.split(" ")
    if first == "generated":
        return tour(generation(*others))
    if first == "recomputed":
        return tour(generated(Request(model=others[0], shape={"seq": 5}), print, 2, cached=False))
    if first == "ranks":
        return Tour(tuple(explored(f"rank {n} {others[0]}") for n in (0, 3)))
    if first == "rank":
        return Tour((explored(name),))
    return Tour(tuple(map(explored, (first, *others))), in_step=bool(others))


@cache
def page(name: str, place: str = "") -> str:
    """The page of what a name shows."""
    return render(shown(name), Options(), place)
