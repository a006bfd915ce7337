"""A failed pass explained: Trace → Explanation, from recorded shapes alone, without torch."""

from shapetrace.failing.reporting import report
from shapetrace.failing.structure import Explanation, Part
from shapetrace.ir import Trace

__all__ = ["Explanation", "Part", "explanation", "met", "report"]


def explanation(trace: Trace) -> Explanation | None:
    """Explain why a pass ended early; None if it did not.

    An error that no rule knows is told as what it is: its own type, message and place.
    """
    if trace.failure is None:
        return None
    from shapetrace.failing.explaining import explained  # most passes do not fail

    return explained(trace)


def met(trace: Trace) -> set[tuple[int, int]]:
    """Axes of inputs, with their tensors, that a failed operation takes as an axis of a parameter."""
    from shapetrace.failing import explaining

    return explaining.met(trace) if trace.failure is not None else set()
