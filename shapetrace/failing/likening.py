"""Mends that treat one operand as another was: split into heads as queries are, labels cut as their scores were."""

from collections.abc import Iterator

from shapetrace.failing.case import Case, Operation, on
from shapetrace.failing.mends import Mend, Step, changed, steps_of, written_calls
from shapetrace.failing.operands import METHODS, Operand, called_all
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
                operand = called_all(start, steps)
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
    n = _without_last(case, op.operands[0]) if op.name in _LOSSES and len(case.tensors) > 1 else None
    if n is None:
        return
    root, views = case.origins.before_views(case.tensors[1].id)
    labels = case.operand(case.trace.tensors[root])
    if labels.shape.count(n) == 1:
        axis = labels.shape.index(n)
        operand = called_all(labels, (("narrow", (axis, 1, n - 1)), *steps_of(views)))
        if operand is not None:
            cut_off = f"[{':, ' * axis}1:]"
            text = say("{call}, if each row's label is the next token", call=on(case.origins.name(root), cut_off))
            yield Mend(text, op.with_operands({1: operand}), 1, remade=(-1, {}))


_LOSSES = frozenset({"cross_entropy", "cross_entropy_loss", "nll_loss", "nll_loss_nd"})


def _without_last(case: Case, operand: Operand) -> int | None:
    """How many rows there were where the last of them was cut off on the way to an operand."""
    atoms = case.identity.atoms
    pieces = [
        (atoms.pieces[atom], atom) for axis in operand.axes for atom in atoms.leaves(axis) if atom in atoms.pieces
    ]
    cut = [
        n for piece, atom in pieces if piece.start == 0 and (n := atoms.size(piece.whole)) == atoms.size((atom,)) + 1
    ]
    return cut[0] if len(cut) == 1 else None


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
