"""What each operation asks of its operands, in the order in which it is read: one generator a family, one table."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from shapetrace.failing.case import Operation
from shapetrace.failing.constraints import (
    Constraint,
    below,
    broadcast,
    equal,
    multiple,
    rank,
    same_rank,
    same_type,
    total,
    typed,
)
from shapetrace.failing.operands import Operand
from shapetrace.failing.structure import written
from shapetrace.language import Phrase, say

Asks = Iterator[Constraint]

_INNER = "{first} has {got} columns; {second} has {expected} rows"
_MATRICES = "the inner sizes match, but {first} has {got} matrices in axis {a} and {second} has {expected} in axis {b}"
_HEADS = "{first} has {got} matrices in axis {a} and {second} has {expected} in axis {b}"
_ALIGNED = (
    "axis {a} of {first} {first_shape} is {got}, axis {b} of {second} {second_shape} is {expected}: "
    "sizes must be equal, or one of them 1"
)
_ALL_ALIGNED = (
    "axes {a} of {first} {first_shape} are {got}, axes {b} of {second} {second_shape} are {expected}: "
    "sizes must be equal, or one of them 1"
)
_GROWS = "axis {a} of {first} {first_shape} is {got} and cannot be expanded to {expected}: only axes of size 1 grow"
_MULTIPLIED = "queries and keys are multiplied, but axis {a} of {first} is {got} and axis {b} of {second} is {expected}"
_AS_MANY = (
    "there must be as many values as keys, but axis {a} of {first} is {got} and axis {b} of {second} is {expected}"
)
_SAME_HEADS = "heads and batch must be equal, but axis {a} of {first} is {got} and axis {b} of {second} is {expected}"
_TYPES = "{first} is {first_dtype}, {second} is {second_dtype}"
_SPACE = {1: "batch, channels, length", 2: "batch, channels, height, width", 3: "batch, channels, depth, height, width"}
_UNREAD = Constraint("rank", holds=False, says="")
"""That a rule does not read such operands: nothing is said, and nothing proposed."""

_RANKS = {"mm": (2, 2), "bmm": (3, 3), "mv": (2, 1), "dot": (1, 1)}
"""Functions that take matrices of one number of axes, where matmul takes any."""


def _linear(op: Operation) -> Asks:
    """``linear(x, W)``: x (…, in), W [out, in]."""
    if len(op.shapes) < 2 or len(op.shapes[1]) != 2 or not op.shapes[0]:
        yield _UNREAD
        return
    packed = op.operands[1].dtype in {"uint8", "int8"} and 1 in op.shapes[1]
    says = "{second} is packed, {dtype}: a quantised weight that was not unpacked"
    asks = "{first} has {got} in its last axis; {layer} takes {expected}"
    yield equal(op, (0, -1), (1, 1), says if packed else asks, summed=True, dtype=op.operands[1].dtype)
    yield same_type(op, 0, 1, _TYPES)


def _matmul(op: Operation) -> Asks:
    """``a @ b``: the inner sizes, and the axes before the last two, which broadcast."""
    if len(op.shapes) != 2:
        yield _UNREAD
        return
    for i, n_axes in enumerate(_RANKS.get(op.name, ())):
        yield rank(op, i, n_axes, "{first} {first_shape} has {n} axes; {op} takes {m} there", op=op.name)
    yield from _product(op, 0, 1)
    yield same_type(op, 0, 1, _TYPES)


def _product(op: Operation, i: int, j: int) -> Asks:
    left, right = op.shapes[i], op.shapes[j]
    if not left or not right:
        yield rank(op, i if not left else j, (1,), "{first} is a single number: a product needs an axis on each side")
        return
    inner = equal(op, (i, -1), (j, max(len(right) - 2, 0)), _INNER, summed=True)
    yield inner
    if len(left) > 2 and len(right) > 2:
        says = _MATRICES if inner.holds else _HEADS
        one_each = op.name in ("bmm", "baddbmm", "addbmm")
        yield equal(op, (i, 0), (j, 0), says) if one_each else broadcast(op, i, j, says, without=2)


def _added(op: Operation) -> Asks:
    """``addmm(c, a, b)``: the product, then what is added to it."""
    if len(op.shapes) != 3:
        yield _UNREAD
        return
    yield from _product(op, 1, 2)
    left, right = op.operands[1:]
    if len(left.axes) > 1 and len(right.axes) > 1:
        made = left.with_axes((*left.axes[:-1], right.axes[-1]))
        whole = replace(op, operands=(*op.operands, made))
        yield rank(op, 0, range(len(made.axes) + 1), "{first} {first_shape} has {n} axes, the product {m}")
        yield broadcast(whole, 0, 3, "{first} {first_shape} is added to the product {product}",
                        product=written(made.shape))  # fmt: skip


def _einsum(op: Operation) -> Asks:
    """``einsum('bqd,bkd->bqk', x, y)``: one size a letter, one letter an axis."""
    equation = op.arg("equation", 0)
    if not isinstance(equation, str):
        yield _UNREAD
        return
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    if len(terms) != len(op.shapes):
        says = "'{equation}' names {n} operands, there are {m}"
        yield total(0, (), len(op.shapes), len(terms), says, clash=f"{len(terms)} ≠ {len(op.shapes)}",
                    equation=equation, n=len(terms), m=len(op.shapes))  # fmt: skip
        return
    seen: dict[str, tuple[int, int]] = {}
    for i, term in enumerate(terms):
        letters, dots = term.replace("...", ""), "..." in term
        n_axes = len(op.shapes[i])
        if not (dots and len(letters) < n_axes):
            says = "'{term}' has {m} letters, {first} has {n} axes"
            yield rank(op, i, len(letters), says, term=term)
        after = len(term.partition("...")[2])
        for place, letter in enumerate(letters):
            axis = place if not dots or place < len(letters) - after else n_axes - len(letters) + place
            first = seen.setdefault(letter, (i, axis))
            if first != (i, axis) and 1 not in (op.shapes[i][axis], op.shapes[first[0]][first[1]]):
                yield equal(op, first, (i, axis), "'{letter}' in '{equation}' is {got} in {first} and {expected} "
                            "in {second}", letter=letter, equation=equation)  # fmt: skip


def _convolution(op: Operation) -> Asks:
    """``conv1d``, ``conv2d``, ``conv3d`` and their transposes: x (B, C, …), W [out, C / groups, …]."""
    if len(op.shapes) < 2 or len(op.shapes[1]) - 2 not in _SPACE:
        yield _UNREAD
        return
    shape, weight = op.shapes[:2]
    n_space, groups, transposed = len(weight) - 2, op.arg("groups", 6, 1), "transpose" in op.name
    yield rank(op, 0, (n_space + 1, n_space + 2), "{first} {first_shape} has {n} axes; {op} takes ({axes})",
               op=op.name, axes=say(_SPACE[n_space]))  # fmt: skip
    axis, asks = len(shape) - n_space - 1, "{first} has {got} in axis {a}, its channels; {layer} takes {expected}"
    yield same_type(op, 0, 1, _TYPES)
    if isinstance(groups, int) and groups > 1 and not transposed:
        yield equal(op, (0, axis), weight[1] * groups, asks)
    else:
        yield equal(op, (0, axis), (1, 0 if transposed else 1), asks, summed=True)
    for place in range(n_space if not transposed else 0):
        size, kernel = (_each(op.arg(name, at, default), place) for name, at, default in _WINDOW)
        if kernel is None or size is None:
            return
        padded, reach = shape[axis + 1 + place] + 2 * size, (weight[2 + place] - 1) * kernel + 1
        holds = padded >= reach
        yield Constraint(
            "below", holds, "{first} {first_shape} is, with its padding, smaller than the kernel: {got} < {kernel}",
            {"got": padded, "kernel": reach}, f"{padded} < {reach}", ((0, axis + 1 + place), (1, 2 + place)), of=(0,),
        )  # fmt: skip


_WINDOW = (("padding", 4, 0), ("dilation", 5, 1))


def _each(value: object, place: int) -> int | None:
    """One number for all axes, or one for each."""
    if isinstance(value, list) and value:
        value = value[place] if place < len(value) else value[-1]
    return value if isinstance(value, int) else None


def _pooling(op: Operation) -> Asks:
    """A window that is no larger than what is left of the input."""
    shape, n_space = op.shapes[0], int(op.name[-2]) if op.name[-2].isdigit() else 2
    for back in range(n_space, 0, -1):
        window, padding = (_each(op.arg(*each), n_space - back) for each in (("kernel_size", 1), ("padding", 3, 0)))
        if window is None or back > len(shape):
            return
        says = "{first} {first_shape} is smaller than the window {window}: nothing would be left"
        told = {"window": str(op.arg("kernel_size", 1))}
        axes = tuple((0, len(shape) - each) for each in range(n_space, 0, -1))
        yield Constraint("below", shape[-back] + 2 * (padding or 0) >= window, says, told, "", axes, of=(0,))


def _cat(op: Operation) -> Asks:
    """``cat([a, b], dim)``: all axes but one must be equal."""
    dim = op.dim("dim", 1, op.name == "hstack", max(map(len, op.shapes), default=0))
    says = "cat joins axis {dim}; the others must be equal, but axis {a} is {got} in {first} and {expected} in {second}"
    yield from _alike(op, says, dim) if len(op.shapes) > 1 and dim is not None else (_UNREAD,)


def _stack(op: Operation) -> Asks:
    """``stack([a, b])``: all shapes must be equal."""
    yield from _alike(op, "stack takes equal shapes, but axis {a} is {got} in {first} and {expected} in {second}", None)


def _alike(op: Operation, says: str, dim: int | None) -> Asks:
    for i in range(1, len(op.shapes)):
        axes = [axis for axis in range(len(op.shapes[0])) if axis != dim]
        yield same_rank(op, 0, i, "{first} {first_shape} has {n} axes, {second} {second_shape} has {m}")
        if len(op.shapes[0]) == len(op.shapes[i]):
            yield from (equal(op, (0, axis), (i, axis), says, dim=-1 if dim is None else dim) for axis in axes)


def _split(op: Operation) -> Asks:
    """``x.split([3, 3], dim)``: the pieces must add up."""
    pieces, axis = op.arg("split_sizes", 1), op.dim("dim", 2, 0, len(op.shapes[0]))
    if not isinstance(pieces, list) or axis is None:
        yield _UNREAD
        return
    got, n = sum(pieces), op.shapes[0][axis]
    yield total(0, (axis,), got, n, "{sum} = {total} are not the {n} of axis {axis} of {first}", clash=f"{got} ≠ {n}",
                sum=" + ".join(map(str, pieces)), total=got, n=n, axis=axis)  # fmt: skip


def _view(op: Operation) -> Asks:
    """``x.view(2, -1, 7)``: as many elements as before."""
    wanted = sizes_of(op)
    if not wanted or len(op.shapes) != 1:
        yield _UNREAD
        return
    shape, given = op.shapes[0], math.prod(size for size in wanted if size != -1)
    n, is_open = math.prod(shape), -1 in wanted
    told = {"sizes": "·".join(map(str, shape)) or "1", "n": n, "m": given, "wanted": written(wanted)}
    if is_open and given:
        says = "{first} has {sizes} = {n} elements, no multiple of {m}"
        yield total(0, range(len(shape)), n % given, 0, says, clash="", **told)
    elif not is_open:
        says = "{first} has {sizes} = {n} elements, {wanted} needs {m}"
        yield total(0, range(len(shape)), n, given, says, clash=f"{n} ≠ {given}", **told)


def _unflatten(op: Operation) -> Asks:
    """``x.unflatten(-1, (3, 4))``: the sizes multiply to that of the axis."""
    axis, sizes = op.dim("dim", 1, 0, len(op.shapes[0])), op.arg("sizes", 2)
    if axis is None or not isinstance(sizes, list):
        yield _UNREAD
        return
    n, got = math.prod(size for size in sizes if size != -1), op.shapes[0][axis]
    wrong = n and got % n if -1 in sizes else got - n
    yield total(0, (axis,), wrong, 0, "axis {axis} of {first} {first_shape} is {got}; {sizes} multiply to {n}",
                clash="" if -1 in sizes else f"{got} ≠ {n}", axis=axis, got=got, n=n,
                sizes="·".join(map(str, sizes)))  # fmt: skip


def _permute(op: Operation) -> Asks:
    """``x.permute(0, 2, 1)``: every axis once."""
    order = sizes_of(op)
    if order:
        yield rank(op, 0, len(order), "{first} {first_shape} has {n} axes, permute was given {m}")


def sizes_of(op: Operation) -> tuple[int, ...]:
    """The sizes or axes that a function was given one by one, or as a list."""
    given = op.attrs.get("shape", op.attrs.get("size", op.attrs.get("dims", op.args[1:])))
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        given = given[0]
    return tuple(size for size in given if isinstance(size, int)) if isinstance(given, list) else ()


def _expand(op: Operation) -> Asks:
    """``x.expand(5, 4)``: only axes of size 1 can grow."""
    sizes, shape = sizes_of(op), op.shapes[0]
    yield rank(op, 0, range(len(sizes) + 1), "{first} {first_shape} has {n} axes, {m} sizes were given")
    for axis in range(-min(len(sizes), len(shape)), 0):
        if sizes[axis] != -1 and shape[axis] != 1:
            yield equal(op, (0, axis), sizes[axis], _GROWS)


def _repeat(op: Operation) -> Asks:
    """``x.repeat(2)``: a number for each axis."""
    n = len(sizes_of(op))
    yield rank(op, 0, range(n + 1), "{first} {first_shape} has {n} axes, repeat was given {m} numbers")


def aligned(op: Operation) -> Asks:
    """Any function whose tensors broadcast with each other; to the first one, where that is changed in place."""
    for i in range(len(op.shapes)):
        for j in range(i + 1, len(op.shapes)):
            yield broadcast(op, i, j, _ALIGNED, many=_ALL_ALIGNED)
            grows = len(op.shapes[j]) > len(op.shapes[0]) or any(
                n == 1 < m for n, m in zip(reversed(op.shapes[0]), reversed(op.shapes[j]), strict=False)
            )
            says = "{first} {first_shape} is changed in place and cannot grow to the shape of {second} {second_shape}"
            yield Constraint("broadcast", not (op.in_place and i == 0 and grows), says, of=(0, j))


def masked_fill(op: Operation) -> Asks:
    """``x.masked_fill(mask, 0)``, where True hides."""
    yield typed(op, 1, ("bool",), "{first} {first_shape} is {dtype}; a mask is bool")
    yield from aligned(op)


def where(op: Operation) -> Asks:
    """``where(mask, x, y)``: a mask that is bool."""
    yield typed(op, 0, ("bool", "uint8"), "{first} {first_shape} is {dtype}; a mask is bool")
    yield from aligned(op)


def _attention(op: Operation) -> Asks:
    """``scaled_dot_product_attention``: q (…, T, d), k (…, S, d), v (…, S, e), mask (…, T, S)."""
    if len(op.shapes) < 3 or any(len(shape) < 2 for shape in op.shapes[:3]):
        yield _UNREAD
        return
    yield equal(op, (0, -1), (1, -1), _MULTIPLIED, summed=True)
    yield equal(op, (1, -2), (2, -2), _AS_MANY, summed=True)
    op = _grouped(op)
    for j in (1, 2):
        yield broadcast(op, 0, j, _SAME_HEADS, without=2)
    yield from (same_type(op, 0, j, _TYPES) for j in (1, 2))
    if len(op.shapes) > 3:
        query, key = op.operands[:2]
        yield typed(op, 3, ("bool", query.dtype), "{first} is {dtype}; a mask is bool, True where a token may look, "
                    "or {query} and added to the scores", query=query.dtype)  # fmt: skip
        scores = query.with_axes((*query.axes[:-1], key.axes[-2]))
        whole, n_axes = replace(op, operands=(*op.operands, scores)), len(scores.axes)
        says = "the mask {first_shape} has {n} axes, the scores {scores} {m}"
        yield rank(whole, 3, range(n_axes + 1), says, scores=written(scores.shape))
        yield broadcast(whole, 3, len(op.operands), "the mask {first_shape} has {got} where the scores {scores} have "
                        "{expected}: it must broadcast", scores=written(scores.shape))  # fmt: skip


def _grouped(op: Operation) -> Operation:
    """Keys and values as many times as there are heads that each of theirs serves."""
    if not op.attrs.get("enable_gqa") or any(len(shape) < 3 for shape in op.shapes[:3]):
        return op
    n = op.shapes[0][-3]
    repeated = {j: op.operands[j].resized(-3, n) for j in (1, 2) if op.shapes[j][-3] and n % op.shapes[j][-3] == 0}
    return op.with_operands(repeated)


def _multi_head(op: Operation) -> Asks:
    """``F.multi_head_attention_forward``: q (T, B, d), k (S, B, …), v (S, B, …); the batch first, if so asked."""
    if any(len(shape) != 3 for shape in op.shapes[:3]) or len(op.shapes) < 3:
        yield _UNREAD
        return
    batch = 0 if op.attrs.get("batch_first") else 1
    says = "the batch is axis {a}: {got} in {first} {first_shape}, {expected} in {second} {second_shape}"
    yield from (equal(op, (0, batch), (j, batch), says) for j in (1, 2))
    yield equal(op, (1, 1 - batch), (2, 1 - batch), _AS_MANY)
    if len(op.shapes) > 3 and len(op.shapes[3]) == 2 and op.shapes[3][0] == 3 * op.shapes[3][1]:
        says = "axis {a} of {first} {first_shape} is {got}; {layer} takes {expected}"
        yield from (equal(op, (j, 2), (3, 1), says, summed=True) for j in range(3))
    given = [name for name, value in op.attrs.items() if value == "tensor" and name not in _POSITIONAL]
    if "key_padding_mask" in given:
        mask = len(op.shapes) - len(given) + given.index("key_padding_mask")
        says = "{first} {first_shape} hides keys: ({batch}, {keys}) is its shape"
        told = {"batch": op.shapes[1][batch], "keys": op.shapes[1][1 - batch]}
        yield rank(op, mask, 2, says, **told)
        yield equal(op, (mask, 0), (1, batch), says, **told)
        yield equal(op, (mask, 1), (1, 1 - batch), says, **told)


_POSITIONAL = frozenset({"query", "key", "value"})


def _layer_norm(op: Operation) -> Asks:
    """``layer_norm(x, [768])``: the last axes of x."""
    sizes = op.arg("normalized_shape", 1)
    if not isinstance(sizes, list):
        yield _UNREAD
        return
    for back in range(1, min(len(sizes), len(op.shapes[0])) + 1):
        weighted = len(op.shapes) > 1 and len(op.shapes[1]) == len(sizes)
        says = "axis {a} of {first} {first_shape} is {got}; {layer} is for {sizes}"
        right = (1, -back) if weighted else sizes[-back]
        yield equal(op, (0, -back), right, says, summed=True, sizes=written(tuple(sizes)))


def _channel_norm(op: Operation) -> Asks:
    """``batch_norm``, ``group_norm``, ``instance_norm``: the channels of x, axis 1."""
    n_groups, shape = op.arg("num_groups", 1), op.shapes[0]
    if len(shape) < 2:
        yield _UNREAD
        return
    if op.name == "group_norm" and isinstance(n_groups, int):
        yield multiple(op, 0, 1, n_groups, "{n} channels (axis 1 of {first} {first_shape}) are no multiple of {groups} "
                       "groups", groups=n_groups)  # fmt: skip
    sized = [i for i, other in enumerate(op.shapes) if i and len(other) == 1]
    if sized:
        says = "{first} {first_shape} has {got} channels (axis {a}); {layer} is for {expected}"
        yield equal(op, (0, 1), (sized[0], 0), says, summed=True)
    n_values = math.prod(size for axis, size in enumerate(shape) if axis != 1)
    if op.name == "batch_norm" and op.arg("training", 5):
        says = "one value a channel has no variance in training: {first} {first_shape}"
        yield Constraint("multiple", n_values > 1, says, of=(0,))


_INDICES = ("int64", "int32")
_ALLOWED = "{first} has {n} {what}: 0 to {last} are allowed; an index is {index}"


def _lookup(op: Operation) -> Asks:
    """``embedding``: integers that are rows of the table."""
    table, ids = _table_and_ids(op)
    if table is None or ids is None:
        yield _UNREAD
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
        for index in operand.largest or ():
            marked = axis if op.shapes[i] and axis < len(op.shapes[i]) and op.shapes[i][axis] == n else -1
            yield below(i, marked, index, n, _ALLOWED, what=say(what, axis=axis))


def _index(op: Operation) -> Asks:
    """``index_select``, ``take_along_dim``: entries of an axis."""
    if op.shapes and (axis := op.dim("dim", 1, 0, len(op.shapes[0]))) is not None:
        yield from _inside(op, 0, axis, op.shapes[0][axis], "entries in axis {axis}")


def _one_hot(op: Operation) -> Asks:
    n = op.arg("num_classes", 1)
    yield typed(op, 0, ("int64",), "{first} {first_shape} is {dtype}; indices are int64")
    if isinstance(n, int) and n > 0:
        yield from _inside(op, 0, 0, n, "classes")


def _gather(op: Operation) -> Asks:
    """``x.gather(1, index)``: an index of as many axes, and no longer but along the axis."""
    if len(op.shapes) < 2 or not op.shapes[0]:
        yield _UNREAD
        return
    says = "{first} {first_shape} needs as many axes as {second} {second_shape}"
    yield same_rank(op, 1, 0, says)
    yield typed(op, 1, ("int64",), "{first} {first_shape} is {dtype}; indices are int64")
    yield from _index(op)
    dim = op.dim("dim", 1, 0, len(op.shapes[0]))
    yield from (same_rank(op, i, 1, says) for i in range(2, len(op.shapes)))
    for i, shape in enumerate(op.shapes):
        for axis, size in enumerate(op.shapes[1] if i != 1 else ()):
            if axis != dim or i > 1:
                says = "axis {a} of {first} {first_shape} is {got}; {second} {second_shape} has {expected} there"
                found = equal(op, (1, axis), (i, axis), says, sign=">")
                yield replace(found, holds=size <= shape[axis], pairs=())


def _getitem(op: Operation) -> Asks:
    """``x[mask]``: a mask of the same sizes."""
    if len(op.shapes) != 2 or op.operands[1].dtype != "bool" or len(op.shapes[1]) > len(op.shapes[0]):
        yield _UNREAD
        return
    says = "the mask {second_shape} has {expected} in axis {b}; {first} {first_shape} has {got} there"
    yield from (equal(op, (0, axis), (1, axis), says) for axis in range(len(op.shapes[1])))


def _topk(op: Operation) -> Asks:
    """``x.topk(9)`` of fewer."""
    k, axis = op.arg("k", 1), op.dim("dim", 2, -1, len(op.shapes[0]))
    if isinstance(k, int) and axis is not None:
        says = "{k} of {n} cannot be chosen: axis {axis} of {first} {first_shape} is {n}"
        yield below(0, axis, k, op.shapes[0][axis], says, most=True, k=k)


def _classes(op: Operation) -> Asks:
    """``cross_entropy(logits, target)``: logits (B, C, …) and numbers of classes (B, …), or probabilities (B, C, …)."""
    if len(op.shapes) < 2 or not op.shapes[0]:
        yield _UNREAD
        return
    logits, target = op.operands[:2]
    axis = min(1, len(logits.axes) - 1)
    if "float" in target.dtype and target.shape == logits.shape and op.name.startswith("cross"):
        yield _UNREAD
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


def _interpolate(op: Operation) -> Asks:
    """``interpolate``: as many axes as its mode is for."""
    spaces = [n for n, modes in _MODES.items() if op.arg("mode", 3, "nearest") in modes]
    says = "{first} {first_shape} has {n} axes; {mode} takes {m}"
    yield rank(op, 0, [n + 2 for n in spaces], says, mode=op.arg("mode", 3)) if spaces else _UNREAD


_MODES = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}


def _unread(_: Operation) -> Asks:
    """A function of which the message alone is read."""
    yield _UNREAD


@dataclass(frozen=True, slots=True)
class Rule:
    """How an operation is read.

    Attributes:
        asks: What it asks of its operands.
        sign: What stands between them: ``×``; empty for the arguments of a function.
        shown: Positions of the operands that are shown; all if empty.
        turned: Position of the weight whose two axes are read the other way round.
        says: The exception must say this for it to be this rule's matter.
        names: What its operands are called, where it is not by their origin.
        alike: Where its operands must have the same sizes: in all axes but the one that is joined, in all, or in all
            but the positions, axis 0.
    """

    asks: Callable[[Operation], Asks]
    sign: str = ""
    shown: tuple[int, ...] = ()
    turned: int | None = None
    says: re.Pattern[str] | None = None
    names: tuple[Phrase, ...] = ()
    alike: Literal["", "joined", "stacked", "positions"] = ""


BROADCASTS = re.compile(r"must match the (?:existing )?size|broadcast|expanded size|shape mismatch", re.IGNORECASE)
"""Functions that nothing is known of are read as element-wise ones only if the exception speaks of broadcasting."""

_TABLE = (
    (Rule(_linear, "×", (0, 1), turned=1), "linear"),
    (Rule(_matmul, "×"), "matmul rmatmul mm bmm mv dot"),
    (Rule(_added, ", "), "addmm baddbmm addbmm addmv"),
    (Rule(_einsum), "einsum"),
    (Rule(_convolution, "∗", (0, 1)), "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"),
    (Rule(_pooling, shown=(0,)), "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d"),
    (Rule(_cat, alike="joined"), "cat concat concatenate hstack vstack"),
    (Rule(_stack, alike="stacked"), "stack"),
    (Rule(_split), "split_with_sizes split"),
    (Rule(_view), "view reshape"),
    (Rule(_unflatten), "unflatten"),
    (Rule(_permute), "permute"),
    (Rule(_expand), "expand broadcast_to"),
    (Rule(_repeat), "repeat"),
    (Rule(masked_fill), "masked_fill"),
    (Rule(where), "where"),
    (Rule(_lookup), "embedding embedding_bag"),
    (Rule(_index), "index_select"),
    (Rule(_one_hot), "one_hot"),
    (Rule(_gather), "gather scatter scatter_add take_along_dim"),
    (Rule(_getitem), "getitem"),
    (Rule(_topk), "topk kthvalue"),
    (Rule(_interpolate), "interpolate"),
    (Rule(_unread), "setitem copy binary_cross_entropy binary_cross_entropy_with_logits"),
    (Rule(_classes, shown=(0, 1)), "cross_entropy_loss nll_loss nll_loss_nd cross_entropy"),
    (
        Rule(_attention, names=(say("the queries"), say("the keys"), say("the values"), say("the mask"))),
        "scaled_dot_product_attention",
    ),
    (Rule(_multi_head, alike="positions"), "multi_head_attention_forward"),
    (Rule(_layer_norm, shown=(0, 1)), "layer_norm rms_norm"),
    (Rule(_channel_norm, shown=(0, 1)), "batch_norm group_norm instance_norm"),
    (Rule(aligned, "+", says=BROADCASTS), "add radd iadd"),
    (Rule(aligned, "−", says=BROADCASTS), "sub rsub isub"),
    (Rule(aligned, "⊙", says=BROADCASTS), "mul rmul imul"),
)
"""Adding a rule is a function and a line here: what it asks, and the functions it speaks for."""

_RULES = {name: rule for rule, names in _TABLE for name in names.split()}
_OTHER = Rule(aligned, says=BROADCASTS)


ALIGNED = (aligned, masked_fill, where)
"""Rules of functions whose result is as large as the largest operand."""


def rule_of(name: str) -> Rule:
    """How a function is read; element-wise if nothing is known of it."""
    return _RULES.get(name, _OTHER)


def broken(op: Operation) -> list[Constraint]:
    """What does not hold, in the order in which it is read; each rests on those before it."""
    found: list[Constraint] = []
    for constraint in rule_of(op.name).asks(op):
        if not constraint.holds:
            found.append(constraint)
            if constraint.kind == "rank":
                break
    return found
