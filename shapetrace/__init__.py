"""Record a real forward pass of a PyTorch model and draw its matrix multiplications.

    import shapetrace
    trace = shapetrace.trace(model, input_ids)
    print(trace)
    shapetrace.figure(shapetrace.outline(trace), section="h.0.attn").save("attention.svg")

Importing this package does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapetrace.api import Figure, Trace, compare, explain, explore, figure, outline, trace
    from shapetrace.errors import MissingPartError, ShapetraceError, TraceError, UsageError
    from shapetrace.generations.recording import generation
    from shapetrace.loading import load
    from shapetrace.making import from_config, preset
    from shapetrace.proving import sizes

__version__ = "0.1.0"

__all__ = [
    "Figure",
    "MissingPartError",
    "ShapetraceError",
    "Trace",
    "TraceError",
    "UsageError",
    "__version__",
    "compare",
    "explain",
    "explore",
    "figure",
    "from_config",
    "generation",
    "load",
    "outline",
    "preset",
    "sizes",
    "trace",
]

_PLACES = {
    "api": ("Figure", "Trace", "compare", "explain", "explore", "figure", "outline", "trace"),
    "errors": ("MissingPartError", "ShapetraceError", "TraceError", "UsageError"),
    "loading": ("load",),
    "generations.recording": ("generation",),
    "making": ("from_config", "preset"),
    "proving": ("sizes",),
}
"""Where each name lives: it is loaded when it is used first."""


def __getattr__(name: str) -> object:
    place = next((place for place, names in _PLACES.items() if name in names), None)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(f"{__name__}.{place}"), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
