"""Passes of one model, read after each other: a matrix is what it was, also where this pass does not show it.

A key that is only put aside for later, until a block of keys is full, is a key.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import TypeAlias

from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Outline, Section, Step

Place: TypeAlias = tuple[str, int, int]
"""Where a product is: its module's path, the numbers in its weight, and which it is of those that are alike in both."""

_Told: TypeAlias = Mapping[int, Operand]
"""What values are, by their ids: operands whose names and parts count."""


def recalled(outline: Outline, earlier: Sequence[Outline]) -> Outline:
    """A pass with the roles that its products with weights had in earlier passes.

    Args:
        outline: What this pass alone says.
        earlier: What others of the same model said; the first that knows a product counts.
    """
    known: dict[Place, Step] = {}
    for before in earlier:
        for place, step in _products(before):
            known.setdefault(place, step)
    steps = {step.id: known[place] for place, step in _products(outline) if _tells_more(known.get(place), step)}
    if not steps:
        return outline
    told: dict[int, Operand] = {}
    for step in outline.steps():
        if step.id in steps:
            now, then = ((*each.operands[1:], *each.results) for each in (step, steps[step.id]))
            told.update((one.value, other) for one, other in zip(now, then, strict=False) if one.value >= 0)
    return replace(outline, root=_changed(outline.root, steps, told))


def _products(outline: Outline) -> Iterator[tuple[Place, Step]]:
    seen: dict[tuple[str, int], int] = defaultdict(int)
    for step in outline.steps():
        if step.kind == "product" and len(step.operands) > 1 and step.operands[1].role == "weight":
            key = step.path, prod(step.operands[1].shape) * step.operands[1].stack
            yield (*key, seen[key]), step
            seen[key] += 1


def _tells_more(then: Step | None, now: Step) -> bool:
    return then is not None and then.role not in (Role.OTHER, now.role)


def _changed(section: Section, steps: Mapping[str, Step], told: _Told) -> Section:
    items = (
        _changed(item, steps, told) if isinstance(item, Section) else _renamed(item, steps.get(item.id), told)
        for item in section.items
    )
    return replace(section, items=tuple(items))


def _renamed(step: Step, then: Step | None, told: _Told) -> Step:
    operands, results = (tuple(_called(each, told) for each in refs) for refs in (step.operands, step.results))
    if then is None:
        return replace(step, operands=operands, results=results)
    return replace(step, role=then.role, title=then.title, operands=operands, results=results)


def _called(operand: Operand, told: _Told) -> Operand:
    known = told.get(operand.value)
    return operand if known is None else replace(operand, name=known.name, part=known.part)
