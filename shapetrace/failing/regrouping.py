"""view, reshape, transpose, permute: the number of elements, and which axes there are."""

import math

from shapetrace.failing.cases import Case, Finding, unequal
from shapetrace.failing.structure import written


def reshape(case: Case) -> Finding | None:
    """``x.view(2, -1, 7)``: as many elements as before."""
    wanted = _wanted(case)
    if len(case.shapes) != 1 or not wanted:
        return None
    shape = case.shapes[0]
    n_got, n_wanted = math.prod(shape), math.prod(size for size in wanted if size != -1)
    if "contiguous" in case.failure.message or "stride" in case.failure.message:
        return Finding(
            f"{case.named(0)} was turned or cut: its axes do not lie together in memory, and view never copies",
            (".reshape(…) instead of .view(…), or .contiguous() before it",),
            kind="other",
        )
    open_axis = -1 in wanted
    if wanted.count(-1) > 1 or (n_got % n_wanted == 0 if open_axis and n_wanted else n_got == n_wanted):
        return None
    sizes = "·".join(map(str, shape)) or "1"
    what = f"no multiple of {n_wanted}" if open_axis else f"{written(wanted)} needs {n_wanted}"
    return Finding(
        f"{case.name(0)} has {sizes} = {n_got} elements, {what}",
        tuple(_fits(wanted, n_got)),
        "" if open_axis else unequal(n_got, n_wanted),
        {0: tuple(range(len(shape)))},
    )


def _wanted(case: Case) -> tuple[int, ...]:
    given = case.failure.attrs.get("shape", case.failure.attrs.get("size", case.args[1:]))
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        given = given[0]
    return tuple(size for size in given if isinstance(size, int)) if isinstance(given, list) else ()


def _fits(wanted: tuple[int, ...], n_got: int) -> list[str]:
    """Shapes with one size changed that have the right number of elements."""
    found = []
    for axis, size in enumerate(wanted):
        rest = math.prod(other for place, other in enumerate(wanted) if place != axis and other != -1)
        if size != -1 and rest and n_got % rest == 0:
            found.append(written((*wanted[:axis], n_got // rest, *wanted[axis + 1 :])))
    return list(dict.fromkeys(found))[:3]


def axes(case: Case) -> Finding | None:
    """``x.transpose(1, 3)``, ``x.permute(0, 2, 1)``: axes that are not there."""
    if not case.shapes:
        return None
    n_axes, shape = len(case.shapes[0]), case.shapes[0]
    asked = [axis for axis in _flat(case.args[1:]) if isinstance(axis, int)]
    wrong = [axis for axis in asked if not -n_axes <= axis < n_axes]
    if case.op == "permute" and len(asked) != n_axes:
        return Finding(
            f"{case.named(0)} has {n_axes} axes, permute was given {len(asked)}",
            (f"an order of {', '.join(map(str, range(n_axes)))}",),
            f"{unequal(n_axes, len(asked))} axes",
        )
    if not wrong:
        return None
    return Finding(
        f"{case.named(0)} has axes 0 to {n_axes - 1}; {wrong[0]} was asked for",
        (f"an input with more than {len(shape)} axes (one may be missing: a batch?), or another axis",),
    )


def _flat(args: list[object]) -> list[object]:
    return [item for arg in args for item in (arg if isinstance(arg, list) else [arg])]
