"""How a generation comes from the scores of one pass to the id that the next one reads."""

from dataclasses import dataclass
from typing import Literal

from shapetrace import ir
from shapetrace.ops.choosing import told


@dataclass(frozen=True, slots=True)
class Choice:
    """How the next id was chosen.

    Attributes:
        words: What was done with the scores, in order: ``("softmax", "sample")``; () if nobody recorded it.
        place: Where: in the pass, in the loop around it, or nowhere: ids were made up, for shapes need none.
    """

    words: tuple[str, ...] = ()
    place: Literal["pass", "loop", "nowhere"] = "loop"


def choice_in(trace: ir.Trace, logits: int) -> Choice | None:
    """How a pass itself goes on from its scores to ids that it gives back; None if it ends before."""
    ways: dict[int, tuple[str, ...]] = {logits: ()}
    for op in trace.ops:
        if any(value in ways for value in op.inputs) and not any(value == logits for value in op.outputs):
            way = max((ways[value] for value in op.inputs if value in ways), key=len)
            ways.update(dict.fromkeys(op.outputs, (*way, *(kernel.name for kernel in op.kernels))))
    found = [told(ways[value]) for value in trace.outputs if "int" in trace.tensors[value].dtype and value in ways]
    return next((Choice(words, "pass") for words in found if words), None)
