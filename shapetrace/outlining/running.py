"""Sizes that follow from the run: axes that are as long as what was given."""

from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Outline


def running_axes(outline: Outline) -> frozenset[int]:
    """The axes that are as long as what the pass was given, by number: positions of ids, rows of an input.

    Rows that nothing goes on with are none: an image is cut into patches, of which the model counts its own.
    """
    steps = tuple(outline.steps())
    lookups = (step.operands[0] for step in steps if step.role is Role.LOOKUP_TOKENS and step.operands)
    counted = {outline.positions.axis, *(ids.axes[-1] for ids in lookups if ids.axes)}
    return frozenset(axis for step in steps for made in step.results for axis in made.axes if axis in counted)
