"""Models to walk through, each traced once and written to one page."""

from functools import cache

import torch
from torch import Tensor, nn

from shapetrace.api import Trace
from shapetrace.capture import capture
from shapetrace.errors import TraceError
from shapetrace.exploring import Explored
from shapetrace.formats.contract import Options
from shapetrace.formats.page import render
from shapetrace.obtaining import obtain
from shapetrace.request import Request

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
        return torch.relu(self.grow(self.norm(x)))


def deep(n_layers: int) -> Trace:
    """Many layers that cannot be folded."""
    with torch.device("meta"):
        model, x = nn.Sequential(*map(Layer, range(16, 16 + n_layers))), torch.zeros(2, 4, 16)
    return Trace.of(capture(model, (x,), {}))


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
    own = {"hostile": _hostile, "broken": _broken, "deep": lambda: deep(300)}
    return own.get(name, lambda: obtain(Request(model=name), print))()


@cache
def page(name: str, place: str = "") -> str:
    """Its page."""
    return render(Explored.of(trace(name).outline()), Options(), place)
