"""A row as tiles and signs that take turns: chains of products, products that are alike, functions as arrows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from shapetrace.drawing.compact.lines import arrow, sign
from shapetrace.drawing.compact.tiles import Shown, TileStyle, tile
from shapetrace.drawing.content.emphasis import Emphasis
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.equations import drawn_operands
from shapetrace.drawing.layout.names import badge
from shapetrace.drawing.layout.sharing import drawn_sizes
from shapetrace.outlining.roles import Part
from shapetrace.outlining.structure import Operand, Step

SYMBOLS = frozenset("× + − ⊙ ∗ / ⊕".split())
ARROW = "→"
_MOST_ALIKE = 2
_NOWHERE = 1 << 20

Piece = tuple[Operand, Shown] | str
"""A tile, or a sign between two."""


def row_cells(row: Row, style: TileStyle) -> tuple[Cell, ...]:
    """The cells of a row from left to right: tiles and signs take turns."""
    return cells_of(tuple(row_parts(row)), style)


def cells_of(parts: Sequence[Piece], style: TileStyle) -> tuple[Cell, ...]:
    """Draw parts; the number of a stack is written where it differs from the last one written."""
    written = ""
    cells = []
    for part in parts:
        if isinstance(part, str):
            cells.append(arrow() if part == ARROW else sign(part))
            continue
        operand, shown = part
        text = badge(operand)
        cells.append(tile(operand, style, replace(shown, stack=text != written)))
        written = text or written
    return tuple(cells)


def row_parts(row: Row) -> Iterator[Piece]:
    """What a row draws; rows are written at the first tile, and where there is another number of them."""
    first: int | None = None
    multiplied = not row.folded and multiplies(row.steps[0])
    for part in _parts(row):
        if isinstance(part, str):
            yield part
            continue
        operand, shown = part
        n_rows = (
            operand.shape[-2]
            if len(operand.shape) > 1
            else operand.shape[0]
            if shown.upright and operand.shape
            else None
        )
        is_factor = multiplied and operand.role == "weight" and first is not None
        yield operand, replace(shown, rows=n_rows != first and not is_factor)
        first = n_rows if first is None else first


def operands_in(rows: Iterable[Row]) -> list[Operand]:
    """Everything that some rows draw as a tile."""
    return [part[0] for row in rows for part in row_parts(row) if not isinstance(part, str)]


def sizes_in(rows: Iterable[Row]) -> list[int]:
    """The sizes of their sides."""
    return [size for operand in operands_in(rows) for size in drawn_sizes(operand)]


def _parts(row: Row) -> Iterator[Piece]:
    if row.folded:
        yield from _listed([(operand, Shown()) for operand in drawn_operands(row)], ARROW)
        return
    alike = row.alike[:_MOST_ALIKE]
    told = row.emphasis or Emphasis("clash")
    yield from _operands(row.steps[0], alike, told, goes_on=_goes_on(row.steps, 0))
    for place, step in enumerate(row.steps):
        goes_on = _goes_on(row.steps, place)
        if place and multiplies(step):
            yield "×"
            yield _factor(step, goes_on=goes_on)
        if goes_on and multiplies(step):
            continue
        results = _results(step, () if place else alike)
        if step is not row.steps[-1]:
            results = [unmasked(result) for result in results]
        if results:
            yield "=" if _is_infix(step) else ARROW
        inner = inner_axis(row.steps[place + 1], 0) if goes_on else frozenset()
        first = len(step.operands) if not place else _NOWHERE
        shown = [pointed(Shown(inner), told, first + number % len(step.results)) for number in range(len(results))]
        yield from _listed(list(zip(results, shown, strict=True)), ",")


def pointed(shown: Shown, told: Emphasis, place: int) -> Shown:
    """Point at the sizes of an operand that differ or do not fit."""
    found = told.at(place)
    if told.reason == "clash":
        return replace(shown, clashing=found.axes, clashing_stack=found.stack)
    return replace(shown, inner=frozenset(), changed=found.axes, restacked=found.stack)


def _results(step: Step, alike: Sequence[Step]) -> list[Operand]:
    return [result for each in (step, *alike) for result in each.results]


def unmasked(operand: Operand) -> Operand:
    """Scores before the mask: where they go on to weights, those show what is hidden."""
    return replace(operand, pattern="", band=None, cells=()) if operand.part == Part.SCORES else operand


def multiplies(step: Step) -> bool:
    """Whether it multiplies what it reads by another operand."""
    return step.inner is not None and len(step.operands) > 1


def _goes_on(steps: Sequence[Step], place: int) -> bool:
    """Whether the next step of a chain multiplies the result of this one."""
    return place + 1 < len(steps) and multiplies(steps[place + 1])


def _is_infix(step: Step) -> bool:
    return step.operator in SYMBOLS and len(step.operands) > 1


def _operands(step: Step, alike: Sequence[Step], told: Emphasis, *, goes_on: bool) -> Iterator[Piece]:
    """What the first step reads, with signs between."""
    if multiplies(step):
        yield step.operands[0], pointed(Shown(inner_axis(step, 0)), told, 0)
        yield "×"
        operand, shown = _factor(step, goes_on=goes_on)
        others = [(other.operands[1], pointed(Shown(), replace(told, axes=()), 1)) for other in alike]
        yield from _listed([(operand, pointed(shown, told, 1)), *others], ",")
        return
    upright = step.kind == "lookup"
    tiles = [
        (operand, pointed(Shown(upright=upright and not place), told, place))
        for place, operand in enumerate(step.operands)
    ]
    yield from _listed(tiles, ARROW if upright else step.operator if _is_infix(step) else ",")


def _factor(step: Step, *, goes_on: bool) -> tuple[Operand, Shown]:
    """The second operand of a product; its columns are summed over where the result is multiplied on."""
    operand = step.operands[1]
    inner = inner_axis(step, 1)
    return operand, Shown(inner | {len(operand.shape) - 1} if goes_on else inner)


def inner_axis(step: Step, place: int) -> frozenset[int]:
    """The axis of an operand over which the product sums."""
    if step.inner is None:
        return frozenset()
    return frozenset({step.inner[place] % max(len(step.operands[place].shape), 1)})


def _listed(tiles: Sequence[tuple[Operand, Shown]], between: str) -> Iterator[Piece]:
    for place, part in enumerate(tiles):
        if place:
            yield between
        yield part
