"""Runs of element-wise operations that are one step: GELU written in eight lines, RMSNorm, RoPE."""

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from itertools import pairwise

from shapetrace.ir import Op
from shapetrace.ops.kinds import OpKind, has, names_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.functions import named
from shapetrace.outlining.recognise.residuals import REAL_WORK
from shapetrace.outlining.recognise.turns import kept_in_other_turns
from shapetrace.outlining.steps.parting import parted, read_by

_FUSABLE: frozenset[OpKind] = frozenset({"pointwise", "norm", "reduce", "cat"})
_SMALL: frozenset[OpKind] = frozenset({"pointwise", "cast", "layout"})
_FEW = 16
_MANY = 3


def _idle_calls(flow: Flow, taken: set[int]) -> set[int]:
    """Module calls inside which nothing but element-wise work is done."""
    busy: set[int] = set()
    for op in flow.trace.ops:
        if op.id in taken or flow.kinds[op.id] in ("product", "lookup", "softmax"):
            call: int | None = flow.module_of[op.id]
            while call is not None and call not in busy:
                busy.add(call)
                call = flow.trace.calls[call].parent
    return {call.id for call in flow.trace.calls if call.id not in busy and call.kind == "module"}


class Groups:
    """Element-wise operations by the step that they belong to.

    A module that multiplies nothing is one step; elsewhere an operation joins the one that alone reads its result.
    """

    def __init__(self, flow: Flow, taken: set[int], ends: Container[int]) -> None:
        """Group what is not taken.

        Args:
            flow: Values and operations.
            taken: Operations that other steps draw, and residuals.
            ends: Operations that end a step, whatever reads them.
        """
        self._ends = ends
        self._flow = flow
        self._module_of = flow.module_of
        self._leaves = _idle_calls(flow, taken)
        self._taken = taken
        self._group: dict[int, int] = {}
        self._members: dict[int, list[int]] = defaultdict(list)
        self._inputs: dict[int, set[int]] = {}
        self._closed: set[int] = set()
        self._kept_in_other_turns = kept_in_other_turns(flow)
        self._by_leaf()
        self._by_flow()

    def all(self) -> Iterator[list[int]]:
        """Operation ids of each group, in order."""
        for members in self._members.values():
            if any(map(self._is_floating, members)):
                yield from parted(self._flow, sorted(members))

    def _fusable(self, op: Op) -> bool:
        flow = self._flow
        if op.id in self._taken or flow.edges[op.id] or not op.outputs or op.id in flow.unread:
            return False
        if flow.kinds[op.id] not in _FUSABLE:
            return False
        value = op.outputs[0]
        places = [made for made in op.outputs[1:] if has(op, "best") and flow.readers[flow.root(made)]]
        return flow.is_data(value) and (flow.is_floating(value) or self._compares(op)) and not places

    def _compares(self, op: Op) -> bool:
        """Whether an operation compares data with a number or a weight, for one that computes: ``x * (x > 0)``."""
        flow, readers = self._flow, self._flow.readers[self._flow.root(op.outputs[0])]
        numbers = [flow.is_floating(value) for value in op.inputs if flow.is_data(value)] == [True]
        computes = [flow.kinds[reader] == "pointwise" and self._is_floating(reader) for reader in readers]
        return numbers and flow.kinds[op.id] == "pointwise" and computes == [True]

    def _is_floating(self, op: int) -> bool:
        outputs = self._flow.trace.ops[op].outputs
        return bool(outputs) and self._flow.is_floating(outputs[0])

    def _by_leaf(self) -> None:
        runs: dict[int, list[int]] = defaultdict(list)
        for op in self._flow.trace.ops:
            call = self._module_of[op.id]
            if call in self._leaves and self._fusable(op):
                runs[call].append(op.id)
        for members in runs.values():
            for part in self._connected(members):
                self._join(part)
                norm, *_ = named(self._flow, [self._flow.trace.ops[i] for i in part])
                if norm:
                    self._closed.add(part[0])

    def _connected(self, members: Sequence[int]) -> list[list[int]]:
        """Split one module's operations where neither reads the other: queries and keys in one rotary call."""
        part_of: dict[int, list[int]] = {}
        made_by: dict[int, int] = {}
        for member in members:
            mine = [member]
            for value in read_by(self._flow, member):
                other = part_of[made_by[value]] if value in made_by else mine
                if other is not mine:
                    mine, smaller = (mine, other) if len(mine) > len(other) else (other, mine)
                    mine += smaller
                    part_of.update(dict.fromkeys(smaller, mine))
            part_of[member] = mine
            made_by[self._result(member)] = member
        return [sorted(part) for part in {id(part): part for part in part_of.values()}.values()]

    def _by_flow(self) -> None:
        for op in self._flow.trace.ops:
            if not self._fusable(op):
                continue
            if op.id not in self._group:
                self._join([op.id])
                if self._stands_alone(op):
                    self._take_scales(op)
                    self._closed.add(self._group[op.id])
            if self._group[op.id] not in self._closed:
                self._absorb(op)
            if op.id in self._ends:
                self._closed.add(self._group[op.id])

    def _stands_alone(self, op: Op) -> bool:
        """Whether people name this operation by itself: padding, a Fourier transform, positions or branches added."""
        is_joined = names_of(op.kernels) in (["cat"], ["stack"], ["copy"])
        joins = is_joined and (self._joins_projections(op) or self._joins_turns(op))
        if has(op, "alone") or joins:
            return True
        return names_of(op.kernels) == ["add"] and (any(map(self._is_positions, op.inputs)) or self._joins_branches(op))

    def _joins_projections(self, op: Op) -> bool:
        """Whether results of different products are put side by side: rotated keys and others, a state of each turn."""
        sources = [set(self._flow.facts.sources.get(value, ())) for value in op.inputs]
        if len(sources) < 2 or not (any(sources) or any(map(self._is_of_products, op.inputs))):
            return False
        made = [found or {-1 - self._flow.root(value)} for value, found in zip(op.inputs, sources, strict=True)]
        return all(one - other for other, one in pairwise(made))

    def _joins_turns(self, op: Op) -> bool:
        """Whether the states of a loop are put side by side, each made of the one before it, or what turns read there.

        Turns run the same operations, so that what they make comes at equal distances; the first one may have less.
        """
        if len(op.inputs) < _MANY:
            return False
        makers = [self._flow.facts.producer.get(self._flow.root(value), -1) for value in op.inputs]
        pairs = [*zip(makers, op.inputs[1:], strict=False)][:_MANY]
        if all(maker in self._flow.ancestors(value, since=maker - 1) for maker, value in pairs if maker >= 0):
            return True
        distances = {later - earlier for earlier, later in pairwise(makers[1:])}
        made_by = {self._flow.trace.ops[maker].name for maker in makers if maker >= 0}
        return len(makers) > _MANY and len(distances) == len(made_by) == 1 and min(distances) > _MANY and makers[0] >= 0

    def _is_of_products(self, value: int) -> bool:
        """Whether products were made a value of, also so many that they were not kept apart."""
        return any(self._flow.kinds[op.id] == "product" for op, _ in self._flow.behind(value, _SMALL, most=_FEW))

    def _joins_branches(self, op: Op) -> bool:
        """Whether an addition joins two results of real work: a projected shortcut, no part of one formula."""
        flow = self._flow
        works = [value for value in op.inputs if flow.is_data(value) or flow.facts.sources.get(value)]
        roots = {self._unscaled(flow.root(value)) for value in works}
        makers = [flow.facts.producer.get(root) for root in roots]
        shapes = {flow.facts.tensor(value).shape for value in op.inputs}
        whole = all(maker is not None and self._is_whole(op, maker) for maker in makers)
        return len(roots) == 2 and len(shapes) == 1 and whole

    def _unscaled(self, value: int) -> int:
        """A value, or what it was before it was multiplied with a number that nothing else reads."""
        scale = self._scale_of(value)
        return value if scale is None else self._flow.root(scale.inputs[0])

    def _scale_of(self, value: int) -> Op | None:
        """The operation that made a value as a number times another one, for one reader."""
        op = self._flow.op_of(value)
        scales = op is not None and names_of(op.kernels) in (["mul"], ["div"]) and len(op.inputs) == 1
        alone = scales and len(self._flow.readers[value]) == 1 and value not in self._flow.outputs
        return op if alone else None

    def _take_scales(self, addition: Op) -> None:
        """What only scales one of the branches that are added belongs to the addition."""
        if names_of(addition.kernels) != ["add"] or not self._joins_branches(addition):
            return
        for value in read_by(self._flow, addition.id):
            scale = self._scale_of(value)
            group = None if scale is None else self._group.get(scale.id)
            if group is not None and len(self._members[group]) == 1:
                self._merge(self._group[addition.id], group)

    def _is_whole(self, op: Op, maker: int) -> bool:
        """Whether what an operation reads is complete: real work, or the result of another module."""
        group = self._group.get(maker)
        return group is None or group in self._closed or not self._same_place(op, maker)

    def _is_sum(self, group: int) -> bool:
        """Whether a group adds up results of real work, as skip connections do, and nothing else."""
        members = self._members[group]
        if any(names_of(self._flow.trace.ops[member].kernels) != ["add"] for member in members):
            return False
        makers = {self._flow.facts.producer.get(value) for member in members for value in read_by(self._flow, member)}
        branches = [maker for maker in makers if maker is not None and self._flow.kinds[maker] in REAL_WORK]
        return len(branches) > 1

    def _is_positions(self, value: int) -> bool:
        """Whether a value is a table of positions: sines and cosines, or rows that the model learned."""
        tensor = self._flow.facts.tensor(value)
        if tensor.role == "data" or len(tensor.shape) < 2:
            return False
        return self._flow.is_table(value) or self._flow.is_trigonometric(value)

    def _absorb(self, op: Op) -> None:
        """Take in the groups whose results only this group reads."""
        waiting = list(self._inputs[self._group[op.id]])
        while waiting:
            value, mine = waiting.pop(), self._group[op.id]
            producer = self._flow.facts.producer.get(value)
            other = None if producer is None else self._group.get(producer)
            if other is None or other == mine or other in self._closed or value in self._flow.outputs:
                self._inputs[mine].discard(value)  # producers come first: that will not change
            elif names_of(op.kernels) != ["add"] and self._is_sum(other):
                self._closed.add(other)
            elif self._alone_reads(mine, value) and self._same_place(op, producer or 0):
                waiting += self._inputs[other]  # what both read is read by one group now
                self._merge(mine, other)

    def _alone_reads(self, group: int, value: int) -> bool:
        """Whether a group holds all readers of a value, in every turn of a loop; the last one is asked first."""
        if self._flow.facts.producer.get(value) in self._kept_in_other_turns:
            return False
        return all(self._group.get(reader) == group for reader in reversed(self._flow.readers[value]))

    def _same_place(self, op: Op, other: int) -> bool:
        """Whether two operations run in one module, leaves such as an activation's module apart."""
        return self._place(op.id) == self._place(other)

    def _place(self, op: int) -> int:
        call = self._module_of[op]
        while call in self._leaves and self._flow.trace.calls[call].parent is not None:
            call = self._parent(call)
        return call

    def _parent(self, call: int) -> int:
        parent = self._flow.trace.calls[call].parent
        while parent is not None and self._flow.trace.calls[parent].kind == "function":
            parent = self._flow.trace.calls[parent].parent
        return parent or 0

    def _result(self, op: int) -> int:
        outputs = self._flow.trace.ops[op].outputs
        return outputs[0] if outputs else -1

    def _join(self, members: Sequence[int]) -> None:
        for member in members:
            self._group[member] = members[0]
        self._members[members[0]] = list(members)
        self._inputs[members[0]] = {value for member in members for value in read_by(self._flow, member)}

    def _merge(self, one: int, other: int) -> None:
        """Make one group of two; the smaller moves, so that long chains cost no more than they are long."""
        keep, move = (one, other) if len(self._members[one]) >= len(self._members[other]) else (other, one)
        moved = self._members.pop(move)
        self._group.update(dict.fromkeys(moved, keep))
        self._members[keep] += moved
        self._inputs[keep] |= self._inputs.pop(move)
