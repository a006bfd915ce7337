"""Folds siblings with the same operations, shapes and weight shapes into ×N, also when they alternate.

By signature, never by class name: a dense layer and an expert layer of one class stay apart.
"""

from collections.abc import Hashable, Mapping, Sequence
from math import prod

from msgspec.structs import replace

from shapetrace.ir import Op
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.accounts import Accounts
from shapetrace.outlining.classifying import kind_of
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.roles import KEPT, Role
from shapetrace.outlining.sections import Node

_LONGEST_PERIOD = 40
_LONG_LOOP = 5
_IN_BLOCKS = frozenset({"residual", "scores", "weighted_sum"})
"""Kinds of steps that a turn of a loop in a layer has none of: what is repeated with one is a layer."""
_HEAVY = frozenset({"product", "contraction", "scores", "convolution"})
_Item = Draft | Node


def folded(flow: Flow, sided_tree: Node, accounts: Accounts, roles: Mapping[int, Role]) -> Node:
    """The tree with what repeats folded everywhere, inner sections first."""
    return _Folder(flow, accounts, roles).fold(sided_tree)


class _Folder:
    def __init__(self, flow: Flow, accounts: Accounts, roles: Mapping[int, Role]) -> None:
        self._flow = flow
        self._trace = flow.trace
        self._turned: dict[int, bool] = {}
        self._accounts = accounts
        self._roles = roles

    def fold(self, node: Node) -> Node:
        """A section with its children folded, and equal ones among them folded into the first."""
        items = [self.fold(item) if isinstance(item, Node) else item for item in node.items]
        signatures = [self._signature(item) for item in items]
        node = replace(node, items=tuple(self._fold_items(items, signatures)))
        return replace(node, kind=kind_of(node, self._roles))

    def _signature(self, item: _Item) -> Hashable:
        """What must be equal in siblings that fold."""
        if isinstance(item, Node):
            return (item.kind, item.crosses, item.side, item.repeat, tuple(map(self._signature, item.items)))
        refs = tuple(map(self._of_ref, (*item.operands, *item.results)))
        function = item.function if item.kind != "select" else ""  # of a loop over rows, the first row and the last
        what = (item.kind, self._roles.get(item.key), function, item.calls, tuple(map(str, item.notes)))
        if item.kind == "product" and item.key not in self._turned:
            self._turned[item.key] = self._is_turned(item)
        return (what, refs, item.share, self._accounts.local(item), self._turned.get(item.key))

    def _is_turned(self, draft: Draft) -> bool:
        """Whether a product sums over rows of what it reads: tokens are mixed as channels are, one after the other."""
        facts, value = self._flow.facts, draft.operands[0].value if draft.operands else -1
        if value < 0 or draft.order not in facts.of_op:
            return False
        axes = facts.axes_of(value)
        columns = {*facts.atoms.leaves(axes[-1])} if axes else set()
        inner = {*facts.atoms.leaves(facts.products[facts.of_op[draft.order][0]].k)}
        return bool(inner) and bool(columns) and not inner & columns

    def _of_ref(self, ref: Ref) -> Hashable:
        """What must be equal in operands; in the first turn of a loop a constant may stand where the next have data.

        What earlier passes kept of all layers is one tensor, which the first layer finds and the others have written.
        """
        named = ref.value >= 0 and self._trace.tensors[ref.value].origin in ("parameter", "buffer")
        is_given = named and ref.part not in KEPT
        origin = ref.origin if is_given else "data"
        return (ref.shape, origin, ref.stack_axes, ref.part, ref.pattern, ref.band, ref.seen, ref.transposed)

    def _fold_items(self, items: Sequence[_Item], signatures: Sequence[Hashable]) -> list[_Item]:
        """Siblings with what repeats folded; of a unit of several sections, what repeats inside it too."""
        found: list[_Item] = []
        position = 0
        while position < len(items):
            period, count = _repetition(items, signatures, position)
            if count == 1:
                found.append(items[position])
                position += 1
                continue
            late = self._begins_late(items, signatures, position, period * count)
            found += items[position : position + late]
            position += late
            copies = [list(items[position + i * period : position + (i + 1) * period]) for i in range(count)]
            if sum(isinstance(item, Node) for item in copies[0]) > 1:
                inside = signatures[position : position + period]
                copies = [self._fold_items(copy, inside) for copy in copies]
            found += self._as_one(copies)
            position += period * count
        return [_unwrapped(item) for item in found]

    def _begins_late(self, items: Sequence[_Item], signatures: Sequence[Hashable], start: int, length: int) -> int:
        """How many steps that close a layer stand before the first whole one, where as many layers follow these.

        A sum closes the layer whose work it adds, and so does a norm that alone reads the sum.
        """
        late = 0
        while start + length + late < len(items) and signatures[start + late] == signatures[start + length + late]:
            item, before = items[start + late], items[start + late - 1] if late else None
            closes = isinstance(item, Draft) and (
                item.kind == "residual" or (isinstance(before, Draft) and self._alone_reads(item, before))
            )
            if not closes:
                break
            late += 1
        return late

    def _alone_reads(self, norm: Draft, total: Draft) -> bool:
        """Whether a norm is all that reads a sum."""
        readers = self._flow.readers[total.result.value]
        return norm.kind == "norm" and total.kind == "residual" and {*readers} <= {*norm.ops}

    def _as_one(self, copies: Sequence[Sequence[_Item]]) -> Sequence[_Item]:
        """Equal runs of items as one section of which the first run is shown; as a stack if they stand side by side."""
        sections = [self._section_of(copy) for copy in copies]
        items = tuple(map(_of_all, *(section.items for section in sections)))
        first = replace(
            sections[0],
            items=items,
            repeat=len(copies),
            folded=tuple(sections[1:]),
            members=tuple(path for section in sections for path in section.members),
        )
        if not self._are_apart(sections):
            return [first]
        if not first.nodes and self._are_joined(sections):
            return self._side_by_side(sections)
        is_bare = all(isinstance(item, Draft) for item in copies[0])
        is_each_own = (is_bare and len(copies) < _LONG_LOOP) or self._read_apart(sections)
        return [item for copy in copies for item in copy] if is_each_own else [first]

    def _section_of(self, unit: Sequence[_Item]) -> Node:
        """A run of items as one section: itself, if it is one."""
        if len(unit) == 1 and isinstance(unit[0], Node):
            return unit[0]
        paths = [item.path for item in unit if isinstance(item, Node)]
        first = unit[0]
        alone = self._trace.calls[first.call].path if isinstance(first, Draft) and self._trace.calls else ""
        name = (
            f"{paths[0]} … {paths[-1].rpartition('.')[2]}" if len(paths) > 1 else f"<{(*paths, alone)[0] or 'block'}>"
        )
        members = tuple(path for item in unit if isinstance(item, Node) for path in item.members)
        works = any(isinstance(item, Node) or item.kind in _IN_BLOCKS for item in unit)
        return Node(name, "", tuple(unit), "block" if works else "other", members=members, is_group=True)

    def _are_apart(self, members: Sequence[Node]) -> bool:
        """Whether no member reads what another one made: different things that look alike, no turns of a loop."""
        made: set[int] = set()
        for mine in map(self._ops_of, members):
            if made.intersection(value for op in mine for value in op.inputs):
                return False
            made.update(value for op in mine for value in op.outputs)
        return bool(made)

    def _read_apart(self, members: Sequence[Node]) -> bool:
        """Whether each goes on with what nothing else reads and other operations made: the ends of two towers."""
        read = [self._read_by(member) for member in members]
        makers = [[op for value in sorted(each) if (op := self._flow.op_of(value))] for each in read]
        alike = {tuple(tuple(names_of(op.kernels)) for op in each) for each in makers}
        if not all(makers) or len(alike) < len(members):
            return False
        behind = [set.union(*map(self._flow.ancestors, each)) for each in read]
        return len(set.union(*behind)) == sum(map(len, behind))

    def _read_by(self, member: Node) -> set[int]:
        """Data that a section reads from outside."""
        ops = self._ops_of(member)
        made = {value for op in ops for value in op.outputs}
        return {value for op in ops for value in op.inputs if value not in made and self._flow.is_data(value)}

    def _are_joined(self, members: Sequence[Node]) -> bool:
        """Whether one operation reads what all members made: heads, not layers."""
        outputs = [{value for op in self._ops_of(member) for value in op.outputs} for member in members]
        return any(all(not one.isdisjoint(op.inputs) for one in outputs) for op in self._trace.ops)

    def _ops_of(self, member: Node) -> list[Op]:
        return [self._trace.ops[op] for draft in member.drafts() for op in draft.ops]

    def _side_by_side(self, members: Sequence[Node]) -> list[Draft]:
        """Members that work next to each other are a stack: their steps stand in the section above."""
        shared = self._read_by_all(members)
        count = len(members)

        def stacked(ref: Ref) -> Ref:
            return ref if ref.value in shared else replace(ref, stack_axes=(*ref.stack_axes, count))

        columns = zip(*(member.own for member in members), strict=True)
        return [
            replace(
                draft,
                operands=tuple(map(stacked, draft.operands)),
                results=tuple(map(stacked, draft.results)),
                flops=None if draft.flops is None else draft.flops * count,
                twins=(*draft.twins, *others),
            )
            for draft, *others in columns
        ]

    def _read_by_all(self, members: Sequence[Node]) -> set[int]:
        """Values that every member reads whole: of one cut into pieces, each has its own."""
        read = [{ref.value for draft in member.drafts() for ref in draft.operands} for member in members]
        cut = {
            ref.value
            for draft in members[0].drafts()
            for ref in draft.operands
            if ref.value >= 0 and prod(ref.shape) * ref.stack < prod(self._trace.tensors[ref.value].shape)
        }
        return set.intersection(*read) - cut


def _of_all(first: _Item, *others: _Item) -> _Item:
    """The first of equal items, as it stands for all: where each selects a row of its own, it is a row."""
    if isinstance(first, Node):
        inner = zip(first.items, *(other.items for other in others if isinstance(other, Node)), strict=True)
        return replace(first, items=tuple(_of_all(*each) for each in inner))
    is_same = all(isinstance(other, Draft) and other.function == first.function for other in others)
    return first if is_same else replace(first, function="row")


def _unwrapped(item: _Item) -> _Item:
    """A section that holds one folded section and nothing else is that section."""
    while isinstance(item, Node) and item.repeat == 1 and len(item.items) == 1 and isinstance(item.items[0], Node):
        item = item.items[0]
    return item


def _repetition(items: Sequence[_Item], signatures: Sequence[Hashable], start: int) -> tuple[int, int]:
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


def _may_fold(unit: Sequence[_Item], count: int) -> bool:
    """Sections fold; bare steps as a unit with real work, or in a long loop: two equal adds are two adds."""
    if any(isinstance(item, Node) for item in unit):
        return count > 1
    heavy = [item for item in unit if isinstance(item, Draft) and item.kind in _HEAVY]
    return (count > 2 and len(unit) > 1 and bool(heavy)) or count >= _LONG_LOOP
