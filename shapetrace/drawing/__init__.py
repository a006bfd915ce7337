"""From an Outline to a Figure: rectangles, text and lines at positions in px."""

from shapetrace.drawing.kinds.side_by_side import compare
from shapetrace.drawing.kinds.single import figure
from shapetrace.drawing.look import Look
from shapetrace.drawing.primitives import Figure

__all__ = ["Figure", "Look", "compare", "figure"]
