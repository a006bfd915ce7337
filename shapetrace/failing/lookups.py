"""What is asked of indices, classes, targets, and of what norms normalise."""

import math
from dataclasses import replace

from shapetrace.failing.case import Operation
from shapetrace.failing.constraints import (
    UNREAD,
    Asks,
    Constraint,
    below,
    equal,
    multiple,
    rank,
    same_rank,
    same_type,
    typed,
)
from shapetrace.failing.operands import Operand
from shapetrace.failing.structure import written
from shapetrace.language import say

_INDICES = ("int64", "int32")
_ALLOWED = "{first} has {n} {what}: 0 to {last} are allowed; an index is {index}"


def lookup(op: Operation) -> Asks:
    """``embedding``: integers that are rows of the table."""
    table, ids = _table_and_ids(op)
    if table is None or ids is None:
        yield UNREAD
        return
    yield typed(op, ids, _INDICES, "{first} {first_shape} is {dtype}; indices are int64")
    yield from _inside(op, table, 0, op.shapes[table][0], "rows")


def _table_and_ids(op: Operation) -> tuple[int | None, int | None]:
    tables = [i for i, operand in enumerate(op.operands) if operand.role == "weight" or len(operand.axes) == 2]
    table = next((i for i in tables if "int" not in op.operands[i].dtype), None)
    ids = next((i for i in range(len(op.operands)) if i != table), None)
    return table, ids


def _inside(op: Operation, i: int, axis: int, n: int, what: str) -> Asks:
    """Indices from 0 to n - 1, where their smallest and largest are known."""
    for operand in op.operands:
        for index in sorted(
            operand.largest or (), key=lambda index: (index >= 0, -index)
        ):  # the farthest outside first
            marked = axis if op.shapes[i] and axis < len(op.shapes[i]) and op.shapes[i][axis] == n else -1
            yield below(op, (i, marked), index, n, _ALLOWED, what=say(what, axis=axis))


def index(op: Operation) -> Asks:
    """``index_select``, ``take_along_dim``: entries of an axis."""
    if op.shapes and (axis := op.dim("dim", 1, 0, len(op.shapes[0]))) is not None:
        yield from _inside(op, 0, axis, op.shapes[0][axis], "entries in axis {axis}")


def one_hot(op: Operation) -> Asks:
    """``one_hot``: numbers below that of the classes."""
    n = op.arg("num_classes", 1)
    yield typed(op, 0, ("int64",), "{first} {first_shape} is {dtype}; indices are int64")
    if isinstance(n, int) and n > 0:
        yield from _inside(op, 0, 0, n, "classes")


def gather(op: Operation) -> Asks:
    """``x.gather(1, index)``: an index of as many axes, and no longer but along the axis."""
    if len(op.shapes) < 2 or not op.shapes[0]:
        yield UNREAD
        return
    says = "{first} {first_shape} needs as many axes as {second} {second_shape}"
    yield same_rank(op, 1, 0, says)
    yield typed(op, 1, ("int64",), "{first} {first_shape} is {dtype}; indices are int64")
    yield from index(op)
    dim = op.dim("dim", 1, 0, len(op.shapes[0]))
    yield from (same_rank(op, i, 1, says) for i in range(2, len(op.shapes)))
    for i, shape in enumerate(op.shapes):
        for axis, size in enumerate(op.shapes[1] if i != 1 else ()):
            if axis != dim or i > 1:
                says = "axis {a} of {first} {first_shape} is {got}; {second} {second_shape} has {expected} there"
                found = equal(op, (1, axis), (i, axis), says, sign=">")
                yield replace(found, holds=size <= shape[axis], pairs=())


def index_add(op: Operation) -> Asks:
    """``x.index_add(0, index, source)``: an index for each entry of the source; elsewhere it is as large as x."""
    if len(op.shapes) != 3 or (dim := op.dim("dim", 1, 0, len(op.shapes[0]))) is None:
        yield UNREAD
        return
    yield rank(op, 1, 1, "{first} {first_shape} has {n} axes: an index has {m}")
    yield same_rank(op, 2, 0, "{first} {first_shape} needs as many axes as {second} {second_shape}")
    yield equal(op, (1, 0), (2, dim), "{first} has {got} indices for {expected} entries of {second} in axis {b}")
    says = "axis {a} of {first} {first_shape} is {got}; {second} {second_shape} has {expected} there"
    yield from (equal(op, (2, axis), (0, axis), says) for axis in range(len(op.shapes[0])) if axis != dim)


def getitem(op: Operation) -> Asks:
    """``x[mask]``: a mask of the same sizes."""
    if len(op.shapes) != 2 or op.operands[1].dtype != "bool" or len(op.shapes[1]) > len(op.shapes[0]):
        yield UNREAD
        return
    says = "the mask {second_shape} has {expected} in axis {b}; {first} {first_shape} has {got} there"
    yield from (equal(op, (0, axis), (1, axis), says) for axis in range(len(op.shapes[1])))


def topk(op: Operation) -> Asks:
    """``x.topk(9)`` of fewer."""
    k, axis = op.arg("k", 1), op.dim("dim", 2, -1, len(op.shapes[0]))
    if isinstance(k, int) and axis is not None:
        says = "{k} of {n} cannot be chosen: axis {axis} of {first} {first_shape} is {n}"
        yield below(op, (0, axis), k, op.shapes[0][axis], says, most=True, k=k)


def classes(op: Operation) -> Asks:
    """``cross_entropy(logits, target)``: logits (B, C, …) and numbers of classes (B, …), or probabilities (B, C, …)."""
    if len(op.shapes) < 2 or not op.shapes[0]:
        yield UNREAD
        return
    logits, target = op.operands[:2]
    axis = min(1, len(logits.axes) - 1)
    if "float" in target.dtype and target.shape == logits.shape and op.name.startswith("cross"):
        return
    wanted = logits.with_axes((*logits.axes[:axis], *logits.axes[axis + 1 :]))
    whole = replace(op, operands=(*op.operands, wanted))
    needs = "{second} {second_shape} needs targets {wanted}, one number of a class each; {first} {first_shape}"
    yield typed(op, 1, ("int64", "uint8"), "{first} {first_shape} is {dtype}; numbers of classes are int64")
    found = same_rank(whole, 1, len(op.operands), needs)
    yield replace(found, of=(1, 0), values={**found.values, "wanted": written(wanted.shape)})
    for place in range(min(len(target.axes), len(wanted.axes))):
        says = "{first} has {got} rows, {second} has {expected} labels" if place < axis else _needs_last(logits, target)
        yield equal(op, (0, place + (place >= axis)), (1, place), says, n=logits.shape[axis])
    yield from _inside(op, 0, axis, logits.shape[axis], "classes")


def _needs_last(logits: Operand, target: Operand) -> str:
    if target.shape == logits.shape[:-1]:
        return "classes are read from axis 1, which is {n}; in {first} {first_shape} they seem to be last"
    return "{first} {first_shape} needs targets of its shape without axis 1; {second} {second_shape}"


def targets(op: Operation) -> Asks:
    """``binary_cross_entropy(scores, targets)``: a number for each score, of its type."""
    if len(op.shapes) < 2:
        yield UNREAD
        return
    if op.name.startswith("binary"):
        needs = "{first} {first_shape} is {dtype}; numbers beside scores are {expected}"
        yield typed(op, 1, (op.operands[0].dtype,), needs)
    says = "{first} {first_shape} and {second} {second_shape} must have the same shape"
    yield same_rank(op, 1, 0, says)
    if len(op.shapes[0]) == len(op.shapes[1]):
        yield from (equal(op, (0, axis), (1, axis), says) for axis in range(len(op.shapes[0])))


def layer_norm(op: Operation) -> Asks:
    """``layer_norm(x, [768])``: the last axes of x."""
    sizes = op.arg("normalized_shape", 1)
    if not isinstance(sizes, list):
        yield UNREAD
        return
    if len(op.operands) > 1:  # halves may be scaled by whole numbers, not the other way round
        types = same_type(op)
        yield replace(types, holds=types.holds or op.operands[1].dtype == "float32")
    for back in range(1, min(len(sizes), len(op.shapes[0])) + 1):
        weighted = len(op.shapes) > 1 and len(op.shapes[1]) == len(sizes)
        says = "axis {a} of {first} {first_shape} is {got}; {layer} is for {sizes}"
        right = (1, -back) if weighted else sizes[-back]
        yield equal(op, (0, -back), right, says, summed=True, sizes=written(tuple(sizes)))


def channel_norm(op: Operation) -> Asks:
    """``batch_norm``, ``group_norm``, ``instance_norm``: the channels of x, axis 1."""
    n_groups, shape = op.arg("num_groups", 1), op.shapes[0]
    if len(shape) < 2:
        yield UNREAD
        return
    if op.name == "group_norm" and isinstance(n_groups, int):
        yield multiple(op, 1, n_groups, "{n} channels (axis 1 of {first} {first_shape}) are no multiple of {groups} "
                       "groups", groups=n_groups)  # fmt: skip
    sized = [i for i, other in enumerate(op.shapes) if i and len(other) == 1]
    if sized:
        says = "{first} {first_shape} has {got} channels (axis {a}); {layer} is for {expected}"
        yield equal(op, (0, 1), (sized[0], 0), says, summed=True)
    n_values = math.prod(size for axis, size in enumerate(shape) if axis != 1)
    if op.name == "batch_norm" and op.arg("training", 5):
        says = "one value a channel has no variance in training: {first} {first_shape}"
        yield Constraint("multiple", n_values > 1, says, of=(0,))
