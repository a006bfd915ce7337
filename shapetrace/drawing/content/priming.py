"""What an activation makes of H is H′: what goes into GELU and what comes out are told apart."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from shapetrace.drawing.content.rows import Item, Panel
from shapetrace.outlining.structure import Operand, Step

_PRIME = "′"


def activated(steps: Iterable[Step]) -> frozenset[str]:
    """Ids of activations whose result is the same part of the model as what they read, another value of it."""
    return frozenset(step.id for step in steps if is_activated(step))


def is_activated(step: Step) -> bool:
    """Whether it is such an activation: what it makes would be called as what it reads."""
    if step.kind != "activation" or len(step.operands) != 1 or len(step.results) != 1:
        return False
    before, after = step.operands[0], step.results[0]
    return bool(after.name) and (before.part, before.name) == (after.part, after.name)


def primed(items: Sequence[Item], makers: frozenset[str]) -> tuple[Item, ...]:
    """Name the results of some steps with a prime, wherever they are drawn.

    Args:
        items: Rows and panels.
        makers: Ids of the steps.
    """
    return tuple(_primed(items, makers)) if makers else tuple(items)


def _primed(items: Sequence[Item], makers: frozenset[str]) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Panel):
            yield replace(item, items=tuple(_primed(item.items, makers)))
            continue
        steps, alike = (tuple(with_primes(step, makers) for step in group) for group in (item.steps, item.alike))
        yield replace(item, steps=steps, alike=alike)


def with_primes(step: Step, makers: frozenset[str]) -> Step:
    """A step whose operands and results that some steps make have a prime."""
    operands = tuple(with_prime(operand) if operand.made_by in makers else operand for operand in step.operands)
    results = tuple(map(with_prime, step.results)) if step.id in makers else step.results
    return replace(step, operands=operands, results=results)


def with_prime(operand: Operand) -> Operand:
    """H as H′; what has no name gets none."""
    return replace(operand, name=f"{operand.name}{_PRIME}") if operand.name else operand
