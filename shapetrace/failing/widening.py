"""Mends of sizes that layers gave: as many columns as those that they meet, as many positions as before."""

from collections.abc import Iterator
from dataclasses import replace

from shapetrace.failing.case import Case, Operation
from shapetrace.failing.mends import Mend, changed
from shapetrace.failing.operands import Made
from shapetrace.failing.remaking import LAYERS, way_to
from shapetrace.failing.rules import broken, rule_of
from shapetrace.failing.windows import window
from shapetrace.language import Text, say


def widened(case: Case, op: Operation) -> Iterator[Mend]:
    """The layer that made an operand, with as many columns as what its result meets has."""
    if any(tensor.origin in ("parameter", "buffer") for tensor in case.tensors) or _fits_turned_round(op):
        return
    for (i, axis), (j, other) in meetings(op):
        wanted = op.shapes[j][other]
        for made in reversed(way_to(case, case.tensors[i].id)):
            if rule_of(op.name).sign == "⊙" and made.op.name == "softmax":
                break  # a weight for each choice: there are as many as there are choices
            if op.shapes[i][axis] in (left := _rows_to_come(case)) and wanted not in left:
                break  # what comes later takes the columns that there are
            if made.op.name in LAYERS and (told := _built(case, op, made, (i, axis), wanted)):
                yield Mend(told, op.with_operands({i: op.operands[i].resized(axis, wanted)}))
                break


def _fits_turned_round(op: Operation) -> bool:
    """Whether a product runs with its sides exchanged: then it is not sure that a width is wrong."""
    sides = op.operands[::-1]
    is_graph = any(len(set(shape)) == 1 < len(shape) for shape in op.shapes)  # as many rows as columns
    return op.name in ("matmul", "mm") and len(sides) == 2 and is_graph and not broken(replace(op, operands=sides))


def _rows_to_come(case: Case) -> set[int]:
    """Columns that weights take which did not run yet."""
    read = {case.trace.tensors[value].name for op in case.trace.ops for value in op.inputs}
    return {p.shape[1] for p in case.trace.parameters if len(p.shape) == 2 and p.name not in read}


def trimmed(case: Case, op: Operation) -> Iterator[Mend]:
    """As many positions as went into a convolution whose padding gives it more: it looks at none that come later."""
    for (i, axis), (j, other) in meetings(op):
        n, wanted = op.shapes[i][axis], op.shapes[j][other]
        for made in way_to(case, case.tensors[i].id):
            kernel = window(made.op)
            reach = made.operands[1].shape[2:] if kernel is not None and len(made.operands) > 1 else ()
            if wanted in made.operands[0].shape[2:] and len(reach) == 1 and n == wanted + reach[0] - 1:
                yield from changed(case, op, i, (("narrow", (axis, 0, wanted)),))


def meetings(op: Operation) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of axes that should be of one size and are not, each way round."""
    for constraint in broken(op):
        if constraint.kind in ("equal", "broadcast") and len(constraint.of) > 1:
            for place in range(0, len(constraint.places) - 1, 2):
                one, other = constraint.places[place : place + 2]
                if max(one[0], other[0]) < len(op.shapes):  # else the scores, which no operand is
                    yield from ((one, other), (other, one))


def _built(case: Case, op: Operation, made: Made, place: tuple[int, int], wanted: int) -> Text:
    """How a layer is built with other columns; "" if its columns are not the axis that is meant, or it has no name."""
    at = next(k for k, operand in enumerate(made.operands) if operand.role == "weight")
    weight, operand = made.operands[at], op.operands[place[0]]
    columns = weight.axes[0 if made.op.name == "linear" else 1]
    path = case.trace.tensors[made.op.inputs[at]].name.rpartition(".")[0]
    if not path or operand.atoms.leaves(operand.axes[place[1]]) != operand.atoms.leaves(columns):
        return ""
    rows, width = weight.shape
    layer = f"Linear({width}, {wanted})" if made.op.name == "linear" else f"Embedding({rows}, {wanted})"
    return say("{layer} as {path}", layer=layer, path=path)
