"""A failed pass explained: Trace → Explanation, from recorded shapes alone, without torch."""

from shapetrace.failing.explaining import explanation
from shapetrace.failing.reporting import report
from shapetrace.failing.structure import Explanation, Part

__all__ = ["Explanation", "Part", "explanation", "report"]
