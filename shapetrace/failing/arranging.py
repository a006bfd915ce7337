"""Mends that arrange axes of operands otherwise where the operation is called: turned, flattened, more or fewer."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from shapetrace.failing.case import Case, Operation, on
from shapetrace.failing.layouts import shuffle
from shapetrace.failing.lookups import channel_norm, lookup, targets, topk
from shapetrace.failing.mends import Mend, Step, changed, together
from shapetrace.failing.operands import Shape
from shapetrace.failing.products import convolution
from shapetrace.failing.rules import ALIGNED, rule_of
from shapetrace.language import say


def views(case: Case, op: Operation) -> Iterator[Mend]:
    """One operand with its axes in another order, one more, one less, or several flattened."""
    if op.name == "gather":
        yield from _picks(case, op)
    if op.name == "gather" or rule_of(op.name).asks is topk:  # what is chosen from is no other axis
        return
    for i, operand in enumerate(op.operands):
        n_axes = len(operand.axes)
        if operand.role == "weight" and (rule_of(op.name).shown or rule_of(op.name).alike == "positions"):
            continue
        if operand.role == "weight" and rule_of(op.name).asks is lookup:  # a turned table holds no rows
            continue
        product = op.name in ("matmul", "bmm", "mm")
        image = rule_of(op.name).asks in (convolution, channel_norm, shuffle) and n_axes > 3
        for cost, step in _views(n_axes, op.shapes[i], product):  # the right side is turned rather than the left one
            last = ("permute", (0, n_axes - 1, *range(1, n_axes - 1)))
            if image and step[0] in _TURNS and (step != last or not _may_be_channels(case, op, i)):
                continue  # the sides of an image keep their order, and it is sure which axis are the channels
            yield from changed(case, op, i, (step,), cost + (product and i == 0))
        yield from _with_two(case, op, i)
        yield from _as_other(case, op, i)
        yield from _flat(case, op, i) if op.name == "linear" else ()


def _with_two(case: Case, op: Operation, i: int) -> Iterator[Mend]:
    """Two axes more: beside a map, for a mask, or channels that have no sides yet."""
    if rule_of(op.name).asks in ALIGNED or i > 2 or (op.name.startswith("conv") and i == 0):
        n_axes = len(op.shapes[i])
        for dim in range(1, n_axes + 1):
            yield from changed(case, op, i, (("unsqueeze", (dim,)), ("unsqueeze", (dim,))), 5)
        if n_axes > 2:
            yield from changed(case, op, i, (("transpose", (-2, -1)), ("unsqueeze", (n_axes,))), 5)


def _flat(case: Case, op: Operation, i: int) -> Iterator[Mend]:
    """Axes as columns, in the order in which they are or with heads beside their rows before."""
    shape, n_axes = op.shapes[i], len(op.shapes[i])
    for start in range(1, n_axes - 1):
        yield from changed(case, op, i, (("flatten", (start,)),))
        if start < n_axes - 2 and 1 not in (shape[start], shape[-2]):
            yield from changed(case, op, i, (("transpose", (start, n_axes - 2)), ("flatten", (n_axes - 2,))), 2)


def _may_be_channels(case: Case, op: Operation, i: int) -> bool:
    """Whether the last axis may be the channels: no side is as long, and the second was not made as channels."""
    return op.shapes[i].count(op.shapes[i][-1]) == 1 and not case.identity.features(op.operands[i].axes[1])


def turned(case: Case, op: Operation) -> Iterator[Mend]:
    """Two axes of keys and values, or of all operands of attention that are one value, in the other order."""
    if rule_of(op.name).alike == "positions":
        ids = [tensor.id for tensor in case.tensors[:3]]
        for places in dict.fromkeys(((1, 2), *(tuple(i for i in range(3) if ids[i] == each) for each in ids))):
            for pair in ((0, 1), (1, 2)) if len(places) > 1 and all(len(op.shapes[i]) > 2 for i in places) else ():
                yield from together(case, op, dict.fromkeys(places, (("transpose", pair),)), 1)
    if op.name == "scaled_dot_product_attention" and min(map(len, op.shapes[:3])) > 3:
        names = rule_of(op.name).names
        for i in (0, 1):
            for mend in together(case, op, dict.fromkeys((i, i + 1), (("transpose", (1, 2)),)), 2):
                both = say("{first} and {second}", first=names[i], second=names[i + 1])
                batches = {case.identity.features(operand.axes[1]) for operand in mend.operation.operands[:3]}
                if len(batches) > 1:
                    continue  # heads of one beside positions of another
                yield replace(mend, text=on(both, ".transpose(1, 2)"))


def _as_other(case: Case, op: Operation, i: int) -> Iterator[Mend]:
    """An operand with the axes of another: flattened as that one is, or a number for each example of it."""
    if rule_of(op.name).asks not in (*ALIGNED, targets):
        return
    others = [shape for j, shape in enumerate(op.shapes) if j != i]
    for start in range(1, len(op.shapes[i]) - 1):
        if (*op.shapes[i][:start], math.prod(op.shapes[i][start:])) in others:
            yield from changed(case, op, i, (("flatten", (start,)),), 2)
    for shape in others:
        start = len(op.shapes[i]) - 1
        if start < len(shape) - 1 and (*shape[:start], math.prod(shape[start:])) == op.shapes[i]:
            yield from changed(case, op, i, (("view", shape),), 2)
    for n_axes in {len(shape) for shape in others} if len(op.shapes[i]) == 1 else ():
        if n_axes > 3:
            yield from changed(case, op, i, (("view", (-1, *[1] * (n_axes - 1))),), 2)


def _picks(case: Case, op: Operation) -> Iterator[Mend]:
    """An index with the axis that it lacks: the one along which is picked, or one of which everything is picked."""
    shape, index = op.shapes[0], op.shapes[1]
    dim = op.dim("dim", 1, 0, len(shape))
    for axis in range(len(shape)) if len(index) + 1 == len(shape) else ():
        others = [(n, shape[place]) for n, place in zip(index, _but(axis, len(shape)), strict=True) if place != dim]
        if all(n == expected for n, expected in others):
            new: Step = ("unsqueeze", (axis,))
            whole: Step = ("expand", tuple(shape[axis] if place == axis else -1 for place in range(len(shape))))
            yield from changed(case, op, 1, (new,) if axis == dim else (new, whole))


def _but(axis: int, n_axes: int) -> list[int]:
    return [place for place in range(n_axes) if place != axis]


_TURNS = frozenset({"transpose", "permute"})


def _views(n_axes: int, shape: Shape, product: bool) -> Iterator[tuple[int, Step]]:
    for dim in range(1, n_axes + 1):
        yield 1, ("unsqueeze", (dim,))
    yield 2, ("unsqueeze", (0,))
    yield from ((1, ("squeeze", (dim,))) for dim, size in enumerate(shape) if size == 1)
    for one, other in combinations(range(n_axes), 2):
        last = (one, other) == (n_axes - 2, n_axes - 1)
        yield 1 if last else 2 * (other - one), ("transpose", (-2, -1) if last and product else (one, other))
    for place in range(n_axes - 2):
        others = [axis for axis in range(n_axes) if axis != place]
        yield 3, ("permute", (*others, place))
        yield 3, ("permute", (*range(place), n_axes - 1, *range(place, n_axes - 1)))
