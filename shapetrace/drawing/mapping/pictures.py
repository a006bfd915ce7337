"""Small pictures in the boxes of a map: what attention multiplies, how wide an MLP is inside."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Mark, Polygon, Rect, Span, Text
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Step

_LABEL_PX = 14.0
_SIDE_PX = 36.0
_STACK_PX = 3.0


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a picture goes: from ``x`` and ``top``, so wide, down to ``bottom``."""

    x: float
    top: float
    width: float
    bottom: float


def has_picture(node: Node) -> bool:
    """Whether a box has one."""
    return node.kind == "box" and _template(node) is not None


def picture(node: Node, x: float, top: float, width: float, bottom: float) -> Iterator[Mark]:
    """The picture of a box, if it has one and there is room."""
    template = _template(node)
    if template is not None and bottom - top > 40 and width > 380:
        yield from template(node.steps, _Frame(x, top, width, bottom))


def _template(node: Node) -> Callable[[Sequence[Step], _Frame], Iterator[Mark]] | None:
    if node.sublayer == "attention" and len(_all(node.steps, "scores")) == len(_all(node.steps, "weighted_sum")) == 1:
        return _attention
    if node.sublayer == "mlp" and _widths(node.steps) is not None:
        return _mlp
    return None


def _all(steps: Sequence[Step], kind: str) -> list[Step]:
    return [step for step in steps if step.kind == kind]


def _attention(steps: Sequence[Step], frame: _Frame) -> Iterator[Mark]:
    """softmax(Q Kᵀ) V = Z, matrices to scale."""
    (scores,), (weighted,) = _all(steps, "scores"), _all(steps, "weighted_sum")
    query, key = scores.operands[:2]
    weights, value = weighted.operands[:2]
    made = "softmax →" if _all(steps, "softmax") else "→"
    parts: list[Operand | str] = [query, "×", key, made, weights, "×", value, "=", weighted.results[0]]
    names = ("Q", "", "Kᵀ" if key.transposed else "K", "", "A", "", "V", "", "Z")
    largest = max(max(part.shape[-2:]) for part in parts if isinstance(part, Operand))
    widths = [
        max(_side(part.shape[-1], largest) + 2 * _STACK_PX, width_px(_sizes(part), "shape"))
        if isinstance(part, Operand) else width_px(part, "note") + 4
        for part in parts
    ]  # fmt: skip
    gap = min((frame.width - sum(widths)) / (len(parts) - 1), 16)
    if gap < 3:
        return
    x = frame.x + (frame.width - sum(widths) - gap * (len(parts) - 1)) / 2
    middle = (frame.top + frame.bottom - _LABEL_PX) / 2 + 2
    for part, name, width in zip(parts, names, widths, strict=True):
        if isinstance(part, str):
            yield Text(x + width / 2, middle + 4, (Span(part),), "note", "middle")
        else:
            yield from _matrix(part, name, x + width / 2, middle, largest, frame.bottom)
        x += width + gap


def _matrix(operand: Operand, name: str, x: float, y: float, largest: int, bottom: float) -> Iterator[Mark]:
    rows, columns = operand.shape[-2:]
    height, width = _side(rows, largest), _side(columns, largest)
    left, top = x - width / 2, y - height / 2
    if operand.stack > 1:
        for back in (2, 1):
            yield Rect(left + back * _STACK_PX, top - back * _STACK_PX, width, height, "data-back")
    yield Rect(left, top, width, height, "data")
    if operand.pattern == "causal":
        yield Polygon(
            ((left + 1, top + 1), (left + width - 1, top + 1), (left + width - 1, top + height - 1)), "card-fill"
        )
        yield Line((((left, top), (left + width, top + height)),), "data-diagonal")
    if width_px(name, "name-data") <= width - 2 and height >= 14:
        at = x - width / 5 if operand.pattern == "causal" else x
        down = y + height / 5 if operand.pattern == "causal" else y
        yield Text(at, down + 4.5, (Span(name),), "name-data", "middle")
    yield Text(x, bottom - 1, (Span(_sizes(operand)),), "shape", "middle")


def _sizes(operand: Operand) -> str:
    return "×".join(map(str, operand.shape[-2:]))


def _side(size: int, largest: int) -> float:
    return max(_SIDE_PX * float((size / largest) ** (1 / 3)), 5.0)


def _widths(steps: Sequence[Step]) -> tuple[int, int, int, bool] | None:
    """Widths before, inside and after an MLP, and whether it has a gate."""
    first = next((s for s in steps if s.role in (Role.EXPAND, Role.UP, Role.GATE, Role.GATE_UP)), None)
    last = next((s for s in reversed(steps) if s.role in (Role.SHRINK, Role.DOWN)), None)
    if first is None or last is None or not first.operands[0].shape or not last.results[0].shape:
        return None
    gated = first.role is not Role.EXPAND
    return first.operands[0].shape[-1], last.operands[0].shape[-1], last.results[0].shape[-1], gated


def _mlp(steps: Sequence[Step], frame: _Frame) -> Iterator[Mark]:
    """An hourglass: narrow, wide, narrow."""
    found = _widths(steps)
    if found is None:
        return
    before, inside, after, gated = found
    largest = max(before, inside, after)
    middle = (frame.top + frame.bottom - _LABEL_PX) / 2 + 2
    centre = frame.x + frame.width / 2
    heights = [(_SIDE_PX + 6) * (size / largest) ** (1 / 3) for size in (before, inside, after)]
    places = [centre - 150, centre, centre + 150]
    half = 17.0
    for left, right, name in ((0, 1, "W₁" if not gated else "W_gate, W_up"), (1, 2, "W₂" if not gated else "W_down")):
        start, end = places[left] + half, places[right] - half
        yield Polygon(
            ((start, middle - heights[left] / 2), (end, middle - heights[right] / 2),
             (end, middle + heights[right] / 2), (start, middle + heights[left] / 2)), "weight-deep",
        )  # fmt: skip
        if width_px(name, "legend") < end - start - 4:
            yield Text((start + end) / 2, middle + 4, (Span(name),), "legend", "middle")
    for x, height, size in zip(places, heights, (before, inside, after), strict=True):
        yield Rect(x - half, middle - height / 2, 2 * half, height, "data")
        yield Text(x, frame.bottom - 1, (Span(str(size)),), "shape", "middle")
