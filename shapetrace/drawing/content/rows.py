"""Steps become rows, sections become panels: what shares a row, what folds, what is left out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from shapetrace.drawing.content.emphasis import Emphasis
from shapetrace.drawing.look import Look
from shapetrace.outlining.structure import Operand, Section, Step

MAX_DEPTH = 2
"""Panels are nested at most so deep."""

_BARE_KINDS = frozenset({"embedding", "unembedding"})
_FOLLOWERS = frozenset({"softmax", "concat", "activation"})
_LEADERS = frozenset({"product", "scores", "weighted_sum", "contraction", "convolution"})


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a figure.

    Attributes:
        steps: The step it draws, and steps that go on from its result in the same row.
        alike: Steps with the same shapes that it draws too.
        folded: The section it stands for, if it is drawn as one row.
        repeat: Number of layers it stands for, where no panel says so.
        inside: Path of the section that frames it, which its caption need not repeat.
        n_left_out: Rows after it that are not drawn.
        emphasis: What it points at in its first step.
        before: Norms whose result it reads, drawn as pills before it.
        is_line: True for a residual add that is said in a line and drawn as a mark on its rail.
        same_as: Path of the section above that looks as the folded one does.
    """

    steps: tuple[Step, ...]
    alike: tuple[Step, ...] = ()
    folded: Section | None = None
    repeat: int = 1
    inside: str = ""
    n_left_out: int = 0
    emphasis: Emphasis | None = None
    before: tuple[Step, ...] = ()
    is_line: bool = False
    same_as: str = ""

    @property
    def id(self) -> str:
        """The id of what it draws."""
        return self.folded.path if self.folded else self.steps[0].id

    def drawn(self) -> Iterator[Step]:
        """All steps that it stands for."""
        yield from self.before
        yield from self.steps
        yield from self.alike


@dataclass(frozen=True, slots=True)
class Panel:
    """A section with a frame around its rows.

    Attributes:
        section: What it shows.
        items: Rows and inner panels, in order.
    """

    section: Section
    items: tuple["Row | Panel", ...]


Item: TypeAlias = Row | Panel


def shared(row: Row) -> bool:
    """Whether it draws several products of one operand, each with its weight: queries, keys and values."""
    first, *others = (row.steps[0], *row.alike)
    return (
        bool(others) and first.kind == "product" and all(_two(step) and _one_value(step, first) for step in row.alike)
    )


def _two(step: Step) -> bool:
    return len(step.operands) == 2 and len(step.results) == 1


def _one_value(step: Step, other: Step) -> bool:
    own, others = step.operands[0], other.operands[0]
    is_known = own.value >= 0 or bool(own.made_by)
    return is_known and (own.value, own.made_by) == (others.value, others.made_by)


def rows_in(items: Iterable[Item]) -> Iterator[Row]:
    """All rows, from top to bottom."""
    for item in items:
        if isinstance(item, Row):
            yield item
        else:
            yield from rows_in(item.items)


def arrange(section: Section, look: Look) -> tuple[Item, ...]:
    """Turn a section into rows and panels, one panel a section, however deep."""
    items: list[Item] = []
    run: list[Step] = []
    for item in section.items:
        if isinstance(item, Step):
            if item.kind not in look.hidden_kinds:
                run.append(item)
            continue
        items += rows_of(run, look)
        run = []
        if inner := arrange(item, look):
            items.append(Panel(item, inner))
    items += rows_of(run, look)
    return tuple(items)


def flattened(
    items: Iterable[Item], inside: str, depth: int = 0, repeat: int = 1, *, most: int = MAX_DEPTH
) -> tuple[Item, ...]:
    """Dissolve panels that say nothing and those too deep.

    Args:
        items: Rows and panels, however deep.
        inside: Path of the section that frames them, or that the figure is about.
        depth: How many panels are around them.
        repeat: How often the dissolved panels around them are repeated; their rows say so.
        most: Frames of single sections are nested at most so deep, those of repeated ones one deeper.
    """
    flat: list[Item] = []
    for item in items:
        if isinstance(item, Row):
            flat.append(replace(item, repeat=item.repeat * repeat, inside=inside))
        elif depth < (MAX_DEPTH if item.section.repeat > 1 else most) and _framed(item, depth):
            flat.append(replace(item, items=flattened(item.items, item.section.path, depth + 1, most=most)))
        else:
            flat += flattened(item.items, inside, depth, repeat * item.section.repeat, most=most)
    return tuple(flat)


def unchained(row: Row) -> tuple[Row, ...]:
    """Give each step of a row its own."""
    if len(row.steps) == 1:
        return (row,)
    first, *others, last = row.steps
    return (
        replace(row, steps=(first,), n_left_out=0),
        *(replace(row, steps=(step,), alike=(), before=(), n_left_out=0) for step in others),
        replace(row, steps=(last,), alike=(), before=()),
    )


def _framed(panel: Panel, depth: int) -> bool:
    section = panel.section
    if section.repeat > 1:
        return True
    if section.kind in _BARE_KINDS and depth == 0:
        return False
    n_rows = sum(1 for _ in rows_in(panel.items))
    return n_rows > 1 and not (len(panel.items) == 1 and isinstance(panel.items[0], Panel))


def rows_of(steps: Sequence[Step], look: Look) -> tuple[Row, ...]:
    """Rows of steps side by side in one section: what follows a product shares its row, equal products share one."""
    rows: list[Row] = []
    for step in steps:
        if rows and _follows(step, rows[-1].steps):
            rows[-1] = replace(rows[-1], steps=(*rows[-1].steps, step))
        else:
            rows.append(Row((step,)))
    return tuple(rows) if look.list_alike else _merged(rows)


def _follows(step: Step, before: tuple[Step, ...]) -> bool:
    """Softmax goes on from the scores, concat from the weighted sum, an activation from a product."""
    return (
        step.kind in _FOLLOWERS
        and before[0].kind in _LEADERS
        and len(before) < 3
        and len(step.operands) == 1
        and len(step.results) == 1
        and len(before[-1].results) == 1
        and step.operands[0].made_by == before[-1].id
        and step.operands[0].shape == before[-1].results[0].shape
    )


def _merged(rows: list[Row]) -> tuple[Row, ...]:
    """Equal products of the same operand share a row; so do equal other steps next to each other."""
    merged: list[Row] = []
    places: dict[object, int] = {}
    for row in rows:
        key = likeness(row)
        place = places.get(key) if key else None
        first = merged[place].steps[0] if place is not None else None
        is_apart = first is not None and first.kind != "product" and place != len(merged) - 1
        if place is None or is_apart or _reads_from(row.steps[0], merged[place]):
            places[key] = len(merged)
            merged.append(row)
        else:
            merged[place] = replace(merged[place], alike=(*merged[place].alike, *row.steps))
    return tuple(merged)


def _reads_from(step: Step, row: Row) -> bool:
    """Whether a step goes on with what a row made: one after the other, not side by side."""
    made = {drawn.id for drawn in row.drawn()}
    return any(operand.made_by in made for operand in step.operands)


def likeness(row: Row) -> tuple[object, ...] | None:
    """Equal for rows that may share one; None for a row that has its own."""
    step = row.steps[0]
    if len(row.steps) > 1 or not step.operands or step.kind in {"residual", "unknown"}:
        return None
    origin = (step.operands[0].value, step.operands[0].made_by) if step.kind == "product" else ()
    return (*_signature(step), *origin)


def _signature(step: Step) -> tuple[object, ...]:
    def looks(operand: Operand) -> tuple[object, ...]:
        return (
            operand.role,
            operand.shape,
            operand.stack,
            operand.stack_axes,
            operand.transposed,
            operand.pattern,
            operand.slices,
            operand.band,
            operand.cells,
        )

    shapes = tuple(map(looks, step.operands)), tuple(map(looks, step.results))
    return (step.kind, step.function, step.inner, *shapes)
