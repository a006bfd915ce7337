"""What a part of a model is worth beside the others, where there is no room for all."""

from collections.abc import Iterator

from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Outline

_KNOWN = 0.03
"""What a step that has a role is worth beside its costs: as much as 3 % of the model."""


def worths(outline: Outline) -> Iterator[tuple[str, float]]:
    """What each step is worth, by its id: its share in parameters and in FLOPs, and that it is known what it is for."""
    totals = outline.totals
    for step in outline.steps():
        share = step.parameters_in_all / max(totals.parameters, 1) + step.flops_in_all / max(totals.flops, 1)
        yield step.id, share + (_KNOWN if step.role is not Role.OTHER else 0.0)
