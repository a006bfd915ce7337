"""What products ask: matrices, convolutions, windows, attention."""

from dataclasses import replace
from typing import Any

from shapetrace.failing.case import Operation
from shapetrace.failing.constraints import (
    UNREAD,
    Asks,
    Constraint,
    broadcast,
    equal,
    rank,
    same_rank,
    same_type,
    total,
    typed,
)
from shapetrace.failing.structure import written
from shapetrace.language import say

_INNER = "{first} has {got} columns; {second} has {expected} rows"
_MATRICES = "the inner sizes match, but {first} has {got} matrices in axis {a} and {second} has {expected} in axis {b}"
_HEADS = "{first} has {got} matrices in axis {a} and {second} has {expected} in axis {b}"
_MULTIPLIED = "queries and keys are multiplied, but axis {a} of {first} is {got} and axis {b} of {second} is {expected}"
_AS_MANY = (
    "there must be as many values as keys, but axis {a} of {first} is {got} and axis {b} of {second} is {expected}"
)
_SAME_HEADS = "heads and batch must be equal, but axis {a} of {first} is {got} and axis {b} of {second} is {expected}"
_GROUPS = "{got} heads (axis {a} of {first}) are no multiple of the {expected} that serve them (axis {b} of {second})"
_TYPES = "{first} are {first_dtype}, {second} {second_dtype}"
_SPACE = {1: "batch, channels, length", 2: "batch, channels, height, width", 3: "batch, channels, depth, height, width"}
_RANKS = {"mm": (2, 2), "bmm": (3, 3), "mv": (2, 1), "dot": (1, 1)}
"""Functions that take matrices of one number of axes, where matmul takes any."""


def linear(op: Operation) -> Asks:
    """``linear(x, W)``: x (…, in), W [out, in]."""
    if len(op.shapes) < 2 or len(op.shapes[1]) != 2 or not op.shapes[0]:
        yield UNREAD
        return
    packed = op.operands[1].dtype in {"uint8", "int8"} and 1 in op.shapes[1]
    says = "{second} is packed, {dtype}: a quantised weight that was not unpacked"
    asks = "{first} has {got} in its last axis; {layer} takes {expected}"
    yield equal(op, (0, -1), (1, 1), says if packed else asks, summed=True, dtype=op.operands[1].dtype)
    yield same_type(op)
    yield from _bias(op, op.shapes[1][0])


def _bias(op: Operation, n: int) -> Asks:
    """What is added to a product: a number for each of its n columns or channels."""
    if len(op.shapes) > 2 and op.shapes[2] not in ((), (1,)):
        says = "{first} has {got} in its last axis; the product that it is added to has {expected}"
        yield equal(op, (2, -1), n, says)
        yield rank(op, 2, 1, "")


def matmul(op: Operation) -> Asks:
    """``a @ b``: the inner sizes, and the axes before the last two, which broadcast."""
    if len(op.shapes) != 2:
        yield UNREAD
        return
    for i, n_axes in enumerate(_RANKS.get(op.name, ())):
        yield rank(op, i, n_axes, "{first} {first_shape} has {n} axes; {op} takes {m} there", op=op.name)
    yield from _product(op, 0, 1)
    yield same_type(op)


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


def added(op: Operation) -> Asks:
    """``addmm(c, a, b)``: the product, then what is added to it."""
    if len(op.shapes) != 3:
        yield UNREAD
        return
    yield from _product(op, 1, 2)
    left, right = op.operands[1:]
    if len(left.axes) > 1 and len(right.axes) > 1:
        made = left.with_axes((*left.axes[:-1], right.axes[-1]))
        whole = replace(op, operands=(*op.operands, made))
        yield rank(op, 0, range(len(made.axes) + 1), "{first} {first_shape} has {n} axes, the product {m}")
        yield broadcast(whole, 0, 3, "{first} {first_shape} is added to the product {product}",
                        product=written(made.shape))  # fmt: skip


def einsum(op: Operation) -> Asks:
    """``einsum('bqd,bkd->bqk', x, y)``: one size a letter, one letter an axis."""
    equation = op.arg("equation", 0)
    if not isinstance(equation, str):
        yield UNREAD
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


def convolution(op: Operation) -> Asks:
    """``conv1d``, ``conv2d``, ``conv3d`` and their transposes: x (B, C, …), W [out, C / groups, …]."""
    if len(op.shapes) < 2 or len(op.shapes[1]) - 2 not in _SPACE:
        yield UNREAD
        return
    shape, weight = op.shapes[:2]
    n_space, groups, transposed = len(weight) - 2, op.arg("groups", 6, 1), "transpose" in op.name
    yield rank(op, 0, (n_space + 1, n_space + 2), "{first} {first_shape} has {n} axes; {op} takes ({axes})",
               op=op.name, axes=say(_SPACE[n_space]))  # fmt: skip
    axis, asks = len(shape) - n_space - 1, "{first} has {got} in axis {a}, its channels; {layer} takes {expected}"
    yield same_type(op)
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
    if not transposed:
        yield from _bias(op, weight[0])


_WINDOW = (("padding", 4, 0), ("dilation", 5, 1))


def _each(value: object, place: int) -> int | None:
    """One number for all axes, or one for each."""
    if isinstance(value, list) and value:
        value = value[place] if place < len(value) else value[-1]
    return value if isinstance(value, int) else None


def cell(op: Operation) -> Asks:
    """``lstm_cell(x, (h, c), …)``, ``gru_cell(x, h, …)``: x (B, in), states (B, H), weights [k·H, in] and [k·H, H]."""
    n_states = 2 if op.name.startswith("lstm") else 1
    if len(op.shapes) < n_states + 3 or any(len(shape) != 2 for shape in op.shapes[: n_states + 3]):
        yield UNREAD
        return
    takes = "{first} has {got} in its last axis; {layer} takes {expected}"
    yield equal(op, (0, 1), (n_states + 1, 1), takes, summed=True)
    for state in range(1, n_states + 1):
        yield equal(op, (0, 0), (state, 0), "{first} {first_shape} has {got} rows, the state {second_shape} {expected}")
        yield equal(op, (state, 1), (n_states + 2, 1), takes, summed=True)


def pooling(op: Operation) -> Asks:
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


def attention(op: Operation) -> Asks:
    """``scaled_dot_product_attention``: q (…, T, d), k (…, S, d), v (…, S, e), mask (…, T, S)."""
    if len(op.shapes) < 3 or any(len(shape) < 2 for shape in op.shapes[:3]):
        yield UNREAD
        return
    yield equal(op, (0, -1), (1, -1), _MULTIPLIED, summed=True)
    yield equal(op, (1, -2), (2, -2), _AS_MANY, summed=True)
    yield from _served(op)
    op = _grouped(op)
    for j in (1, 2):
        yield broadcast(op, 0, j, _SAME_HEADS, without=2)
    yield from (replace(same_type(op, j), says=_TYPES) for j in (1, 2))
    if len(op.shapes) > 3:
        query, key = op.operands[:2]
        allowed = ("bool", query.dtype) if "float" not in op.operands[3].dtype else (query.dtype, "bool")
        yield typed(op, 3, allowed, "{first} is {dtype}; a mask is bool, True where a token may look, "
                    "or {query} and added to the scores", query=query.dtype)  # fmt: skip
        scores = query.with_axes((*query.axes[:-1], key.axes[-2]))
        whole, n_axes = replace(op, operands=(*op.operands, scores)), len(scores.axes)
        says = "the mask {first_shape} has {n} axes, the scores {scores} {m}"
        yield rank(whole, 3, range(n_axes + 1), says, scores=written(scores.shape))
        yield broadcast(whole, 3, len(op.operands), "the mask {first_shape} has {got} where the scores {scores} have "
                        "{expected}: it must broadcast", scores=written(scores.shape))  # fmt: skip


def _served(op: Operation) -> Asks:
    """Heads of queries that those of keys and values can share out, where they are grouped."""
    if op.attrs.get("enable_gqa") and min(map(len, op.shapes[:3])) > 2:
        for j in (1, 2):
            found = equal(op, (0, -3), (j, -3), _GROUPS)
            yield replace(found, holds=op.shapes[0][-3] % (op.shapes[j][-3] or 1) == 0, pairs=())


def _grouped(op: Operation) -> Operation:
    """Keys and values as many times as there are heads that each of theirs serves."""
    if not op.attrs.get("enable_gqa") or any(len(shape) < 3 for shape in op.shapes[:3]):
        return op
    n = op.shapes[0][-3]
    repeated = {j: op.operands[j].resized(-3, n) for j in (1, 2) if op.shapes[j][-3] and n % op.shapes[j][-3] == 0}
    return op.with_operands(repeated)


def multi_head(op: Operation) -> Asks:
    """``F.multi_head_attention_forward``: q (T, B, d), k (S, B, …), v (S, B, …); the batch first, if so asked."""
    if len({len(shape) for shape in op.shapes[:3]}) > 1:
        for j in (1, 2):
            yield same_rank(op, 0, j, "{first} {first_shape} has {n} axes, {second} {second_shape} has {m}")
    if any(len(shape) != 3 for shape in op.shapes[:3]) or len(op.shapes) < 3:
        yield UNREAD
        return
    batch = 0 if op.attrs.get("batch_first") else 1
    says = "the batch is axis {a}: {got} in {first} {first_shape}, {expected} in {second} {second_shape}"
    yield from (equal(op, (0, batch), (j, batch), says) for j in (1, 2))
    yield equal(op, (1, 1 - batch), (2, 1 - batch), _AS_MANY)
    if len(op.shapes) > 3 and len(op.shapes[3]) == 2 and op.shapes[3][0] == 3 * op.shapes[3][1]:
        says = "axis {a} of {first} {first_shape} is {got}; {layer} takes {expected}"
        yield from (equal(op, (j, 2), (3, 1), says, summed=True) for j in range(3))
    given = [name for name, value in op.attrs.items() if value == "tensor" and name not in _POSITIONAL]
    masks = {name: len(op.shapes) - len(given) + place for place, name in enumerate(given)}
    if (mask := masks.get("attn_mask")) is not None:
        yield from _scores_mask(op, mask, op.shapes[0][batch], (op.shapes[0][1 - batch], op.shapes[1][1 - batch]))
    if (mask := masks.get("key_padding_mask")) is not None:
        says = "{first} {first_shape} hides keys: ({batch}, {keys}) is its shape"
        told: dict[str, Any] = {"batch": op.shapes[1][batch], "keys": op.shapes[1][1 - batch]}
        yield rank(op, mask, 2, says, **told)
        yield equal(op, (mask, 0), (1, batch), says, **told)
        yield equal(op, (mask, 1), (1, 1 - batch), says, **told)


def _scores_mask(op: Operation, mask: int, batch: int, scores: tuple[int, int]) -> Asks:
    """A mask (T, S) of all scores, or (batch · heads, T, S): one for each matrix of scores."""
    heads = op.arg("num_heads", 4)
    if not isinstance(heads, int):
        return
    says = "{first} {first_shape} is a mask of scores: ({t}, {s}) is its shape, or ({batch}·{heads}, {t}, {s})"
    told: dict[str, Any] = {"batch": batch, "heads": heads, "t": scores[0], "s": scores[1]}
    yield rank(op, mask, (3, 2) if len(op.shapes[mask]) < 2 else (2, 3), says, **told)
    for axis, size in zip((-2, -1), scores, strict=True):
        yield equal(op, (mask, axis), size, says, **told)
    if len(op.shapes[mask]) == 3:
        yield equal(op, (mask, 0), batch * heads, says, **told)


_POSITIONAL = frozenset({"query", "key", "value"})
