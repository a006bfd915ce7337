"""Lines below single sizes of a written shape: they tell any axis, also one of a stack, and need no colour."""

from collections.abc import Iterable, Iterator

from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Text


def sizes_in(text: Text) -> tuple[int, ...] | None:
    """The sizes of a written shape: (2, 3) of ``[2, 3]``; None if it was shortened or has names."""
    sizes = text.plain.strip("[]").split(", ")
    return tuple(map(int, sizes)) if all(map(str.isdecimal, sizes)) else None


def underlines(text: Text, axes: Iterable[int], ink: str) -> Iterator[Line]:
    """A line below each of some sizes of a written shape, whose middle is at (x, y)."""
    sizes = sizes_in(text)
    if sizes is None:
        return
    left = text.x - width_px(text.spans, text.ink) / 2
    for axis in axes:
        before = "[" + "".join(f"{size}, " for size in sizes[:axis])
        start = left + width_px(before, text.ink)
        end = start + width_px(str(sizes[axis]), text.ink)
        yield Line((((start, text.y + 4), (end, text.y + 4)),), ink)
