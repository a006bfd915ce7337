"""Convolutions and pooling: channels that differ, axes too many or too few, inputs smaller than the kernel."""

import re

from shapetrace.failing.cases import Case, Finding, choices, unequal
from shapetrace.failing.structure import written


def convolution(case: Case) -> Finding | None:
    """``conv1d``, ``conv2d``, ``conv3d`` and their transposes."""
    if len(case.shapes) < 2:
        return None
    shape, weight = case.shapes[0], case.shapes[1]
    n_spatial = len(weight) - 2
    if len(shape) not in (n_spatial + 1, n_spatial + 2):
        return Finding(
            f"{case.named(0)} has {len(shape)} axes; {case.op} takes (batch, channels, {_axes(n_spatial)})",
            choices(_with_axes(case, n_spatial)),
            operator="∗",
            shown=(0, 1),
        )
    transposed = "transpose" in case.op
    groups = case.arg("groups", 6, 1)
    expected = weight[0] if transposed else weight[1] * (groups if isinstance(groups, int) else 1)
    axis = len(shape) - n_spatial - 1
    if shape[axis] == expected:
        return _too_small(case, axis)
    return Finding(
        f"{case.name(0)} has {shape[axis]} in axis {axis}, its channels; {case.path or 'the weight'} takes {expected}",
        choices(_channels(case, axis, expected), f"an input {written((*shape[:axis], expected, *shape[axis + 1 :]))}"),
        unequal(shape[axis], expected),
        {0: (axis,), 1: (0 if transposed else 1,)},
        (0, 1),
        operator="∗",
    )


def _axes(n_spatial: int) -> str:
    return ", ".join(("depth", "height", "width")[-n_spatial:]) if n_spatial > 1 else "length"


def _with_axes(case: Case, n_spatial: int) -> str:
    if len(case.shapes[0]) == n_spatial:
        return f"{case.name(0)}.unsqueeze(0), an axis of channels: {written((1, *case.shapes[0]))}"
    return f"an input of {n_spatial + 2} axes"


def _channels(case: Case, axis: int, expected: int) -> str:
    """Channels come last in the input."""
    shape = case.shapes[0]
    places = [place for place, size in enumerate(shape) if size == expected and place > axis]
    if not places:
        return ""
    order = [*range(axis), places[-1], *(place for place in range(axis, len(shape)) if place != places[-1])]
    moved = written(tuple(shape[place] for place in order))
    return f"channels before the other axes, {case.name(0)}.permute({', '.join(map(str, order))}): {moved}"


def _too_small(case: Case, axis: int) -> Finding | None:
    found = re.search(r"per channel: \(([\d x]+)\).*?Kernel size: \(([\d x]+)\)", case.failure.message)
    if found is None:
        return None
    sizes = [tuple(map(int, text.split("x"))) for text in found.groups()]
    places = [i for i, (got, kernel) in enumerate(zip(*sizes, strict=False)) if got < kernel]
    if not places:
        return None
    got, kernel = sizes[0][places[0]], sizes[1][places[0]]
    return Finding(
        f"{case.named(0)} is, with its padding, smaller than the kernel: {got} < {kernel}",
        (f"an input of at least {kernel} there, more padding, or a smaller kernel",),
        f"{got} < {kernel}",
        {0: tuple(axis + 1 + i for i in places), 1: tuple(2 + i for i in places)},
        (0, 1),
        operator="∗",
    )


def pooling(case: Case) -> Finding | None:
    """A window that is larger than what is left of the input."""
    found = re.search(r"[Oo]utput size: \(([\dx-]+)\)", case.failure.message)
    if found is None or not case.shapes:
        return None
    window = case.arg("kernel_size", 1)
    return Finding(
        f"{case.named(0)} is smaller than the window {window}: nothing would be left ({found[1]})",
        ("a larger input, a smaller window, or one pooling less",),
        marks={0: tuple(range(max(len(case.shapes[0]) - 2, 0), len(case.shapes[0])))},
        shown=(0,),
    )
