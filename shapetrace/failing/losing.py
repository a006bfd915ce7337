"""Losses whose targets are not what they are compared with."""

from shapetrace.failing.cases import Case, Finding, Shape, choices, unequal, unequal_axes
from shapetrace.failing.indexing import index
from shapetrace.failing.structure import written
from shapetrace.language import Text, say


def labels(case: Case) -> Finding | None:
    """``cross_entropy(logits, target)``: logits (B, C, …) and numbers of classes (B, …)."""
    found = index(case)
    if found is not None or len(case.shapes) < 2 or len(case.shapes[0]) < 2:
        return found
    logits, target = case.shapes[:2]
    wanted = (logits[0], *logits[2:])
    if target in (wanted, logits):
        return None
    if target == logits[:-1] and len(logits) > 2:
        return _classes_last(case, logits, target)
    if len(target) != len(wanted):
        return _axes(case, wanted)
    axes = [axis for axis, (n, size) in enumerate(zip(wanted, target, strict=True)) if n != size]
    axis = axes[0]
    return Finding(
        say("{name} has {n} rows, {target} has {m} labels", name=case.name(0), n=wanted[0], target=case.name(1),
            m=target[0])
        if axis == 0
        else say("{name} needs targets {shape}; {target}", name=case.named(0), shape=written(wanted),
                 target=case.named(1)),
        (say("targets {shape}", shape=written(wanted)),),
        unequal(wanted[axis], target[axis]),
        {0: (axis + (axis > 0),), 1: (axis,)},
        (0, 1),
    )  # fmt: skip


def _classes_last(case: Case, logits: Shape, target: Shape) -> Finding:
    last = len(logits) - 1
    flat = case.applied(0, f".flatten(0, {last - 1})"), case.applied(1, ".flatten()")
    return Finding(
        say("classes are read from axis 1, which is {n}; in {name} they seem to be last", n=logits[1],
            name=case.named(0)),
        (
            case.applied(0, f".transpose(1, {last})"),
            say("both flattened: {first}, {second}", first=flat[0], second=flat[1]),
        ),
        unequal(logits[-1], target[1]),
        {0: (last,), 1: (1,)},
        (0, 1),
    )  # fmt: skip


def _axes(case: Case, wanted: Shape) -> Finding:
    """One axis too many, often one of size 1."""
    target = case.shapes[1]
    ways: list[Text] = [
        say("{call}: {shape}", call=case.applied(1, f".squeeze({axis})"), shape=written(wanted))
        for axis, size in enumerate(target)
        if size == 1 and (*target[:axis], *target[axis + 1 :]) == wanted
    ]
    return Finding(
        say("{name} needs targets {shape}, one number of a class each; {target}", name=case.named(0),
            shape=written(wanted), target=case.named(1)),
        choices(*ways[:1], say("probabilities of classes {shape}", shape=written(case.shapes[0]))),
        unequal_axes(len(target), len(wanted)),
        {1: tuple(axis for axis, size in enumerate(target) if size == 1)[-1:]} if ways else {},
        (0, 1),
    )  # fmt: skip
