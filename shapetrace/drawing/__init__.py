"""From an Outline to a Figure: rectangles, text and lines at positions in px.

A table needs words of this package and no drawing, so what draws is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING, Any

from shapetrace.drawing.look import Look
from shapetrace.drawing.primitives import Figure

if TYPE_CHECKING:
    from shapetrace.drawing.kinds.side_by_side import compare
    from shapetrace.drawing.kinds.single import figure

__all__ = ["Figure", "Look", "compare", "figure"]


def __getattr__(name: str) -> Any:
    if name == "figure":
        from shapetrace.drawing.kinds.single import figure

        return figure
    if name == "compare":
        from shapetrace.drawing.kinds.side_by_side import compare

        return compare
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
