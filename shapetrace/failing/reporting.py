"""The explanation in plain lines: what goes into a note, and into every text format."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from shapetrace.failing.structure import Explanation, written
from shapetrace.language import Tell, joined, say

_LONGEST_MESSAGE = 300


def report(explained: Explanation, tell: Tell = str) -> str:
    """Write an explanation for people, without colour.

    Args:
        explained: The explanation.
        tell: Writes its phrases in a language; English by default.
    """
    title = tell(say("while tracing {model}: {title}", model=explained.model, title=tell(explained.title)))
    return "\n".join([title, *(f"  {line}" for line in lines(explained, tell))])


def lines(explained: Explanation, tell: Tell = str) -> Iterator[str]:
    """The lines below the title."""
    if explained.kind == "other" and not explained.reason:
        yield message(explained)
    if explained.equation and explained.kind != "other":
        yield explained.equation + (f"   {tell(explained.clash)}" if explained.clash else "")
        if marks := carets(explained):
            yield marks
    if explained.reason:
        yield tell(explained.reason)
    yield from rows(explained, tell)
    if explained.fits:
        yield tell(say("would fit: {fits}", fits=joined(*explained.fits, by="{first}; or {second}")))
    if explained.line:
        yield tell(say("at {line}", line=explained.line))


def message(explained: Explanation) -> str:
    """The exception's own words on one line."""
    words = " ".join(explained.message.split())
    words = words if len(words) <= _LONGEST_MESSAGE else f"{words[:_LONGEST_MESSAGE]}…"
    return f"{explained.type}: {words}" if words else explained.type


def rows(explained: Explanation, tell: Tell = str) -> Iterator[str]:
    """One line an operand: its shape, and where it came from; equal lines once."""
    shapes = [part.sizes for part in explained.parts]
    dtypes = [part.dtype if explained.kind == "dtype" else "" for part in explained.parts]
    widest = [max(map(len, column), default=0) for column in (shapes, dtypes)]
    found = [
        f"{shape:<{widest[0]}}{f' {dtype:<{widest[1]}}' if dtype else ''}  {tell(part.origin)}".rstrip()
        for shape, dtype, part in zip(shapes, dtypes, explained.parts, strict=True)
    ]
    yield from dict.fromkeys(found)


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


def as_data(explained: Explanation) -> dict[str, Any]:
    """The explanation as JSON can hold it, in English, with its equation."""
    plain = replace(
        explained,
        parts=tuple(replace(part, name=str(part.name), origin=str(part.origin)) for part in explained.parts),
        clash=str(explained.clash),
        reason=str(explained.reason),
        fits=tuple(map(str, explained.fits)),
    )
    return asdict(plain) | {"equation": explained.equation}
