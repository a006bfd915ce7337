"""Bars of a box of a map: its shares of all parameters, of all FLOPs, and of all bytes that the pass makes."""

from collections.abc import Iterator

from shapetrace.drawing.mapping.arranging import Spot
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Mark, Rect, Span, Text
from shapetrace.outlining.structure import Outline

PAD_PX = 12.0
TRACK = "track"
"""Ink of what a bar is a part of."""

_LENGTH_PX, _NARROW_PX = 40.0, 28.0
_GAP_PX, _NARROW_GAP_PX = 12.0, 8.0
_HIGH_PX = 6.0
_STACKED_HIGH_PX, _PITCH_PX = 4.0, 5.0
_NUMBERED_PX = 440.0
"""How wide a box is whose bars have numbers."""
_STACKED_PX = 190.0
"""How wide a box is whose bars stand side by side."""
_LEAST_SHARE = 0.0005
_LEAST_PX = 1.5


def bars(spot: Spot, y: float, outline: Outline) -> Iterator[Mark]:
    """One bar each, in line with those of other boxes; none for a share that is as good as nothing.

    Args:
        spot: The box.
        y: The line of text that they stand on.
        outline: What shares are shares of.
    """
    shares = tuple(_shares(spot, outline))
    width = spot.right - spot.left
    if not any(share >= _LEAST_SHARE for share, _ in shares):
        return
    if width < _STACKED_PX:
        yield from _stacked(spot.right - PAD_PX - _LENGTH_PX, y, shares)
        return
    has_numbers = width >= _NUMBERED_PX
    length, gap = (_LENGTH_PX, _GAP_PX) if has_numbers else (_NARROW_PX, _NARROW_GAP_PX)
    texts = [f"{100 * share:.1f} %" if has_numbers else "" for share, _ in shares]
    room = max(width_px(text, "shape") for text in (*texts, "88.8 %")) + 4 if has_numbers else 0.0
    x = spot.right - PAD_PX
    for (share, ink), text in reversed(list(zip(shares, texts, strict=True))):
        if share >= _LEAST_SHARE:
            yield from _bar(x - room - length, y - 7, (length, _HIGH_PX), share, ink)
            if text:
                yield Text(x, y, (Span(text),), "shape", "end")
        x -= room + length + gap


def _stacked(left: float, y: float, shares: tuple[tuple[float, str], ...]) -> Iterator[Mark]:
    """In little room: one below the other."""
    for place, (share, ink) in enumerate(shares):
        if share >= _LEAST_SHARE:
            yield from _bar(left, y - 9 + place * _PITCH_PX, (_LENGTH_PX, _STACKED_HIGH_PX), share, ink)


def _bar(x: float, y: float, size: tuple[float, float], share: float, ink: str) -> Iterator[Mark]:
    length, high = size
    yield Rect(x, y, length, high, TRACK, 2)
    yield Rect(x, y, max(length * min(share, 1), _LEAST_PX), high, ink, 2)


def _shares(spot: Spot, outline: Outline) -> Iterator[tuple[float, str]]:
    """Shares, and the ink of each: those of layers that are alike are counted together."""
    steps, totals = spot.node.steps, outline.totals
    yield _share(sum(step.parameters_in_all for step in steps), totals.parameters), "weight-bar"
    yield _share(sum((step.flops or 0) * step.repeat for step in steps), totals.flops), "data-bar"
    yield _share(sum(step.activation_bytes for step in steps), totals.activation_bytes), "made-bar"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
