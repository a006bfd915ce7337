"""Joining and cutting: cat, stack, split."""

from typing import Any

from shapetrace.failing.cases import Case, Finding, Shape, unequal, unequal_axes
from shapetrace.failing.structure import written
from shapetrace.language import Phrase, Text, say

_CAT = "cat joins axis {dim}; the others must be equal, but axis {axis} is {got} in {first} and {size} in {second}"
_STACK = "stack takes equal shapes, but axis {axis} is {got} in {first} and {size} in {second}"


def cat(case: Case) -> Finding | None:
    """``cat([a, b], dim)``: all axes but one must be equal."""
    shapes = case.shapes
    if len(shapes) < 2:
        return None
    if len({len(shape) for shape in shapes}) > 1:
        return _numbers_of_axes(case)
    dim = _dim(case, len(shapes[0]))
    return None if dim is None else _first_odd(case, dim)


def stack(case: Case) -> Finding | None:
    """``stack([a, b])``: all shapes must be equal."""
    if len(case.shapes) < 2:
        return None
    if len({len(shape) for shape in case.shapes}) > 1:
        return _numbers_of_axes(case)
    return _first_odd(case, None)


def _numbers_of_axes(case: Case) -> Finding:
    first = len(case.shapes[0])
    odd = next(i for i, shape in enumerate(case.shapes) if len(shape) != first)
    other = len(case.shapes[odd])
    return Finding(
        say("{first} has {n} axes, {second} has {m}", first=case.named(0), n=first, second=case.named(odd), m=other),
        (say("the same number of axes on all: .unsqueeze(dim) adds one"),),
        unequal_axes(first, other),
    )


def _dim(case: Case, n_axes: int) -> int | None:
    dim = case.failure.attrs.get("dim", case.args[1] if len(case.args) > 1 else 0)
    return dim % n_axes if isinstance(dim, int) and n_axes and -n_axes <= dim < n_axes else None


def _first_odd(case: Case, dim: int | None) -> Finding | None:
    """The first operand that differs from the first one in an axis that must be equal."""
    first = case.shapes[0]
    for i, shape in enumerate(case.shapes):
        axes = [axis for axis, size in enumerate(shape) if axis != dim and size != first[axis]]
        if not axes:
            continue
        axis = axes[0]
        told: dict[str, Any] = {
            "axis": axis, "got": first[axis], "first": case.name(0), "size": shape[axis], "second": case.name(i),
        }  # fmt: skip
        return Finding(
            say(_STACK, **told) if dim is None else say(_CAT, dim=dim, **told),
            (_same(first, shape, axes), *(() if dim is None else _joinable(case, i, axes))),
            unequal(first[axis], shape[axis]),
            {0: tuple(axes), i: tuple(axes)},
        )
    return None


def _same(first: Shape, shape: Shape, axes: list[int]) -> Phrase:
    wanted = tuple(first[axis] if axis in axes else size for axis, size in enumerate(shape))
    return say("{wanted} instead of {got}", wanted=written(wanted), got=written(shape))


def _joinable(case: Case, other: int, axes: list[int]) -> tuple[Text, ...]:
    """Another axis to join along; for maps that were halved and doubled, sizes that survive it."""
    ways: list[Text] = []
    if len(axes) == 1:
        ways.append(say("dim={axis}, if they are to be joined along that axis", axis=axes[0]))
    sizes = [(case.shapes[0][axis], case.shapes[other][axis]) for axis in axes]
    if min(axes) > 1 and all(abs(a - b) <= max(a, b) // 8 + 1 for a, b in sizes):
        ways.append(say("inputs whose sides stay even as often as they are halved, or F.pad on the smaller one"))
    return tuple(ways)


def split(case: Case) -> Finding | None:
    """``x.split([3, 3], dim)``: the pieces must add up."""
    if len(case.shapes) != 1 or not case.shapes[0]:
        return None
    shape, pieces = case.shapes[0], case.arg("split_sizes", 1)
    dim: Any = case.arg("dim", 2, 0)
    if not isinstance(pieces, list) or not isinstance(dim, int) or not -len(shape) <= dim < len(shape):
        return None
    sizes = [size for size in pieces if isinstance(size, int)]
    if sum(sizes) == shape[dim]:
        return None
    total, axis = sum(sizes), dim % len(shape)
    return Finding(
        say("{sum} = {total} are not the {n} of axis {axis} of {name}", sum=" + ".join(map(str, sizes)), total=total,
            n=shape[axis], axis=axis, name=case.name(0)),
        (say("pieces that add up to {n}", n=shape[axis]),),
        unequal(total, shape[axis]),
        {0: (axis,)},
    )  # fmt: skip
