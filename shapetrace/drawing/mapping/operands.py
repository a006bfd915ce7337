"""What a map writes of an operand: its name, its shape, and of a table as much as there is room for."""

from collections.abc import Collection

from shapetrace.drawing.layout.names import name_spans
from shapetrace.drawing.layout.running import shape_spans
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.metrics import clean, width_px
from shapetrace.drawing.primitives import Span
from shapetrace.drawing.wording import short
from shapetrace.outlining.structure import Operand


def table_beside(node: Node, room: float, running: Collection[int]) -> tuple[Span, ...]:
    """Of a sum with a table: as much as there is room for of its name, its shape and its parameters."""
    table = node.value
    if table is None:
        return ()
    parameters = sum(step.parameters for step in node.steps)
    name = (Span(_name(table)),)
    whole = (*name, Span(" "), *shape_spans(table, running))
    counted = (*whole, Span(f" {short(parameters)}")) if parameters else whole
    return next((spans for spans in (counted, whole, name) if width_px(spans, "shape") <= room), ())


def named_spans(operand: Operand, room_px: float) -> tuple[Span, ...]:
    """The name of an operand in so much room: a weight's own, else what the figure calls it."""
    learned = operand.source.rpartition(".")[2] if operand.role == "weight" else ""
    named = clean(learned) or clean(operand.name) or clean(operand.source)
    return name_spans(named or ("X" if operand.role == "weight" else "output"), "label", room_px)


def _name(operand: Operand) -> str:
    base, _, index = operand.name.partition("_")
    return clean(f"{base}{index}" if base.isupper() and index.isdigit() else operand.name or operand.source or "output")


def shape_text(operand: Operand) -> str:
    """A shape as people write it."""
    return f"[{', '.join(map(str, operand.shape))}]"
