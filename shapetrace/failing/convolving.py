"""Convolutions and pooling: channels that differ, axes too many or too few, inputs smaller than the kernel."""

import re

from shapetrace.failing.cases import Case, Finding, choices, unequal, with_size
from shapetrace.failing.structure import written
from shapetrace.language import Text, say

_AXES = {1: "batch, channels, length", 2: "batch, channels, height, width", 3: "batch, channels, depth, height, width"}


def convolution(case: Case) -> Finding | None:
    """``conv1d``, ``conv2d``, ``conv3d`` and their transposes."""
    if len(case.shapes) < 2:
        return None
    shape, weight = case.shapes[0], case.shapes[1]
    n_spatial = len(weight) - 2
    if n_spatial not in _AXES:
        return None
    if len(shape) not in (n_spatial + 1, n_spatial + 2):
        return Finding(
            say(
                "{name} has {n} axes; {op} takes ({axes})",
                name=case.named(0), n=len(shape), op=case.op, axes=say(_AXES[n_spatial]),
            ),
            choices(_with_axes(case, n_spatial)),
            operator="∗",
            shown=(0, 1),
        )  # fmt: skip
    transposed = "transpose" in case.op
    groups = case.arg("groups", 6, 1)
    expected = weight[0] if transposed else weight[1] * (groups if isinstance(groups, int) else 1)
    axis = len(shape) - n_spatial - 1
    if shape[axis] == expected:
        return _too_small(case, axis)
    return Finding(
        say(
            "{name} has {got} in axis {axis}, its channels; {layer} takes {expected}",
            name=case.name(0), got=shape[axis], axis=axis, layer=case.path or say("the layer"), expected=expected,
        ),
        choices(
            _channels(case, axis, expected),
            _layer(case, shape[axis], weight, transposed),
            say("an input {shape}", shape=written(with_size(shape, axis, expected))),
        ),
        unequal(shape[axis], expected),
        {0: (axis,), 1: (0 if transposed else 1,)},
        (0, 1),
        operator="∗",
    )  # fmt: skip


def _layer(case: Case, n_channels: int, weight: tuple[int, ...], transposed: bool) -> Text:
    """The layer with as many channels as come in, where a module runs it that is nothing else."""
    kind, _, sizes = case.module.partition(" ")
    if not case.path or not kind.startswith("Conv") or not sizes or case.arg("groups", 6, 1) != 1:
        return ""
    out = weight[1] if transposed else weight[0]
    return say("{kind}({n}, {out}, …) as {path}", kind=kind, n=n_channels, out=out, path=case.path)


def _with_axes(case: Case, n_spatial: int) -> Text:
    shape = case.shapes[0]
    if len(shape) == n_spatial:
        widened = written((1, *shape))
        return say("{call}, an axis of channels: {shape}", call=case.applied(0, ".unsqueeze(0)"), shape=widened)
    return say("an input of {n} axes", n=n_spatial + 2)


def _channels(case: Case, axis: int, expected: int) -> Text:
    """Channels come last in the input."""
    shape = case.shapes[0]
    if shape[-1] != expected or axis == len(shape) - 1:
        return ""
    order = [*range(axis), len(shape) - 1, *range(axis, len(shape) - 1)]
    moved = written(tuple(shape[place] for place in order))
    call = case.applied(0, f".permute({', '.join(map(str, order))})")
    return say("channels before the other axes, {call}: {shape}", call=call, shape=moved)


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
        say(
            "{name} is, with its padding, smaller than the kernel: {got} < {kernel}",
            name=case.named(0), got=got, kernel=kernel,
        ),
        (say("an input of at least {kernel} there, more padding, or a smaller kernel", kernel=kernel),),
        f"{got} < {kernel}",
        {0: tuple(axis + 1 + i for i in places), 1: tuple(2 + i for i in places)},
        (0, 1),
        operator="∗",
    )  # fmt: skip


def pooling(case: Case) -> Finding | None:
    """A window that is larger than what is left of the input."""
    found = re.search(r"[Oo]utput size: \(([\dx-]+)\)", case.failure.message)
    if found is None or not case.shapes:
        return None
    n_spatial = int(case.op[-2]) if case.op[-2].isdigit() else 2
    n_axes = len(case.shapes[0])
    return Finding(
        say(
            "{name} is smaller than the window {window}: nothing would be left ({left})",
            name=case.named(0), window=str(case.arg("kernel_size", 1)), left=found[1],
        ),
        (say("a larger input, a smaller window, or one pooling less"),),
        marks={0: tuple(range(max(n_axes - n_spatial, 0), n_axes))},
        shown=(0,),
    )  # fmt: skip
