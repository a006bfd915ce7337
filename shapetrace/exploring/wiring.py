"""Which operands are the same value: a number for each value, through folds and past copies of a name."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from shapetrace.outlining.structure import Operand, Outline

Place: TypeAlias = tuple[str, bool, int]
"""Where an operand stands: id of its step, whether it is a result, its position."""


def value_keys(outline: Outline, originals: Mapping[str, str]) -> Mapping[Place, int]:
    """A number for each value, at every place where it stands; numbers count in the order of reading.

    A result is a value of its own. What reads it is told by who made it, so that a layer's result is the same value
    for what comes after the last of the folded layers. What nothing made is the same where its tensor and part are.

    Args:
        outline: Whose steps are read.
        originals: By what name others know a step that stands for some of several folded layers, by its id: what
            reads that name gets the result of the last such step before.
    """
    found: dict[Place, int] = {}
    numbers: dict[object, int] = {}
    made: dict[str, list[tuple[Operand, int]]] = {}
    exact: dict[object, int] = {}
    for step in outline.steps():
        for place, operand in enumerate(step.operands):
            key = _made(operand, made, exact)
            if key is None:
                origin = (operand.value, operand.part) if operand.value >= 0 else (step.id, place)
                key = numbers.setdefault(origin, len(numbers))
            found[step.id, False, place] = key
        for place, result in enumerate(step.results):
            key = found[step.id, True, place] = numbers.setdefault((step.id, "result", place), len(numbers))
            exact[_identity(result)] = key
        if step.results:
            made[step.id] = made[originals.get(step.id, step.id)] = [
                (result, found[step.id, True, place]) for place, result in enumerate(step.results)
            ]
    return found


def _made(operand: Operand, made: Mapping[str, list[tuple[Operand, int]]], exact: Mapping[object, int]) -> int | None:
    """The result that an operand is: the same tensor in the same form, else what its maker gives."""
    if not operand.made_by:
        return None
    results = made.get(operand.made_by, [])
    alike = [key for result, key in results if _identity(result) == _identity(operand)]
    if alike:
        return alike[0]
    if (key := exact.get(_identity(operand))) is not None:
        return key
    return next(iter([*_of_part(operand, results), *(key for _, key in results)]), None)


def _of_part(operand: Operand, results: list[tuple[Operand, int]]) -> Iterator[int]:
    yield from (key for result, key in results if result.part is operand.part)


def _identity(operand: Operand) -> tuple[object, ...]:
    shape = operand.shape[::-1] if operand.transposed else operand.shape
    return operand.value, operand.part, shape, operand.stack
