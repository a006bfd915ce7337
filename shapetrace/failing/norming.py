"""Norms whose width is not that of their input."""

from shapetrace.failing.cases import Case, Finding, choices, unequal
from shapetrace.failing.structure import written
from shapetrace.language import Text, say


def layer_norm(case: Case) -> Finding | None:
    """``layer_norm(x, [768])``: the last axes of x."""
    wanted = case.arg("normalized_shape", 1)
    if not case.shapes or not isinstance(wanted, list):
        return None
    shape, sizes = case.shapes[0], tuple(size for size in wanted if isinstance(size, int))
    for back in range(1, min(len(sizes), len(shape)) + 1):
        got = shape[-back]
        if got != sizes[-back]:
            axis = len(shape) - back
            weighted = len(case.shapes) > 1 and len(case.shapes[1]) == len(sizes)
            return Finding(
                say("axis {axis} of {name} is {got}; {norm} is for {sizes}", axis=axis, name=case.named(0), got=got,
                    norm=case.path or say("the norm"), sizes=written(sizes)),
                choices(_norm(case, shape[-len(sizes) :]), _elsewhere(shape, sizes)),
                unequal(got, sizes[-back]),
                {0: (axis,), **({1: (len(sizes) - back,)} if weighted else {})},
                (0, 1) if weighted else (0,),
            )  # fmt: skip
    return None


def _norm(case: Case, sizes: tuple[int, ...]) -> Text:
    """The norm that would take the input, by its class where a norm is what runs."""
    kind, _, weight = case.module.partition(" ")
    numbers = str(sizes[0]) if len(sizes) == 1 else str(list(sizes))
    return say("a norm for {sizes}: {norm}", sizes=written(sizes), norm=f"{kind if weight else 'LayerNorm'}({numbers})")


def _elsewhere(shape: tuple[int, ...], sizes: tuple[int, ...]) -> Text:
    places = [axis for axis, n in enumerate(shape[:-1]) if n == sizes[-1]]
    if not places or len(sizes) > 1:
        return ""
    return say("the axis of {n} last, .transpose({axis}, -1)", n=sizes[-1], axis=places[0])


def channel_norm(case: Case) -> Finding | None:
    """``batch_norm``, ``group_norm``, ``instance_norm``: the channels of x, axis 1."""
    if case.op == "group_norm" and (found := _groups(case)):
        return found
    if "more than 1 value per channel" in case.failure.message:
        return Finding(
            say("one value a channel has no variance: {name}", name=case.named(0)),
            (say("model.eval(), or batches of more than one (drop_last=True in the DataLoader)"),),
            shown=(0,),
            kind="other",
        )
    sized = [i for i, shape in enumerate(case.shapes) if i and len(shape) == 1]
    if not case.shapes or len(case.shapes[0]) < 2 or not sized:
        return None
    shape, expected = case.shapes[0], case.shapes[sized[0]][0]
    if shape[1] == expected:
        return None
    last = len(shape) - 1
    return Finding(
        say("{name} has {got} channels (axis 1); {norm} is for {expected}", name=case.named(0), got=shape[1],
            norm=case.path or say("the norm"), expected=expected),
        choices(
            say("channels in axis 1: {call}", call=case.applied(0, f".transpose(1, {last})"))
            if shape[last] == expected and last > 1
            else "",
            say("a norm for {got} channels, or an input of {expected}", got=shape[1], expected=expected),
        ),
        unequal(shape[1], expected),
        {0: (1,), sized[0]: (0,)},
        (0, sized[0]),
    )  # fmt: skip


def _groups(case: Case) -> Finding | None:
    n_groups = case.arg("num_groups", 1)
    if not isinstance(n_groups, int) or n_groups < 1 or not case.shapes or len(case.shapes[0]) < 2:
        return None
    n = case.shapes[0][1]
    if n % n_groups == 0:
        return None
    ways = [str(size) for size in range(1, n + 1) if n % size == 0][:12]
    return Finding(
        say("{n} channels (axis 1 of {name}) are no multiple of {groups} groups", n=n, name=case.named(0),
            groups=n_groups),
        (say("groups of which {n} is a multiple: {numbers}", n=n, numbers=", ".join(ways)),),
        marks={0: (1,)},
        shown=(0,),
    )  # fmt: skip
