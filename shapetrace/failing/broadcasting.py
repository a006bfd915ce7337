"""Element-wise functions whose operands do not broadcast: add, mul, where, masked_fill, expand."""

from collections.abc import Sequence

from shapetrace.failing.cases import Case, Finding, Shape, choices, unequal
from shapetrace.failing.structure import written

_SIGNS = {
    "add": "+",
    "radd": "+",
    "iadd": "+",
    "sub": "−",
    "rsub": "−",
    "isub": "−",
    "mul": "⊙",
    "rmul": "⊙",
    "imul": "⊙",
}


def first_clash(shapes: Sequence[Shape]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The last axis in which two shapes do not broadcast: (both sizes, both positions); None if they do."""
    left, right = shapes
    for back in range(1, min(len(left), len(right)) + 1):
        sizes = (left[-back], right[-back])
        if sizes[0] != sizes[1] and 1 not in sizes:
            return sizes, (len(left) - back, len(right) - back)
    return None


def elementwise(case: Case) -> Finding | None:
    """Any function whose tensors broadcast with each other."""
    for i, left in enumerate(case.shapes):
        for j in range(i + 1, len(case.shapes)):
            clash = first_clash([left, case.shapes[j]])
            if clash is not None:
                return _clashing(case, i, j, *clash)
    return _in_place(case)


def _clashing(case: Case, i: int, j: int, sizes: tuple[int, int], axes: tuple[int, int]) -> Finding:
    return Finding(
        f"axis {axes[0]} of {case.named(i)} is {sizes[0]}, axis {axes[1]} of {case.named(j)} is {sizes[1]}: "
        "sizes must be equal, or one of them 1",
        choices(*_fits(case, i, j), *_fits(case, j, i)),
        unequal(*sizes),
        {i: (axes[0],), j: (axes[1],)},
        operator=_SIGNS.get(case.op, ""),
    )


def _fits(case: Case, fixed: int, moved: int) -> list[str]:
    """Ways in which one operand would broadcast to the other: an axis of size 1 more, or two axes exchanged."""
    target, shape, name = case.shapes[fixed], case.shapes[moved], case.name(moved)
    found = []
    if len(shape) < len(target):
        for place in range(1, len(shape) + 1):
            widened = (*shape[:place], 1, *shape[place:])
            if fits(widened, target):
                found.append(f"{name}.unsqueeze({place}): {written(widened)}")
    elif len(shape) == len(target) and len(shape) > 1:
        turned = (*shape[:-2], shape[-1], shape[-2])
        if fits(turned, target):
            found.append(f"{name}.transpose(-2, -1): {written(turned)}")
    return found[:2]


def fits(shape: Shape, target: Shape) -> bool:
    """Whether a shape broadcasts to a target without making it larger."""
    return len(shape) <= len(target) and all(
        size in (1, target[-back]) for back, size in enumerate(reversed(shape), start=1)
    )


def _in_place(case: Case) -> Finding | None:
    """They broadcast, but the result is larger than the value that is to be changed in place."""
    if not case.failure.op.endswith("_") or len(case.shapes) < 2 or fits(case.shapes[1], case.shapes[0]):
        return None
    return Finding(
        f"{case.named(0)} is changed in place and cannot grow to the shape of {case.named(1)}",
        (f"a new value instead of one in place: {case.op}, not {case.failure.op}",),
    )


def expand(case: Case) -> Finding | None:
    """``x.expand(5, 4)``: only axes of size 1 can grow."""
    sizes = _sizes(case.args[1:])
    if len(case.shapes) != 1 or not sizes:
        return None
    shape = case.shapes[0]
    wanted = tuple(
        shape[i - len(sizes)] if size == -1 and len(sizes) - i <= len(shape) else size for i, size in enumerate(sizes)
    )
    clash = first_clash([shape, wanted])
    if clash is None:
        return None
    (got, asked), (axis, _) = clash
    return Finding(
        f"axis {axis} of {case.named(0)} is {got} and cannot be expanded to {asked}: only axes of size 1 grow",
        (f"an axis of size 1 there, or {got} (-1 keeps a size)",),
        unequal(got, asked),
        {0: (axis,)},
    )


def _sizes(args: Sequence[object]) -> tuple[int, ...]:
    given = args[0] if len(args) == 1 and isinstance(args[0], list) else args
    return tuple(size for size in given if isinstance(size, int))
