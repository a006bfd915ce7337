"""What is counted of a whole pass: where its operations went, what they cost."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every operation is drawn, folded or elided with a reason.

    Attributes:
        operations: Operations in the trace.
        drawn: Operations that a step of the outline draws.
        folded: Operations of layers that are folded into a drawn one.
        elided: Operations that only move, cast or prepare values.
        unknown: Operations among the drawn that no pass knows (plain steps).
        reasons: Elided operations by reason: ``{"views": 40, "dropouts": 12}``.
        misplaced: Operations in none of the three, or in two of them: 0 unless a pass is wrong.
    """

    operations: int
    drawn: int
    folded: int
    elided: int
    unknown: int
    reasons: dict[str, int] = field(default_factory=dict)
    misplaced: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """Costs of the whole pass.

    Attributes:
        parameters: Elements of all parameters, tied ones once, buffers apart.
        active_parameters: Parameters that one token passes: all but the experts not chosen.
        buffers: Elements of all buffers.
        unused_parameters: Parameters that the pass never read: a part of ``parameters`` that no step shows.
        parameter_bytes: Bytes of all parameters.
        matmul_flops: 2 per multiply-add of the matrix products alone; a causal mask is not discounted.
        flops: matmul_flops and convolutions.
        activation_bytes: Bytes of all data values made by the pass that are not views of others.
        uncounted: Names of operations whose FLOPs are not counted, with how often each ran.
    """

    parameters: int
    active_parameters: int
    buffers: int
    parameter_bytes: int
    matmul_flops: int
    flops: int
    activation_bytes: int
    uncounted: dict[str, int] = field(default_factory=dict)
    unused_parameters: int = 0
