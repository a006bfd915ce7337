"""A section that is equal to one above is referred to, not drawn again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapetrace.drawing.content.rows import Item, Row, rows_in
from shapetrace.outlining.structure import Operand, Section, Step

_LEAST_ROWS = 2
"""Rows that a section has to have: one is as soon drawn as referred to."""


def referred(items: Sequence[Item]) -> tuple[Item, ...]:
    """Make a row of each panel whose steps have the kinds, the shapes and the costs of an earlier panel's."""
    return tuple(_referred(items, {}))


def _referred(items: Sequence[Item], seen: dict[object, str]) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Row):
            yield item
            continue
        form = _form(item.section)
        if form in seen and sum(1 for _ in rows_in(item.items)) >= _LEAST_ROWS:
            steps = tuple(item.section.steps())
            yield Row(steps, folded=item.section, repeat=item.section.repeat, same_as=seen[form])
            continue
        yield replace(item, items=tuple(_referred(item.items, seen)))
        seen.setdefault(form, item.section.spoken)


def _form(section: Section) -> object:
    return section.kind, section.crosses, tuple(map(_look, section.steps()))


def _look(step: Step) -> object:
    ends = tuple(map(_sizes, step.operands)), tuple(map(_sizes, step.results))
    return step.kind, step.role, step.function, step.parameters, step.flops, ends


def _sizes(operand: Operand) -> object:
    masked = operand.veiled, operand.seen is None
    look = (operand.pattern, operand.slices, operand.band, operand.cells, operand.transposed, masked)
    return operand.role, operand.part, operand.shape, operand.stack, operand.stack_axes, look
