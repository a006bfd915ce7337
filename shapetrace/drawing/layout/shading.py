"""Attention weights where they are known: each cell as dark as its number."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from shapetrace.drawing.inks import N_SHADES
from shapetrace.drawing.layout.frames import Frame
from shapetrace.drawing.layout.token_axes import TokenAxis, axis_of
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.primitives import Mark, Rect
from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Step


def axes_of_weighed(steps: Iterable[Step]) -> Mapping[int, TokenAxis]:
    """The axes of weights whose numbers are known: their rows and columns are seen one by one."""
    operands = (operand for step in steps for operand in (*step.operands, *step.results) if operand.weighed)
    sizes = (each for operand in operands for each in zip(operand.axes, operand.shape, strict=False))
    return {axis: TokenAxis(size, size) for axis, size in sizes if axis >= 0 and size > 1}


def is_shaded(operand: Operand, tokens: Mapping[int, TokenAxis]) -> bool:
    """Whether each number of an operand is known and has a cell of its own."""
    axes = [axis_of(operand, axis, tokens) for axis in range(len(operand.shape))]
    return bool(operand.weighed) and all(axis is not None and not axis.padded for axis in axes)


def shaded_cells(frame: Frame, weighed: Sequence[Sequence[float]]) -> Iterator[Mark]:
    """A rectangle over each cell, the darker the larger its number is; nothing over one that is nearly 0."""
    high, wide = frame.height / len(weighed), frame.width / len(weighed[0])
    for row, numbers in enumerate(weighed):
        for column, number in enumerate(numbers):
            if shade := round(number * N_SHADES):
                x, y = column * wide - frame.width / 2, row * high - frame.height / 2
                yield Rect(x, y, wide, high, f"data-shade-{shade}", 0)


def legend_of_shades(steps: Sequence[Step], tokens: Mapping[int, TokenAxis], words: Words) -> Iterator[tuple[str, str]]:
    """What shades mean, and which matrix of a stack has them, if some of these steps show any."""
    weighing = [step for step in steps if step.role == Role.WEIGHTED_SUM and is_shaded(step.operands[0], tokens)]
    if not weighing:
        return
    stacks = {step.operands[0].stack_axes for step in weighing}
    n_heads = {_n_heads(step, steps) for step in weighing}
    said = _said(stacks.pop(), n_heads.pop(), words) if len(stacks) == len(n_heads) == 1 else _said((1,), 0, words)
    paths = {clean(step.section) for step in weighing}
    yield "shade", " · ".join(filter(None, (said, paths.pop() if len(paths) == 1 else "")))


def _said(stack: tuple[int, ...], n_heads: int, words: Words) -> str:
    if n_heads and stack == (n_heads,):
        return words.say("attention of head 1 of {n}, 0 to 1", n=n_heads)
    if n_heads and stack[-1:] == (n_heads,):
        return words.say("attention of head 1 of {n}, example 1, 0 to 1", n=n_heads)
    return words.say("attention of the first matrix, 0 to 1" if stack else "attention, 0 to 1")


def _n_heads(weighing: Step, steps: Iterable[Step]) -> int:
    """How many heads are put side by side of what it made; 0 if nobody puts any."""
    joined = (step for step in steps if step.role == Role.CONCAT_HEADS)
    return next((step.results[0].slices for step in joined if step.operands[0].made_by == weighing.id), 0)
