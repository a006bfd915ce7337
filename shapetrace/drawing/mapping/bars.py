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
_ROUNDED_PX = 315.0
"""How wide one is whose bars have whole numbers."""
IN_A_LINE_PX = 208.0
"""How wide one is at least whose bars have a line of their own."""
_STACKED_PX = 190.0
"""How wide a box is whose bars stand side by side."""
_LEAST_SHARE = 0.0005
_LEAST_PX = 1.5
_LEAST_SAID = 0.005


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
    length, gap = (_LENGTH_PX, _GAP_PX) if width >= _NUMBERED_PX else (_NARROW_PX, _NARROW_GAP_PX)
    texts = [_text(share, width) for share, _ in shares]
    room = max(width_px(text, "shape") for text in (*texts, _text(0.888, width))) + 4 if width >= _ROUNDED_PX else 0.0
    x = spot.right - PAD_PX
    for (share, ink), text in reversed(list(zip(shares, texts, strict=True))):
        if share >= _LEAST_SHARE:
            yield from _bar(x - room - length, y - 7, (length, _HIGH_PX), share, ink)
            if text:
                yield Text(x, y, (Span(text),), "shape", "end")
        x -= room + length + gap


def bars_in_a_line(spot: Spot, y: float, outline: Outline) -> Iterator[Mark]:
    """The bars in a line of their own, from the left edge of a box to the right, with whole percents."""
    pitch = (spot.right - spot.left - 2 * PAD_PX) / 3
    length = min(_LENGTH_PX, pitch - width_px("88 %", "shape") - 4 - _NARROW_GAP_PX)
    for place, (share, ink) in enumerate(_shares(spot, outline)):
        if share >= _LEAST_SHARE:
            x = spot.left + PAD_PX + place * pitch
            yield from _bar(x, y - 7, (length, _HIGH_PX), share, ink)
            yield Text(x + length + 4, y, (Span(_rounded(share)),), "shape")


def _text(share: float, width: float) -> str:
    """What a box so wide says of a share."""
    if width < _ROUNDED_PX:
        return ""
    return f"{100 * share:.1f} %" if width >= _NUMBERED_PX else _rounded(share)


def _rounded(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= _LEAST_SAID else "<1 %"


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
