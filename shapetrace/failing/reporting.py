"""The explanation in plain lines: what goes into a note, and into every text format."""

from collections.abc import Iterator

from shapetrace.failing.structure import Explanation, written

_LONGEST_MESSAGE = 300


def report(explained: Explanation) -> str:
    """Write an explanation for people, without colour."""
    return "\n".join(
        [f"while tracing {explained.model}: {explained.title}", *(f"  {line}" for line in lines(explained))]
    )


def lines(explained: Explanation) -> Iterator[str]:
    """The lines below the title."""
    if explained.kind == "other" and not explained.reason:
        yield message(explained)
    if explained.equation and explained.kind != "other":
        yield explained.equation + (f"   {explained.clash}" if explained.clash else "")
        if marks := carets(explained):
            yield marks
    if explained.reason:
        yield explained.reason
    yield from rows(explained)
    if explained.fits:
        yield "would fit: " + "; or ".join(explained.fits)
    if explained.line:
        yield f"at {explained.line}"


def message(explained: Explanation) -> str:
    """The exception's own words on one line."""
    words = " ".join(explained.message.split())
    words = words if len(words) <= _LONGEST_MESSAGE else f"{words[:_LONGEST_MESSAGE]}…"
    return f"{explained.type}: {words}" if words else explained.type


def rows(explained: Explanation) -> Iterator[str]:
    """One line an operand: its shape, and where it came from."""
    shapes = [written(part.shape) for part in explained.parts]
    widest = max(map(len, shapes), default=0)
    for shape, part in zip(shapes, explained.parts, strict=True):
        dtype = f" {part.dtype}" if explained.kind == "dtype" else ""
        yield f"{shape:<{widest}}{dtype}  {part.origin}".rstrip()


def carets(explained: Explanation) -> str:
    """``^^^`` below the sizes of the equation that clash; empty if none do."""
    line = ""
    start = 0 if explained.operator else len(explained.equation.partition("[")[0])
    for part in explained.parts:
        line = line.ljust(start)
        place = start + 1
        for axis, size in enumerate(map(str, part.shape)):
            if axis in part.clashing:
                line = line.ljust(place) + "^" * len(size)
            place += len(size) + 1
        start += len(written(part.shape)) + (len(explained.operator) or 2)
    return line.rstrip()
