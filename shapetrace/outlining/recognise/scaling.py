"""By which number scores are multiplied, and by which they are bounded."""

from collections.abc import Sequence
from itertools import takewhile
from math import isclose, prod
from typing import NamedTuple

from shapetrace.ir import Op
from shapetrace.ops.kinds import names_of
from shapetrace.ops.products import Product
from shapetrace.outlining.flow import Flow

_BENDING = frozenset({"tanh", "sigmoid", "relu", "gelu", "silu", "elu", "softplus", "exp", "pow"})
"""Behind these, numbers scale something else."""


class Scaling(NamedTuple):
    """What is done to scores by numbers.

    Attributes:
        factor: What they are multiplied with; None where nothing is, or a number is not known.
        cap: What bounds them: cap · tanh(scores / cap); None if nothing does.
    """

    factor: float | None
    cap: float | None


def scaling_of(flow: Flow, before: Sequence[int], product: Product, between: Sequence[int]) -> Scaling:
    """What numbers do to queries, to keys, inside their product (``alpha``) and to the scores.

    Args:
        flow: Values and operations.
        before: Operations that multiply a query or a key by a number.
        product: Queries times keys.
        between: Operations on the way from the scores to a softmax, the last one first.
    """
    numbers = [(op, number_of(flow.trace.ops[op])) for op in reversed(between)]
    cap = _cap(flow, numbers)
    straight = takewhile(lambda each: cap or _BENDING.isdisjoint(names_of(flow.trace.ops[each[0]].kernels)), numbers)
    known = [number for op, number in straight if number is not None and op not in cap]
    inside = [kernel.args.get("alpha") for kernel in flow.trace.ops[product.op].kernels if product.bias is not None]
    known += [float(alpha) for alpha in inside if isinstance(alpha, (int, float)) and alpha != 1]
    return Scaling(scaled(flow, before, prod(known) if known else None), max(cap.values(), default=None))


def scaled(flow: Flow, before: Sequence[int], factor: float | None) -> float | None:
    """A factor of scores, and what queries and keys were multiplied with before; None if one of these is not known."""
    numbers = [number_of(flow.trace.ops[op]) for op in before]
    if None in numbers:
        return None
    return prod(number for number in numbers if number) * (factor or 1) if numbers else factor


def number_of(op: Op) -> float | None:
    """The number that an operation multiplies with; None if it does something else."""
    names = names_of(op.kernels)
    numbers = [kernel.args.get("other") for kernel in op.kernels]
    if names not in (["mul"], ["div"]) or not isinstance(numbers[0], (int, float)) or not numbers[0]:
        return None
    return float(numbers[0]) if names == ["mul"] else 1 / numbers[0]


def _cap(flow: Flow, numbers: Sequence[tuple[int, float | None]]) -> dict[int, float]:
    """The two operations around a hyperbolic tangent that make it a bound, with that bound."""
    for place, (op, _) in enumerate(numbers):
        if names_of(flow.trace.ops[op].kernels) == ["tanh"] and 0 < place < len(numbers) - 1:
            (first, into), (last, out_of) = numbers[place - 1], numbers[place + 1]
            if into and out_of and isclose(into * out_of, 1, rel_tol=1e-3):
                return {first: out_of, last: out_of}
    return {}
