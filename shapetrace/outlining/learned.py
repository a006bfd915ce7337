"""Learned rows that attend to each other before any input reaches them: from there on they are rows as all others."""

from dataclasses import replace
from enum import IntEnum

from msgspec.structs import replace as retold

from shapetrace.ir import Op, Trace
from shapetrace.ops.axis_products import ATTENTION
from shapetrace.ops.kinds import OpKind, is_factory, op_kind

_SMALL: frozenset[OpKind] = frozenset({"pointwise", "cast", "layout", "dropout", "norm", "cat"})


class _Made(IntEnum):
    """What was made of weights alone, as far as attention."""

    NOTHING = 0
    PRODUCT = 1
    SHARES = 2
    """A product's rows through a softmax."""
    ROWS = 3
    """What attention weighed, and all that is computed from it."""


def with_learned_rows(trace: Trace) -> Trace:
    """A trace in which the results of attention among weights are data, as what is made of them.

    Their norms, sums and activations are work of the pass then, and prepare no weights.
    """
    made: dict[int, _Made] = {}
    for op in trace.ops:
        values = [value for value in op.outputs if trace.tensors[value].role == "weight"]
        if values and not is_factory(op):
            made.update(dict.fromkeys(values, _of(op, [made.get(value, _Made.NOTHING) for value in op.inputs])))
    rows = {value for value, what in made.items() if what is _Made.ROWS}
    if not rows:
        return trace
    tensors = tuple(retold(t, role="data") if t.id in rows else t for t in trace.tensors)
    return replace(trace, tensors=tensors)


def _of(op: Op, read: list[_Made]) -> _Made:
    """What an operation makes of weights."""
    most, kind = max(read, default=_Made.NOTHING), op_kind(op)
    if most is _Made.ROWS or op.name in ATTENTION:
        return _Made.ROWS
    if kind == "product":
        return _Made.ROWS if {_Made.PRODUCT, _Made.SHARES} <= {*read} else _Made.PRODUCT
    if kind == "softmax":
        return _Made.SHARES if most is _Made.PRODUCT else _Made.NOTHING
    return most if kind in _SMALL else _Made.NOTHING
