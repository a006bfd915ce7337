"""Sizes that follow from the run: axes that are as long as what was given."""

from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Outline, Step

_ALONG_ONE = 3
"""Axes of a kernel that slides along one: channels out, channels in, its width."""


def running_axes(outline: Outline) -> frozenset[int]:
    """The axes that are as long as what the pass was given, by number: positions of ids, rows of an input.

    Rows that nothing goes on with are none, nor those that were computed: an image is cut into patches, and sound into
    frames, of which the model counts its own. Nor is one side of an image, which a convolution slides over as over the
    other.
    """
    steps = tuple(outline.steps())
    lookups = (step.operands[0] for step in steps if step.role is Role.LOOKUP_TOKENS and step.operands)
    given = {axis for step in steps for o in step.operands if o.role == "data" and not o.made_by for axis in o.axes}
    counted = ({outline.positions.axis} & given) | {ids.axes[-1] for ids in lookups if ids.axes}
    sides = {axis for step in steps if _slides_twice(step) for axis in step.operands[0].axes}
    made = (axis for step in steps for result in step.results for axis in result.axes)
    return frozenset(axis for axis in made if axis in counted - sides and axis >= 0)


def _slides_twice(step: Step) -> bool:
    """Whether it is a convolution along two axes or more: its kernel has as many beside its channels."""
    return step.kind == "convolution" and len(step.operands) > 1 and len(step.operands[1].shape) > _ALONG_ONE
