"""Nodes of a map become a flow: inputs before their readers, what made what each one reads, alike ones as one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias

from shapetrace.drawing.mapping.chart import Flow, Node
from shapetrace.drawing.mapping.staging import staged
from shapetrace.outlining.roles import Part
from shapetrace.outlining.structure import Operand, Step


def stream(steps: Sequence[Step]) -> Operand | None:
    """What layers add to: of their first residual with an operand from outside, that operand; None if there is none."""
    own = {step.id for step in steps}
    sums = (operand for step in steps if step.kind == "residual" for operand in step.operands)
    return next((operand for operand in sums if operand.role == "data" and operand.made_by not in own), None)


def flow_of(nodes: Sequence[Node], entry: Operand | None = None) -> Flow:
    """Nodes, wired and in their places.

    Args:
        nodes: In the order of execution.
        entry: Of a frame, what its layers add to: it stands before the frame.
    """
    given = list(_with_inputs(nodes, entry))
    folded = list(_folded(given, list(_wired(given))))
    wired = tuple(_wired(folded))
    return Flow(wired, staged(wired))


def _folded(nodes: Sequence[Node], wired: Sequence[Node]) -> Iterator[Node]:
    """Boxes in a row that are alike, read the same and are read by the same: one of them, with their number."""
    readers: list[list[int]] = [[] for _ in wired]
    for number, node in enumerate(wired):
        for made in {*node.main, *node.beside, *([] if node.older is None or node.older < 0 else [node.older])}:
            readers[made].append(number)

    def form(number: int) -> object:
        node = wired[number]
        if node.kind != "box" or node.section is not None:
            return number
        steps = ((s.kind, s.role, s.function, s.path.count("."), s.equation, s.parameters) for s in node.steps)
        return tuple(steps), node.main, node.beside, node.enters, tuple(readers[number])

    for _, group in groupby(range(len(nodes)), form):
        numbers = list(group)
        steps = tuple(step for number in numbers for step in nodes[number].steps)
        first = nodes[numbers[0]]
        yield replace(first, steps=steps, copies=len(numbers)) if len(numbers) > 1 else first


def _with_inputs(nodes: Sequence[Node], entry: Operand | None) -> Iterator[Node]:
    """Put what a pass is given before the node that reads it first; what layers add to, before their frame."""
    seen = set() if entry is None else {entry.value}
    for node in nodes:
        entered = stream(node.steps) if node.inside is not None else None
        for operand in (operand for step in node.steps for operand in step.operands):
            is_outside = node.inside is None or (entered is not None and operand.value == entered.value)
            if is_outside and operand.source and _is_given(operand) and operand.value not in seen:
                seen.add(operand.value)
                yield Node("given", value=operand)
        yield node


def _is_given(operand: Operand) -> bool:
    return operand.role == "data" and not operand.made_by


def _wired(nodes: Sequence[Node]) -> Iterator[Node]:
    """Each node with the numbers of those that made what it reads."""
    makers: dict[str, int] = {}
    values: dict[int, int] = {}

    def maker(operand: Operand) -> int | None:
        if operand.role != "data":
            return None
        return makers.get(operand.made_by) if operand.made_by else values.get(operand.value)

    for number, node in enumerate(nodes):
        if node.kind == "given" and node.value is not None:
            made = makers.get(node.value.made_by)
            yield replace(node, main=() if made is None else (made,))
            values.setdefault(node.value.value, number)
            continue
        found = [[(operand, maker(operand)) for operand in step.operands] for step in node.steps]
        also = [made for step in node.steps for each in step.also_reads if (made := makers.get(each)) is not None]
        behind = number - 1 if number and nodes[number - 1].kind == "frame" else None
        yield _joined(node, found[0]) if node.kind == "join" else _going_on(node, found, behind, also)
        makers.update((step.id, number) for step in node.steps)


_Made: TypeAlias = tuple[Operand, int | None]


def _joined(node: Node, found: Sequence[_Made]) -> Node:
    """A sum goes on with what was made last; where the other operand is older, it is a residual."""
    makers = [made for operand, made in found if operand.role == "data"]
    made = tuple(dict.fromkeys(each for each in makers if each is not None))
    newest = max(made, default=None)
    older = next((each for each in makers if each != newest), newest) if len(makers) > 1 else newest
    if node.value is not None or older == newest:
        return replace(node, main=made)
    return replace(node, main=made, older=-1 if older is None else older)


def _going_on(node: Node, found: Sequence[Sequence[_Made]], behind: int | None, also: Sequence[int]) -> Node:
    """What a node goes on with; of layers, what they add to; of a closed part, all. What is handed over stands beside.

    Args:
        node: A box, a norm, small steps or a frame.
        found: The operands of its steps, with the nodes that made them.
        behind: The node before it, if that is a frame: the last of its layers is what made a value of no drawn step.
        also: The nodes that made the other pieces of what it puts together.
    """
    is_part = node.kind == "frame" and node.inside is None and node.repeat == 1
    outside = found[:1] if node.kind == "frame" and not is_part else found
    main = [made for one in outside for operand, made in one if made is not None and operand.part is not Part.CONTEXT]
    entry = stream(node.steps) if node.kind == "frame" and not is_part else None
    added_to = [made for one in found for operand, made in one if operand is entry and made is not None]
    handed = [made for made in main if made not in added_to] if added_to else []
    main = added_to or main
    if not main and behind is not None and found and any(_is_loose(operand) for operand, _ in found[0]):
        main = [behind]
    beside = [made for one in found for operand, made in one if made is not None and operand.part is Part.CONTEXT]
    return replace(node, main=tuple(dict.fromkeys([*main, *also])), beside=tuple(dict.fromkeys([*beside, *handed])))


def _is_loose(operand: Operand) -> bool:
    return operand.role == "data" and not operand.made_by and not operand.source
