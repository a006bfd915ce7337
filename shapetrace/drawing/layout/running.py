"""Sizes that follow from the run: the length of what was given, in italics, apart from those that the model fixes."""

from collections.abc import Collection, Iterable, Iterator

from shapetrace.drawing.primitives import Span
from shapetrace.drawing.wording import Words
from shapetrace.outlining.structure import Operand

INKS = frozenset({"size", "match", "size-name", "match-name"})
"""Inks of sizes that are italic where they run."""


def runs(operand: Operand, axis: int, running: Collection[int]) -> bool:
    """Whether an axis of an operand is as long as what was given."""
    return axis < len(operand.axes) and operand.axes[axis] in running


def run_ink(ink: str, operand: Operand, axis: int, running: Collection[int]) -> str:
    """The ink of a size at an edge."""
    return f"{ink}-run" if ink in INKS and runs(operand, axis, running) else ink


def legend_of_running(
    operands: Iterable[Operand], running: Collection[int], words: Words, dims: str = "numbers"
) -> Iterator[tuple[str, str]]:
    """What italics mean, if some of these operands have any: of a size, or of its name where names are written."""
    for operand in operands:
        for axis in range(max(len(operand.shape) - 2, 0), len(operand.shape)):
            if runs(operand, axis, running):
                name = operand.dims[axis] if dims != "numbers" and axis < len(operand.dims) else ""
                yield f"run:{name or operand.shape[axis]}", words.say("length of the input")
                return


def shape_spans(operand: Operand, running: Collection[int]) -> tuple[Span, ...]:
    """A shape as people write it, ``[1024, 768]``, what follows from the run in italics."""
    return (Span("["), *_apart(_sizes(operand, running), ", "), Span("]"))


def sizes_spans(operand: Operand, running: Collection[int]) -> tuple[Span, ...]:
    """The sizes of a matrix, ``1024×768``."""
    return _apart(_sizes(operand, running)[-2:], "×")


def _sizes(operand: Operand, running: Collection[int]) -> tuple[Span, ...]:
    return tuple(Span(str(size), slanted=runs(operand, axis, running)) for axis, size in enumerate(operand.shape))


def _apart(spans: tuple[Span, ...], between: str) -> tuple[Span, ...]:
    return tuple(piece for span in spans for piece in (Span(between), span))[1:]
