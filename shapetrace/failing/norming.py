"""Norms whose width is not that of their input."""

from shapetrace.failing.cases import Case, Finding, unequal
from shapetrace.failing.structure import written


def layer_norm(case: Case) -> Finding | None:
    """``layer_norm(x, [768])``: the last axes of x."""
    wanted = case.arg("normalized_shape", 1)
    if not case.shapes or not isinstance(wanted, list):
        return None
    shape, sizes = case.shapes[0], tuple(size for size in wanted if isinstance(size, int))
    for back in range(1, len(sizes) + 1):
        got = shape[-back] if back <= len(shape) else 0
        if got != sizes[-back]:
            axis = len(shape) - back
            return Finding(
                f"axis {axis} of {case.named(0)} is {got}; {case.path or 'the norm'} is for {written(sizes)}",
                (
                    f"a norm for {got}: {case.module.split(' ')[0] or 'LayerNorm'}({got})",
                    *_elsewhere(shape, sizes[-back]),
                ),
                unequal(got, sizes[-back]),
                {0: (axis,), **({1: (len(sizes) - back,)} if len(case.shapes) > 1 else {})},
                (0, 1) if len(case.shapes) > 1 else (0,),
            )
    return None


def _elsewhere(shape: tuple[int, ...], size: int) -> tuple[str, ...]:
    places = [axis for axis, n in enumerate(shape) if n == size]
    return (f"the axis of {size} last, .transpose({places[0]}, -1)",) if places else ()


def channel_norm(case: Case) -> Finding | None:
    """``batch_norm``, ``group_norm``, ``instance_norm``: the channels of x, axis 1."""
    sized = [i for i, shape in enumerate(case.shapes) if i and len(shape) == 1]
    if not case.shapes or len(case.shapes[0]) < 2 or not sized:
        return None
    got, expected = case.shapes[0][1], case.shapes[sized[0]][0]
    if got == expected:
        return None
    return Finding(
        f"{case.named(0)} has {got} channels (axis 1); {case.path or 'the norm'} is for {expected}",
        (f"a norm for {got} channels, or an input of {expected}",),
        unequal(got, expected),
        {0: (1,), sized[0]: (0,)},
        (0, sized[0]),
    )
