"""From an Outline to a Figure: rectangles, text and lines at positions in px."""

from shapetrace.drawing.comparing import compare
from shapetrace.drawing.layout import figure
from shapetrace.drawing.look import Look
from shapetrace.drawing.primitives import Figure

__all__ = ["Figure", "Look", "compare", "figure"]
