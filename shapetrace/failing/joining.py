"""Joining and cutting: cat, stack, split."""

from typing import Any

from shapetrace.failing.cases import Case, Finding, Shape, unequal
from shapetrace.failing.structure import written


def cat(case: Case) -> Finding | None:
    """``cat([a, b], dim)``: all axes but one must be equal."""
    shapes = case.shapes
    ranks = {len(shape) for shape in shapes}
    if len(shapes) < 2:
        return None
    if len(ranks) > 1:
        odd = next(i for i, shape in enumerate(shapes) if len(shape) != len(shapes[0]))
        return Finding(
            f"{case.named(0)} has {len(shapes[0])} axes, {case.named(odd)} has {len(shapes[odd])}",
            ("the same number of axes on all: .unsqueeze(dim) adds one",),
            f"{unequal(len(shapes[0]), len(shapes[odd]))} axes",
        )
    dim = _dim(case, len(shapes[0]))
    if dim is None:
        return None
    return _first_odd(case, {dim}, f"cat joins along axis {dim}; the others must be equal")


def stack(case: Case) -> Finding | None:
    """``stack([a, b])``: all shapes must be equal."""
    if len(case.shapes) < 2:
        return None
    for i, shape in enumerate(case.shapes):
        if len(shape) != len(case.shapes[0]):
            return Finding(
                f"{case.named(0)} and {case.named(i)} differ in their number of axes; stack takes equal shapes"
            )
    return _first_odd(case, set(), "stack takes equal shapes")


def _dim(case: Case, n_axes: int) -> int | None:
    dim = case.failure.attrs.get("dim", case.args[1] if len(case.args) > 1 else 0)
    return dim % n_axes if isinstance(dim, int) and n_axes and -n_axes <= dim < n_axes else None


def _first_odd(case: Case, free: set[int], rule: str) -> Finding | None:
    first = case.shapes[0]
    for i, shape in enumerate(case.shapes):
        axes = [axis for axis, size in enumerate(shape) if axis not in free and size != first[axis]]
        if not axes:
            continue
        axis = axes[0]
        return Finding(
            f"{rule}, but axis {axis} is {first[axis]} in {case.name(0)} and {shape[axis]} in {case.name(i)}",
            _fits(first, shape, axes, bool(free)),
            unequal(first[axis], shape[axis]),
            {0: tuple(axes), i: tuple(axes)},
        )
    return None


def _fits(first: Shape, shape: Shape, axes: list[int], cat: bool) -> tuple[str, ...]:
    wanted = tuple(first[axis] if axis in axes else size for axis, size in enumerate(shape))
    fits = [f"{written(wanted)} instead of {written(shape)}"]
    if cat and len(axes) == 1:
        fits.append(f"dim={axes[0]}, if they are to be joined along that axis")
    return tuple(fits)


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
        f"{' + '.join(map(str, sizes))} = {total} are not the {shape[axis]} of axis {axis} of {case.name(0)}",
        (f"pieces that add up to {shape[axis]}",),
        unequal(total, shape[axis]),
        {0: (axis,)},
    )
