"""Small pictures in the boxes of a map: what attention and an MLP multiply, matrices to one scale, sizes below."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from shapetrace.drawing.content.priming import is_activated, with_prime
from shapetrace.drawing.layout.cells import cell
from shapetrace.drawing.layout.frames import Frame as Body
from shapetrace.drawing.layout.frames import band_body
from shapetrace.drawing.layout.names import name_spans
from shapetrace.drawing.layout.running import sizes_spans
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.metrics import clean, width_px
from shapetrace.drawing.primitives import Line, Mark, Polygon, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Step

_LABEL_PX = 14.0
_SIDES_PX = (36.0, 32.0, 28.0, 24.0, 20.0)
"""Side of the largest size, from the most to the least."""
_SHORTEST_PX = 5.0
_STACK_PX = 3.0
_GAPS_PX = (3.0, 16.0)
_NARROWEST_PX = 380.0
_LOWEST_PX = 40.0
_HIGH_ENOUGH_PX = 14.0
"""What is lower has its name above it."""

_INKS = {"data": "data", "weight": "weight", "constant": "const"}
_OPENING = (Role.EXPAND, Role.UP, Role.GATE, Role.GATE_UP)
_CLOSING = (Role.SHRINK, Role.DOWN)

Parts = tuple[Operand | str, ...]
"""Matrices and the signs between them, from left to right; "," between matrices that one operand is multiplied with."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a picture goes: from ``x`` and ``top``, so wide, down to ``bottom``."""

    x: float
    top: float
    width: float
    bottom: float


def has_picture(node: Node) -> bool:
    """Whether a box has one."""
    return node.kind == "box" and _template(node) is not None


def picture(node: Node, frame: Frame, running: Collection[int], words: Words) -> Iterator[Mark]:
    """The picture of a box, if it has one and there is room: with little room each size once, then less, then none."""
    template = _template(node)
    if template is None or frame.bottom - frame.top <= _LOWEST_PX or frame.width <= _NARROWEST_PX:
        return
    forms = list(template(steps_of_one(node), words))
    for parts, most in (*product(forms, (len(forms[0]), 1)), (forms[-1], 0)):
        written = _sizes_below(parts, most, running)
        widths = [_width(part, sizes) for part, sizes in zip(parts, written, strict=True)]
        gap = min((frame.width - sum(widths)) / (len(parts) - 1), _GAPS_PX[1])
        if gap >= _GAPS_PX[0]:
            yield from _equation(parts, written, widths, gap, frame)
            return


def _template(node: Node) -> Callable[[Sequence[Step], Words], Iterator[Parts]] | None:
    if one_attention(node) is not None:
        return _attention
    if node.sublayer == "mlp" and ends_of(steps_of_one(node)) is not None:
        return _mlp
    return None


def one_attention(node: Node) -> tuple[Step, Step] | None:
    """The scores and the weighted sum of a box in which there is one of each."""
    steps = steps_of_one(node)
    scores, weighted = _all(steps, "scores"), _all(steps, "weighted_sum")
    return (scores[0], weighted[0]) if node.sublayer == "attention" and len(scores) == len(weighted) == 1 else None


def steps_of_one(node: Node) -> Sequence[Step]:
    """The steps of one of the boxes that it stands for."""
    return node.steps[: len(node.steps) // node.copies]


def _all(steps: Sequence[Step], kind: str) -> list[Step]:
    return [step for step in steps if step.kind == kind]


def _attention(steps: Sequence[Step], words: Words) -> Iterator[Parts]:
    """softmax(Q Kᵀ) V = Z."""
    (scores,), (weighted,) = _all(steps, "scores"), _all(steps, "weighted_sum")
    made = f"{words.say('softmax')} →" if _all(steps, "softmax") else "→"
    weights, value = weighted.operands[:2]
    yield (*_with(scores.operands[:2], "×"), made, weights, "×", value, "=", weighted.results[0])


def _with(operands: Sequence[Operand], sign: str) -> Parts:
    return tuple(part for operand in operands for part in (sign, operand))[1:]


def ends_of(steps: Sequence[Step]) -> tuple[list[Step], Step] | None:
    """The products that open an MLP, a gate beside them, and the one that closes it, if there are no others."""
    products = [step for step in steps if step.inner is not None]
    if len(products) < 2:
        return None
    *first, last = products
    is_whole = last.role in _CLOSING and all(step.role in _OPENING for step in first)
    one_source = len({step.operands[0].value for step in first}) == 1
    has_sizes = all(len(step.operands) == 2 and all(o.shape for o in step.operands) for step in products)
    return (first, last) if is_whole and one_source and has_sizes else None


def _mlp(steps: Sequence[Step], words: Words) -> Iterator[Parts]:
    """X W₁ = H, GELU → H′ W₂ = M; through a gate X (W_gate, W_up), SiLU ⊙ → H W_down = M; with less room less of it."""
    found = ends_of(steps)
    assert found is not None
    first, last = found
    applied = [step for step in steps if step.kind == "activation"]
    said = " ".join(words.say(clean(step.function or step.title)) for step in applied[:1])
    gated = " ⊙" if any(step.role is Role.GLU for step in steps) else ""
    inside = last.operands[0]
    if any(is_activated(step) and step.id == inside.made_by for step in applied):
        inside = with_prime(inside)
    opened: Parts = (first[0].operands[0], "×", *_with([step.operands[1] for step in first], ","))
    closed: Parts = (f"{said}{gated} →".strip(), inside, "×", last.operands[1])
    if len(first) == 1 and applied and not gated:
        yield (*opened, "=", first[0].results[0], *closed, "=", last.results[0])
    yield (*opened, *closed, "=", last.results[0])
    yield (*opened, *closed)


def _sizes_below(parts: Parts, most: int, running: Collection[int]) -> list[tuple[Span, ...]]:
    """What stands below each part, the same so often at most; what is behind a comma is as large as what is before."""
    found: list[tuple[Span, ...]] = []
    for before, part in zip(("", *parts), parts, strict=False):
        sizes = () if isinstance(part, str) or before == "," else sizes_spans(part, running)
        found.append(sizes if found.count(sizes) < most else ())
    return found


def _width(part: Operand | str, sizes: tuple[Span, ...]) -> float:
    if isinstance(part, str):
        return width_px(part, "note")
    return max(_SIDES_PX[0], width_px(_name(part), f"name-{_INKS[part.role]}"), width_px(sizes, "shape"))


def _name(operand: Operand) -> tuple[Span, ...]:
    return name_spans(operand.name, f"name-{_INKS[operand.role]}", 60, transposed=operand.transposed)


def _equation(
    parts: Parts, written: Sequence[tuple[Span, ...]], widths: Sequence[float], gap: float, frame: Frame
) -> Iterator[Mark]:
    """Matrices in a row around one line, as large as there is room for, with what is written below them."""
    largest = max(size for part in parts if isinstance(part, Operand) for size in part.shape[-2:])
    for side in _SIDES_PX:
        drawn = {id(part): cell(matrix(part, side, largest)) for part in parts if isinstance(part, Operand)}
        middle = frame.bottom - _LABEL_PX - max(each.box.bottom for each in drawn.values())
        if middle + min(each.box.top for each in drawn.values()) >= frame.top:
            break
    x = frame.x + (frame.width - sum(widths) - gap * (len(parts) - 1)) / 2
    for part, sizes, width in zip(parts, written, widths, strict=True):
        if isinstance(part, str):
            yield Text(x + width / 2, middle + 4, (Span(part),), "note", "middle")
        else:
            yield from moved(drawn[id(part)].marks, x + width / 2, middle)
        if sizes:
            yield Text(x + width / 2, frame.bottom - 1, sizes, "shape", "middle")
        x += width + gap


def matrix(operand: Operand, side: float, largest: int) -> Iterator[Mark]:
    """A matrix around (0, 0), its name in it or above."""
    rows, columns = operand.shape[-2:] if len(operand.shape) > 1 else (1, operand.shape[-1])
    height, width = (max(side * float((size / largest) ** (1 / 3)), _SHORTEST_PX) for size in (rows, columns))
    left, top, ink = -width / 2, -height / 2, _INKS[operand.role]
    behind = min(operand.stack, 3) - 1
    for back in range(behind, 0, -1):
        yield Rect(left + back * _STACK_PX, top - back * _STACK_PX, width, height, f"{ink}-back")
    if operand.band is not None:
        yield from band_body(Body(ink, 0, 1, width, height), operand.shape, operand.band)
    else:
        yield Rect(left, top, width, height, "weight-deep" if ink == "weight" else ink)
    if ink == "weight":
        yield Rect(left, top, width, height, "weight-edge")
    if operand.pattern == "causal":
        yield Polygon(((left + 1, top + 1), (-left - 1, top + 1), (-left - 1, -top - 1)), "card-fill")
        yield Line((((left, top), (-left, -top)),), f"{ink}-diagonal")
    name = _name(operand)
    if not name:
        return
    if width_px(name, f"name-{ink}") <= width - 2 and height >= _HIGH_ENOUGH_PX:
        aside = (width / 5, height / 5) if operand.pattern in {"causal", "band"} else (0.0, 0.0)
        yield Text(-aside[0], aside[1] + 4.5, name, f"name-{ink}", "middle")
    else:
        yield Text(behind * _STACK_PX / 2, top - behind * _STACK_PX - 5, name, f"name-{ink}", "middle")
