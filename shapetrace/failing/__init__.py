"""A failed pass explained: Trace → Explanation, from recorded shapes alone, without torch."""

from shapetrace.failing.reporting import report
from shapetrace.failing.structure import Explanation, Part
from shapetrace.ir import Trace

__all__ = ["Explanation", "Part", "explanation", "report"]


def explanation(trace: Trace) -> Explanation | None:
    """Explain why a pass ended early; None if it did not.

    An error that no rule knows is told as what it is: its own type, message and place.
    """
    if trace.failure is None:
        return None
    from shapetrace.failing.explaining import explained  # most passes do not fail

    return explained(trace)
