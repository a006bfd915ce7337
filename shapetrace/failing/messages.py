"""What an exception says itself: a shape, a size or a number of axes that was expected, and one that came."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import chain

from shapetrace.failing.arranging import views
from shapetrace.failing.case import Case
from shapetrace.failing.changes import masks
from shapetrace.failing.creating import as_large
from shapetrace.failing.finding import Finding
from shapetrace.failing.mends import Mend, keeping
from shapetrace.failing.modules import weights_in
from shapetrace.failing.operands import Shape
from shapetrace.failing.remaking import remade
from shapetrace.failing.structure import axes_clash, written
from shapetrace.language import Text, say

_SHAPE = re.compile(r"(?<!\w)[\[(](\d+(?:, ?\d+)*),?[\])]")
_COMPARES = re.compile(r"[Ee]xpect|must|should|different|[Ss]ame|match|inconsistent")
_NUMBERS = (
    re.compile(r"[Ee]xpect\w*\D{0,60}?(?P<expected>\d+)\b\D{0,20}\bgot\D{0,40}?(?P<got>\d+)"),
    re.compile(r"got\D{0,20}?(?P<got>\d+)\D{0,40}[Ee]xpect\w*\D{0,40}?(?P<expected>\d+)"),
    re.compile(r"must match\D{0,40}?(?P<expected>\d+)\D{0,40}?(?P<got>\d+)"),
    re.compile(r"shape\[\d\]\D{0,20}to be (?P<expected>\d+), but got (?P<got>\d+)"),
)
_RANKS = (
    re.compile(r"[Ee]xpected (?:\w+ to be )?(?:(?P<other>\d)D or )?(?P<expected>\d)D.{0,60}?got (?P<got>\d)D"),
    re.compile(r"[Gg]ot (?P<got>\d)D input, but \w+ mode needs (?P<expected>\d)D"),
    re.compile(r"(?P<expected>\d)D tensors?\) but got \D*dimension: (?P<got>\d)"),
)
_AXIS = re.compile(r"(?:shape\[|size\()(-?\d)")
_LAST = re.compile(r"embedding|features?|input_size|hidden_size")


_RANGE = re.compile(r"Dimension out of range \(expected to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)\)")


def message(case: Case) -> Finding | None:
    """The shapes and numbers of a message that a function or module checks its inputs with."""
    if "unpack" in case.failure.message or not case.tensors:  # what does not fit there are Python's names
        return None
    return next((found for read in _READERS if (found := read(case)) is not None), None)


def _no_axis(case: Case) -> Finding | None:
    """``x.transpose(1, 3)``, ``cat([x, y], 4)``, ``x[0, 0, 0]``: axes that are not there."""
    n_axes = len(case.tensors[0].shape)
    places = tuple((0, axis) for axis in range(n_axes))
    if case.says("too many indices"):
        reason = say("{first} {first_shape} has {n} axes; more were indexed", **_told(case, 0), n=n_axes)
        return Finding("shape", reason, places=places)
    found = _RANGE.search(case.failure.message)
    if found is None or n_axes == 0:
        return None
    told = "{first} {first_shape} has axes 0 to {last}; {axis} was asked for"
    return Finding("shape", say(told, **_told(case, 0), last=n_axes - 1, axis=found[3]), places=places)


def _told(case: Case, place: int, prefix: str = "first") -> dict[str, Text]:
    return {prefix: case.name(place), f"{prefix}_shape": written(case.tensors[place].shape)}


def _fitting(case: Case, place: int, fits: Callable[[Shape], bool]) -> tuple[Mend, ...]:
    """Views of an operand that the message and the weights of the module would take."""
    widths = weights_in(case.trace, case.path) if not case.failure.op else ()
    op = case.operation
    found = [
        mend
        for mend in chain(views(case, op), remade(case, op))
        if all(i == place or operand == op.operands[i] for i, operand in enumerate(mend.operation.operands))
        and fits(shape := mend.operation.shapes[place])
        and (not widths or _taken(shape, widths))
        and (keeping(case, mend) or all(len(weight) == 1 for weight in widths or ((), ())))
    ]
    return tuple(sorted(found, key=lambda mend: mend.cost)[:2])


def _taken(shape: Shape, weights: tuple[Shape, ...]) -> bool:
    """Whether a module with these weights can take it: channels of a norm are axis 1, others multiply the last."""
    if all(len(weight) == 1 for weight in weights):
        return len(shape) > 1 and shape[1] == weights[0][0]
    return bool(shape) and any(len(weight) > 1 and weight[1] == shape[-1] for weight in weights)


def _shapes(case: Case) -> Finding | None:
    """``Expected hidden[0] size (1, 2, 20), got [1, 3, 20]``: at least one of the two is an operand's."""
    if not _COMPARES.search(case.failure.message):
        return None
    named = [tuple(map(int, text.split(","))) for text in _SHAPE.findall(case.failure.message)]
    if len(named) != 2 or named[0] == named[1]:
        return None
    places = [_place(case, shape) for shape in named]
    if places[0] is not None and places[1] is not None:
        first, second = sorted(place for place in places if place is not None)
        told = "{first} {first_shape} and {second} {second_shape} must have the same shape"
        reason = say(told, **_told(case, first), **_told(case, second, "second"))
        return _expected(case, second, case.tensors[first].shape, reason, first)
    place, expected = (places[1], named[0]) if places[1] is not None else (places[0], named[1])
    if place is None:
        return None
    reason = say("{first} {first_shape} should be {shape}", **_told(case, place), shape=written(expected))
    return _expected(case, place, expected, reason)


def _expected(case: Case, place: int, expected: Shape, reason: Text, *same: int) -> Finding:
    shape = case.tensors[place].shape
    mends = _fitting(case, place, lambda other: other == expected)
    if len(shape) == len(expected) and not mends:
        mends = tuple(as_large(case, {place: expected})) or _as_wide(case, shape, expected)
    wrong = [axis for axis, pair in enumerate(zip(shape, expected, strict=False)) if pair[0] != pair[1]]
    if len(shape) != len(expected):
        clash: Text = axes_clash(len(shape), len(expected))
        return Finding("shape", reason, clash, (), mends, _shown(case, place))
    clash = f"{shape[wrong[0]]} ≠ {expected[wrong[0]]}"
    places = tuple((each, axis) for each in (place, *same) for axis in wrong)
    return Finding("shape", reason, clash, places, mends, _shown(case, place))


def _as_wide(case: Case, shape: Shape, expected: Shape) -> tuple[Mend, ...]:
    """A recurrent layer as wide as all states that it is given."""
    states = {tensor.shape for tensor in case.tensors[1:] if tensor.role != "weight"}
    if not _STATE.search(case.failure.message) or shape[:-1] != expected[:-1] or states != {shape} or not case.path:
        return ()
    return (Mend(say("{layer} with {change}", layer=case.path, change=f"hidden_size={shape[-1]}"), case.operation),)


_STATE = re.compile(r"Expected hidden(?:\[\d\])? size")


def _shown(case: Case, *places: int) -> tuple[int, ...]:
    """Operands without the weights that have no part in it."""
    return tuple(i for i, tensor in enumerate(case.tensors) if i in places or tensor.role != "weight")


def _place(case: Case, shape: Shape) -> int | None:
    return next((place for place, tensor in enumerate(case.tensors) if tensor.shape == shape), None)


def _ranks(case: Case) -> Finding | None:
    """``expected 4D input (got 3D input)``."""
    found = next((match for pattern in _RANKS if (match := pattern.search(case.failure.message))), None)
    if found is None:
        return None
    got, expected = int(found["got"]), int(found["expected"])
    allowed = {int(text) for text in found.groupdict().values() if text} - {got}
    place = next((place for place, tensor in enumerate(case.tensors) if len(tensor.shape) == got), None)
    if place is None:
        return None
    what: Text = case.op if case.failure.op else case.module.partition(" ")[0]
    told = "{first} {first_shape} has {n} axes; {what} takes {m}"
    return Finding(
        "shape",
        say(told, **_told(case, place), n=got, what=what, m=expected),
        axes_clash(got, expected),
        tuple((place, axis) for axis in range(got)),
        _fitting(case, place, lambda shape: len(shape) in allowed) if not case.failure.op else (),
        _shown(case, place),
    )


def _numbers(case: Case) -> Finding | None:
    """``input.size(-1) must be equal to input_size. Expected 10, got 8``."""
    text = case.failure.message
    for found in (match for pattern in _NUMBERS if (match := pattern.search(text))):
        got, expected = int(found["got"]), int(found["expected"])
        marked = _marked(case, got) if got != expected else None
        if marked is None:
            continue
        place, axis = marked
        same = [i for i, tensor in enumerate(case.tensors) if tensor.id == case.tensors[place].id]
        mends = _fitting(case, place, partial(_has, case.tensors[place].shape, axis, expected))
        return Finding(
            "shape",
            text.strip().splitlines()[0],
            f"{got} ≠ {expected}",
            tuple((i, axis) for i in same),
            mends or _layer(case, place, axis),
            _shown(case, place),
        )
    return None


def _has(before: Shape, axis: int, expected: int, after: Shape) -> bool:
    return len(after) == len(before) and sorted(after) == sorted(before) and after[axis] == expected


def _layer(case: Case, place: int, axis: int) -> tuple[Mend, ...]:
    """The module built for what comes in, where the message is about its width."""
    if not case.path or not _LAST.search(case.failure.message):
        return ()
    kind, n = case.module.partition(" ")[0], case.tensors[place].shape[axis]
    return (Mend(say("{layer} as {path}", layer=f"{kind}({n}, …)", path=case.path), case.operation),)


def _marked(case: Case, size: int) -> tuple[int, int] | None:
    """The operand and axis that a number is the size of; None if it may be several."""
    message = case.failure.message
    hint = _AXIS.search(message)
    axis = int(hint[1]) if hint else -1 if _LAST.search(message) else None
    found = []
    for place, shape in enumerate(case.operation.shapes):
        if axis is not None and -len(shape) <= axis < len(shape) and shape[axis] == size:
            found.append((place, axis % len(shape)))
        elif axis is None and shape.count(size) == 1:
            found.append((place, shape.index(size)))
    if not found:
        return None
    return found[-1] if "mask" in message else found[0]  # masks come after what they mask


_OUTSIDE = re.compile(r"index (-?\d+) is out of bounds for dimension (-?\d+) with size (\d+)")
_TARGET = re.compile(
    r"Target sizes: \[(?P<part>[\d, ]*)\]\.\s+Tensor sizes: \[(?P<value>[\d, ]*)\]"
    r"|value tensor of shape \[(?P<given>[\d, ]*)\] cannot be broadcast to .* of shape \[(?P<to>[\d, ]*)\]"
)


def _outside(case: Case) -> Finding | None:
    """``x[:, 9]`` of fewer."""
    found = _OUTSIDE.search(case.failure.message)
    if found is None:
        return None
    index, axis, n = map(int, found.groups())
    told = "{first} has {n} {what}: 0 to {last} are allowed; an index is {index}"
    what = say("entries in axis {axis}", axis=axis)
    reason = say(told, first=case.name(0), n=n, what=what, last=n - 1, index=index)
    places = ((0, axis),) if case.tensors[0].shape[axis : axis + 1] == (n,) else ()
    return Finding("index", reason, f"{index} ≥ {n}" if index >= n else f"{index} < 0", places)


def _written_part(case: Case) -> Finding | None:
    """``x[:, :2] = y``: the value must broadcast to the part that it is written to."""
    found = _TARGET.search(case.failure.message)
    if found is None or len(case.tensors) < 2 or case.op not in ("setitem", "copy"):
        return None
    part, value = (
        tuple(int(size) for size in (text or "").split(",") if size.strip())
        for text in (found["part"] or found["to"], found["value"] or found["given"])
    )
    last = len(case.tensors) - 1
    given = case.tensors[last].shape
    told = (
        "the part of {first} {first_shape} that is written to is {target}; {second} {second_shape} does not broadcast"
    )
    reason = say(told, **_told(case, 0), **_told(case, last, "second"), target=written(part))
    backs = range(-min(len(value), len(part)), 0)
    wrong = [back for back in backs if value[back] not in (1, part[back])]
    clash = f"{value[wrong[-1]]} ≠ {part[wrong[-1]]}" if wrong else ""
    places = tuple((last, len(given) + back) for back in wrong) if given[len(given) - len(value) :] == value else ()
    return Finding("shape", reason, clash, places, _fitting(case, last, lambda shape: shape == part))


def _apart(case: Case) -> Finding | None:
    """``x.transpose(1, 2).view(2, 12)``: a view needs axes that lie together."""
    if case.op != "view" or not case.says(("contiguous", "stride")):
        return None
    told = "{first} {first_shape} was turned or cut: its axes do not lie together in memory, and view never copies"
    mend = Mend(
        say(".reshape(…) instead of .view(…), or .contiguous() before it"), replace(case.operation, name="reshape")
    )
    return Finding("other", say(told, **_told(case, 0)), mends=(mend,))


_BATCHES = re.compile(r"batch number of \w+ and \w+ must be equal")
_MASK_TYPES = re.compile(r"only bool and floating types of (?P<name>\w+) are supported")


def _batches(case: Case) -> Finding | None:
    """``nn.Transformer(src, tgt)``: where one of two axes is equal, it is the other that was compared."""
    if not _BATCHES.search(case.failure.message) or any(len(tensor.shape) != 3 for tensor in case.tensors[:2]):
        return None
    source, target = (tensor.shape for tensor in case.tensors[:2])
    wrong = [axis for axis in (0, 1) if source[axis] != target[axis]]
    if len(wrong) != 1:
        return None
    told = "the batch is axis {a}: {got} in {first} {first_shape}, {expected} in {second} {second_shape}"
    numbers = {"a": wrong[0], "got": source[wrong[0]], "expected": target[wrong[0]]}
    reason = say(told, **_told(case, 0), **_told(case, 1, "second"), **numbers)
    mends = (Mend("batch_first=True", case.operation),) if wrong[0] else ()
    return Finding(
        "shape", reason, f"{source[wrong[0]]} ≠ {target[wrong[0]]}", ((0, wrong[0]), (1, wrong[0])), mends, (0, 1)
    )


def _mask_types(case: Case) -> Finding | None:
    """A mask of integers in ``nn.MultiheadAttention``, where True hides."""
    found = _MASK_TYPES.search(case.failure.message)
    places = [i for i, tensor in enumerate(case.tensors) if "int" in tensor.dtype]
    if found is None or len(places) != 1:
        return None
    dtype = case.tensors[places[0]].dtype
    reason = say("{first} {first_shape} is {dtype}; a mask is bool", **_told(case, places[0]), dtype=dtype)
    return Finding("dtype", reason, f"{dtype} ≠ bool", mends=tuple(masks(case, case.operation, places[0])))


_READERS = (_batches, _mask_types, _apart, _outside, _written_part, _no_axis, _shapes, _ranks, _numbers)
