"""What multiplies nothing and stands in every block is a mark: norms on the row that reads them, adds on the rail."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapetrace.drawing.content.rows import Item, Panel, Row
from shapetrace.outlining.roles import Part
from shapetrace.outlining.structure import Section, Step


def marked(items: Sequence[Item]) -> tuple[Item, ...]:
    """Make norms pills of the rows after them that read them, and residual adds lines without an equation.

    A norm stays a row where the next row does not read it, or is in another repeated section: its pill would stand
    in a frame that it is not in.
    """
    places = list(_places(items, ()))
    readers: dict[str, list[Step]] = {}
    absorbed: set[str] = set()
    for (norm, outer), (row, inner) in zip(reversed(places[:-1]), reversed(places[1:]), strict=True):
        if _is_norm(norm) and _reads(row, norm.steps[0]) and _stays(outer, inner):
            readers[row.id] = [norm.steps[0], *readers.get(row.id, [])]
            absorbed.add(norm.id)
    return tuple(_rebuilt(items, readers, absorbed))


def _places(items: Sequence[Item], panels: tuple[Section, ...]) -> Iterator[tuple[Row, tuple[Section, ...]]]:
    for item in items:
        if isinstance(item, Row):
            yield item, panels
        else:
            yield from _places(item.items, (*panels, item.section))


def _is_norm(row: Row) -> bool:
    step = row.steps[0]
    is_alone = len(row.steps) == 1 and not row.alike and row.folded is None and not row.n_left_out
    return is_alone and step.kind == "norm" and len(step.results) == 1 and len(step.operands) == 1


def _reads(row: Row, norm: Step) -> bool:
    """Whether what comes first in a row is what the norm made."""
    step = row.steps[0]
    return row.folded is None and step.kind == "product" and bool(step.operands) and step.operands[0].made_by == norm.id


def _stays(outer: tuple[Section, ...], inner: tuple[Section, ...]) -> bool:
    entered = inner[len(outer) :]
    same = all(a is b for a, b in zip(outer, inner, strict=False)) and len(inner) >= len(outer)
    return same and all(section.repeat == 1 for section in entered)


def _rebuilt(items: Sequence[Item], readers: dict[str, list[Step]], absorbed: set[str]) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Panel):
            yield replace(item, items=tuple(_rebuilt(item.items, readers, absorbed)))
        elif item.id not in absorbed:
            yield replace(item, before=tuple(readers.get(item.id, ())), is_line=_is_add(item))


def _is_add(row: Row) -> bool:
    step = row.steps[0]
    is_alone = len(row.steps) == 1 and not row.alike and row.folded is None and row.emphasis is None
    named = all(operand.part is not Part.OTHER for operand in (*step.operands, *step.results))
    return is_alone and step.kind == "residual" and len(step.operands) == 2 and len(step.results) == 1 and named
