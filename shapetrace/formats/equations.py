"""A step's equation in pieces, each with what it shows, so that a format can colour, translate and break it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.outlining.equation import of_all, one_of
from shapetrace.outlining.structure import Operand, Step

Ink = Literal["data", "weight", "constant", "inner", "sign"]
Dims = Literal["numbers", "names", "both"]
"""How sizes are written: ``1024``, ``T``, ``T=1024``; a size without a name is a number."""

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


def pieces(step: Step, words: Words = ENGLISH, dims: Dims = "numbers") -> tuple[Piece, ...]:
    """Write ``[1024,768]×[768,64]→[1024,64]`` in pieces; joined they are `Step.equation`.

    With names it is ``[B,T,d_model]×[d_model,d_head]→[B,T,d_head]``.
    """
    return tuple(piece for piece in _pieces(step, words, dims) if piece.text)


def pieces_of_ends(first: Operand, last: Operand, dims: Dims = "numbers", words: Words = ENGLISH) -> tuple[Piece, ...]:
    """What goes in and what comes out."""
    return (*_shape(first, None, dims, words), Piece("→", "sign"), *_shape(last, None, dims, words))


def stack_sizes(operand: Operand, dims: Dims = "numbers") -> list[str]:
    """The sizes over which a matrix repeats: 4 and 12, B and h."""
    names = operand.stack_dims or ("",) * len(operand.stack_axes)
    return [_written(name, size, dims) for name, size in zip(names, operand.stack_axes, strict=True)]


def _written(name: str, size: int, dims: Dims) -> str:
    if not name or dims == "numbers":
        return str(size)
    return name if dims == "names" else f"{name}={size}"


def _pieces(step: Step, words: Words, dims: Dims) -> Iterator[Piece]:
    yield from _shapes(step, words, dims)
    n_ranks = one_of(step)
    yield Piece(f" {words.say('of {n}', n=n_ranks)}" if n_ranks > 1 else "", "sign")


def joins_a_stack(step: Step) -> bool:
    """Whether equal matrices become one, as heads side by side do: the equation itself counts them, ``4·[T,64]``."""
    return step.kind == "concat" and len(step.operands) == 1 and step.operands[0].stack > 1


def _shapes(step: Step, words: Words, dims: Dims) -> Iterator[Piece]:
    operands, results = step.operands, step.results
    if joins_a_stack(step):
        sizes = stack_sizes(operands[0], dims) if dims != "numbers" else [str(operands[0].stack)]
        yield Piece(f"{'·'.join(sizes)}·", "sign")
    yield Piece(of_all(step), "sign")
    for place, operand in enumerate(operands):
        if place:
            yield Piece(_between(step, words), "sign")
        yield from _shape(operand, step.inner[place] if step.inner and place < 2 else None, dims, words)
    same = len(operands) == len(results) == 1 and operands[0].shape == results[0].shape
    if same and step.kind != "split" and not joins_a_stack(step):
        return
    yield Piece("→", "sign")
    for place, result in enumerate(results):
        yield Piece(", " if place else "", "sign")
        yield from _shape(result, None, dims, words)


def _between(step: Step, words: Words) -> str:
    if step.kind == "lookup":
        return f"→{words.say('rows of')} "
    return step.operator if step.operator in _INFIX else ", "


def _shape(operand: Operand, inner: int | None, dims: Dims, words: Words) -> Iterator[Piece]:
    names = operand.dims or ("",) * len(operand.shape)
    lead = [_written(name, 1, dims) for name in operand.lead] if dims != "numbers" else []
    sizes = [*lead, *(_written(name, size, dims) for name, size in zip(names, operand.shape, strict=True))]
    if not sizes:
        yield Piece(words.say("scalar"), operand.role)
        return
    if inner is None or not -len(operand.shape) <= inner < len(operand.shape):
        yield Piece(f"[{','.join(sizes)}]", operand.role)
        return
    inner = inner % len(operand.shape) + len(lead)
    before, after = sizes[:inner], sizes[inner + 1 :]
    yield Piece("[" + "".join(f"{size}," for size in before), operand.role)
    yield Piece(sizes[inner], "inner")
    yield Piece("".join(f",{size}" for size in after) + "]", operand.role)
