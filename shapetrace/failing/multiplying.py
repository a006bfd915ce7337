"""Products whose inner sizes or batch sizes differ: linear, matmul, mm, bmm, addmm, baddbmm."""

import math

from shapetrace.failing.broadcasting import first_clash
from shapetrace.failing.cases import Case, Finding, Shape, choices, unequal
from shapetrace.failing.structure import written


def linear(case: Case) -> Finding | None:
    """``linear(x, W)``: the last size of x is not the number of columns of W, [out, in]."""
    if len(case.shapes) < 2 or len(case.shapes[1]) != 2 or not case.shapes[0]:
        return None
    shape, (out, expected) = case.shapes[0], case.shapes[1]
    got = shape[-1]
    if got == expected:
        return None
    layer = f"{case.path or 'the layer'} takes {expected}"
    return Finding(
        f"{case.name(0)} has {got} in its last axis; {layer}",
        choices(
            _flat(shape, expected),
            _elsewhere(shape, expected, len(shape) - 1),
            f"Linear({got}, {out}) as {case.path}" if case.path else f"a weight [{out},{got}]",
            f"an input {written((*shape[:-1], expected))}",
        ),
        unequal(got, expected),
        {0: (len(shape) - 1,), 1: (0,)},
        (0, 1),
        frozenset({1}),
        "×",
    )


def matmul(case: Case) -> Finding | None:
    """``a @ b``, also with axes before the last two, which broadcast."""
    if len(case.shapes) != 2:
        return None
    return _product(case, 0, 1)


def added(case: Case) -> Finding | None:
    """``addmm(c, a, b)``: the product, then what is added to it."""
    if len(case.shapes) != 3:
        return None
    if found := _product(case, 1, 2):
        return found
    base, left, right = case.shapes
    if len(left) < 2 or len(right) < 2:
        return None
    made = (*left[:-1], right[-1])
    clash = first_clash([base, made])
    if clash is None:
        return None
    sizes, axes = clash
    return Finding(
        f"{case.named(0)} is added to the product {written(made)}",
        (f"an addend that broadcasts to {written(made)}: [{made[-1]}]",),
        unequal(sizes[0], sizes[1]),
        {0: (axes[0],), 2: (len(right) - 1,)} if axes[1] == len(made) - 1 else {0: (axes[0],), 1: (len(left) - 2,)},
        operator=", ",
    )


def _product(case: Case, a: int, b: int) -> Finding | None:
    left, right = case.shapes[a], case.shapes[b]
    if not left or not right:
        return Finding("a product needs at least one axis on each side", (), "", {}, (a, b), operator="×")
    inner = max(len(right) - 2, 0)
    if left[-1] != right[inner]:
        return Finding(
            f"{case.name(a)} has {left[-1]} columns; {case.name(b)} has {right[inner]} rows",
            _turns(case, a, b),
            unequal(left[-1], right[inner]),
            {a: (len(left) - 1,), b: (inner,)},
            (a, b),
            operator="×",
        )
    clash = first_clash([left[:-2], right[:-2]])
    if clash is None:
        return None
    sizes, axes = clash
    return Finding(
        f"the inner sizes match, but {case.name(a)} has {sizes[0]} matrices in axis {axes[0]} and "
        f"{case.name(b)} has {sizes[1]} in axis {axes[1]}",
        ("batch axes that are equal, or of size 1 where matrices are shared",),
        unequal(*sizes),
        {a: (axes[0],), b: (axes[1],)},
        (a, b),
        operator="×",
    )


def _turns(case: Case, a: int, b: int) -> tuple[str, ...]:
    """What fits if one side is turned."""
    left, right = case.shapes[a], case.shapes[b]
    fits = []
    if len(right) > 1 and left[-1] == right[-1]:
        fits.append(f"{case.name(b)} turned, .transpose(-2, -1): {written(left)}×{written(_turned(right))}")
    if len(left) > 1 and len(right) > 1 and left[-2] == right[-2]:
        fits.append(f"{case.name(a)} turned, .transpose(-2, -1): {written(_turned(left))}×{written(right)}")
    return (
        *fits,
        f"{case.name(b)} with {left[-1]} rows, or {case.name(a)} with {right[max(len(right) - 2, 0)]} columns",
    )


def _turned(shape: Shape) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2])


def _flat(shape: Shape, expected: int) -> str:
    """The last axes together are what is expected: a flatten is missing."""
    for start in range(1, len(shape) - 1):
        if math.prod(shape[start:]) == expected:
            sizes = "·".join(map(str, shape[start:]))
            return f"the input flattened first, .flatten({start}): {sizes} = {expected}"
    return ""


def _elsewhere(shape: Shape, expected: int, wrong: int) -> str:
    """Another axis has the size that is expected here."""
    places = [axis for axis, size in enumerate(shape) if size == expected and axis != wrong]
    if not places:
        return ""
    place = places[-1]
    return f"the input turned, .transpose({place}, {wrong}): axis {place} is {expected}"
