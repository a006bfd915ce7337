"""What ``import shapetrace`` offers: trace, outline, figure, compare. Only tracing a model imports torch."""

from shapetrace.api.figures import Figure, compare, figure, look_of
from shapetrace.api.pages import Explorer, explore, explorer
from shapetrace.api.traces import Trace, explain, note_why, outline, trace

__all__ = [
    "Explorer",
    "Figure",
    "Trace",
    "compare",
    "explain",
    "explore",
    "explorer",
    "figure",
    "look_of",
    "note_why",
    "outline",
    "trace",
]
