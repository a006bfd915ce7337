"""Mends that treat one operand as another was: split into heads as queries are, labels cut as their scores were."""

from collections.abc import Iterator

from shapetrace.failing.case import Case, Operation, on
from shapetrace.failing.mends import Mend, Step, changed, steps_of, written_calls
from shapetrace.failing.operands import METHODS, SAME_SHAPE, Operand, called
from shapetrace.failing.structure import written
from shapetrace.language import say
from shapetrace.ops.atoms import Axes


def as_others(case: Case, op: Operation) -> Iterator[Mend]:
    """An operand viewed as another value of its shape was: keys split into heads as queries are."""
    seen: set[tuple[int, Axes]] = set()
    for i, tensor in enumerate(case.tensors):
        root, _ = case.origins.before_views(tensor.id)
        start = case.operand(case.trace.tensors[root])
        for shape, sibling, views in _chains(case):
            for steps in (views, (*views, ("transpose", (-2, -1)))) if shape == start.shape and sibling != root else ():
                operand = _called(start, steps)
                if operand is None or tensor.role == "weight" or (i, operand.axes) in seen:
                    continue
                seen.add((i, operand.axes))
                text = say("{call}, as {sibling}: {shape}", sibling=case.origins.name(sibling),
                           call=on(case.origins.name(root), written_calls(steps)),
                           shape=written(operand.shape))  # fmt: skip
                was_split = len(op.shapes[i]) == max(map(len, op.shapes))
                yield Mend(text, op.with_operands({i: operand}), 1 if was_split else -3, remade=(-1, {}))


def split(case: Case, op: Operation) -> Iterator[Mend]:
    """New rows split into heads as those are that they meet: a cache of keys (batch, heads, rows, d_head)."""
    for shape in dict.fromkeys(shape for shape in op.shapes if len(shape) == 4):
        for i, mine in enumerate(op.shapes):
            if len(mine) == 3 and mine[-1] == shape[1] * shape[3] and op.operands[i].role != "weight":
                steps: tuple[Step, ...] = (("view", (*mine[:-1], shape[1], shape[3])), ("transpose", (1, 2)))
                yield from changed(case, op, i, steps)


def shifted(case: Case, op: Operation) -> Iterator[Mend]:
    """Labels without their first token, where the scores of the last one were left out: the next token is the label."""
    cut = _without_last(case, case.tensors[0].id) if op.name in _LOSSES and len(case.tensors) > 1 else None
    if cut is None:
        return
    axis, n = cut
    root, views = case.origins.before_views(case.tensors[1].id)
    labels = case.operand(case.trace.tensors[root])
    if axis < len(labels.axes) and labels.shape[axis] == n:
        operand = _called(labels, (("narrow", (axis, 1, n - 1)), *steps_of(views)))
        if operand is not None:
            cut_off = f"[{':, ' * axis}1:]"
            text = say("{call}, if each row's label is the next token", call=on(case.origins.name(root), cut_off))
            yield Mend(text, op.with_operands({1: operand}), 1, remade=(-1, {}))


_LOSSES = frozenset({"cross_entropy", "cross_entropy_loss", "nll_loss", "nll_loss_nd"})


def _without_last(case: Case, value: int) -> tuple[int, int] | None:
    """The axis along which the last of its rows was cut off on the way to a value, and how many there were."""
    while (op := case.origins.made_by(value)) is not None and op.inputs:
        before, after = (case.trace.tensors[each].shape for each in (op.inputs[0], value))
        cuts = [kernel.args for kernel in op.kernels if kernel.name.startswith("aten.slice.")]
        if op.name == "getitem" and len(before) == len(after):
            axes = [axis for axis, (n, left) in enumerate(zip(before, after, strict=True)) if n != left]
            is_first = all(cut.get("start") in (0, None) for cut in cuts)
            is_one = len(axes) == 1 and before[axes[0]] == after[axes[0]] + 1
            return (axes[0], before[axes[0]]) if is_one and is_first else None
        if op.name not in METHODS and op.name not in SAME_SHAPE:
            return None
        value = op.inputs[0]
    return None


def _called(operand: Operand | None, steps: tuple[Step, ...]) -> Operand | None:
    for name, args in steps:
        operand = None if operand is None else called(operand, name, args)
    return operand


def _chains(case: Case) -> list[tuple[tuple[int, ...], int, tuple[Step, ...]]]:
    """Views that were called one after the other, with the value they start from: each way to split into heads."""
    found: dict[tuple[tuple[int, ...], tuple[Step, ...]], int] = {}
    for op in case.trace.ops:
        for value in op.outputs[:1] if op.name in METHODS else ():
            root, ops = case.origins.before_views(value)
            steps = steps_of(ops)
            if any(name in ("view", "reshape", "unflatten") for name, _ in steps):
                found.setdefault((case.trace.tensors[root].shape, steps), root)
    return sorted(((shape, root, steps) for (shape, steps), root in found.items()), key=lambda chain: len(chain[2]))
