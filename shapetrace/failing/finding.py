"""What is found about a failure, before it is written."""

from dataclasses import dataclass

from shapetrace.failing.constraints import Place
from shapetrace.failing.mends import Mend
from shapetrace.failing.structure import FailureKind, Part
from shapetrace.language import Text


@dataclass(frozen=True)
class Finding:
    """What a failure is.

    Attributes:
        kind: What sort of error it is.
        reason: One sentence.
        clash: The numbers that do not fit: ``768 ≠ 512``.
        places: Axes that clash.
        mends: What would fit, the least change first.
        shown: Positions of operands in the order in which they are read; None is all of them.
        turned: Position of the operand whose axes are read the other way round.
        sign: What stands between them.
        parts: What to show instead of the operands, where there are no tensors to show.
    """

    kind: FailureKind
    reason: Text = ""
    clash: Text = ""
    places: tuple[Place, ...] = ()
    mends: tuple[Mend, ...] = ()
    shown: tuple[int, ...] | None = None
    turned: int | None = None
    sign: str = ""
    parts: tuple[Part, ...] = ()
