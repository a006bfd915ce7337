"""Record a real forward pass of a PyTorch model and draw its matrix multiplications.

    import shapetrace
    trace = shapetrace.trace(model, input_ids)
    print(trace)
    shapetrace.figure(shapetrace.outline(trace), section="h.0.attn").save("attention.svg")

Importing this package does not import torch.
"""

from shapetrace.api import Figure, Trace, compare, explain, explore, figure, outline, trace
from shapetrace.errors import MissingPartError, ShapetraceError, TraceError, UsageError
from shapetrace.loading import load
from shapetrace.looping import generation
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
