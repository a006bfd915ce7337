"""Mends that change operands where the operation is called: their types, their sizes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapetrace.failing.case import Case, Operation, on
from shapetrace.failing.mends import Mend, Step, changed, together
from shapetrace.failing.operands import Operand, Shape
from shapetrace.failing.rules import ALIGNED, broken, rule_of
from shapetrace.failing.structure import written
from shapetrace.language import say
from shapetrace.ops.atoms import Axis


def types(case: Case, op: Operation) -> Iterator[Mend]:
    """One operand in the type that is asked for."""
    for constraint in broken(op):
        if constraint.kind != "dtype" or len(constraint.of) > 1:
            continue
        i, expected = constraint.of[0], constraint.values["expected"]
        if op.name == "masked_fill":
            yield from masks(case, op, i)
            continue
        method = {"bool": "bool", "int64": "long"}.get(expected, "")
        if expected == "bool" and "query" in constraint.values and "float" in op.operands[i].dtype:
            method, expected = "", constraint.values["query"]  # added to the scores: its values count
        step: Step = (method, ()) if method else ("to", (f"torch.{expected}",))
        for mend in changed(case, op, i, (step,)):
            asked = say("{call}, if it holds ids; are the arguments in the right order?", call=mend.text)
            yield replace(mend, text=asked) if op.name in ("embedding", "embedding_bag") else mend
            yield from _with_view(case, op, i, step)


def masks(case: Case, op: Operation, i: int) -> Iterator[Mend]:
    """Numbers as a mask where True hides: what they mean is for the author to say."""
    operands = {i: replace(op.operands[i], dtype="bool")}
    text = say("{call}, if 1 is to be hidden", call=on(case.name(i), ".bool()"))
    yield Mend(text, op.with_operands(operands), 1, {i: (("bool", ()),)})
    text = say("{name} == 0, if 1 may be seen", name=case.name(i))
    yield Mend(text, op.with_operands(operands), 2, {i: (("eq", (0,)),)})


def _with_view(case: Case, op: Operation, i: int, step: Step) -> Iterator[Mend]:
    """The type and a view, where the shape does not fit either."""
    cast = replace(op, operands=op.operands)
    for n_new in (1, 2, 3):
        for dim in range(1, len(op.shapes[i]) + 1):
            yield from changed(case, cast, i, (step, *[("unsqueeze", (dim,))] * n_new), 2 + n_new)


def expanded(case: Case, op: Operation) -> Iterator[Mend]:
    """Operands of size 1 as large as the others where they must be equal: a class token for each example."""
    rule, n_axes = rule_of(op.name), max(map(len, op.shapes), default=0)
    if op.name.startswith("conv"):
        yield from _as_channels(case, op)
    if not rule.alike:
        return
    dim = op.dim("dim", 1, 0, n_axes) if rule.alike == "joined" else None
    if rule.alike == "positions":
        dim = 1 if op.attrs.get("batch_first") else 0
    of_examples = dim is not None and any(case.identity.examples(o.axes[dim]) for o in op.operands if dim < len(o.axes))
    shapes = op.shapes[:3] if rule.alike == "positions" else op.shapes
    whole = [operand for operand in op.operands if len(operand.axes) == n_axes]
    for axis in (None, *range(1, n_axes)):
        if axis is not None and any(case.identity.features(operand.axes[axis]) for operand in whole):
            continue  # columns are not made of a number
        if axis is not None and any(_has_all(case, op.operands, operand.axes[axis]) for operand in whole):
            continue  # nor are rows that each of them has
        steps = {
            i: found
            for i, shape in enumerate(shapes)
            if (found := _expansion(shapes, shape, dim, axis)) and not _is_repeated(case, i)
        }
        if steps:
            yield from together(case, op, steps, (5 if of_examples else 1) + (axis is not None))


def _expansion(shapes: Sequence[Shape], shape: Shape, dim: int | None, new: int | None) -> tuple[Step, ...]:
    """Steps that make a shape as large as the others, but for one axis; with a new axis before that, where asked."""
    n_axes = max(map(len, shapes))
    first: tuple[Step, ...] = ()
    if new is not None and len(shape) == n_axes - 1:
        first, shape = (("unsqueeze", (new,)),), (*shape[:new], 1, *shape[new:])
    old = n_axes - len(shape)
    padded = (1,) * old + shape
    sizes = [size if axis == dim else _largest(shapes, axis, n_axes) for axis, size in enumerate(padded)]
    if tuple(sizes) == shape or any(n not in (1, size) for n, size in zip(padded, sizes, strict=True)):
        return ()
    kept = [-1 if axis >= old and padded[axis] == size else size for axis, size in enumerate(sizes)]
    return (*first, ("expand", tuple(kept)))


def _has_all(case: Case, operands: Sequence[Operand], axis: Axis) -> bool:
    """Whether all operands run along what an input brought."""
    brought = case.identity.brought
    return bool(brought(axis)) and all(any(brought(axis) & brought(each) for each in o.axes) for o in operands)


def _is_repeated(case: Case, i: int) -> bool:
    """Whether the code repeats an operand: it is not repeated once more."""
    return any(view.name in _REPEATS for view in case.origins.before_views(case.tensors[i].id)[1])


_REPEATS = frozenset({"repeat", "repeat_interleave", "expand"})


def _as_channels(case: Case, op: Operation) -> Iterator[Mend]:
    """A grey image for a convolution of colours."""
    for constraint in broken(op):
        if constraint.kind != "equal":
            continue
        (i, axis), expected = constraint.places[0], constraint.values["expected"]
        if op.shapes[i][axis] == 1:
            kept = [expected if place == axis else -1 for place in range(len(op.shapes[i]))]
            yield from changed(case, op, i, (("expand", tuple(kept)),), 2)


def _largest(shapes: Sequence[Shape], axis: int, n_axes: int) -> int:
    return max(shape[axis] for shape in shapes if len(shape) == n_axes)


def repeated(case: Case, op: Operation) -> Iterator[Mend]:
    """Each matrix of the side that has fewer, several times: heads of keys that serve a group of queries."""
    if rule_of(op.name).alike == "positions":
        yield from _for_each_head(case, op)
    if op.name != "matmul" or len(op.shapes) != 2:
        return
    for i, j in ((0, 1), (1, 0)):
        if _is_repeated(case, i) or _is_repeated(case, j):
            continue
        for back in range(3, min(map(len, op.shapes)) + 1):
            few, many = op.shapes[i][-back], op.shapes[j][-back]
            axis, examples = len(op.shapes[i]) - back, case.identity.examples
            of_examples = examples(op.operands[i].axes[axis]) or examples(op.operands[j].axes[-back])
            if 1 < few < many and many % few == 0 and not of_examples:
                yield from changed(case, op, i, (("repeat_interleave", (many // few, axis)),), 2)


def _for_each_head(case: Case, op: Operation) -> Iterator[Mend]:
    """A mask for each example, or for each head of it, as one for each matrix of scores."""
    heads: Step = ("repeat_interleave", (op.arg("num_heads", 4), 0))
    for i, shape in enumerate(op.shapes):
        if i > 2 and op.operands[i].role != "weight" and len(shape) == 3:
            yield from changed(case, op, i, (heads,))
        if i > 2 and op.operands[i].role != "weight" and len(shape) == 4:
            yield from changed(case, op, i, (("squeeze", (1,)), heads) if shape[1] == 1 else (("flatten", (0, 1)),))


def sliced(case: Case, op: Operation) -> Iterator[Mend]:
    """A table of the model cut to the length of the data: positions, a mask, angles."""
    for i, tensor in enumerate(case.tensors):
        cut: list[Step] = []
        for constraint in broken(op):
            mine = [axis for j, axis in constraint.places if j == i]
            other = [(j, axis) for j, axis in constraint.places if j != i and j < len(op.shapes)]
            cut += [
                ("narrow", (a, 0, n))
                for a, (j, axis) in zip(mine, other, strict=False)
                if 1 < (n := op.shapes[j][axis]) < op.shapes[i][a] and case.identity.brought(op.operands[j].axes[axis])
            ]
        if cut and tensor.origin in ("parameter", "buffer") and rule_of(op.name).asks in ALIGNED:
            yield from changed(case, op, i, tuple(cut), 2)


def padded(case: Case, op: Operation) -> Iterator[Mend]:
    """The smaller of two maps padded: one that was halved and doubled has lost its odd row."""
    if rule_of(op.name).alike != "joined" or len(op.shapes) != 2 or {len(shape) for shape in op.shapes} - {4, 5}:
        return
    dim, n_axes = op.dim("dim", 1, 0, len(op.shapes[0])), len(op.shapes[0])
    for i, j in ((0, 1), (1, 0)):
        missing = [0 if a == dim else op.shapes[j][a] - op.shapes[i][a] for a in range(n_axes)]
        if (
            any(missing[:2])
            or min(missing) < 0
            or not any(0 < n <= op.shapes[i][a] // 8 + 1 for a, n in enumerate(missing))
        ):
            continue
        sides = [side for n in reversed(missing[min(a for a, n in enumerate(missing) if n) :]) for side in (0, n)]
        made = op.operands[i]
        for axis, n in enumerate(missing):
            made = made.resized(axis, made.shape[axis] + n) if n else made
        text = say("F.pad({name}, ({sides})): {shape}", name=case.name(i), sides=", ".join(map(str, sides)),
                   shape=written(made.shape))  # fmt: skip
        yield Mend(text, op.with_operands({i: made}), 1, {i: (("pad", tuple(sides)),)})


def casts(case: Case, op: Operation) -> Iterator[Mend]:
    """Operands of one type: by the type of the model, where all of it has one and all inputs have another."""
    for constraint in broken(op):
        if constraint.kind != "dtype" or len(constraint.of) < 2:
            continue
        weights = {p.dtype for p in case.trace.parameters if "float" in p.dtype and not p.buffer}
        i, j = constraint.of
        for one, other in ((i, j), (j, i)):
            dtype, wanted = op.operands[one].dtype, op.operands[other].dtype
            if op.operands[one].role != "weight" and (
                weights <= {wanted} or not case.origins.is_input(case.tensors[one].id)
            ):
                yield from changed(case, op, one, (("to", (f"torch.{wanted}",)),), 1)
            if op.operands[other].role == "weight" and "float" in dtype and _whole(case, dtype, one):
                to = {k: replace(w, dtype=dtype) for k, w in enumerate(op.operands) if w.role == "weight"}
                text = say("the model in {dtype}: model.to(torch.{dtype})", dtype=dtype)
                yield Mend(text, op.with_operands(to), 2)


def _whole(case: Case, dtype: str, i: int) -> bool:
    """Whether the whole model may be of a type: all of its inputs are, and the operand was not cast on its way."""
    inputs = {t.dtype for t in case.trace.tensors if t.origin == "input" and "float" in t.dtype}
    return inputs <= {dtype} and not case.origins.is_cast(case.tensors[i].id)
