"""Two traces side by side: what was added, removed and changed, without torch."""

from shapetrace.comparing.matching import compare
from shapetrace.comparing.structure import ASPECTS, USUALLY, Change, Comparison, to_ignore

__all__ = ["ASPECTS", "USUALLY", "Change", "Comparison", "compare", "to_ignore"]
