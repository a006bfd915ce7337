"""A step's shapes in one line, as people write them."""

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapetrace.outlining.structure import Operand, Step

_SIGNS = {"all_reduce": "Σ ", "reduce": "Σ ", "reduce_scatter": "Σ ", "all_gather": ""}
"""What stands before the parts of all ranks: a sum, or nothing where they are put together."""


def sizes_of(operand: "Operand") -> str:
    """Write a shape: ``[1024,768]``."""
    return "[" + ",".join(map(str, operand.shape)) + "]"


def in_english(phrase: str, **values: int) -> str:
    """A phrase as it is, with its values."""
    return phrase.format(**values)


def equation(step: "Step", written: Callable[["Operand"], str] = sizes_of, say: Callable[..., str] = in_english) -> str:
    """Write a step's shapes in one line, each as ``written`` says, words as ``say`` does; see `Step.equation`."""

    def shape_of(operand: "Operand") -> str:
        return written(operand) if operand.shape else say("scalar")

    left = [shape_of(operand) for operand in step.operands]
    right = ", ".join(shape_of(operand) for operand in step.results)
    if step.kind == "lookup":
        return f"{left[0]}→{say('rows of')} {left[1]}→{right}{_part(step, say)}"
    if step.kind == "concat" and len(left) == 1 and step.operands[0].stack > 1:
        return f"{step.operands[0].stack}·{left[0]}→{right}{_part(step, say)}"
    if len(left) == 1:
        same = left[0] == right and step.kind != "split"
        return f"{of_all(step)}{left[0]}{'' if same else f'→{right}'}{_part(step, say)}"
    separator = step.operator if step.operator in {"×", "+", "⊙", "∗"} else ", "
    return f"{separator.join(left)}→{right}{_part(step, say)}"


def of_all(step: "Step") -> str:
    """What all ranks put together stands before what one puts in: ``8·``, ``Σ 8·``."""
    if step.transfer is None or step.transfer.talk not in _SIGNS:
        return ""
    return f"{_SIGNS[step.transfer.talk]}{step.transfer.ranks}·"


def meets_one(step: "Step") -> bool:
    """Whether each row meets one weight of several: a single product of all rows, and not one for each weight."""
    return step.kind == "product" and all(operand.stack == 1 for operand in (*step.operands[:1], *step.results))


def one_of(step: "Step") -> int:
    """Of how many ranks a step is one's: of those that have other parts of what it reads or makes."""
    shares = {share.axis: share.ranks for ref in (*step.operands, *step.results) for share in ref.shares}
    if step.transfer is not None and step.transfer.talk != "reduce_scatter":
        for axis in step.transfer.axes:
            shares.pop(axis, None)
    return prod(shares.values())


def _part(step: "Step", say: Callable[..., str]) -> str:
    n_ranks = one_of(step)
    return f" {say('of {n}', n=n_ranks)}" if n_ranks > 1 else ""
