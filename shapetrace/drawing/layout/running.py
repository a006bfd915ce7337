"""Sizes that follow from the run: the length of what was given, in italics, apart from those that the model fixes."""

from collections.abc import Collection, Iterable, Iterator

from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Outline

INKS = frozenset({"size", "match", "size-name", "match-name"})
"""Inks of sizes that are italic where they run."""


def running_axes(outline: Outline) -> frozenset[int]:
    """The axes that are as long as what the pass was given, by number: positions of ids, rows of an input.

    Rows that nothing goes on with are none: an image is cut into patches, of which the model counts its own.
    """
    steps = tuple(outline.steps())
    lookups = (step.operands[0] for step in steps if step.role is Role.LOOKUP_TOKENS and step.operands)
    counted = {outline.positions.axis, *(ids.axes[-1] for ids in lookups if ids.axes)}
    return frozenset(axis for step in steps for made in step.results for axis in made.axes if axis in counted)


def runs(operand: Operand, axis: int, running: Collection[int]) -> bool:
    """Whether an axis of an operand is as long as what was given."""
    return axis < len(operand.axes) and operand.axes[axis] in running


def run_ink(ink: str, operand: Operand, axis: int, running: Collection[int]) -> str:
    """The ink of a size at an edge."""
    return f"{ink}-run" if ink in INKS and runs(operand, axis, running) else ink


def legend_of_running(operands: Iterable[Operand], running: Collection[int], words: Words) -> Iterator[tuple[str, str]]:
    """What italics mean, if some of these operands have any."""
    sizes = (
        size
        for operand in operands
        for axis, size in enumerate(operand.shape)
        if axis >= len(operand.shape) - 2 and runs(operand, axis, running)
    )
    if (size := next(sizes, None)) is not None:
        yield f"run:{size}", words.say("length of the input")
