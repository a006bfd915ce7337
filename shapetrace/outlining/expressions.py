"""Costs as expressions in proved names. Standard library only."""

from dataclasses import dataclass

from shapetrace.sizing.formulas import Formula


@dataclass(frozen=True, slots=True)
class Formulas:
    """Costs as expressions; None for what has none.

    Attributes:
        parameters: Parameters.
        flops: FLOPs, 2 per multiply-add.
        activation_bytes: Bytes of all data values that the pass makes; of the whole model alone.
        cache_bytes: Bytes that all layers keep of all tokens for those after them; of the whole model alone.
        sent_bytes: Bytes that a rank sends to others.
    """

    parameters: Formula | None = None
    flops: Formula | None = None
    activation_bytes: Formula | None = None
    cache_bytes: Formula | None = None
    sent_bytes: Formula | None = None
