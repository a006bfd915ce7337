"""Mends of states that forward makes of nothing: as large as a recurrent layer takes them."""

from collections.abc import Iterator, Mapping

from shapetrace.failing.case import Case, Operation
from shapetrace.failing.mends import Mend
from shapetrace.failing.operands import Shape
from shapetrace.failing.products import cell
from shapetrace.failing.rules import rule_of
from shapetrace.failing.widening import meetings
from shapetrace.ir import Op
from shapetrace.language import say

_MAKERS = frozenset({"zeros", "ones", "randn", "rand", "empty"})
"""Functions that are given a shape alone."""


def created(case: Case, op: Operation) -> Iterator[Mend]:
    """All states of a cell with the sizes of what they meet."""
    if rule_of(op.name).asks is cell:
        wanted = {i: list(shape) for i, shape in enumerate(op.shapes)}
        for (i, axis), (j, other) in meetings(op):
            wanted[i][axis] = op.shapes[j][other]
        yield from as_large(case, {i: tuple(sizes) for i, sizes in wanted.items() if _is_maker(_maker(case, i))})


def as_large(case: Case, shapes: Mapping[int, Shape]) -> Iterator[Mend]:
    """Operands made with other shapes, where forward makes them all, and all alike."""
    op, makers = case.operation, {i: _maker(case, i) for i in shapes}
    calls = {
        tuple(f"{maker.name}({', '.join(map(str, sizes))})" for sizes in (shapes[i], op.shapes[i]))
        for i, maker in makers.items()
        if maker is not None and _is_maker(maker)
    }
    if len(calls) != 1 or not all(map(_is_maker, makers.values())):
        return
    operands = {i: op.operands[i] for i in shapes}
    for i, shape in shapes.items():
        for axis, n in enumerate(shape):
            operands[i] = operands[i] if n == operands[i].shape[axis] else operands[i].resized(axis, n)
    call, before = calls.pop()
    yield Mend(say("{call} instead of {before}", call=call, before=before), op.with_operands(operands), 1,
               remade=(-1, {}))  # fmt: skip


def _maker(case: Case, i: int) -> Op | None:
    return case.origins.made_alike(case.tensors[i].id)


def _is_maker(op: Op | None) -> bool:
    return op is not None and op.name in _MAKERS
