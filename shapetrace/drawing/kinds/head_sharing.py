"""Which heads of queries share whose keys: a row of small squares, below it what they look at, lines between."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.layout.names import name_spans
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Mark, Rect, Span, Text
from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Operand, Section, Step

_LARGEST_PX = 11
_SMALLEST_PX = 5
_GAP_PX = 3.0
_LEAST_GAP_PX = 2.0
_BETWEEN_PX = 20.0
_DOTS_PX = 14.0
_LABEL_GAP_PX = 6.0


@dataclass(frozen=True, slots=True)
class HeadSharing:
    """Who looks at whose keys.

    Attributes:
        queries: Heads of queries.
        keys: Heads of keys.
        latent: Symbol of the latent that keys and values of all heads are made from; empty if there is none.
        values: Whether values have as many heads as keys.
    """

    queries: int
    keys: int
    latent: str = ""
    values: bool = True

    @property
    def shared_by(self) -> int:
        """Heads of queries to one of keys."""
        return self.queries // self.keys


def head_sharing(section: Section) -> HeadSharing | None:
    """Read it from the first scores of a section; None where there are no heads, or they share in no equal parts."""
    steps = {step.id: step for step in section.steps()}
    scores = next((step for step in steps.values() if step.role == Role.SCORES), None)
    if scores is None:
        return None
    query, key = (_of(scores, part) for part in (Part.QUERY, Part.KEY))
    if query is None or key is None or not query.stack_axes:
        return None
    queries, keys = query.stack_axes[-1], _heads(key, query)
    if queries < 2 or not keys or queries % keys:
        return None
    value = next(
        (found for step in steps.values() if step.role == Role.WEIGHTED_SUM and (found := _of(step, Part.VALUE))), None
    )
    return HeadSharing(queries, keys, _latent(key, steps), value is None or _heads(value, query) == keys)


def _of(step: Step, part: Part) -> Operand | None:
    return next((operand for operand in step.operands if operand.part == part), None)


def _heads(operand: Operand, query: Operand) -> int:
    """Heads of keys or values: their stack over what is common with the queries, such as a batch."""
    around = prod(query.stack_axes[:-1])
    return operand.stack // around if operand.stack % around == 0 else 0


def _latent(key: Operand, steps: dict[str, Step]) -> str:
    """The symbol of what keys are unpacked from, if that is a latent."""
    waiting, seen = [key.made_by], set[str]()
    while waiting:
        step = steps.get(waiting.pop())
        if step is None or step.id in seen:
            continue
        seen.add(step.id)
        if step.role in {Role.KEY, Role.KEY_VALUE}:
            read = step.operands[0]
            return read.name if read.part == Part.LATENT_KEY_VALUE else ""
        waiting += [operand.made_by for operand in step.operands]
    return ""


def sharing_note(sharing: HeadSharing, words: Words) -> str:
    """The same in words."""
    if sharing.latent:
        return words.say("all heads unpack one latent")
    if sharing.keys == sharing.queries:
        return words.say("each its own key")
    if sharing.keys == 1:
        return words.say("{n} query heads share one key", n=sharing.queries)
    return words.say("{n} query heads share a key", n=sharing.shared_by)


def sharing_cell(sharing: HeadSharing, room_px: float) -> Cell:
    """Draw it from x = 0 on, around y = 0."""
    looked_at = sharing.latent or ("K, V" if sharing.values else "K")
    names = [name_spans("Q", "name-data", 60), name_spans(looked_at, "name-data", 60)]
    counts = [f"×{sharing.queries}", "" if sharing.latent else f"×{sharing.keys}"]
    indent = max(
        width_px(spans, "name-data") + (width_px(count, "stack") + 3 if count else 0)
        for spans, count in zip(names, counts, strict=True)
    )
    top, low = -_BETWEEN_PX / 2 - _LARGEST_PX, _BETWEEN_PX / 2
    marks: list[Mark] = []
    for y, spans, count in zip((top, low), names, counts, strict=True):
        marks.append(Text(0, y + 10, spans, "name-data"))
        if count:
            marks.append(Text(indent, y + 9.5, (Span(count),), "stack", "end"))
    marks += _fans(sharing, indent + _LABEL_GAP_PX, room_px, top, low)
    return cell(marks)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What there is room for.

    Attributes:
        runs: Squares side by side, each with the number of their group of heads; None for those between.
        size: Side of a square.
        gap: Between two squares; between two groups twice.
    """

    runs: tuple[tuple[int, int] | None, ...]
    size: float
    gap: float


def _fans(sharing: HeadSharing, left: float, right: float, top: float, low: float) -> Iterator[Mark]:
    shown = _shown(sharing, right - left)
    size, pitch = shown.size, shown.size + shown.gap
    x = left
    middles: dict[int, list[float]] = {}
    boxes: list[Mark] = []
    for run in shown.runs:
        if run is None:
            boxes.append(Text(x + (_DOTS_PX - shown.gap) / 2, top + size - 1, (Span("…"),), "size", "middle"))
            x += _DOTS_PX
            continue
        group, count = run
        middles.setdefault(group, []).extend(x + place * pitch + size / 2 for place in range(count))
        x += count * pitch + (shown.gap if sharing.shared_by > 1 and not sharing.latent else 0)
    heads = [at for group in middles.values() for at in group]
    boxes += [Rect(at - size / 2, top, size, size, "data", 1.5) for at in heads]
    if sharing.latent:
        boxes.append(Rect(heads[0] - size / 2, low, heads[-1] - heads[0] + size, size, "data", 1.5))
        strokes = [((at, top + size), (at, low)) for at in heads]
    else:
        keys = {group: (ats[0] + ats[-1]) / 2 for group, ats in middles.items()}
        boxes += [Rect(at - size / 2, low, size, size, "data", 1.5) for at in keys.values()]
        strokes = [((at, top + size), (keys[group], low)) for group, ats in middles.items() for at in ats]
    yield Line(tuple(strokes), "thread")
    yield from boxes


def _shown(sharing: HeadSharing, room_px: float) -> _Shown:
    """As many groups as there is room for, the squares as large as they can be; else the first ones and the last."""
    group = 1 if sharing.latent else sharing.shared_by
    n_groups = sharing.queries // group
    for size in range(_LARGEST_PX, _SMALLEST_PX - 1, -1):
        gap = _GAP_PX if size > _SMALLEST_PX + 2 else _LEAST_GAP_PX
        if n_groups * _wide(group, size, gap) - gap <= room_px:
            return _Shown(tuple((place, group) for place in range(n_groups)), size, gap)
    size, gap = _SMALLEST_PX + 1, _LEAST_GAP_PX
    n_first = int((room_px - _DOTS_PX) / _wide(group, size, gap)) - 1
    if n_first > 0:
        return _Shown((*((place, group) for place in range(n_first)), None, (n_groups - 1, group)), size, gap)
    n_heads = max(int((room_px - _DOTS_PX - gap) / (size + gap)), 2)
    if n_groups == 1:
        return _Shown(((0, n_heads - 1), None, (0, 1)), size, gap)
    half = max(min(n_heads // 2, group), 1)
    return _Shown(((0, half), None, (n_groups - 1, half)), size, gap)


def _wide(group: int, size: float, gap: float) -> float:
    """How wide a group is with the gap behind it."""
    return group * (size + gap) + (gap if group > 1 else 0)
