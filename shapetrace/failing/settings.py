"""Mends that call the operation otherwise: another argument, another function, a layer built for what comes in."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

from shapetrace.failing.case import Case, Operation, on
from shapetrace.failing.layouts import sizes_of
from shapetrace.failing.mends import Mend, Step, changed, order, together, written_calls
from shapetrace.failing.operands import Operand, Shape, called
from shapetrace.failing.products import added, cell, matmul
from shapetrace.failing.rules import broken, rule_of
from shapetrace.failing.structure import written
from shapetrace.language import Text, say
from shapetrace.ops.atoms import Axis


def arguments(case: Case, op: Operation) -> Iterator[Mend]:
    """Another plain argument, or another function."""
    if op.in_place:
        text = say("a new value instead of one in place: {new}, not {old}", new=op.name, old=case.failure.op)
        yield Mend(text, replace(op, in_place=False), 1)
    if op.name in ("mm", "bmm", "mv", "dot"):
        yield Mend(say("torch.matmul, which takes any number of axes"), replace(op, name="matmul"), 2)
    for name, position, values in _numbers(op):
        for cost, value in enumerate(values, start=1):
            yield Mend(f"{name}={value!r}", op.with_arg(name, position, value), cost)
    alike = rule_of(op.name).alike
    if alike == "positions" and "attn_mask" in op.attrs and "key_padding_mask" not in op.attrs:
        named = {"key_padding_mask" if key == "attn_mask" else key: value for key, value in op.attrs.items()}
        yield Mend(say("as key_padding_mask, if it says which keys are padding"), replace(op, attrs=named), 1)
    if alike == "positions":
        first = not op.attrs.get("batch_first")
        yield Mend(f"batch_first={first}", replace(op, attrs={**op.attrs, "batch_first": first}), 0 if first else 1)
    if (other := _OTHERWISE.get(op.name)) is not None and op.shapes:
        yield from other(case, op)


def _along(case: Case, op: Operation) -> Iterator[Mend]:
    """Another axis to join along: at once where it is the examples that are joined, rather not along positions."""
    for dim in range(1, len(op.shapes[0])):
        now = op.dim("dim", 1, 0, len(op.shapes[0])) or 0
        axes = [[o.axes[at] for o in op.operands if at < len(o.axes)] for at in (now, dim)]
        sure, far = any(map(case.identity.examples, axes[0])), any(map(case.identity.brought, axes[1]))
        text = say("dim={axis}, if they are to be joined along that axis", axis=dim)
        yield Mend(text, op.with_arg("dim", 1, dim), 1 if sure else 4 if far else 2)


def _in_training(_: Case, op: Operation) -> Iterator[Mend]:
    """A batch of one: more, or the running mean."""
    yield Mend("model.eval()", op.with_arg("training", 5, False), 1)
    more = op.with_operands({0: op.operands[0].resized(0, 2)})
    yield Mend(say("batches of more than one (drop_last=True in the DataLoader)"), more, 2)


def _flattened(case: Case, op: Operation) -> Iterator[Mend]:
    """Classes in the last axis: every position an example; numbers that are one of 0 and 1 for each class."""
    if op.shapes[:1] == op.shapes[1:2]:
        for mend in changed(case, op, 1, (("float", ()),)):
            yield replace(mend, text=say("{call}, if each row adds up to 1", call=mend.text))
    if len(op.shapes) > 1 and len(op.shapes[0]) == 2:
        yield from changed(case, op, 1, (("flatten", ()),), 2)
    if len(op.shapes) > 1 and len(op.shapes[0]) > 2:
        yield from together(case, op, {0: (("flatten", (0, len(op.shapes[0]) - 2)),), 1: (("flatten", ()),)}, 3)


def _numbers(op: Operation) -> Iterator[tuple[str, int, list[Any]]]:
    """Numbers that would do: the most that can be chosen, groups that divide, classes enough."""
    if op.name in ("topk", "kthvalue") and (axis := op.dim("dim", 2, -1, len(op.shapes[0]))) is not None:
        yield "k", 1, [op.shapes[0][axis]]
    if op.name == "group_norm" and len(op.shapes[0]) > 1:
        n = op.shapes[0][1]
        yield (
            "num_groups",
            1,
            [size for size in range(n, 0, -1) if n % size == 0 and size < (op.arg("num_groups", 1) or 0)],
        )
    if op.name == "one_hot" and (top := op.operands[0].largest) is not None:
        yield "num_classes", 1, [top[1] + 1]
    if op.name == "interpolate":
        yield "mode", 3, ["linear", "bilinear", "trilinear"]
    if op.name == "repeat":
        times = sizes_of(op)
        yield "args", 0, [["tensor", *times, *[1] * (len(op.shapes[0]) - len(times))]]


def _sizes(case: Case, op: Operation) -> Iterator[Mend]:
    """Shapes with one size changed that have as many elements, the first axis as it was or as it was asked."""
    wanted = sizes_of(op)
    yield from _squares(op, wanted)
    found = list(_with_one_changed(case, op, wanted))
    turned = [mend for mend in found if mend.operation.operands != op.operands]
    yield from turned or [mend for mend in found if _is_whole_in(mend.operation)] or found


def _is_whole_in(op: Operation) -> bool:
    made = called(op.operands[0], "view", sizes_of(op))
    return made is not None and _is_of_whole_axes(op.operands[0], made)


def _with_one_changed(case: Case, op: Operation, wanted: Shape) -> Iterator[Mend]:
    operand = op.operands[0]
    bases = [wanted] if not operand.axes else [wanted, (operand.shape[0], *wanted[1:])]
    for cost, base in enumerate(bases, start=1):
        for axis in range(len(base)):
            sizes = [size if size != -1 or place == axis else -2 for place, size in enumerate(base)]
            sizes[axis] = -1
            made = called(operand, "view", [size for size in sizes if size != -2]) if -2 not in sizes else None
            if made is None and -2 in sizes:
                made = _opened(operand, base, axis)
            if made is None or order(case, operand)[0] != order(case, made)[0]:
                continue
            shown = tuple(-1 if size == -1 else made.shape[place] for place, size in enumerate(base))
            if any(size == asked for size, asked in zip(shown, wanted, strict=True)):
                mixed = 0 if _keeps_examples(case, operand, made) else _MIXED
                yield from _turned_before(case, op, made)
                yield Mend(written(shown), replace(op, attrs={"args": ["tensor", *shown]}), cost + mixed)


def _squares(op: Operation, wanted: Shape) -> Iterator[Mend]:
    """Two sides that were asked to be equal, as long as there are positions for."""
    n = math.prod(op.shapes[0])
    for axis in range(1, len(wanted) - 1):
        rest = math.prod(wanted[:axis] + wanted[axis + 2 :])
        side = math.isqrt(n // rest) if rest > 0 else 0
        if wanted[axis] == wanted[axis + 1] > 1 and side > 1 and side * side * rest == n:
            sizes = (*wanted[:axis], side, side, *wanted[axis + 2 :])
            yield Mend(written(sizes), replace(op, attrs={"args": ["tensor", *sizes]}), 0)


_MIXED = 4
"""What it costs to put parts of several examples into one row: it is said where nothing else fits."""


def _keeps_examples(case: Case, operand: Operand, made: Operand) -> bool:
    """Whether the examples have an axis of their own, or lie with whole other axes in one."""
    return _hold_whole([axis for axis in made.axes if case.identity.examples(axis)], operand)


def _turned_before(case: Case, op: Operation, made: Operand) -> Iterator[Mend]:
    """Two axes turned before a view that else puts parts of them into one: heads are to lie beside each row again."""
    operand = op.operands[0]
    if _is_of_whole_axes(operand, made) or len(made.axes) >= len(operand.axes):
        return
    for pair in combinations(range(len(operand.axes)), 2):
        turned = called(operand, "transpose", pair)
        after = called(turned, "view", made.shape) if turned is not None else None
        if turned is None or after is None or order(case, after)[0] != order(case, operand)[0]:
            continue
        if _is_of_whole_axes(operand, after) and all(map(case.identity.is_of_one_kind, after.axes)):
            text = on(case.name(0), written_calls((("transpose", pair), ("reshape", made.shape))))
            asked = replace(op, name="reshape", attrs={"args": ["tensor", *made.shape]})
            yield Mend(text, asked.with_operands({0: turned}), 0)


def _is_of_whole_axes(operand: Operand, made: Operand) -> bool:
    """Whether a view has all axes that it puts into one whole."""
    return _hold_whole([axis for axis in made.axes if len(operand.atoms.leaves(axis)) > 1], operand)


def _hold_whole(axes: Iterable[Axis], operand: Operand) -> bool:
    """Whether each of an operand's axes lies whole in one of some axes, or outside of it, or holds all of it."""
    before, now = ([{*operand.atoms.leaves(axis)} for axis in some] for some in (operand.axes, axes))
    return all(axis <= mine or mine <= axis or axis.isdisjoint(mine) for mine in now for axis in before)


def _opened(operand: Operand, base: Shape, axis: int) -> Operand | None:
    """The view with a size that follows from the others left open, and one axis as near to its size as divides."""
    given = 1
    for place, size in enumerate(base):
        given *= size if place != axis and size != -1 else 1
    n = 1
    for size in operand.shape:
        n *= size
    if given < 1 or n % given:
        return None
    rest = n // given
    near = min((size for size in range(1, rest + 1) if rest % size == 0), key=lambda size: abs(size - base[axis]))
    sizes = [rest // near if size == -1 else near if p == axis else size for p, size in enumerate(base)]
    return called(operand, "view", sizes)


def _grouped(case: Case, op: Operation) -> Iterator[Mend]:
    """Fewer heads of keys than of queries: groups."""
    if len(op.shapes) < 3:
        return
    n, few = (op.shapes[i][-3] if len(op.shapes[i]) > 2 else 0 for i in (0, 1))
    if few and n > few and n % few == 0:
        served = say("enable_gqa=True, if each head of the keys serves {n} of the queries", n=n // few)
        yield Mend(served, replace(op, attrs={**op.attrs, "enable_gqa": True}), 1)
        step: Step = ("repeat_interleave", (n // few, -3))
        for mend in together(case, op, {1: (step,), 2: (step,)}, 2):
            yield replace(mend, text=say(".repeat_interleave({n}, -3) on keys and values", n=n // few))


def layers(case: Case, op: Operation) -> Iterator[Mend]:
    """The layer that runs, built for what comes in."""
    kind, _, sizes = case.module.partition(" ")
    weight = next((i for i, operand in enumerate(op.operands) if i and operand.role == "weight"), None)
    if weight is None or not op.operands[weight].axes or rule_of(op.name).alike or op.shapes[weight] == ():
        return
    for constraint in broken(op):
        place = next((place for place in constraint.places if place[0] == weight), None)
        if place is None or constraint.kind != "equal" or constraint.values.get("dtype") in ("uint8", "int8"):
            continue
        got = constraint.values["got"]
        if any(case.identity.examples(op.operands[j].axes[axis]) for j, axis in constraint.places if j != weight):
            continue  # a weight has no axis of examples
        resized = {
            i: operand.resized(place[1], got)
            for i, operand in enumerate(op.operands)
            if i == weight or (i and operand.shape == op.shapes[weight])
        }
        is_told = rule_of(op.name).asks is cell or (sizes and rule_of(op.name).asks not in (added, matmul))
        after = _described(op, got, kind, case.path) if is_told else None
        yield Mend(after or say("a weight {shape}", shape=written(resized[weight].shape)),
                   _renormed(op.with_operands(resized), got), 1)  # fmt: skip


def _renormed(op: Operation, got: int) -> Operation:
    sizes = op.arg("normalized_shape", 1)
    return op.with_arg("normalized_shape", 1, [*sizes[:-1], got]) if isinstance(sizes, list) else op


def _described(op: Operation, got: int, kind: str, path: str) -> Text:
    if rule_of(op.name).asks is cell:
        made = f"{kind}({got}, …)"
    elif op.name.startswith("conv"):
        weight, transposed = op.shapes[1], "transpose" in op.name
        made = f"{kind}({got}, {weight[1 if transposed else 0]}, …)"
    else:
        made = f"{kind}({got}, {op.shapes[1][0]})" if op.name == "linear" else f"{kind}({got})"
        made = f"{kind}({op.arg('num_groups', 1)}, {got})" if op.name == "group_norm" else made
    return say("{layer} as {path}", layer=made, path=path) if path else made


def indices(_: Case, op: Operation) -> Iterator[Mend]:
    """A table that is large enough; fewer positions, where the indices count them."""
    known, largest = next(((i, o.largest) for i, o in enumerate(op.operands) if o.largest is not None), (0, None))
    if largest is None:
        return
    low, high = largest
    for constraint in broken(op)[-1:]:
        n, (i, axis) = constraint.values.get("n"), constraint.places[0] if constraint.places else (0, -1)
        tables = "embedding", "embedding_bag", "cross_entropy", "cross_entropy_loss", "nll_loss", "nll_loss_nd"
        if constraint.kind != "below" or axis < 0 or low < 0 or not isinstance(n, int) or op.name not in tables:
            continue
        text = say("at least {n} {what}", n=high + 1, what=constraint.values["what"])
        yield Mend(text, op.with_operands({i: op.operands[i].resized(axis, high + 1)}), 1)
        if op.shapes[known] and op.shapes[known][-1] == high + 1 and i != known:
            fewer = replace(op.operands[known].resized(-1, n), largest=(low, n - 1))
            yield Mend(say("an input of at most {n}, if these are positions", n=n), op.with_operands({known: fewer}), 2)


_OTHERWISE = {
    "cat": _along, "concat": _along, "concatenate": _along,
    "batch_norm": _in_training, "view": _sizes, "reshape": _sizes, "scaled_dot_product_attention": _grouped,
    "cross_entropy": _flattened, "cross_entropy_loss": _flattened,
}  # fmt: skip
