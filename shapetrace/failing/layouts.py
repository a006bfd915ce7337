"""What is asked where axes are joined, cut, regrouped or aligned."""

import math
from dataclasses import replace

from shapetrace.failing.case import Operation
from shapetrace.failing.constraints import (
    UNREAD,
    Asks,
    Constraint,
    broadcast,
    equal,
    multiple,
    rank,
    same_rank,
    total,
    typed,
)
from shapetrace.failing.structure import written

_ALIGNED = (
    "axis {a} of {first} {first_shape} is {got}, axis {b} of {second} {second_shape} is {expected}: "
    "sizes must be equal, or one of them 1"
)
_ALL_ALIGNED = (
    "axes {a} of {first} {first_shape} are {got}, axes {b} of {second} {second_shape} are {expected}: "
    "sizes must be equal, or one of them 1"
)
_GROWS = "axis {a} of {first} {first_shape} is {got} and cannot be expanded to {expected}: only axes of size 1 grow"


def cat(op: Operation) -> Asks:
    """``cat([a, b], dim)``: all axes but one must be equal."""
    dim = op.dim("dim", 1, op.name == "hstack", max(map(len, op.shapes), default=0))
    says = "cat joins axis {dim}; the others must be equal, but axis {a} is {got} in {first} and {expected} in {second}"
    yield from _alike(op, says, dim) if len(op.shapes) > 1 and dim is not None else (UNREAD,)


def stack(op: Operation) -> Asks:
    """``stack([a, b])``: all shapes must be equal."""
    yield from _alike(op, "stack takes equal shapes, but axis {a} is {got} in {first} and {expected} in {second}", None)


def _alike(op: Operation, says: str, dim: int | None) -> Asks:
    for i in range(1, len(op.shapes)):
        axes = [axis for axis in range(len(op.shapes[0])) if axis != dim]
        yield same_rank(op, 0, i, "{first} {first_shape} has {n} axes, {second} {second_shape} has {m}")
        if len(op.shapes[0]) == len(op.shapes[i]):
            for axis in axes:
                found = equal(op, (0, axis), (i, axis), says, dim=-1 if dim is None else dim)
                yield replace(found, again="axis {a} is {got} in {first} and {expected} in {second}")


def split(op: Operation) -> Asks:
    """``x.split([3, 3], dim)``: the pieces must add up."""
    pieces, axis = op.arg("split_sizes", 1), op.dim("dim", 2, 0, len(op.shapes[0]))
    if not isinstance(pieces, list) or axis is None:
        yield UNREAD
        return
    got, n = sum(pieces), op.shapes[0][axis]
    yield total(0, (axis,), got, n, "{sum} = {total} are not the {n} of axis {axis} of {first}", clash=f"{got} ≠ {n}",
                sum=" + ".join(map(str, pieces)), total=got, n=n, axis=axis)  # fmt: skip


def view(op: Operation) -> Asks:
    """``x.view(2, -1, 7)``: as many elements as before."""
    wanted = sizes_of(op)
    if not wanted or len(op.shapes) != 1:
        yield UNREAD
        return
    shape, given = op.shapes[0], math.prod(size for size in wanted if size != -1)
    n, is_open = math.prod(shape), -1 in wanted
    told = {"sizes": "·".join(map(str, shape)) or "1", "n": n, "m": given, "wanted": written(wanted)}
    if is_open and given:
        says = "{first} has {sizes} = {n} elements, no multiple of {m}"
        yield total(0, range(len(shape)), n % given, 0, says, clash="", **told)
    elif not is_open and (rest := _left_over(shape, wanted)):
        for axis, parts in rest.items():
            m, written_parts = math.prod(parts), "·".join(map(str, parts))
            yield total(0, (axis,), shape[axis], m, "axis {axis} of {first} {first_shape} is {n}; {parts} is {m}",
                        clash=f"{shape[axis]} ≠ {m}", axis=axis, n=shape[axis], parts=written_parts, m=m)  # fmt: skip
    elif not is_open:
        says = "{first} has {sizes} = {n} elements, {wanted} needs {m}"
        yield total(0, range(len(shape)), n, given, says, clash=f"{n} ≠ {given}", **told)


def _left_over(shape: tuple[int, ...], wanted: tuple[int, ...]) -> dict[int, tuple[int, ...]]:
    """Axes of which a rest stays: (2, 30) as (2, 7, 4) leaves 2 of 30; none unless the others are as they were."""
    found: dict[int, tuple[int, ...]] = {}
    left = list(wanted)
    for axis, size in enumerate(shape):
        parts: list[int] = []
        while left and math.prod(parts) * left[0] <= size and (not parts or math.prod(parts) < size):
            parts.append(left.pop(0))
        rest = size - math.prod(parts)
        if rest and (len(parts) != 2 or rest >= max(parts) or not parts):
            return {}
        if rest:
            found[axis] = tuple(parts)
    return {} if left else found


def unflatten(op: Operation) -> Asks:
    """``x.unflatten(-1, (3, 4))``: the sizes multiply to that of the axis."""
    axis, sizes = op.dim("dim", 1, 0, len(op.shapes[0])), op.arg("sizes", 2)
    if axis is None or not isinstance(sizes, list):
        yield UNREAD
        return
    n, got = math.prod(size for size in sizes if size != -1), op.shapes[0][axis]
    wrong = n and got % n if -1 in sizes else got - n
    yield total(0, (axis,), wrong, 0, "axis {axis} of {first} {first_shape} is {got}; {sizes} multiply to {n}",
                clash="" if -1 in sizes else f"{got} ≠ {n}", axis=axis, got=got, n=n,
                sizes="·".join(map(str, sizes)))  # fmt: skip


def shuffle(op: Operation) -> Asks:
    """``pixel_shuffle(x, 2)``: channels that the square of its factor divides; the other way round, sides."""
    factor, shape = op.arg("upscale_factor", 1, op.arg("downscale_factor", 1)), op.shapes[0]
    if not isinstance(factor, int) or len(shape) < 3:
        yield UNREAD
        return
    back = len(shape) - 3
    axes = {back: factor**2} if op.name == "pixel_shuffle" else {back + 1: factor, back + 2: factor}
    for axis, divisor in axes.items():
        yield multiple(op, axis, divisor, "axis {axis} of {first} {first_shape} is {n}, no multiple of {m}",
                       axis=axis, m=divisor)  # fmt: skip


def permute(op: Operation) -> Asks:
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


def expand(op: Operation) -> Asks:
    """``x.expand(5, 4)``: only axes of size 1 can grow."""
    sizes, shape = sizes_of(op), op.shapes[0]
    yield rank(op, 0, range(len(sizes) + 1), "{first} {first_shape} has {n} axes, {m} sizes were given")
    for axis in range(-min(len(sizes), len(shape)), 0):
        if sizes[axis] != -1 and shape[axis] != 1:
            yield equal(op, (0, axis), sizes[axis], _GROWS)


def repeat(op: Operation) -> Asks:
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


def interpolate(op: Operation) -> Asks:
    """``interpolate``: as many axes as its mode is for."""
    spaces = [n for n, modes in _MODES.items() if op.arg("mode", 3, "nearest") in modes]
    says = "{first} {first_shape} has {n} axes; {mode} takes {m}"
    yield rank(op, 0, [n + 2 for n in spaces], says, mode=op.arg("mode", 3)) if spaces else UNREAD


_MODES = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}


def unread(_: Operation) -> Asks:
    """A function of which the message alone is read."""
    yield UNREAD
