"""Element-wise functions whose operands do not broadcast: add, mul, where, masked_fill, and values that are written."""

import re
from collections.abc import Sequence

from shapetrace.failing.cases import Case, Finding, Shape, choices, unequal, with_size
from shapetrace.failing.structure import written
from shapetrace.language import Text, say

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
_SAYS = re.compile(r"must match the (?:existing )?size|broadcast|expanded size|shape mismatch", re.IGNORECASE)
"""Functions that nothing is known of are read as element-wise ones only if the exception speaks of broadcasting."""

_TARGET = re.compile(
    r"Target sizes: \[(?P<target>[\d, ]*)\]\.\s+Tensor sizes: \[(?P<value>[\d, ]*)\]"
    r"|value tensor of shape \[(?P<other>[\d, ]*)\] cannot be broadcast to .* of shape \[(?P<part>[\d, ]*)\]"
)


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
    if not _SAYS.search(case.failure.message):
        return None
    for i, left in enumerate(case.shapes):
        for j in range(i + 1, len(case.shapes)):
            clash = first_clash([left, case.shapes[j]])
            if clash is not None:
                return _clashing(case, i, j, *clash)
    return _in_place(case)


def _clashing(case: Case, i: int, j: int, sizes: tuple[int, int], axes: tuple[int, int]) -> Finding:
    return Finding(
        say(
            "axis {a} of {first} is {got}, axis {b} of {second} is {expected}: sizes must be equal, or one of them 1",
            a=axes[0], first=case.named(i), got=sizes[0], b=axes[1], second=case.named(j), expected=sizes[1],
        ),
        choices(*(_fits(case, i, j) or _fits(case, j, i) or _resized(case, (i, j), sizes, axes))),
        unequal(*sizes),
        {i: (axes[0],), j: (axes[1],)},
        operator=_SIGNS.get(case.op, ""),
    )  # fmt: skip


def _fits(case: Case, fixed: int, moved: int) -> list[Text]:
    """Ways in which one operand would broadcast to the other: an axis of size 1 more, or two axes exchanged."""
    target, shape = case.shapes[fixed], case.shapes[moved]
    found: list[Text] = []
    if len(shape) < len(target):
        for place in range(1, len(shape) + 1):
            widened = (*shape[:place], 1, *shape[place:])
            if fits(widened, target):
                found.append(
                    say("{call}: {shape}", call=case.applied(moved, f".unsqueeze({place})"), shape=written(widened))
                )
    elif len(shape) == len(target) and len(shape) > 1:
        turned = (*shape[:-2], shape[-1], shape[-2])
        if fits(turned, target):
            found.append(say("{call}: {shape}", call=case.applied(moved, ".transpose(-2, -1)"), shape=written(turned)))
    return found[:2]


def _resized(case: Case, places: tuple[int, int], sizes: tuple[int, int], axes: tuple[int, int]) -> tuple[Text, ...]:
    """Each operand with the other's size."""
    return tuple(
        say("{name} as {shape}", name=case.name(place), shape=written(with_size(case.shapes[place], axis, size)))
        for place, axis, size in zip(places, axes, reversed(sizes), strict=True)
    )


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
        say(
            "{first} is changed in place and cannot grow to the shape of {second}",
            first=case.named(0), second=case.named(1),
        ),
        (say("a new value instead of one in place: {new}, not {old}", new=case.op, old=case.failure.op),),
    )  # fmt: skip


def written_part(case: Case) -> Finding | None:
    """``x[:, :2] = y``: the value must broadcast to the part that it is written to."""
    found = _TARGET.search(case.failure.message)
    if found is None or len(case.shapes) < 2:
        return elementwise(case) if case.op == "copy" else None
    texts = (found["target"] or found["part"] or "", found["value"] or found["other"] or "")
    target, value = (tuple(int(size) for size in sizes.split(",") if size.strip()) for sizes in texts)
    clash = first_clash([value, target])
    last = len(case.shapes) - 1
    same = case.shapes[last][-len(value) :] == value if value else False
    axis = clash[1][0] + len(case.shapes[last]) - len(value) if clash else 0
    return Finding(
        say(
            "the part of {name} that is written to is {target}; {value} does not broadcast to it",
            name=case.named(0), target=written(target), value=case.named(last),
        ),
        (say("{name} as {shape}", name=case.name(last), shape=written(target)),),
        unequal(*clash[0]) if clash else "",
        {last: (axis,)} if clash and same else {},
    )  # fmt: skip


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
        say(
            "axis {axis} of {name} is {got} and cannot be expanded to {asked}: only axes of size 1 grow",
            axis=axis, name=case.named(0), got=got, asked=asked,
        ),
        (say("an axis of size 1 there, or {got} (-1 keeps a size)", got=got),),
        unequal(got, asked),
        {0: (axis,)},
    )  # fmt: skip


def repeat(case: Case) -> Finding | None:
    """``x.repeat(2)``: a number for each axis."""
    times = _sizes(case.args[1:])
    if len(case.shapes) != 1 or len(times) >= len(case.shapes[0]):
        return None
    n_axes = len(case.shapes[0])
    return Finding(
        say("{name} has {n} axes, repeat was given {m} numbers", name=case.named(0), n=n_axes, m=len(times)),
        (
            say(
                "a number for each axis: {numbers}", numbers=", ".join(map(str, (*times, *[1] * (n_axes - len(times)))))
            ),
        ),
    )


def _sizes(args: Sequence[object]) -> tuple[int, ...]:
    given = args[0] if len(args) == 1 and isinstance(args[0], list) else args
    return tuple(size for size in given if isinstance(size, int))
