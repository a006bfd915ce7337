"""The trace: what a forward pass ran, as plain facts.

Frozen, and nothing here is interpreted: meaning is the outline's. What a pass has thousands of are structs of msgspec,
which are made ten times as fast as frozen dataclasses.
Ids are positions: ``trace.tensors[7].id == 7``. The same model and inputs give the same trace.
"""

from shapetrace.ir.masks import Pattern, PatternKind, Span
from shapetrace.ir.ranks import Layout, Placement, World
from shapetrace.ir.recorded import (
    MOST_PICKS,
    MOST_WEIGHED,
    Call,
    Failure,
    Kernel,
    Model,
    Op,
    Origin,
    Parameter,
    Plain,
    Role,
    Tensor,
    Trace,
    Weighed,
)
from shapetrace.ir.sizes import Range, Refusal, Sizes

__all__ = [
    "MOST_PICKS",
    "MOST_WEIGHED",
    "Call",
    "Failure",
    "Kernel",
    "Layout",
    "Model",
    "Op",
    "Origin",
    "Parameter",
    "Pattern",
    "PatternKind",
    "Placement",
    "Plain",
    "Range",
    "Refusal",
    "Role",
    "Sizes",
    "Span",
    "Tensor",
    "Trace",
    "Weighed",
    "World",
]
