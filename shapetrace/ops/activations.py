"""Activations by what they compute: ``x·(1 + tanh(…x³…))/2`` is GELU, ``relu(x)·relu(x)`` ReLU²."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product

from shapetrace.ir import Op, Trace
from shapetrace.ops.formulas import gelu, relu, sigmoid
from shapetrace.ops.registry import ENTRIES
from shapetrace.ops.terms import Samples, Term, Terms, without_scales

Formula = Callable[..., float]

_AT = (-0.31, 0.74, 1.9, -1.27, 3.4, -3.6, 6.7, -7.2, 0.13, -0.04, 23.0, -26.0)
"""Data at which formulas are compared: both sides of 0, 3 and 6, where some have corners, near 0 and far from it."""

_CONSTANTS = (math.sqrt(2 / math.pi), math.sqrt(2), math.sqrt(0.5), 2 / math.pi, 0.044715, 0, 0.5, 1, 2, 3, 6, 1.702)
"""What a tensor of one number, whose value no trace holds, may be."""

_WRITTEN_OUT: tuple[tuple[str, Formula], ...] = (
    ("GELU", lambda x: gelu(x, "tanh")),
    ("Quick GELU", lambda x: x * sigmoid(1.702 * x)),
    ("ReLU²", lambda x: relu(x) ** 2),
)
_WITH_ONE: tuple[tuple[str, Formula], ...] = (
    ("LeakyReLU", lambda x, slope: x if x > 0 else x * slope),
    ("JumpReLU", lambda x, threshold: x if x > threshold else 0.0),
    ("Swish", lambda x, beta: x * sigmoid(beta * x)),
)
_WITH_TWO: tuple[tuple[str, Formula], ...] = (("Snake", lambda x, alpha, scale: x + scale * math.sin(alpha * x) ** 2),)
"""Activations that no kernel computes, by their number of parameters."""


_BOUNDED = frozenset({"ReLU6"})
"""What is known by its bounds alone: bounds whose values no trace holds may be any."""


def activation_of(ops: Sequence[Op], trace: Trace) -> str:
    """Name of the activation that a run of element-wise operations computes, scales and shifts around it left out.

    Two activations that are multiplied (the gate of WaveNet) are named together.

    Returns:
        "" if it is none, or multiplies one with other data: see `gate_of`.
    """
    for term in _results(ops, trace):
        if name := _name_of(term):
            return name
        factors = [_activation(factor) for factor in term.factors]
        if factors and all(factors):
            return " ⊙ ".join(factors)
    return ""


def gate_of(ops: Sequence[Op], trace: Trace) -> str:
    """Name of the activation that a run computes of one thing and multiplies with another: SiLU for SwiGLU."""
    for term in _results(ops, trace):
        if _name_of(term):
            return ""
        for one, other in (term.factors, term.factors[::-1]) if term.factors else ():
            apart = not {*_beginnings(one)} & {*_beginnings(other)}
            if apart and other.begins and (name := _activation(one)):
                return name
    return ""


def _results(ops: Sequence[Op], trace: Trace) -> Iterator[Term]:
    result = Terms(ops, trace).result()
    return iter(()) if result is None else without_scales(result)


def _beginnings(term: Term) -> Iterator[Term]:
    return (each for each in term.below() if each.entry is None and each.data)


def _activation(term: Term) -> str:
    return next(filter(None, map(_name_of, without_scales(term))), "")


def _name_of(term: Term) -> str:
    """Name of the activation that a term is of one of those that it is made of."""
    if term.begins:
        return ""
    for source in term.below():
        if source.data and source is not term and source.begins and (name := _compared(term, source)):
            return name
    return term.entry.activation if term.entry and len(term.sources) == 1 and term.sources[0].begins else ""


def _compared(term: Term, source: Term) -> str:
    """Name of the formula that has the values of this term wherever the source has some."""
    free = [each for each in term.below(source) if each.entry is None and each is not source]
    constants = [each for each in free if each.constant]
    if any(each.data for each in free) or len(constants) > 2:
        return ""
    weights = {each: _weight(number) for number, each in enumerate(free)}
    numbers = [(number,) * len(_AT) for number in dict.fromkeys(_numbers(term, source))]
    for values in ((), *product(_CONSTANTS, repeat=len(constants))):
        held = {each: (value,) * len(_AT) for each, value in zip(constants, values, strict=False)}
        found = term.compute({source: _AT, **weights, **held})
        if found and _are_close(_AT, found):  # bounds that nothing reaches
            return ""
        if found and (name := _matching(found, [*weights.values()], numbers)):
            return "" if constants and name in _BOUNDED else name
    return ""


def _weight(number: int) -> Samples:
    """Values of a weight: another one at every place."""
    return tuple(0.55 + (0.37 * i + 0.23 * number) % 1 for i in range(len(_AT)))


def _numbers(term: Term, source: Term) -> Iterator[float]:
    """Numbers that the code writes, and one over them."""
    yield 1.0
    for each in term.below(source):
        for value in (each.arguments or {}).values():
            if isinstance(value, int | float) and value:
                yield from (float(value), 1 / value)


def _matching(found: Samples, weights: Sequence[Samples], numbers: Sequence[Samples]) -> str:
    """Name of the formula with these values, with weights or numbers of the code as its parameters."""
    for name, expected in _values():
        if _are_close(expected, found):
            return name
    parameters = [*weights, *numbers]
    for formulas, repeat in ((_WITH_ONE, 1), (_WITH_TWO, 2)):
        for (name, formula), chosen in product(formulas, product(parameters, repeat=repeat)):
            if _are_close(_at(formula, chosen), found):
                return "PReLU" if name == "LeakyReLU" and chosen[0] in weights else name
    return ""


@cache
def _values() -> list[tuple[str, list[float]]]:
    """Values of all activations without parameters."""
    own = [(entry.activation, entry.formula) for entry in ENTRIES.values() if entry.activation and entry.formula]
    found = [(name, list(_at(formula))) for name, formula in (*own, *_WRITTEN_OUT)]
    return [(name, values) for name, values in found if len(values) == len(_AT)]


def _at(formula: Formula, parameters: Sequence[Samples] = ()) -> Iterator[float]:
    """Values of a formula; none where it has none, or needs more parameters."""
    try:
        for column in zip(_AT, *parameters, strict=True):
            yield formula(*column)
    except (ArithmeticError, TypeError):
        return


def _are_close(expected: Iterator[float] | Sequence[float], found: Samples) -> bool:
    n_close = 0
    for one, other in zip(expected, found, strict=False):
        if not math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9):
            return False
        n_close += 1
    return n_close == len(found)
