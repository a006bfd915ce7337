"""Mends of what made an operand: a function on its way called otherwise, and all after it run again on shapes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from shapetrace.failing.case import Case, Operation
from shapetrace.failing.mends import Mend, Step, positional, weighed, written_calls
from shapetrace.failing.operands import METHODS, REDUCING, SAME_SHAPE, Made, Operand, called, called_all
from shapetrace.failing.rules import broken
from shapetrace.failing.structure import written
from shapetrace.failing.windows import interpolated, other_windows, window, windowed
from shapetrace.ir import Op
from shapetrace.language import Text, say

_LONGEST_WAY = 12
_JOINS = frozenset({"cat", "concat", "concatenate", "stack"})
LAYERS = frozenset({"linear", "embedding"})
"""Layers whose results are as wide as they were built."""


def remade(case: Case, op: Operation) -> Iterator[Mend]:
    """Every function on the way to every operand, called otherwise; what it gives to others changes with it."""
    ways = [way_to(case, tensor.id) for tensor in case.tensors]
    behind = [case.origins.behind(tensor.id) for tensor in case.tensors]
    for i, way in enumerate(ways):
        for place, made in enumerate(way):
            reached = [j for j, ops in enumerate(behind) if made.op.id in ops]
            for cost, text, changes in _otherwise(case, made):
                operands = {j: _after(ways[j], made, changes) for j in reached}
                operand = operands.get(i)
                if operand is None or None in operands.values() or operand.axes == op.operands[i].axes:
                    continue
                if window(made.op) and _of_sides_alone(case, op.with_operands({i: operand})):
                    continue
                told = say("{call}: {shape}", call=text, shape=written(operand.shape))
                changed = {j: each for j, each in operands.items() if each is not None}
                far = len(way) - place + 3 * (len(reached) - 1)  # what both sides come from changes more than the clash
                yield Mend(told, op.with_operands(changed), cost + far, remade=(made.op.id, changes))


def _of_sides_alone(case: Case, op: Operation) -> bool:
    """Whether a weight sums over a side of a map without its channels: another window would fit by chance."""
    return not all(map(case.identity.has_features, weighed(op)))


def _after(way: Sequence[Made], changed: Made, changes: Mapping[str, Any]) -> Operand | None:
    """What a way leads to when one of its functions is called otherwise; None if it is not on it, or does not run."""
    place = next((place for place, made in enumerate(way) if made.op.id == changed.op.id), None)
    operand = None if place is None else _again(way[place], changes)
    for later in way[(place or 0) + 1 :]:
        operand = None if operand is None else _again(_with(later, operand), {})
    return operand


def way_to(case: Case, value: int) -> list[Made]:
    """The functions on the way to a value whose results follow from what they were given, the first one first."""
    way: list[Made] = []
    while len(way) < _LONGEST_WAY:
        op = case.origins.made_by(value)
        if op is None or not op.inputs:
            break
        operands = tuple(case.operand(case.trace.tensors[each]) for each in op.inputs)
        follows = next((k for k, operand in enumerate(operands) if operand.role == "data"), 0)
        made = Made(op, operands, follows)
        again = _again(made, {})
        if again is None or again.shape != case.trace.tensors[value].shape:
            break
        way.insert(0, made)
        value = op.inputs[follows]
    return way


def _with(made: Made, operand: Operand) -> Made:
    return replace(made, operands=tuple(operand if k == made.follows else o for k, o in enumerate(made.operands)))


def _again(made: Made, changes: Mapping[str, Any]) -> Operand | None:
    """What a function gives for its operands, with other arguments; None if that is not known."""
    op, name = made.op, made.op.name.rstrip("_")
    if "steps" in changes:
        return called_all(made.operands[0], changes["steps"])
    if kernel := window(op):
        return windowed(made, {**kernel.args, **changes})
    if name == "interpolate":
        return interpolated(made, changes)
    if name in METHODS or name in SAME_SHAPE:
        named = {key: value for key, value in op.attrs.items() if key not in ("args", "dtype")}
        return called(made.operands[made.follows], name, positional(op), {} if name in SAME_SHAPE else named)
    if name in _JOINS or name in LAYERS or name in ("add", "mul", "sub"):
        return _combined(name, made, changes)
    return None


def _combined(name: str, made: Made, changes: Mapping[str, Any]) -> Operand | None:
    asked = Operation(name, made.operands, {**made.op.attrs, **changes})
    if broken(asked):
        return None
    first = made.operands[made.follows]
    if name == "linear":
        return first.with_axes((*first.axes[:-1], made.operands[1].axes[0]))
    if name == "embedding":
        ids, table = sorted(made.operands, key=lambda operand: operand.role == "weight")
        return replace(table, role="data").with_axes((*ids.axes, table.axes[1]))
    if name not in _JOINS:
        larger = max(made.operands, key=lambda operand: len(operand.axes))
        return larger.with_axes([
            axis or next((o.axes[back] for o in made.operands if len(o.axes) >= -back and o.axes[back]), ())
            for back, axis in zip(range(-len(larger.axes), 0), larger.axes, strict=True)
        ])  # fmt: skip
    n_axes = len(first.axes) + (name == "stack")
    dim = asked.dim("dim", 1, 0, n_axes)
    if dim is None:
        return None
    if name == "stack":
        return first.with_axes((*first.axes[:dim], first.atoms.fresh(len(made.operands)), *first.axes[dim:]))
    joined = first.atoms.join(tuple(operand.axes[dim] for operand in made.operands))
    return first.with_axes((*first.axes[:dim], joined, *first.axes[dim + 1 :]))


def _otherwise(case: Case, made: Made) -> Iterator[tuple[int, Text, dict[str, Any]]]:
    """Ways to call a function otherwise."""
    op, name = made.op, made.op.name
    if kernel := window(op):
        who = case.origins.maker(op) or name
        for cost, change in other_windows(kernel, made):
            key, value = next(iter(change.items()))
            told = value[0] if isinstance(value, list) and len(set(value)) == 1 else value
            yield cost, say("{layer} with {change}", layer=who, change=f"{key}={told}"), change
    elif name == "interpolate":
        yield from _other_sides(case, made)
    elif name in _JOINS and not _joins_columns(case, made):
        for dim in range(1, len(made.operands[0].axes) + (name == "stack")):
            cost = 4 * dim - 3 if name == "stack" else 1
            yield cost, say("{op} along dim {dim}", op=name, dim=dim), _argument(op, "dim", dim)
    elif name == "repeat_interleave":
        yield from _other_times(case, made)
    elif name == "repeat" and len(times := positional(op)) == len(made.operands[0].axes) and times[0] > 1:
        step = ("repeat", (times[0], 1, *times[1:]))  # once for each example, rather than one after the other
        yield 1, _instead((step,), ("repeat", tuple(times))), {"steps": (step,)}
    elif name in METHODS and len(made.operands[0].axes) > 1:
        for steps in _other_steps(case, name, made.operands[0]):
            yield len(steps), _instead(steps, (name, tuple(positional(op)))), {"steps": steps}


def _joins_columns(case: Case, made: Made) -> bool:
    """Whether columns that weights made are joined: that is what is meant."""
    operands = made.operands
    dim = Operation(made.op.name, operands, made.op.attrs).dim("dim", 1, 0, len(operands[0].axes))
    return dim is not None and made.op.name != "stack" and any(case.identity.features(o.axes[dim]) for o in operands)


def _other_sides(case: Case, made: Made) -> Iterator[tuple[int, Text, dict[str, Any]]]:
    """Sides as long as those of another operand."""
    given, before = positional(made.op), made.operands[0].shape[2:]
    for sides in dict.fromkeys(s[2:] for s in case.operation.shapes if len(s) == len(before) + 2):
        times = {side / n for side, n in zip(sides, before, strict=True)}
        change: dict[str, Any] = {"size": list(sides)}
        if given[:1] == [None] and len(times) == 1 and 0 in ((ratio := times.pop()) % 1, 1 / ratio % 1):
            change = {"scale_factor": int(ratio) if ratio == int(ratio) else ratio}
        elif given[:1] == [None]:
            continue
        key, value = next(iter(change.items()))
        told = say("{layer} with {change}", layer=case.origins.maker(made.op) or made.op.name, change=f"{key}={value}")
        yield 1, told, change


def _other_times(case: Case, made: Made) -> Iterator[tuple[int, Text, dict[str, Any]]]:
    """Rows repeated along another axis, or so often that an axis is as long as one that it may meet."""
    given = dict(zip(("repeats", "dim"), positional(made.op), strict=False)) | made.op.attrs
    times, dim = given.get("repeats"), given.get("dim")
    if not isinstance(times, int) or not isinstance(dim, int):
        return
    shape, axes = made.operands[0].shape, made.operands[0].axes
    sizes = sorted({size for shape in case.operation.shapes for size in shape})
    steps: list[Step] = [
        ("repeat_interleave", (times, other))
        for other in range(len(shape))
        if other != dim % len(shape) and shape[other] > 1 and shape[other] * times in sizes
        and not case.identity.examples(axes[other])
    ]  # fmt: skip
    n = shape[dim]
    steps += [("repeat_interleave", (size // n, dim)) for size in sizes if size % n == 0 and size not in (n, n * times)]
    for step in steps:
        yield 1, _instead((step,), ("repeat_interleave", (times, dim))), {"steps": (step,)}


def _instead(steps: tuple[Step, ...], before: Step) -> Text:
    return say("{call} instead of {before}", call=written_calls(steps), before=written_calls((before,)))


def _argument(op: Op, name: str, value: Any) -> dict[str, Any]:
    given = op.attrs.get("args")
    if isinstance(given, list) and len(given) > 1 and name not in op.attrs:
        return {"args": [given[0], value, *given[2:]]}
    return {name: value}


def _other_steps(case: Case, name: str, operand: Operand) -> Iterator[tuple[Step, ...]]:
    if len(operand.axes) == 4 and name in ("flatten", "view", "reshape"):  # heads beside their rows, then side by side
        yield ("transpose", (1, 2)), ("flatten", (2,))
    yield from ((step,) for step in _other_step(case, name, operand))


def _other_step(case: Case, name: str, operand: Operand) -> Iterator[Step]:
    n_axes = len(operand.axes)
    if name in REDUCING and n_axes > 3:  # two sides of a map
        sides = [dim for dim, axis in enumerate(operand.axes) if not case.identity.features(axis)][1:]
        yield (name, (tuple(sides),))
    if name in REDUCING:
        yield from (
            (name, (dim,))
            for dim, axis in enumerate(operand.axes)
            if case.identity.brought(axis) and not case.identity.examples(axis)
        )
        return
    if name in ("flatten", "view", "reshape", "squeeze"):
        yield from (("flatten", (start,)) for start in range(1, n_axes))
        yield from (("squeeze", (dim,)) for dim, size in enumerate(operand.shape) if size == 1)
    if name in ("transpose", "permute", "T", "t", "mT", "swapaxes"):
        yield ("transpose", (-2, -1))
        yield from (("transpose", pair) for pair in combinations(range(n_axes), 2) if pair != (n_axes - 2, n_axes - 1))
