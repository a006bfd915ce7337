"""A step's equation in pieces, each with what it shows, so that a format can colour, translate and break it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from shapetrace.drawing.wording import Words
from shapetrace.formats.phrasing import ENGLISH
from shapetrace.outlining.structure import Operand, Step

Ink = Literal["data", "weight", "constant", "inner", "sign"]

_INFIX = frozenset("× + ⊙ ∗".split())


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of an equation.

    Attributes:
        text: Its characters.
        ink: What they show: an operand's role, an inner size of a product, or a sign between operands.
    """

    text: str
    ink: Ink


def joined(pieces: Sequence[Piece]) -> str:
    """The equation as one line of text."""
    return "".join(piece.text for piece in pieces)


def equation_in(words: Words, step: Step) -> str:
    """A step's equation; the words between the shapes of a lookup are those of the language."""
    return joined(pieces(step, words))


def pieces(step: Step, words: Words = ENGLISH) -> tuple[Piece, ...]:
    """Write ``[1024,768]×[768,64]→[1024,64]`` in pieces; joined they are `Step.equation`."""
    return tuple(piece for piece in _pieces(step, words) if piece.text)


def pieces_of_ends(first: Operand, last: Operand) -> tuple[Piece, ...]:
    """What goes in and what comes out."""
    return (*_shape(first, None), Piece("→", "sign"), *_shape(last, None))


def _pieces(step: Step, words: Words) -> Iterator[Piece]:
    operands, results = step.operands, step.results
    if step.kind == "concat" and len(operands) == 1 and operands[0].stack > 1:
        yield Piece(f"{operands[0].stack}·", "sign")
    for place, operand in enumerate(operands):
        if place:
            yield Piece(_between(step, words), "sign")
        yield from _shape(operand, step.inner[place] if step.inner and place < 2 else None)
    same = len(operands) == len(results) == 1 and operands[0].shape == results[0].shape
    if same and step.kind != "split" and not (step.kind == "concat" and operands[0].stack > 1):
        return
    yield Piece("→", "sign")
    for place, result in enumerate(results):
        yield Piece(", " if place else "", "sign")
        yield from _shape(result, None)


def _between(step: Step, words: Words) -> str:
    if step.kind == "lookup":
        return f"→{words.say('rows of')} "
    return step.operator if step.operator in _INFIX else ", "


def _shape(operand: Operand, inner: int | None) -> Iterator[Piece]:
    sizes = list(map(str, operand.shape))
    if inner is None or not -len(sizes) <= inner < len(sizes):
        yield Piece(f"[{','.join(sizes)}]", operand.role)
        return
    inner %= len(sizes)
    before, after = sizes[:inner], sizes[inner + 1 :]
    yield Piece("[" + "".join(f"{size}," for size in before), operand.role)
    yield Piece(sizes[inner], "inner")
    yield Piece("".join(f",{size}" for size in after) + "]", operand.role)
