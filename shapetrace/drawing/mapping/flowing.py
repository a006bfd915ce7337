"""Nodes of a map become a flow: inputs before their readers, what made what each one reads, alike ones as one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias

from shapetrace.drawing.mapping.chart import Flow, Node
from shapetrace.drawing.mapping.origins import Origins
from shapetrace.drawing.mapping.staging import staged
from shapetrace.outlining.roles import Part
from shapetrace.outlining.structure import Operand, Step


def stream(steps: Sequence[Step]) -> Operand | None:
    """What layers add to: something from outside, to which a residual of theirs adds what they make of it; or None."""
    own = {step.id: step for step in steps}
    for step in (step for step in steps if step.kind == "residual"):
        data = [operand for operand in step.operands if operand.role == "data"]
        for operand, others in ((each, [other for other in data if other is not each]) for each in data):
            if operand.made_by not in own and any(_derives(other, origin_of(operand), own) for other in others):
                return operand
    return None


def origin_of(operand: Operand) -> str | int:
    """What made it: a step, or the value itself where none did."""
    return operand.made_by or operand.value


def _derives(operand: Operand, origin: str | int, own: Mapping[str, Step]) -> bool:
    """Whether steps make something of what comes from ``origin``."""
    waiting, seen = [origin_of(operand)], set[str | int]()
    while waiting:
        made = waiting.pop()
        if made == origin:
            return True
        if made in seen or not isinstance(made, str) or made not in own:
            continue
        seen.add(made)
        waiting += [*map(origin_of, own[made].operands), *own[made].also_reads]
    return False


def flow_of(nodes: Sequence[Node], origins: Origins, entry: Operand | None = None, *, is_inside: bool = False) -> Flow:
    """Nodes, wired and in their places.

    Args:
        nodes: In the order of execution.
        origins: What steps go back to where no operand tells.
        entry: Of a frame, what its layers add to: it stands before the frame.
        is_inside: Whether they are in a frame.
    """
    given = list(_with_inputs(list(_added_and_normed(nodes, origins)), origins, entry))
    wired = _wired(given, origins)
    begun = list(_with_weights(given, wired, is_inside))
    wired = wired if len(begun) == len(given) else _wired(begun, origins)
    folded = list(_folded(begun, wired))
    wired = wired if len(folded) == len(begun) else _wired(folded, origins)
    return Flow(tuple(_told_apart(wired)), staged(wired))


def _added_and_normed(nodes: Sequence[Node], origins: Origins) -> Iterator[Node]:
    """Nodes, with a residual and a norm as one where only the norm reads the sum: post-norm."""
    is_taken = False
    for node, behind in zip(nodes, (*nodes[1:], None), strict=False):
        if is_taken:
            is_taken = False
        elif behind is not None and _is_post_norm(node, behind, origins):
            yield Node("add_norm", (*node.steps, *behind.steps))
            is_taken = True
        else:
            yield node


def _is_post_norm(node: Node, behind: Node, origins: Origins) -> bool:
    if node.kind != "join" or node.value is not None or behind.kind != "norm":
        return False
    (added,), (normed,) = node.steps, behind.steps
    goes_in = bool(normed.operands) and normed.operands[0].made_by == added.id
    return added.kind == "residual" and goes_in and origins.n_readers[added.id] == 1


def _told_apart(nodes: Sequence[Node]) -> Iterator[Node]:
    """Inputs of one name by what the model calls them."""
    inputs = (node.value for node in nodes if node.kind == "given" and node.value is not None and node.value.source)
    given = Counter(value.name for value in inputs if value.role == "data")
    for node in nodes:
        value = node.value if node.kind == "given" else None
        is_one_of_several = value is not None and value.source and value.role == "data" and given[value.name] > 1
        yield replace(node, value=replace(value, name="")) if value is not None and is_one_of_several else node


def _folded(nodes: Sequence[Node], wired: Sequence[Node]) -> Iterator[Node]:
    """Boxes in a row that are alike, read the same and are read by the same: one of them, with their number."""
    readers: list[list[int]] = [[] for _ in wired]
    for number, node in enumerate(wired):
        for made in {*node.main, *node.beside, *_older(node)}:
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


def _with_inputs(nodes: Sequence[Node], origins: Origins, entry: Operand | None) -> Iterator[Node]:
    """Put what a pass is given before the node that reads it first; what layers add to, before their frame."""
    seen: set[str | int] = set() if entry is None else {entry.value}
    for node in nodes:
        entered = stream(node.steps) if node.inside is not None else None
        for operand in (operand for step in node.steps for operand in step.operands):
            is_outside = node.inside is None or (entered is not None and operand.value == entered.value)
            if is_outside and operand.source and _is_given(operand) and operand.value not in seen:
                seen.add(operand.value)
                yield Node("given", value=origins.as_given(operand, operand.value))
        if node.kind != "frame" and not any(operand.made_by or operand.source for operand in _data(node)):
            yield from _prepared(node, origins, seen)
        yield node


def _with_weights(nodes: Sequence[Node], wired: Sequence[Node], is_inside: bool) -> Iterator[Node]:
    """Put weights that are taken as rows, learned queries say, before what begins with them."""
    for node, found in zip(nodes, wired, strict=True):
        rows = rows_of_weights(node)
        if rows is not None and not found.main and not (is_inside and node.enters):
            yield Node("given", value=rows)
        yield node


def rows_of_weights(node: Node) -> Operand | None:
    """The weights that a node takes as rows, as if they were data, if it does."""
    first = node.steps[0].operands[:1] if node.steps and node.kind in {"box", "norm", "frame"} else ()
    return next((each for each in first if each.role == "weight" and not each.made_by and node.steps[0].operands), None)


def _prepared(node: Node, origins: Origins, seen: set[str | int]) -> Iterator[Node]:
    """Inputs of which only what was prepared of them is read: padded ids, say."""
    for step in node.steps:
        inputs = sorted(each for each in origins.of(step) if isinstance(each, int) and each not in seen)
        loose = [operand for operand in step.operands if _is_loose(operand)]
        for tensor, operand in zip(inputs, loose, strict=False):
            seen.add(tensor)
            yield Node("given", value=origins.as_given(operand, tensor))


def _data(node: Node) -> Iterator[Operand]:
    return (operand for step in node.steps for operand in step.operands if operand.role == "data")


def _is_given(operand: Operand) -> bool:
    return operand.role == "data" and not operand.made_by


def _wired(nodes: Sequence[Node], origins: Origins) -> list[Node]:
    """Each node with the numbers of those that made what it reads."""
    wired = list(_by_operands(nodes, origins))
    read = {made for node in wired for made in (*node.main, *node.beside, *_older(node))}
    unread = {
        step.id: number
        for number, node in enumerate(wired[:-1])
        if number not in read and node.kind in {"box", "words"}
        for step in node.steps
    }
    for number, node in enumerate(wired if unread else ()):
        if node.kind != "given" and number not in unread.values():
            reads = {each for step in node.steps for each in origins.of(step)} & unread.keys()
            made = {unread[str(each)] for each in reads}
            wired[number] = replace(node, main=(*node.main, *sorted(each for each in made if each < number)))
    return wired


def _older(node: Node) -> tuple[int, ...]:
    return () if node.older is None or node.older < 0 else (node.older,)


def _by_operands(nodes: Sequence[Node], origins: Origins) -> Iterator[Node]:
    """Nodes wired by what their operands are; by what goes into their operations where no operand tells."""
    makers: dict[str | int, int] = {}

    def maker(operand: Operand) -> int | None:
        if operand.made_by:  # what is made of weights alone too
            return makers.get(operand.made_by)
        return makers.get(operand.value) if operand.role == "data" else None

    for number, node in enumerate(nodes):
        if node.kind == "given" and node.value is not None:
            made = makers.get(node.value.made_by)
            yield replace(node, main=() if made is None else (made,))
            makers.setdefault(node.value.value, number)
            continue
        found = [[(operand, maker(operand)) for operand in step.operands] for step in node.steps]
        also = [made for step in node.steps for each in step.also_reads if (made := makers.get(each)) is not None]
        behind = number - 1 if number and nodes[number - 1].kind == "frame" else None
        wired = _joined(node, found[0]) if node.kind in {"join", "add_norm"} else _going_on(node, found, behind, also)
        rows = rows_of_weights(node)
        if not wired.main and rows is not None and rows.value in makers:
            wired = replace(wired, main=(makers[rows.value],))
        elif not wired.main and not wired.beside:
            prepared = {makers[each] for step in node.steps for each in origins.of(step) if each in makers}
            wired = replace(wired, main=tuple(sorted(prepared)))
        yield wired
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
    read = [[(operand, made) for operand, made in one if made is not None] for one in found]
    entry = stream(node.steps) if node.kind == "frame" and not is_part else None
    added_to = [made for one in read for operand, made in one if operand is entry]
    outside = read[:1] if node.kind == "frame" and not is_part else read
    main = added_to or [made for one in outside for operand, made in one if operand.part is not Part.CONTEXT]
    if not main and behind is not None and found and any(_is_loose(operand) for operand, _ in found[0]):
        main = [behind]
    handed = [made for one in read for operand, made in one if operand.part is Part.CONTEXT or made not in main]
    return replace(node, main=tuple(dict.fromkeys([*main, *also])), beside=tuple(dict.fromkeys(handed)))


def _is_loose(operand: Operand) -> bool:
    return operand.role == "data" and not operand.made_by and not operand.source
