"""Where the next word comes from: scores over a vocabulary, of the last row that is a token."""

from collections.abc import Mapping
from dataclasses import replace

from shapetrace.drawing.layout.token_axes import TokenAxis
from shapetrace.drawing.telling.scene_cells import Pick
from shapetrace.drawing.telling.scenes import is_causal
from shapetrace.drawing.telling.tokens import picked_row
from shapetrace.outlining.following import Followed
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Outline, Step


def pick_of(outline: Outline, tokens: Mapping[int, TokenAxis], follow: Followed | None = None) -> Pick:
    """The row whose scores give the next word; none for a model whose rows see what comes after them.

    A pass that takes a row out before its scores says which: that is told even where padding follows. One that scores
    all rows leaves the last of them. Where a position is followed, it alone is marked.
    """
    found = _pick(outline, tokens)
    return found if follow is None else replace(found, quiet=True)


def _pick(outline: Outline, tokens: Mapping[int, TokenAxis]) -> Pick:
    steps = list(outline.steps())
    last = next((step for step in reversed(steps) if step.role == Role.UNEMBED), None)
    if last is None or not any(is_causal(step) for step in steps):
        return Pick()
    taken = _taking(last, {step.id: step for step in steps})
    if taken is None:
        n_rows = last.results[0].shape[-2] if last.results and len(last.results[0].shape) > 1 else 1
        axis = tokens.get(last.results[0].axes[-2]) if n_rows > 1 and len(last.results[0].axes) > 1 else None
        end = axis.real - 1 if axis else n_rows - 1
        return Pick(end, _label(axis, end), "", last.id)
    row = picked_row(taken, outline)
    axes = taken.operands[0].axes
    axis = tokens.get(axes[-2]) if len(axes) > 1 else None
    return Pick() if row is None else Pick(row, _label(axis, row), taken.id, last.id)


def _label(axis: TokenAxis | None, row: int | None) -> str:
    return axis.labels[row] if axis and row is not None and row < len(axis.labels) else ""


def _taking(last: Step, steps: Mapping[str, Step]) -> Step | None:
    """The step that takes the row out which the scores are of."""
    step = steps.get(last.operands[0].made_by) if last.operands else None
    for _ in range(4):
        if step is None or step.kind == "select":
            return step
        step = steps.get(step.operands[0].made_by) if step.operands else None
    return None
