"""A step's equation in pieces, each with what it shows, so that a format can colour them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from shapetrace.outlining.structure import Operand, Step

Ink = Literal["data", "weight", "constant", "inner", "sign"]

_SHAPE = re.compile(r"\[[\d,]*\]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of an equation.

    Attributes:
        text: Its characters.
        ink: What they show: an operand's role, an inner size of a product, or a sign between operands.
    """

    text: str
    ink: Ink


def pieces(step: Step, equation: str = "") -> tuple[Piece, ...]:
    """Cut ``[1024,768]×[768,64]→[1024,64]`` into shapes and signs; joined again they are the equation.

    Args:
        step: Whose shapes they are.
        equation: The step's own, or the same with words of another language between the shapes.
    """
    return tuple(_pieces(step, equation or step.equation))


def _pieces(step: Step, text: str) -> Iterator[Piece]:
    shown = [*step.operands, *step.results]
    start = 0
    for position, match in enumerate(_SHAPE.finditer(text)):
        if match.start() > start:
            yield Piece(text[start : match.start()], "sign")
        operand = shown[position] if position < len(shown) else None
        inner = step.inner[position] if step.inner is not None and position < 2 else None
        yield from _shape(match.group(), operand, inner)
        start = match.end()
    if start < len(text):
        yield Piece(text[start:], "sign")


def _shape(text: str, operand: Operand | None, inner: int | None) -> Iterator[Piece]:
    ink: Ink = operand.role if operand is not None else "data"
    sizes = text[1:-1].split(",")
    if inner is None or not -len(sizes) <= inner < len(sizes):
        yield Piece(text, ink)
        return
    inner %= len(sizes)
    before, after = sizes[:inner], sizes[inner + 1 :]
    yield Piece("[" + "".join(f"{size}," for size in before), ink)
    yield Piece(sizes[inner], "inner")
    yield Piece("".join(f",{size}" for size in after) + "]", ink)
