"""Where the parts of a step's matrices lie, as people write it: ``Replicate × Shard(1) → Shard(1)``."""

from shapetrace.drawing.wording import Words
from shapetrace.outlining.structure import Operand, Step

_AFTER = {"all_reduce": "Replicate", "all_gather": "Replicate", "broadcast": "Replicate"}


def placed(step: Step, words: Words) -> str:
    """The placements of what a step reads and makes; of a collective, with the axis of the mesh; "" if all is whole."""
    transfer = step.transfer
    if transfer is not None:
        after = _placements(step.results[0]) if step.results[0].shares else _AFTER.get(transfer.talk, "")
        before = _placements(step.operands[0]) if step.operands[0].shares or after != "Replicate" else ""
        way = " → ".join(filter(None, (before, after)))
        return " · ".join(
            filter(None, (way, words.say("over {axis}", axis=" = ".join(transfer.axes)) if transfer.axes else ""))
        )
    if not any(operand.shares for operand in (*step.operands, *step.results)):
        return ""
    sign = f" {step.operator} " if len(step.operator) == 1 else ", "
    return f"{sign.join(map(_placements, step.operands))} → {', '.join(map(_placements, step.results))}"


def _placements(operand: Operand) -> str:
    return "·".join(share.placement for share in operand.shares) or "Replicate"
