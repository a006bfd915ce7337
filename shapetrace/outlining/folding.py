"""Folds siblings with the same operations, shapes and weight shapes into ×N, also when they alternate.

By signature, never by class name: a dense layer and an expert layer of one class stay apart.
"""

from collections.abc import Hashable, Sequence
from math import prod

from shapetrace.ir import Trace
from shapetrace.outlining.costing import Accounts
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.tree import Node, classify

_LONGEST_PERIOD = 40
_LONG_LOOP = 5
Item = Draft | Node


def fold(trace: Trace, node: Node, accounts: Accounts) -> None:
    """Fold everywhere below a node, inner sections first."""
    for child in node.nodes():
        fold(trace, child, accounts)
    signatures = [signature(item, accounts) for item in node.items]
    node.items = _fold_items(trace, node.items, signatures)
    classify(node)
    _title_joined_heads(node)


def _fold_items(trace: Trace, items: Sequence[Item], signatures: Sequence[Hashable]) -> list[Item]:
    """Siblings with what repeats folded; of a unit of several sections, what repeats inside it too."""
    found: list[Item] = []
    position = 0
    while position < len(items):
        period, count = _repetition(items, signatures, position)
        if count == 1:
            found.append(items[position])
            position += 1
            continue
        copies = [list(items[position + i * period : position + (i + 1) * period]) for i in range(count)]
        if all(isinstance(item, Node) for item in copies[0]) and period > 1:
            inside = signatures[position : position + period]
            copies = [_fold_items(trace, copy, inside) for copy in copies]
        found += _folded(trace, copies[0], copies)
        position += period * count
    return [_unwrapped(item) for item in found]


def _title_joined_heads(node: Node) -> None:
    """Weighted sums side by side are the heads, also where each head is a module of its own."""
    sums = {r.value for draft in node.own() if draft.kind == "weighted_sum" for r in draft.results}
    for draft in node.own():
        if draft.kind == "concat" and draft.operands[0].value in sums:
            draft.title = "Concat heads"


def _unwrapped(item: Item) -> Item:
    """A section that holds one folded section and nothing else is that section."""
    while isinstance(item, Node) and item.repeat == 1 and len(item.items) == 1 and isinstance(item.items[0], Node):
        item = item.items[0]
    return item


def signature(item: Item, accounts: Accounts) -> Hashable:
    """What must be equal in siblings that fold."""
    if isinstance(item, Draft):
        operands = tuple(_of_ref(operand) for operand in (*item.operands, *item.results))
        notes = tuple(map(str, item.notes))
        return (item.kind, item.title, item.operator, operands, item.share, notes, accounts.local(item))
    return (item.kind, item.title, item.repeat, tuple(signature(child, accounts) for child in item.items))


def _of_ref(operand: Ref) -> Hashable:
    look = (operand.pattern, operand.band, operand.transposed)
    return (operand.shape, operand.role, operand.stack_axes, operand.letter, look)


def _repetition(items: Sequence[Item], signatures: Sequence[Hashable], start: int) -> tuple[int, int]:
    """Length of the unit that repeats furthest from here on, the shortest of several, and how often it stands in a row.

    Five layers with a window and one without, again and again, are a unit of six, not five and then one.
    """
    best = (1, 1)
    for period in range(1, _LONGEST_PERIOD + 1):
        unit = signatures[start : start + period]
        if len(unit) < period:
            break
        count = 1
        while signatures[start + count * period : start + (count + 1) * period] == unit:
            count += 1
        if period * count > best[0] * best[1] and _may_fold(items[start : start + period], count):
            best = (period, count)
    return best


def _may_fold(unit: Sequence[Item], count: int) -> bool:
    """Sections fold; bare steps as a unit with real work, or in a long loop: two equal adds are two adds."""
    if any(isinstance(item, Node) for item in unit):
        return count > 1
    heavy = [item for item in unit if isinstance(item, Draft) and item.kind in ("product", "scores", "convolution")]
    return (count > 2 and len(unit) > 1 and bool(heavy)) or count >= _LONG_LOOP


def _folded(trace: Trace, unit: Sequence[Item], copies: Sequence[Sequence[Item]]) -> list[Item]:
    if len(unit) == 1 and isinstance(unit[0], Node):
        first = unit[0]
        others = [copy[0] for copy in copies[1:]]
        first.folded = [other for other in others if isinstance(other, Node)]
    else:
        paths = [item.path for item in unit if isinstance(item, Node)] or [unit[0].path]
        first = Node(paths[0] if len(unit) == 1 else _group_path(paths), "", list(unit), "block")
        first.folded = [Node("", "", list(copy), "block") for copy in copies[1:]]
        first.members = tuple(i.path for i in unit if isinstance(i, Node))
        for copy, other in zip(copies[1:], first.folded, strict=True):
            other.members = tuple(i.path for i in copy if isinstance(i, Node))
    first.repeat = len(copies)
    first.members = (*first.members, *(path for other in first.folded for path in other.members))
    if _are_parallel(trace, first):
        first.parallel = True
        return _side_by_side(trace, first)
    return [first]


def _group_path(paths: Sequence[str]) -> str:
    return f"{paths[0]} … {paths[-1].rpartition('.')[2]}" if len(paths) > 1 else f"<{paths[0] or 'block'}>"


def _ops(node: Node) -> set[int]:
    return {op for draft in node.drafts() for op in draft.ops}


def _are_parallel(trace: Trace, first: Node) -> bool:
    """Whether no member reads what another one made: heads in modules of their own, not layers."""
    made: set[int] = set()
    for member in (first, *first.folded):
        ops = _ops(member)
        reads = {value for op in ops for value in trace.ops[op].inputs}
        if reads & made:
            return False
        made |= {value for op in ops for value in trace.ops[op].outputs}
    return bool(made) and _joined_later(trace, first)


def _joined_later(trace: Trace, first: Node) -> bool:
    """Whether one operation reads the results of all members."""
    members = [first, *first.folded]
    outputs = [{v for op in _ops(member) for v in trace.ops[op].outputs} for member in members]
    return any(all(set(op.inputs) & made for made in outputs) for op in trace.ops)


def _side_by_side(trace: Trace, first: Node) -> list[Item]:
    """Members that work next to each other are a stack: their steps stand in the section above."""
    shared = _read_by_all(trace, first)
    for draft in first.drafts():
        draft.flops = None if draft.flops is None else draft.flops * first.repeat
    operands = {id(o): o for draft in first.drafts() for o in (*draft.operands, *draft.results)}  # steps share some
    for operand in operands.values():
        if operand.value not in shared:
            operand.stack_axes = (*operand.stack_axes, first.repeat)
    steps: list[Item] = []
    for index, item in enumerate(first.items):
        if isinstance(item, Draft):
            for other in first.folded:
                twin = other.items[index]
                if isinstance(twin, Draft):
                    item.twins.append(twin)
            steps.append(item)
        else:
            return [first]
    return steps


def _read_by_all(trace: Trace, first: Node) -> set[int | None]:
    """Values that every member reads whole: of one cut into pieces, each has its own."""
    read = [{o.value for d in member.drafts() for o in d.operands} for member in (first, *first.folded)]
    cut = {
        operand.value
        for draft in first.drafts()
        for operand in draft.operands
        if operand.value is not None and prod(operand.shape) * operand.stack < prod(trace.tensors[operand.value].shape)
    }
    return set.intersection(*read) - cut
