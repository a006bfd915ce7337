"""Trace → Outline: what the operations mean. Passes are pure functions; `passes.PASSES` lists them all."""

from shapetrace.failing import explanation
from shapetrace.garbage import uncollected
from shapetrace.ir import Trace
from shapetrace.outlining.passes import PASSES, run
from shapetrace.outlining.structure import Outline

__all__ = ["outline"]


def outline(trace: Trace, *, fused: bool = False) -> Outline:
    """Read what a trace means.

    Args:
        trace: A recorded pass, also one that failed on its way.
        fused: True to show products as the code runs them, not one small product a head.

    Returns:
        Sections with steps; every operation of the trace is drawn, folded or elided with a reason.
    """
    with uncollected():
        found = run(PASSES, trace=trace, fused=fused)
    return Outline(
        trace.model,
        found["named"],
        found["totals"],
        found["coverage"],
        _failure(trace),
        explanation(trace),
        found["failed"],
        found["cache"],
        trace=trace,
        formulas=found["model_costs"],
        ranks=found["ranks"],
        positions=found["positions"],
        appended=found["appended"],
        axis_parts=found["axis_parts"],
    )


def _failure(trace: Trace) -> str:
    failure = trace.failure
    if failure is None:
        return ""
    where = f" at {failure.line}" if failure.line else ""
    return f"{failure.type}: {failure.message.splitlines()[0] if failure.message else ''}{where}"
