"""What would mend a failure: changes of one operand, of several or of an argument, each held against the rule first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from shapetrace.failing.case import Case, Operation, on
from shapetrace.failing.operands import Operand, Shape, called
from shapetrace.failing.rules import ALIGNED, broken, rule_of, sizes_of
from shapetrace.failing.structure import written
from shapetrace.language import Phrase, Text, say

Step = tuple[str, tuple[Any, ...]]
"""A method of a tensor with its arguments."""

_MOST = 2
_MUCH = 4
"""A change that costs so much more is not worth saying."""


@dataclass(frozen=True)
class Mend:
    """A change after which the whole operation runs.

    Attributes:
        text: What to change, in words.
        operation: The operation as it would be.
        cost: How much it changes: the least is said first.
        calls: Methods to call on operands, by position.
        remade: The recorded function that is called otherwise: its id, and the arguments that change.
    """

    text: Text
    operation: Operation
    cost: int = 1
    calls: Mapping[int, tuple[Step, ...]] = field(default_factory=dict)
    remade: tuple[int, Mapping[str, Any]] | None = None


def sound(case: Case, mends: Iterator[Mend]) -> list[Mend]:
    """Those after which the operation runs and means the same, what moves least first, each once."""
    found: dict[str, tuple[int, Mend]] = {}
    for mend in mends:
        moved = _moved(case, mend) if runs(mend.operation) and _keeps(case, mend.operation) else _FAR
        key = str(mend.text.values.get("call", mend.text) if isinstance(mend.text, Phrase) else mend.text)
        if moved < _FAR and (key not in found or (moved, mend.cost) < (found[key][0], found[key][1].cost)):
            found[key] = moved, mend
    ranked = sorted(found.values(), key=lambda pair: (pair[0], pair[1].cost))
    return [mend for moved, mend in ranked if moved == ranked[0][0] and mend.cost < ranked[0][1].cost + _MUCH][:_MOST]


_FAR = 100
"""That the examples of a batch are no longer where they were."""


def runs(op: Operation) -> bool:
    """Whether nothing that the operation asks is broken."""
    return not broken(op)


def keeping(case: Case, mend: Mend) -> bool:
    """Whether the examples of a batch are where they were."""
    return _moved(case, mend) < _FAR


def _keeps(case: Case, op: Operation) -> bool:
    """Whether examples meet examples, none are summed up, and nothing grows by it."""
    for constraint in rule_of(op.name).asks(op):
        for one, other in constraint.pairs:
            if not case.identity.may_be_one(one, other):
                return False
            if constraint.summed and (case.identity.examples(one) or case.identity.examples(other)):
                return False
    before = case.operation.shapes
    if max(map(len, op.shapes), default=0) > max(map(len, before), default=0):
        return False
    if rule_of(op.name).asks not in ALIGNED:
        return True
    n_axes = max(map(len, op.shapes))
    padded = [(1,) * (n_axes - len(shape)) + shape for shape in op.shapes]
    return tuple(map(max, zip(*padded, strict=True))) in before


def _moved(case: Case, mend: Mend) -> int:
    """How far examples and positions are from where they were: pairs that changed places, axes that were merged."""
    far = int(mend.operation.attrs.get("batch_first") != case.operation.attrs.get("batch_first"))
    far += _oddly(case, mend.operation)
    for before, after in zip(case.operation.operands, mend.operation.operands, strict=False):
        if before.axes == after.axes or mend.remade is not None or before.role == "weight":
            continue
        kept, now = _order(case, before), _order(case, after)
        moved = sorted(before.axes) == sorted(after.axes) and before.axes[0] == () != after.axes[0]
        if (kept[0] != now[0] and rule_of(case.op).alike != "positions") or (moved and before.role == "data"):
            return _FAR
        places = [now[1].index(each) if each in now[1] else -1 for each in kept[1]]
        far += sum(place < 0 for place in places)
        far += sum(one > other >= 0 for i, one in enumerate(places) for other in places[i + 1 :])
    return far


def _oddly(case: Case, op: Operation) -> int:
    """Products that few mean: positions that meet as examples do, sums over heads or over positions of one side."""
    if op.name not in ("matmul", "bmm"):
        return 0
    odd, identity = 0, case.identity
    for constraint in rule_of(op.name).asks(op):
        for pair in constraint.pairs:
            brought = [bool(identity.brought(axis)) for axis in pair]
            if constraint.summed:
                odd += brought[0] != brought[1] or any(map(identity.heads, pair))
            else:
                odd += all(brought) and not any(map(identity.examples, pair))
    return odd


def _order(case: Case, operand: Operand) -> tuple[list[int], list[frozenset[str]]]:
    """Where the examples are, also a single one, and the order of what the inputs brought."""
    brought = [case.identity.brought(axis) for axis in operand.axes]
    examples = [i for i, axis in enumerate(operand.axes) if case.identity.examples(axis)]
    return examples, [each for each in brought if each]


def written_calls(steps: tuple[Step, ...]) -> str:
    """Methods as they are written: ``.unsqueeze(1).bool()``."""
    return "".join(f".{name}({', '.join(map(str, args))})" for name, args in steps)


def changed(case: Case, op: Operation, i: int, steps: tuple[Step, ...], cost: int = 1) -> Iterator[Mend]:
    """The mend that calls methods on one operand."""
    operand: Operand | None = op.operands[i]
    for name, args in steps:
        operand = called(operand, name, args) if operand is not None else None
    if operand is None:
        return
    text: Text = on(case.name(i), written_calls(steps))
    if operand.shape != op.shapes[i]:
        text = say("{call}: {shape}", call=text, shape=written(operand.shape))
    yield Mend(text, op.with_operands({i: operand}), cost, {i: steps})


def views(case: Case, op: Operation) -> Iterator[Mend]:
    """One operand with its axes in another order, one more, one less, or several flattened."""
    for i, operand in enumerate(op.operands):
        n_axes = len(operand.axes)
        if operand.role == "weight" and (rule_of(op.name).shown or rule_of(op.name).alike == "positions"):
            continue
        for cost, step in _views(n_axes, op.shapes[i], op.name in ("matmul", "bmm", "mm")):
            yield from changed(case, op, i, (step,), cost)
        for dim in range(1, n_axes + 1) if rule_of(op.name).asks in ALIGNED or i > 2 else ():
            yield from changed(case, op, i, (("unsqueeze", (dim,)), ("unsqueeze", (dim,))), 5)
        for start in range(1, n_axes - 1) if op.name == "linear" else ():
            yield from changed(case, op, i, (("flatten", (start,)),))
            yield from changed(case, op, i, (("transpose", (start, n_axes - 2)), ("flatten", (n_axes - 2,))), 2)


def _views(n_axes: int, shape: Shape, product: bool) -> Iterator[tuple[int, Step]]:
    for dim in range(1, n_axes + 1):
        yield 1, ("unsqueeze", (dim,))
    yield 2, ("unsqueeze", (0,))
    yield from ((1, ("squeeze", (dim,))) for dim, size in enumerate(shape) if size == 1)
    for one, other in combinations(range(n_axes), 2):
        last = (one, other) == (n_axes - 2, n_axes - 1)
        yield 1 if last else 2, ("transpose", (-2, -1) if last and product else (one, other))
    for place in range(n_axes - 2):
        others = [axis for axis in range(n_axes) if axis != place]
        yield 3, ("permute", (*others, place))
        yield 3, ("permute", (*range(place), n_axes - 1, *range(place, n_axes - 1)))


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
    for axis in (None, *range(1, n_axes)):
        steps = {i: found for i, shape in enumerate(shapes) if (found := _expansion(shapes, shape, dim, axis))}
        if steps:
            yield from _together(case, op, steps, (5 if of_examples else 1) + (axis is not None))


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


def _together(case: Case, op: Operation, steps: Mapping[int, tuple[Step, ...]], cost: int) -> Iterator[Mend]:
    """Methods on several operands at once."""
    texts: list[Text] = []
    operands: dict[int, Operand] = {}
    for i, each in steps.items():
        for mend in changed(case, op, i, each):
            operands[i] = mend.operation.operands[i]
            texts.append(on(case.name(i), written_calls(each)))
    if not texts or len(texts) < len(steps):
        return
    text = texts[0]
    for other in texts[1:]:
        text = text if str(other) == str(text) else say("{first} and {second}", first=text, second=other)
    yield Mend(text, op.with_operands(operands), cost, steps)


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
    if alike == "positions" and not op.attrs.get("batch_first"):
        yield Mend("batch_first=True", replace(op, attrs={**op.attrs, "batch_first": True}), 0)
    if (other := _OTHERWISE.get(op.name)) is not None and op.shapes:
        yield from other(case, op)


def _along(case: Case, op: Operation) -> Iterator[Mend]:
    """Another axis to join along: at once where it is the examples that are joined, rather not along positions."""
    for dim in range(1, len(op.shapes[0])):
        now = op.dim("dim", 1, 0, len(op.shapes[0])) or 0
        axes = [[o.axes[at] for o in op.operands if at < len(o.axes)] for at in (now, dim)]
        sure, far = any(map(case.identity.examples, axes[0])), any(map(case.identity.brought, axes[1]))
        text = say("dim={axis}, if they are to be joined along that axis", axis=dim)
        yield Mend(text, op.with_arg("dim", 1, dim), 1 if sure else 7 if far else 2)


def _in_training(_: Case, op: Operation) -> Iterator[Mend]:
    """A batch of one: more, or the running mean."""
    yield Mend("model.eval()", op.with_arg("training", 5, False), 1)
    more = op.with_operands({0: op.operands[0].resized(0, 2)})
    yield Mend(say("batches of more than one (drop_last=True in the DataLoader)"), more, 2)


def _flattened(case: Case, op: Operation) -> Iterator[Mend]:
    """Classes in the last axis: every position an example; numbers that are one of 0 and 1 for each class."""
    if op.shapes[:1] == op.shapes[1:2]:
        yield from changed(case, op, 1, (("float", ()),))
    if len(op.shapes) > 1 and len(op.shapes[0]) > 2:
        yield from _together(case, op, {0: (("flatten", (0, len(op.shapes[0]) - 2)),), 1: (("flatten", ()),)}, 3)


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
    wanted, operand = sizes_of(op), op.operands[0]
    bases = [wanted] if not operand.axes else [wanted, (operand.shape[0], *wanted[1:])]
    for cost, base in enumerate(bases, start=1):
        for axis in range(len(base)):
            sizes = [size if size != -1 or place == axis else -2 for place, size in enumerate(base)]
            sizes[axis] = -1
            made = called(operand, "view", [size for size in sizes if size != -2]) if -2 not in sizes else None
            if made is None and -2 in sizes:
                made = _opened(operand, base, axis)
            if made is None or _order(case, operand)[0] != _order(case, made)[0]:
                continue
            shown = tuple(-1 if size == -1 else made.shape[place] for place, size in enumerate(base))
            if any(size == asked for size, asked in zip(shown, wanted, strict=True)):
                yield Mend(written(shown), replace(op, attrs={"args": ["tensor", *shown]}), cost)


def _opened(operand: Operand, base: Shape, axis: int) -> Operand | None:
    """The view with a size that follows from the others left open, and one axis as large as it can be."""
    given = 1
    for place, size in enumerate(base):
        given *= size if place != axis and size != -1 else 1
    n = 1
    for size in operand.shape:
        n *= size
    if given < 1 or n % given:
        return None
    return called(
        operand, "view", [1 if size == -1 else n // given if p == axis else size for p, size in enumerate(base)]
    )


def _grouped(case: Case, op: Operation) -> Iterator[Mend]:
    """Fewer heads of keys than of queries: groups."""
    if len(op.shapes) < 3:
        return
    n, few = (op.shapes[i][-3] if len(op.shapes[i]) > 2 else 0 for i in (0, 1))
    if few and n > few and n % few == 0:
        served = say("enable_gqa=True, if each head of the keys serves {n} of the queries", n=n // few)
        yield Mend(served, replace(op, attrs={**op.attrs, "enable_gqa": True}), 1)
        step: Step = ("repeat_interleave", (n // few, -3))
        for mend in _together(case, op, {1: (step,), 2: (step,)}, 2):
            yield replace(mend, text=say(".repeat_interleave({n}, -3) on keys and values", n=n // few))


def repeated(case: Case, op: Operation) -> Iterator[Mend]:
    """Each matrix of the side that has fewer, several times: heads of keys that serve a group of queries."""
    if op.name != "matmul" or len(op.shapes) != 2:
        return
    for i, j in ((0, 1), (1, 0)):
        for back in range(3, min(map(len, op.shapes)) + 1):
            few, many = op.shapes[i][-back], op.shapes[j][-back]
            axis = len(op.shapes[i]) - back
            if 1 < few < many and many % few == 0 and not case.identity.examples(op.operands[i].axes[axis]):
                yield from changed(case, op, i, (("repeat_interleave", (many // few, axis)),), 2)


def sliced(case: Case, op: Operation) -> Iterator[Mend]:
    """A table of the model cut to the length of the data: positions, a mask, angles."""
    for i, tensor in enumerate(case.tensors):
        cut: list[Step] = []
        for constraint in broken(op):
            mine = [axis for j, axis in constraint.places if j == i]
            other = [op.shapes[j][axis] for j, axis in constraint.places if j != i and j < len(op.shapes)]
            cut += [("narrow", (a, 0, n)) for a, n in zip(mine, other, strict=False) if 1 < n < op.shapes[i][a]]
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
        resized = {
            i: operand.resized(place[1], got)
            for i, operand in enumerate(op.operands)
            if i == weight or (i and operand.shape == op.shapes[weight])
        }
        after = _described(op, got, kind, case.path) if sizes else None
        yield Mend(after or say("a weight {shape}", shape=written(resized[weight].shape)),
                   _renormed(op.with_operands(resized), got), 1)  # fmt: skip


def _renormed(op: Operation, got: int) -> Operation:
    sizes = op.arg("normalized_shape", 1)
    return op.with_arg("normalized_shape", 1, [*sizes[:-1], got]) if isinstance(sizes, list) else op


def _described(op: Operation, got: int, kind: str, path: str) -> Text:
    if op.name.startswith("conv"):
        weight, transposed = op.shapes[1], "transpose" in op.name
        made = f"{kind}({got}, {weight[1 if transposed else 0]}, …)"
    else:
        made = f"{kind}({got}, {op.shapes[1][0]})" if op.name == "linear" else f"{kind}({got})"
        made = f"{kind}({op.arg('num_groups', 1)}, {got})" if op.name == "group_norm" else made
    return say("{layer} as {path}", layer=made, path=path) if path else made


def indices(_: Case, op: Operation) -> Iterator[Mend]:
    """A table that is large enough; fewer positions, where the indices count them."""
    known = next((i for i, operand in enumerate(op.operands) if operand.largest is not None), None)
    if known is None or op.operands[known].largest is None:
        return
    low, high = op.operands[known].largest
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


_OTHERWISE = {
    "cat": _along, "concat": _along, "concatenate": _along,
    "batch_norm": _in_training, "view": _sizes, "reshape": _sizes, "scaled_dot_product_attention": _grouped,
    "cross_entropy": _flattened, "cross_entropy_loss": _flattened,
}  # fmt: skip

OF_THE_CALL = (views, types, expanded, arguments, repeated, indices, casts, sliced, padded)
"""Changes where the operation is called; those of what it was given are in ``remaking``."""
