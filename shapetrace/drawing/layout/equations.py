"""A row's equation as cells in slots: operands, operators, pills, results."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shapetrace.drawing.content.emphasis import Emphasis
from shapetrace.drawing.content.rows import Row, shared
from shapetrace.drawing.layout.cells import Cell, ending_pill, norm_pill, operator, pill, with_comma
from shapetrace.drawing.layout.matrices import Style, matrix, named_alike
from shapetrace.drawing.layout.token_axes import TOKEN_PX, pitch_of
from shapetrace.drawing.metrics import clean, first_of, shortened
from shapetrace.drawing.wording import Words
from shapetrace.outlining.structure import Operand, Step

_SYMBOLS = frozenset("× + − ⊙ ∗ → / ⊕".split())
_PILL_ROOM_PX = 130.0
_RESULT_COLUMN = 4


@dataclass(frozen=True, slots=True)
class Slot:
    """A cell and the column of its section that it belongs to.

    Attributes:
        cell: What is painted.
        column: 0, 2 and 4 for operands and result, 1 and 3 for what is between, 5 and more for what
            follows; None in a row that keeps to no columns.
        glued: True if a line may not be broken after it.
        is_link: True for what stands between the operands and the results.
    """

    cell: Cell
    column: int | None
    glued: bool = False
    is_link: bool = False


def equation_slots(row: Row, style: Style, words: Words) -> tuple[Slot, ...]:
    """Lay out the equation of a row from left to right."""
    if row.is_line or row.same_as:
        return ()
    if row.folded:
        return tuple(_folded(row, style, words))
    first, *followers = row.steps
    slots = list(_shared(row, style) if shared(row) else _single(first, style, words, row.emphasis))
    slots = [*(Slot(norm_pill(function_name(norm, words)), None, glued=True) for norm in row.before), *slots]
    column = _RESULT_COLUMN if slots and slots[-1].column == _RESULT_COLUMN else None
    for before, step in zip(row.steps, followers, strict=False):
        slots += _follower(before, step, column, style, words)
        column = None if column is None else column + 2
    return tuple(slots)


def _single(step: Step, style: Style, words: Words, emphasis: Emphasis | None) -> Iterator[Slot]:
    n_operands = len(step.operands)
    told = emphasis or Emphasis("clash")
    operands = [_operand(step, place, style, told) for place in range(n_operands)]
    results = [
        matrix(
            result,
            _spotted(step, style, n_operands + place),
            upright=_upright_result(step),
            pointed=told.at(n_operands + place),
        )
        for place, result in enumerate(step.results)
    ]
    symbol = "→" if step.kind == "lookup" else step.operator
    infix = symbol in _SYMBOLS and n_operands > 1
    aligned = n_operands <= (2 if infix else 1) and len(results) == 1
    for place, operand in enumerate(operands):
        yield Slot(operand, place * 2 if aligned else None)
        if place < n_operands - 1:
            yield Slot(operator(symbol if infix else ","), place * 2 + 1 if aligned else None, glued=True)
    if not results and infix:
        return
    link = operator("=") if infix and step.kind != "lookup" else _link(step, words)
    yield Slot(link, (3 if infix else 2) if aligned else None, glued=True, is_link=True)
    for place, result in enumerate(results):
        yield Slot(result, _RESULT_COLUMN if aligned else None)
        if place < len(results) - 1:
            yield Slot(operator(","), None)


def _shared(row: Row, style: Style) -> Iterator[Slot]:
    """Several products of one operand: it once, then all weights, then all results; the last ones say how many."""
    steps = (row.steps[0], *row.alike)
    told = Emphasis("clash")
    yield Slot(_operand(steps[0], 0, style, told), 0)
    yield Slot(operator(steps[0].operator), 1, glued=True)
    of_weights = named_alike([step.operands[1] for step in steps], style)
    of_results = named_alike([step.results[0] for step in steps], style)
    for place, step in enumerate(steps):
        is_last = place == len(steps) - 1
        weight = matrix(step.operands[1], of_weights, inner=step.inner[1] if step.inner else None, counted=is_last)
        yield Slot(weight if is_last else with_comma(weight), None, glued=not is_last)
    yield Slot(operator("="), None, glued=True, is_link=True)
    for place, step in enumerate(steps):
        is_last = place == len(steps) - 1
        result = matrix(step.results[0], of_results, counted=is_last)
        yield Slot(result if is_last else with_comma(result), None, glued=not is_last)


def _operand(step: Step, place: int, style: Style, emphasis: Emphasis) -> Cell:
    operand = step.operands[place]
    inner = step.inner[place] if step.inner and place < 2 else None
    inner = None if emphasis.reason == "change" else inner  # that inner sizes match is not what such a figure tells
    upright = (step.kind == "lookup" and place == 0) or (place == 1 and step.inner is not None)
    return matrix(operand, _spotted(step, style, place), inner=inner, upright=upright, pointed=emphasis.at(place))


def _spotted(step: Step, style: Style, place: int) -> Style:
    """The style with what is marked in a matrix, where an entry of this step is shown."""
    entry = style.entry
    if entry is None or entry.step.id != step.id:
        return style
    numbers = entry.numbers[place] if pitch_of(entry) != TOKEN_PX else ()
    return replace(style, spot=entry.spot(place), numbers=numbers)


def _upright_result(step: Step) -> bool:
    """A matrix times a column is a column."""
    return step.inner is not None and len(step.operands) > 1 and len(step.operands[1].shape) == 1


def _link(step: Step, words: Words) -> Cell:
    """What stands between the operands of a function and its results."""
    if step.kind == "lookup" and len(step.operands) > 1:
        return pill(words.say("pick rows"))
    if step.operator in {"", "→", "="} or step.operator in _SYMBOLS:
        return operator("→")
    return pill(function_name(step, words))


def function_name(step: Step, words: Words) -> str:
    """What stands in the frame of a function; of a concat with the number of its pieces."""
    name = clean(words.say(clean(step.operator)))
    if step.kind == "concat":
        n_pieces = _pieces(step) if step.operands and step.results else 0
        name = f"{name} {n_pieces}" if n_pieces > 1 else name
    return first_of(name, "pill-text", _PILL_ROOM_PX)


def _pieces(step: Step) -> int:
    """What stands side by side: the operands, or of one operand the matrices of its stack."""
    if len(step.operands) > 1:
        return len(step.operands)
    operand, result = step.operands[0], step.results[0]
    return result.slices or (operand.stack_axes[-1] if operand.stack_axes else operand.stack)


def _follower(before: Step, step: Step, column: int | None, style: Style, words: Words) -> Iterator[Slot]:
    """What goes on from the result: a product with it, or a function.

    A function is a pill, and its own result unless that is the same part, of the same name and shape.
    """
    if len(step.operands) > 1:
        yield Slot(operator(step.operator), None, glued=True)
        yield Slot(_operand(step, 1, style, Emphasis("clash")), None)
        yield Slot(operator("="), None, glued=True)
        yield Slot(matrix(step.results[0], style), None)
        return
    label, result = function_name(step, words), step.results[0]
    place = None if column is None else column + 1
    earlier = before.results[0]
    if (result.part, result.name, result.shape, result.stack) == (
        earlier.part,
        earlier.name,
        earlier.shape,
        earlier.stack,
    ):
        yield Slot(ending_pill(label), place)
        return
    yield Slot(pill(label), place, glued=True)
    yield Slot(matrix(result, style), None if place is None else place + 1)


def drawn_operands(row: Row) -> tuple[Operand, ...]:
    """Everything that a row draws as a matrix; of a folded section, what goes in and what comes out."""
    if row.same_as:
        return ()
    if not row.folded:
        steps = (*row.steps, *row.alike) if shared(row) else row.steps
        return () if row.is_line else tuple(o for step in steps for o in (*step.operands, *step.results))
    data = [operand for step in row.steps for operand in step.operands if operand.role == "data"]
    results = row.steps[-1].results if row.steps else ()
    return (*data[:1], *results[:1])


def _folded(row: Row, style: Style, words: Words) -> Iterator[Slot]:
    """A section in one row: what goes in, its title, what comes out."""
    ends = drawn_operands(row)
    has_result = bool(row.steps and row.steps[-1].results)
    title = words.say(clean(row.folded.title)) if row.folded else ""
    if len(ends) > has_result:
        yield Slot(matrix(ends[0], style), 0)
    yield Slot(pill(shortened(title, "pill-text", _PILL_ROOM_PX)), 2, glued=True)
    if has_result:
        yield Slot(matrix(ends[-1], style), _RESULT_COLUMN)
