"""Which axes count the words of the text: on them one row is one token, while there are few."""

from collections.abc import Mapping

from shapetrace.drawing.layout.shading import axes_of_weighed
from shapetrace.drawing.layout.token_axes import MOST_TOKENS, TokenAxis
from shapetrace.outlining.roles import Part
from shapetrace.outlining.structure import Outline, Step


def token_axes(outline: Outline) -> Mapping[int, TokenAxis]:
    """The axes that count tokens, by their number: those of ids, what padding makes of them, those of known weights."""
    found: dict[int, TokenAxis] = {}
    for step in outline.steps():
        for operand in step.operands:
            if operand.part == Part.IDS and operand.shape and operand.axes and operand.axes[-1] >= 0:
                labels = operand.labels if len(operand.labels) == operand.shape[-1] else ()
                known = found.get(operand.axes[-1])
                found[operand.axes[-1]] = known or TokenAxis(operand.shape[-1], operand.shape[-1], labels)
        if pads(step):
            before, after = step.operands[0], step.results[0]
            known = found.get(before.axes[-2]) if len(before.axes) > 1 else None
            if known and len(after.axes) > 1 and after.axes[-2] not in found:
                found[after.axes[-2]] = TokenAxis(after.shape[-2], known.real, known.labels)
    counted = {axis: each for axis, each in found.items() if axis >= 0 and each.real <= MOST_TOKENS}
    return {**axes_of_weighed(outline.steps()), **counted}


def reads_ids(outline: Outline) -> bool:
    """Whether rows are looked up for ids: then positions are tokens."""
    return any(operand.part == Part.IDS for step in outline.steps() for operand in step.operands)


def pads(step: Step) -> bool:
    """Whether a function of one operand makes it longer, and no wider."""
    if step.kind != "pointwise" or len(step.operands) != 1 or len(step.results) != 1:
        return False
    before, after = step.operands[0].shape, step.results[0].shape
    return len(before) == len(after) > 1 and before[-1] == after[-1] and before[-2] < after[-2]


def picked_row(step: Step, outline: Outline) -> int | None:
    """The row that a step takes out, counted from 0, from what was recorded of its operations; None if unknown."""
    if outline.trace is None or step.kind != "select":
        return None
    n_rows = step.operands[0].shape[-2] if len(step.operands[0].shape) > 1 else 0
    found = {index for op in step.ops for index in _indices(outline.trace.ops[op].attrs)}
    rows = {index + n_rows if index < 0 else index for index in found}
    return rows.pop() if len(rows) == 1 and all(0 <= row < n_rows for row in rows) else None


def _indices(attrs: Mapping[str, object]) -> list[int]:
    """Whole numbers among the indices of a recorded ``x[:, 4]`` or ``x[:, -1:]``."""
    args = attrs.get("args")
    if not isinstance(args, list | tuple):
        return []
    parts = [part for arg in args for part in (arg if isinstance(arg, list | tuple) else (arg,))]
    plain = [part for part in parts if isinstance(part, int) and not isinstance(part, bool)]
    return plain or [-1 for part in parts if part in {"-1:", "-1::"}]
