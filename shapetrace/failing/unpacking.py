"""``q, k, v = x.chunk(2, -1)``: other numbers of tensors than of names."""

import re
from collections.abc import Sequence

from shapetrace.failing.case import Case
from shapetrace.failing.finding import Finding
from shapetrace.failing.structure import Part, written
from shapetrace.ir import Op
from shapetrace.language import Text, say

_COUNTS = re.compile(r"(?:not enough|too many) values to unpack \(expected (?P<names>\d+)(?:, got (?P<got>\d+))?\)")


def unpacked(case: Case) -> Finding | None:
    """What the line that failed called last, where it gave as many tensors as the message counts."""
    op = case.trace.ops[-1] if case.trace.ops else None
    if op is None or case.failure.op or _place(op.line) != _place(case.failure.line):
        return None
    if case.says("iteration over a 0-d tensor"):
        return Finding(
            "other", say("{first} is one number: it cannot be unpacked", first=case.origins.name(op.outputs[0]))
        )
    found = _COUNTS.fullmatch(case.failure.message)
    return _counted(case, op, int(found["names"]), int(found["got"] or 0)) if found else None


def _place(line: str) -> str:
    return line.partition(" in ")[0]


def _counted(case: Case, op: Op, names: int, got: int) -> Finding | None:
    if op.name == "unbind":  # a tensor itself was unpacked
        giver, given, shown = _called(case, op.inputs[0]), op.outputs, op.inputs
        told = "{giver} was unpacked along axis 0, which is {n}, into {m} names"
    else:
        giver, given = _giver(case, op)
        shown, told = given, "{giver} gave a tuple of {n}; {m} names wait for it"
    if len(given) != got if got else len(given) <= names:
        return None
    return Finding("other", say(told, giver=giver, n=len(given), m=names), parts=_parts(case, shown))


def _giver(case: Case, op: Op) -> tuple[Text, tuple[int, ...]]:
    """What the code that failed called last, a function or a module, and the tensors that it gave."""
    calls, within = case.trace.calls, op.call
    if within == case.failure.call:
        return op.name, op.outputs
    while calls[within].parent not in (None, case.failure.call):
        within = calls[within].parent or 0
    return calls[within].path or calls[within].type, calls[within].outputs


def _called(case: Case, value: int) -> Text:
    return say("{name} {shape}", name=case.origins.name(value), shape=written(case.trace.tensors[value].shape))


def _parts(case: Case, values: Sequence[int]) -> tuple[Part, ...]:
    tensors = [case.trace.tensors[value] for value in values]
    return tuple(Part(case.origins.name(t.id), t.role, t.shape, t.dtype, case.origins.told(t.id)) for t in tensors)
