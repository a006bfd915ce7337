"""What an exception says itself: a shape, a size or a number of axes that was expected, and one that came."""

import re
from collections.abc import Iterator
from dataclasses import replace

from shapetrace.failing.cases import Case, Finding, Shape, choices, shaped, unequal, unequal_axes
from shapetrace.failing.regrouping import axes
from shapetrace.failing.structure import written
from shapetrace.language import Phrase, Text, say

_SHAPE = re.compile(r"(?<!\w)[\[(](\d+(?:, ?\d+)*),?[\])]")
_COMPARES = re.compile(r"[Ee]xpect|must|should|different|[Ss]ame|match|inconsistent")
_NUMBERS = (
    re.compile(r"[Ee]xpect\w*\D{0,60}?(?P<expected>\d+)\b\D{0,20}\bgot\D{0,40}?(?P<got>\d+)"),
    re.compile(r"got\D{0,20}?(?P<got>\d+)\D{0,40}[Ee]xpect\w*\D{0,40}?(?P<expected>\d+)"),
    re.compile(r"must match\D{0,40}?(?P<expected>\d+)\D{0,40}?(?P<got>\d+)"),
    re.compile(r"shape\[\d\]\D{0,20}to be (?P<expected>\d+), but got (?P<got>\d+)"),
)
_RANKS = (
    re.compile(r"[Ee]xpected (?:\w+ to be )?(?:\dD or )?(?P<expected>\d)D.{0,60}?got (?P<got>\d)D"),
    re.compile(r"[Gg]ot (?P<got>\d)D input, but \w+ mode needs (?P<expected>\d)D"),
    re.compile(r"(?P<expected>\d)D tensors?\) but got \D*dimension: (?P<got>\d)"),
)
_AXIS = re.compile(r"(?:shape\[|size\()(-?\d)")
_LAST = re.compile(r"embedding|features?|input_size|hidden_size")


def said(case: Case) -> Finding | None:
    """The shapes and numbers of a message that a function or module checks its inputs with."""
    if "unpack" in case.failure.message:  # what does not fit there are Python's names
        return None
    return next((found for rule in (axes, _shapes, _ranks, _numbers) if (found := rule(case)) is not None), None)


def _shapes(case: Case) -> Finding | None:
    """``Expected hidden[0] size (1, 2, 20), got [1, 3, 20]``: at least one of the two is an operand's."""
    if not _COMPARES.search(case.failure.message):
        return None
    named = [tuple(map(int, text.split(","))) for text in _SHAPE.findall(case.failure.message)]
    if len(named) != 2 or named[0] == named[1]:
        return None
    places = [_place(case, shape) for shape in named]
    if places[0] is not None and places[1] is not None:
        return _unlike(case, *sorted(place for place in places if place is not None))
    place, expected = (places[1], named[0]) if places[1] is not None else (places[0], named[1])
    if place is None:
        return None
    reason = say("{name} should be {shape}", name=case.named(place), shape=written(expected))
    return _expected(case, place, expected, reason)


def _unlike(case: Case, first: int, second: int) -> Finding:
    """Two operands that should have one shape: an output and its target."""
    reason = say("{first} and {second} must have the same shape", first=case.named(first), second=case.named(second))
    found = _expected(case, second, case.shapes[first], reason)
    return replace(found, marks={**found.marks, **({first: found.marks[second]} if found.marks else {})})


def _expected(case: Case, place: int, expected: Shape, reason: Phrase) -> Finding:
    shape = case.shapes[place]
    ways = choices(*_reshaped(case, place, expected))
    if len(shape) != len(expected):
        return Finding(reason, ways, unequal_axes(len(shape), len(expected)), shown=_shown(case, place))
    wrong = tuple(axis for axis, (n, size) in enumerate(zip(shape, expected, strict=True)) if n != size)
    clash = unequal(shape[wrong[0]], expected[wrong[0]])
    return Finding(reason, ways, clash, {place: wrong}, _shown(case, place))


def _shown(case: Case, *places: int) -> tuple[int, ...]:
    """Operands without the weights that have no part in it."""
    return tuple(i for i, tensor in enumerate(case.tensors) if i in places or tensor.role != "weight")


def _place(case: Case, shape: Shape) -> int | None:
    return next((place for place, other in enumerate(case.shapes) if other == shape), None)


def _ranks(case: Case) -> Finding | None:
    """``expected 4D input (got 3D input)``."""
    found = next((match for pattern in _RANKS if (match := pattern.search(case.failure.message))), None)
    if found is None:
        return None
    got, expected = int(found["got"]), int(found["expected"])
    place = next((place for place, shape in enumerate(case.shapes) if len(shape) == got), None)
    if place is None:
        return None
    what: Text = case.op if case.failure.op else case.module.partition(" ")[0]
    return Finding(
        say("{name} has {n} axes; {what} takes {m}", name=case.named(place), n=got, what=what, m=expected),
        choices(*_with_axes(case, place, expected)) or (say("an input of {n} axes", n=expected),),
        unequal_axes(got, expected),
        {place: tuple(range(got))},
        _shown(case, place),
    )


def _with_axes(case: Case, place: int, n_axes: int) -> Iterator[Text]:
    """An axis of size 1 more, or one less."""
    shape = case.shapes[place]
    if len(shape) == n_axes - 1:
        yield say("{call}: {shape}", call=case.applied(place, ".unsqueeze(0)"), shape=written((1, *shape)))
        yield say("{call}: {shape}", call=case.applied(place, ".unsqueeze(-1)"), shape=written((*shape, 1)))
    for axis, size in enumerate(shape):
        if size == 1 and len(shape) == n_axes + 1:
            left = written((*shape[:axis], *shape[axis + 1 :]))
            yield say("{call}: {shape}", call=case.applied(place, f".squeeze({axis})"), shape=left)


def _reshaped(case: Case, place: int, expected: Shape) -> Iterator[Phrase]:
    """An axis of size 1 that is missing or too many; the shape itself otherwise."""
    shape = case.shapes[place]
    for axis in range(len(expected)):
        if (*shape[:axis], 1, *shape[axis:]) == expected:
            yield say("{call}: {shape}", call=case.applied(place, f".unsqueeze({axis})"), shape=written(expected))
            return
    for axis, size in enumerate(shape):
        if size == 1 and (*shape[:axis], *shape[axis + 1 :]) == expected:
            yield say("{call}: {shape}", call=case.applied(place, f".squeeze({axis})"), shape=written(expected))
            return
    yield say("{name} as {shape}", name=case.name(place), shape=written(expected))


def _numbers(case: Case) -> Finding | None:
    """``input.size(-1) must be equal to input_size. Expected 10, got 8``."""
    message = case.failure.message
    for pattern in _NUMBERS:
        found = pattern.search(message)
        if found is None:
            continue
        got, expected = int(found["got"]), int(found["expected"])
        marked = _marked(case, got) if got != expected else None
        if marked is not None:
            place, axis = marked
            same = [i for i, tensor in enumerate(case.tensors) if tensor.id == case.tensors[place].id]
            return Finding(
                _first_line(message),
                _sized(case, place, axis, expected),
                unequal(got, expected),
                dict.fromkeys(same, (axis,)),
                _shown(case, place),
            )
    return None


def _sized(case: Case, place: int, axis: int, expected: int) -> tuple[Text, ...]:
    shape = case.shapes[place]
    wanted = (*shape[:axis], expected, *shape[axis + 1 :])
    turned = [other for other, size in enumerate(shape) if size == expected and other != axis]
    return choices(
        case.applied(place, f".transpose({turned[0]}, {axis})") if turned else "",
        say("a {kind} for {n} as {path}", kind=case.module.partition(" ")[0], n=shape[axis], path=case.path)
        if case.path and _LAST.search(case.failure.message)
        else "",
        shaped(case.name(place), wanted),
    )


def _marked(case: Case, size: int) -> tuple[int, int] | None:
    """The operand and axis that a number is the size of; None if it may be several."""
    message = case.failure.message
    hint = _AXIS.search(message)
    axis = int(hint[1]) if hint else -1 if _LAST.search(message) else None
    found = []
    for place, shape in enumerate(case.shapes):
        if axis is not None and -len(shape) <= axis < len(shape) and shape[axis] == size:
            found.append((place, axis % len(shape)))
        elif axis is None and shape.count(size) == 1:
            found.append((place, shape.index(size)))
    if not found:
        return None
    return found[-1] if "mask" in message else found[0]  # masks come after what they mask


def _first_line(message: str) -> str:
    return message.strip().splitlines()[0] if message.strip() else ""
