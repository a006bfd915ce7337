"""Widths as people give them: px for a screen, inches, millimetres or points for paper."""

import re

from shapetrace.errors import UsageError

MAX_WIDTH_PX = 1200
MIN_WIDTH_PX = 300
COLUMN_PX = 700.0
"""Width of a column of text on a screen."""

_PX = {"px": 1.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "pt": 96 / 72}
"""Pixels of a unit: those of CSS, of which PDF and LaTeX make true lengths."""

_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*(px|in|cm|mm|pt)?")


def pixels(width: str) -> float:
    """Read a width: ``700``, ``3.5in``, ``88mm``, ``252pt``.

    Raises:
        UsageError: If it is no width, or too small or large for a figure.
    """
    match = _WRITTEN.fullmatch(width.strip())
    if match is None:
        raise UsageError(f"width is {width!r}; expected px (700) or a length on paper (3.5in, 88mm, 252pt)")
    px = float(match[1]) * _PX[match[2] or "px"]
    check(px, width)
    return px


def check(px: float, written: str = "") -> None:
    """Is this a width that a figure can have?

    Raises:
        UsageError: If it is too small or too large.
    """
    if not MIN_WIDTH_PX <= px <= MAX_WIDTH_PX:
        raise UsageError(
            f"width is {written or f'{px:g} px'}; expected {MIN_WIDTH_PX} to {MAX_WIDTH_PX} px "
            f"({MIN_WIDTH_PX / 96:.1f} to {MAX_WIDTH_PX / 96:g} in)"
        )
