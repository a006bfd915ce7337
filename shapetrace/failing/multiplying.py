"""Products whose inner sizes or batch sizes differ: linear, matmul, mm, bmm, addmm, baddbmm."""

import math

from shapetrace.failing.broadcasting import first_clash
from shapetrace.failing.cases import Case, Finding, Shape, choices, unequal, unequal_axes, with_size
from shapetrace.failing.structure import written
from shapetrace.language import Phrase, Text, say

_RANKS = {"mm": (2, 2), "bmm": (3, 3), "mv": (2, 1), "dot": (1, 1)}
"""Functions that take matrices of one number of axes, where matmul takes any."""

_PACKED = frozenset({"uint8", "int8"})


def linear(case: Case) -> Finding | None:
    """``linear(x, W)``: the last size of x is not the number of columns of W, [out, in]."""
    if len(case.shapes) < 2 or len(case.shapes[1]) != 2 or not case.shapes[0]:
        return None
    shape, (out, expected) = case.shapes[0], case.shapes[1]
    got = shape[-1]
    if got == expected:
        return None
    marks: dict[int, tuple[int, ...]] = {0: (len(shape) - 1,), 1: (0,)}
    if case.tensors[1].dtype in _PACKED and 1 in (out, expected):
        reason = say(
            "{weight} is packed, {dtype}: a quantised weight", weight=case.name(1), dtype=case.tensors[1].dtype
        )
        ways: tuple[Text, ...] = (say("the weight unpacked (dequantised) before it is multiplied"),)
        return Finding(reason, ways, unequal(got, expected), marks, (0, 1), frozenset({1}), "×")
    layer = case.path or say("the layer")
    return Finding(
        say("{name} has {got} in its last axis; {layer} takes {expected}", name=case.name(0), got=got, layer=layer,
            expected=expected),
        choices(
            _flat(shape, expected),
            _elsewhere(shape, expected, len(shape) - 1),
            say("Linear({got}, {out}) as {path}", got=got, out=out, path=case.path)
            if case.path
            else say("a weight {shape}", shape=written((out, got))),
            say("an input {shape}", shape=written((*shape[:-1], expected))),
        ),
        unequal(got, expected),
        marks,
        (0, 1),
        frozenset({1}),
        "×",
    )  # fmt: skip


def matmul(case: Case) -> Finding | None:
    """``a @ b``, also with axes before the last two, which broadcast."""
    if len(case.shapes) != 2:
        return None
    ranks = _RANKS.get(case.op)
    for place in range(2):
        if ranks and len(case.shapes[place]) != ranks[place]:
            return Finding(
                say("{name} has {n} axes; {op} takes {m} there", name=case.named(place), n=len(case.shapes[place]),
                    op=case.op, m=ranks[place]),
                (say("torch.matmul, which takes any number of axes"),),
                unequal_axes(len(case.shapes[place]), ranks[place]),
                {place: tuple(range(len(case.shapes[place])))},
                operator="×",
            )  # fmt: skip
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
        say("{name} is added to the product {shape}", name=case.named(0), shape=written(made)),
        (say("an addend that broadcasts to {shape}: {last}", shape=written(made), last=written(made[-1:])),),
        unequal(sizes[0], sizes[1]),
        {0: (axes[0],), 2: (len(right) - 1,)} if axes[1] == len(made) - 1 else {0: (axes[0],), 1: (len(left) - 2,)},
        operator=", ",
    )


def _product(case: Case, a: int, b: int) -> Finding | None:
    left, right = case.shapes[a], case.shapes[b]
    if not left or not right:
        reason = say("a product needs at least one axis on each side")
        return Finding(reason, (say("torch.mul, for a number"),), shown=(a, b), operator="×")
    inner = max(len(right) - 2, 0)
    if left[-1] != right[inner]:
        return Finding(
            say("{left} has {got} columns; {right} has {expected} rows", left=case.name(a), got=left[-1],
                right=case.name(b), expected=right[inner]),
            _turns(case, a, b),
            unequal(left[-1], right[inner]),
            {a: (len(left) - 1,), b: (inner,)},
            (a, b),
            operator="×",
        )  # fmt: skip
    clash = first_clash([left[:-2], right[:-2]])
    if clash is None:
        return None
    sizes, axes = clash
    return Finding(
        say("the inner sizes match, but {left} has {got} matrices in axis {i} and {right} has {expected} in axis {j}",
            left=case.name(a), got=sizes[0], i=axes[0], right=case.name(b), expected=sizes[1], j=axes[1]),
        choices(
            _repeated(case, (a, b), sizes, axes),
            say("{name} as {shape}", name=case.name(b), shape=written(with_size(right, axes[1], sizes[0]))),
            say("1 in that axis, where the matrices of the other are to share one"),
        ),
        unequal(*sizes),
        {a: (axes[0],), b: (axes[1],)},
        (a, b),
        operator="×",
    )  # fmt: skip


def _repeated(case: Case, places: tuple[int, int], sizes: tuple[int, int], axes: tuple[int, int]) -> Text:
    """Each matrix of the side that has fewer, several times: heads of keys that serve a group of queries."""
    few = 0 if sizes[0] < sizes[1] else 1
    if not sizes[few] or sizes[1 - few] % sizes[few]:
        return ""
    times, place, axis = sizes[1 - few] // sizes[few], places[few], axes[few]
    wanted = with_size(case.shapes[place], axis, sizes[1 - few])
    return say(
        "{call}: {shape}", call=case.applied(place, f".repeat_interleave({times}, {axis})"), shape=written(wanted)
    )


def _turns(case: Case, a: int, b: int) -> tuple[Phrase, ...]:
    """What fits if one side is turned."""
    left, right = case.shapes[a], case.shapes[b]
    turned = "{name} turned, .transpose(-2, -1): {product}"
    ways = []
    if len(right) > 1 and left[-1] == right[-1]:
        ways.append(say(turned, name=case.name(b), product=f"{written(left)}×{written(_turned(right))}"))
    if len(left) > 1 and len(right) > 1 and left[-2] == right[-2]:
        ways.append(say(turned, name=case.name(a), product=f"{written(_turned(left))}×{written(right)}"))
    inner = right[max(len(right) - 2, 0)]
    return (
        *ways,
        say("{right} with {n} rows, or {left} with {m} columns", right=case.name(b), n=left[-1], left=case.name(a),
            m=inner),
    )  # fmt: skip


def _turned(shape: Shape) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2])


def _flat(shape: Shape, expected: int) -> Text:
    """The last axes together are what is expected: a flatten is missing."""
    for start in range(1, len(shape) - 1):
        if math.prod(shape[start:]) == expected:
            sizes = "·".join(map(str, shape[start:]))
            return say(
                "the input flattened first, .flatten({axis}): {sizes} = {n}", axis=start, sizes=sizes, n=expected
            )
    return ""


def _elsewhere(shape: Shape, expected: int, wrong: int) -> Text:
    """Another axis has the size that is expected here."""
    places = [axis for axis, size in enumerate(shape) if size == expected and axis != wrong]
    if not places:
        return ""
    place = places[-1]
    return say(
        "the input turned, .transpose({place}, {wrong}): axis {place} is {n}", place=place, wrong=wrong, n=expected
    )
