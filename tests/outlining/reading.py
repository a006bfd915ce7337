"""Outlines as short lists, and what must hold for every one of them."""

from collections import Counter
from typing import Any

from torch import nn

from shapetrace.capture import capture
from shapetrace.ir import Trace
from shapetrace.outlining import outline
from shapetrace.outlining.structure import Outline, Section, Step


def read(model: nn.Module, *args: Any, fused: bool = False, all_used: bool = True, **kwargs: Any) -> Outline:
    """An outline of a model in eval mode, checked for what every outline must hold."""
    trace = capture(model.eval(), args, kwargs)
    found = outline(trace, fused=fused)
    assert faults(trace, found, all_used=all_used) == []
    return found


def products(found: Outline) -> list[tuple[str, str, int]]:
    """Title, equation and stack of every matrix product."""
    kinds = ("product", "scores", "weighted_sum", "contraction")
    return [(s.title, s.equation, max(o.stack for o in s.operands)) for s in found.steps() if s.kind in kinds]


def titles(found: Outline | Section) -> list[str]:
    return [step.title for step in found.steps()]


def step(found: Outline, title: str) -> Step:
    """The one step of this title."""
    (one,) = (s for s in found.steps() if s.title == title)
    return one


def faults(trace: Trace, found: Outline, *, all_used: bool = True) -> list[str]:
    """Everything that is wrong with an outline whatever the model."""
    steps, coverage, totals = list(found.steps()), found.coverage, found.totals
    wrong = []
    drawn = Counter(op for s in steps for op in s.ops)
    if [op for op, times in drawn.items() if times > 1]:
        wrong.append(f"operations in several steps: {[op for op, times in drawn.items() if times > 1]}")
    if (
        coverage.operations != len(trace.ops)
        or coverage.operations != coverage.drawn + coverage.folded + coverage.elided
    ):
        wrong.append(f"coverage does not add up: {coverage}")
    if coverage.misplaced or found.failed:
        wrong.append(f"misplaced {coverage.misplaced}, failed {found.failed}")
    if min(coverage.drawn, coverage.folded, coverage.elided) < 0 or coverage.unknown:
        wrong.append(f"coverage: {coverage}")
    if sum(coverage.reasons.values()) != coverage.elided:
        wrong.append(f"reasons do not add up: {coverage}")
    matmul = sum((s.flops or 0) * s.repeat for s in steps if s.kind != "convolution")
    if matmul != totals.matmul_flops:
        wrong.append(f"steps have {matmul} FLOPs, the whole {totals.matmul_flops}")
    parameters = sum(s.parameters_in_all for s in steps)
    if all_used and parameters != totals.parameters:
        wrong.append(f"steps have {parameters} parameters, the whole {totals.parameters}")
    if len({s.id for s in steps}) != len(steps):
        wrong.append("two steps have one id")
    return wrong + [fault for s in steps for fault in _of_step(s)]


def _of_step(s: Step) -> list[str]:
    """A product's inner sizes meet, and its FLOPs are those of what it shows."""
    if s.kind not in ("product", "scores", "weighted_sum", "contraction") or len(s.operands) < 2 or s.inner is None:
        return []
    left, right = s.operands[:2]
    inner = (left.shape[s.inner[0]], right.shape[s.inner[1]])
    if inner[0] != inner[1]:
        return [f"{s.id}: inner sizes {inner}"]
    size = 1
    for n in (*left.shape, *right.shape[:-2], right.shape[-1]):
        size *= n
    stack = max(o.stack for o in (*s.operands, *s.results))
    if s.flops is not None and "expert" not in " ".join(map(str, s.notes)) and s.flops != 2 * size * stack:
        return [f"{s.id}: {s.flops} FLOPs, drawn {s.equation} ×{stack}: {2 * size * stack}"]
    return []
