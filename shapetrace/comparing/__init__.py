"""Two traces side by side: what was added, removed and changed, without torch."""

from shapetrace.comparing.levels import USUALLY, levels
from shapetrace.comparing.matching import compare
from shapetrace.comparing.structure import ASPECTS, Change, Comparison

__all__ = ["ASPECTS", "USUALLY", "Change", "Comparison", "compare", "levels"]
