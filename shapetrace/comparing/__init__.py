"""Two traces side by side: what was added, removed and changed, without torch."""

from shapetrace.comparing.matching import compare
from shapetrace.comparing.structure import ASPECTS, Change, Comparison

__all__ = ["ASPECTS", "Change", "Comparison", "compare"]
