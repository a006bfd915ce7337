"""Two traces side by side: what was added, removed and changed, without torch."""

from shapetrace.comparing.matching import compare, compare_outlines
from shapetrace.comparing.structure import ASPECTS, USUALLY, Change, Comparison, to_ignore

__all__ = ["ASPECTS", "USUALLY", "Change", "Comparison", "compare", "compare_outlines", "to_ignore"]
