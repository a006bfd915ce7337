"""view, reshape, transpose, permute: the number of elements, and which axes there are."""

import math
import re

from shapetrace.failing.cases import Case, Finding, unequal, unequal_axes
from shapetrace.failing.structure import written
from shapetrace.language import Text, say

_RANGE = re.compile(r"Dimension out of range \(expected to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)\)")


def reshape(case: Case) -> Finding | None:
    """``x.view(2, -1, 7)``: as many elements as before."""
    wanted = _wanted(case)
    if len(case.shapes) != 1 or not wanted:
        return None
    shape = case.shapes[0]
    n_got, n_wanted = math.prod(shape), math.prod(size for size in wanted if size != -1)
    if "contiguous" in case.failure.message or "stride" in case.failure.message:
        return Finding(
            say("{name} was turned or cut: its axes do not lie together in memory, and view never copies",
                name=case.named(0)),
            (say(".reshape(…) instead of .view(…), or .contiguous() before it"),),
            kind="other",
        )  # fmt: skip
    open_axis = -1 in wanted
    if wanted.count(-1) > 1 or (n_got % n_wanted == 0 if open_axis and n_wanted else n_got == n_wanted):
        return None
    told = {"name": case.name(0), "sizes": "·".join(map(str, shape)) or "1", "n": n_got, "m": n_wanted}
    return Finding(
        say("{name} has {sizes} = {n} elements, no multiple of {m}", **told)
        if open_axis
        else say("{name} has {sizes} = {n} elements, {wanted} needs {m}", **told, wanted=written(wanted)),
        _fits(wanted, n_got),
        "" if open_axis else unequal(n_got, n_wanted),
        {0: tuple(range(len(shape)))},
    )


def _wanted(case: Case) -> tuple[int, ...]:
    given = case.failure.attrs.get("shape", case.failure.attrs.get("size", case.args[1:]))
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        given = given[0]
    return tuple(size for size in given if isinstance(size, int)) if isinstance(given, list) else ()


def _fits(wanted: tuple[int, ...], n_got: int) -> tuple[Text, ...]:
    """Shapes with one size changed that have the right number of elements."""
    found = []
    for axis, size in enumerate(wanted):
        rest = math.prod(other for place, other in enumerate(wanted) if place != axis and other != -1)
        if size != -1 and rest and n_got % rest == 0:
            found.append(written((*wanted[:axis], n_got // rest, *wanted[axis + 1 :])))
    return tuple(dict.fromkeys(found))[:3] or (say("sizes that multiply to {n}", n=n_got),)


def unflatten(case: Case) -> Finding | None:
    """``x.unflatten(-1, (3, 4))``: the sizes multiply to that of the axis."""
    dim, sizes = case.arg("dim", 1), case.arg("sizes", 2)
    if not case.shapes or not isinstance(dim, int) or not isinstance(sizes, list):
        return None
    shape, wanted = case.shapes[0], tuple(size for size in sizes if isinstance(size, int))
    if not -len(shape) <= dim < len(shape):
        return None
    axis, n = dim % len(shape), math.prod(size for size in wanted if size != -1)
    if n == shape[axis]:
        return None
    return Finding(
        say("axis {axis} of {name} is {got}; {sizes} multiply to {n}", axis=axis, name=case.named(0), got=shape[axis],
            sizes="·".join(map(str, wanted)), n=n),
        _fits(wanted, shape[axis]),
        "" if -1 in wanted else unequal(shape[axis], n),
        {0: (axis,)},
    )  # fmt: skip


def axes(case: Case) -> Finding | None:
    """``x.transpose(1, 3)``, ``x.permute(0, 2, 1)``, ``cat([x, y], 4)``: axes that are not there."""
    if not case.shapes:
        return None
    n_axes = len(case.shapes[0])
    asked = [axis for axis in _flat(case.args[1:]) if isinstance(axis, int)]
    if case.op == "permute" and len(asked) != n_axes:
        return Finding(
            say("{name} has {n} axes, permute was given {m}", name=case.named(0), n=n_axes, m=len(asked)),
            (say("an order of {axes}", axes=", ".join(map(str, range(n_axes)))),),
            unequal_axes(n_axes, len(asked)),
        )
    found = _RANGE.search(case.failure.message)
    if found is None or n_axes == 0:
        return None
    return Finding(
        say("{name} has axes 0 to {last}; {axis} was asked for", name=case.named(0), last=n_axes - 1, axis=found[3]),
        (say("an input with more than {n} axes (one may be missing: a batch?), or another axis", n=n_axes),),
        marks={0: tuple(range(n_axes))},
    )


def _flat(args: list[object]) -> list[object]:
    return [item for arg in args for item in (arg if isinstance(arg, list) else [arg])]
