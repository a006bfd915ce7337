"""Inside a mixture of experts: the router, the experts as so many squares, what every row goes through beside them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import log

from shapetrace.drawing.layout.boxes import box_of, enclosing
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.mapping.glyphs import hourglass
from shapetrace.drawing.mapping.inside.parts import (
    EDGE_PX,
    GAP_PX,
    GIVEN_PX,
    INNER_PX,
    MIDDLE_PX,
    TITLE_PX,
    WEIGHT_PX,
    forked,
    given,
    made,
    weight,
)
from shapetrace.drawing.mapping.notes import chosen_of
from shapetrace.drawing.mapping.pictures import ends_of, steps_of_one
from shapetrace.drawing.mapping.signs import arrow, plus
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Mark, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words, short
from shapetrace.language import Phrase
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Step

_TWO = 2
_MOST = 512
"""So many experts are drawn as squares at most."""
_MOST_SQUARE_PX = 14.0
_ASPECT = 4.0
"""How many times wider than high the squares stand, about."""
_BESIDE_PX = 54.0
_APART_PX = 8.0
_ROUTER_PX = 92.0
_JOIN_PX = 8.0
_EACH_PX = 20.0
_PAD_PX = 7.0


@dataclass(frozen=True, slots=True)
class Mixture:
    """What a mixture of experts is made of.

    Attributes:
        router: The product that scores the experts.
        k: How many experts a row goes through.
        n: How many there are.
        products: The products of the experts.
        beside: The steps that every row goes through besides.
        last: The step that gives the result.
    """

    router: Step
    k: int
    n: int
    products: tuple[Step, ...]
    beside: tuple[Step, ...]
    last: Step


def inside_experts(node: Node, running: Collection[int], words: Words) -> tuple[tuple[Mark, ...], float]:
    """Marks of the inside of a mixture from (0, 0), and their height; no marks where there is no picture of it."""
    mixture = _mixture(steps_of_one(node)) if node.sublayer == "experts" else None
    if mixture is None:
        return (), 0.0
    marks: list[Mark] = []
    height = _drawn(mixture, marks, running, words)
    return tuple(marks), height


def _mixture(steps: Sequence[Step]) -> Mixture | None:
    """The parts of a mixture whose experts run in one product each: one router, a known choice, one sum at the end."""
    routers = [step for step in steps if step.role is Role.ROUTER and step.inner is not None]
    of_all = chosen_of(tuple(steps))
    if len(routers) != 1 or of_all is None:
        return None
    (k, n), last = of_all, steps[-1]
    products = [step for step in steps if step.inner is not None and step is not routers[0]]
    experts = tuple(step for step in products if len(step.operands) > 1 and step.operands[1].stack == n)
    beside = tuple(step for step in products if step not in experts)
    is_sum = last.kind in {"add", "residual"} and sum(operand.role == "data" for operand in last.operands) == _TWO
    is_whole = (
        bool(experts) and 1 < n <= _MOST and bool(last.results) and (not beside or (is_sum and bool(ends_of(beside))))
    )
    return Mixture(routers[0], k, n, experts, beside, last) if is_whole else None


def _drawn(mixture: Mixture, marks: list[Mark], running: Collection[int], words: Words) -> float:
    """Draw from the top down; gives the height."""
    entry = mixture.router.operands[0]
    right = EDGE_PX + INNER_PX - (_BESIDE_PX + _APART_PX if mixture.beside else 0.0)
    x, router, straight = MIDDLE_PX, EDGE_PX + _ROUTER_PX / 2, right - 24
    beside = EDGE_PX + INNER_PX - _BESIDE_PX / 2
    marks += given(entry, x, TITLE_PX, INNER_PX, running)
    y = TITLE_PX + GIVEN_PX
    top = y + GAP_PX + WEIGHT_PX + GAP_PX + 6
    ends = [(router, y + GAP_PX), (straight, top), *([(beside, top)] if mixture.beside else [])]
    marks += forked(x, y, ends)
    marks += weight(mixture.router.operands[1], EDGE_PX, EDGE_PX + _ROUTER_PX, y + GAP_PX)
    marks += arrow(((router, top - GAP_PX - 6), (router, top)))
    marks.append(
        Text(router + 7, top - 8, (Span(words.note(Phrase("{k} of {n}", {"k": mixture.k, "n": mixture.n}))),), "note")
    )
    height = _experts(mixture, top, right, marks, words)
    y = top + height
    middle = (EDGE_PX + right) / 2
    if mixture.beside:
        marks += _besides(mixture.beside, beside, top, height, words)
        y = _added(middle, beside, y, marks)
    marks += arrow(((middle, y), (middle, y + GAP_PX + 4)))
    marks += made(mixture.last.results[0], middle + 8, y + 15, EDGE_PX + INNER_PX, running)
    y += GAP_PX + 12
    weights = sum(step.parameters for step in mixture.products)
    if weights and weights % mixture.n == 0:
        y += 13
        said = words.say("one expert: {n} parameters", n=short(weights // mixture.n))
        marks.append(Text(EDGE_PX, y, (Span(said),), "note"))
    return y + EDGE_PX


def _experts(mixture: Mixture, top: float, right: float, marks: list[Mark], words: Words) -> float:
    """A square for each expert, and the widths that a row has in one; gives the height of their box."""
    room = right - EDGE_PX - 2 * _PAD_PX
    columns = _columns(mixture.n)
    pitch = min(room / columns, _MOST_SQUARE_PX)
    rows = mixture.n // columns
    height = rows * pitch + _EACH_PX + _PAD_PX
    marks.append(Rect(EDGE_PX, top, right - EDGE_PX, height, "block", 6))
    left, side = (EDGE_PX + right - columns * pitch) / 2, pitch - max(1.0, pitch / 5)
    for number in range(mixture.n):
        row, column = divmod(number, columns)
        marks.append(
            Rect(left + column * pitch, top + _PAD_PX + row * pitch, side, side, "weight-bar", min(side / 4, 2))
        )
    first, last = mixture.products[0], mixture.products[-1]
    widths = first.operands[0].shape[-1], last.operands[0].shape[-1], last.results[0].shape[-1]
    said = words.say("each {widths}", widths=" → ".join(map(str, widths)))
    marks.append(Text((EDGE_PX + right) / 2, top + height - 7, (Span(said),), "note", "middle"))
    return height


def _columns(n: int) -> int:
    """How many squares stand side by side: so many that all rows are full."""
    divisors = (each for each in range(1, n + 1) if n % each == 0)
    return min(divisors, key=lambda each: (round(abs(log(each * each / (_ASPECT * n))), 6), -each))


def _besides(steps: Sequence[Step], x: float, top: float, height: float, words: Words) -> Iterator[Mark]:
    """What every row goes through beside the experts."""
    yield Rect(x - _BESIDE_PX / 2, top, _BESIDE_PX, height, "block", 6)
    title = words.say("MLP")
    yield Text(x, top + 18, (Span(title),), "label" if width_px(title, "label") < _BESIDE_PX - 6 else "note", "middle")
    sign = tuple(hourglass(steps, min(height - 34, 26.0)))
    box = enclosing(tuple(map(box_of, sign)))
    yield from moved(sign, x - (box.left + box.right) / 2, top + 26 + (height - 30) / 2)


def _added(middle: float, beside: float, y: float, marks: list[Mark]) -> float:
    """The sum of both; gives where it ends."""
    at = y + GAP_PX + _JOIN_PX
    marks += arrow(((middle, y), (middle, at - _JOIN_PX)))
    marks += arrow(((beside, y), (beside, at), (middle + _JOIN_PX, at)))
    marks += plus(middle, at, _JOIN_PX)
    return at + _JOIN_PX
