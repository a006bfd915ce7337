"""Which columns of the table fit a width. An equation is never broken for the others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.formats.numbers import n_bytes, short, short_count
from shapetrace.formats.rows import TableRow
from shapetrace.formats.wrapping import shortened

MARGIN = 1
GAP = 2
_LONGEST_MODULE = 28
_LONGEST_TITLE = 44
_LEAST_SHAPES = 12


@dataclass(frozen=True, slots=True)
class ColumnWidths:
    """A choice of columns and their widths.

    Attributes:
        titles: What stands above them, all seven.
        number: Width of the numbers of steps.
        step: Width of titles, their indents and notes.
        module: Width of module paths; 0 leaves them out.
        shapes: Width of equations.
        heads: Width of stacks; 0 writes them behind the title.
        parameters: Width of parameter counts; 0 leaves them out.
        flops: Width of FLOPs; 0 leaves them out.
        notes: True if notes are shown.
        compact: True if parameters are written in short, and the numbers of steps stand in the margin.
    """

    titles: tuple[str, ...]
    number: int
    step: int
    module: int
    shapes: int
    heads: int
    parameters: int
    flops: int
    notes: bool = False
    compact: bool = False

    @property
    def widths(self) -> tuple[int, ...]:
        """Width of each column, from left to right."""
        return (self.number, self.step, self.module, self.shapes, self.heads, self.parameters, self.flops)

    @property
    def total(self) -> int:
        """Width of a line, the left margin included."""
        shown = [width for width in self.widths if width]
        return MARGIN + sum(shown) + GAP * (len(shown) - 1) - 1 - self.compact


@dataclass(frozen=True, slots=True)
class _Choice:
    """What a table shows beside titles and equations; see `ColumnWidths`."""

    notes: bool = False
    module: bool = False
    compact: bool = False
    heads: bool = True
    parameters: bool = True
    flops: bool = True


_POOREST = _Choice(compact=True, heads=False, parameters=False, flops=False)
_CHOICES = (
    _Choice(notes=True, module=True),
    _Choice(module=True),
    _Choice(notes=True),
    _Choice(),
    _Choice(compact=True),
    _Choice(compact=True, heads=False),
    _Choice(compact=True, heads=False, parameters=False),
    _POOREST,
)
"""From rich to poor: what is given up for the equations, in this order."""


def choose(rows: Sequence[TableRow], width: int, words: Words = ENGLISH) -> ColumnWidths:
    """The richest columns that fit; if none do, few ones, with long equations on lines of their own."""
    for choice in _CHOICES:
        columns = _measured(rows, choice, words)
        if columns.total <= width:
            return columns
    narrowed = [_with_room(_measured(rows, choice, words), width) for choice in _CHOICES[-3:]]
    return next((columns for columns in narrowed if columns.total <= width), narrowed[-1])


def _measured(rows: Sequence[TableRow], choice: _Choice, words: Words) -> ColumnWidths:
    above = _titles(rows, words, compact=choice.compact)
    least = [cell_len(name) for name in above[1:]]
    titles = [cell_len(title(row, notes=choice.notes, heads=not choice.heads)) for row in rows]
    stacks = [cell_len(row.stack) for row in rows]
    costs = [cell_len(cost(row, compact=choice.compact)) for row in rows]
    return ColumnWidths(
        titles=above,
        number=max((len(str(row.number or "#")) for row in rows), default=1),
        step=max([least[0], *titles]),
        module=max([least[1], *(cell_len(module_path(row)) for row in rows)]) if choice.module else 0,
        shapes=max([least[2], *(cell_len(row.equation) for row in rows)]),
        heads=max([least[3], *stacks]) if choice.heads and any(stacks) else 0,
        parameters=max([least[4], *costs]) if choice.parameters else 0,
        flops=max([least[5], *(cell_len(flops_of(row)) for row in rows)]) if choice.flops else 0,
        notes=choice.notes,
        compact=choice.compact,
    )


def _titles(rows: Sequence[TableRow], words: Words, *, compact: bool) -> tuple[str, ...]:
    attends = any(row.step is not None and row.step.kind == "scores" for row in rows)
    stacks = "heads" if attends and not any(row.section.kind == "experts" for row in rows) else "stack"
    names = ("step", "module", "shapes", stacks, "params" if compact else "parameters", "FLOPs")
    return ("#", *map(words.say, names))


def _with_room(columns: ColumnWidths, width: int) -> ColumnWidths:
    """The equations get what the others leave."""
    return replace(columns, shapes=max(width - (columns.total - columns.shapes), _LEAST_SHAPES))


def title(row: TableRow, *, notes: bool, heads: bool) -> str:
    """A row's title with its indent, and with its note or stack where these have no column."""
    text = "  " * row.depth + shortened(row.title, _LONGEST_TITLE)
    if heads and row.stack:
        text += f" {row.stack}"
    if notes and row.note:
        text += f"  {shortened(row.note, _LONGEST_TITLE)}"
    return text


def module_path(row: TableRow) -> str:
    """A row's module path, long ones without their middle."""
    return shortened(row.module, _LONGEST_MODULE)


def cost(row: TableRow, *, compact: bool) -> str:
    """A row's parameters; in short if room is."""
    if not compact:
        return row.cost
    if row.step is not None and row.step.tied_to:
        return row.words.say("tied")
    return short_count(row.parameters) if row.parameters else row.cost


def flops_of(row: TableRow) -> str:
    """A row's FLOPs: ``1.21 G``, a dash where none are counted; of a collective the bytes that a rank sends or gets."""
    if row.step is not None and row.step.transfer is not None:
        transfer = row.step.transfer
        return n_bytes(transfer.payload if transfer.talk == "receive" else transfer.sent)
    if row.flops is None:
        return "" if row.parameters is None else "–"
    return short(row.flops)
