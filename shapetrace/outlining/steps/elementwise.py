"""Steps that multiply no matrices: lookups, residuals, runs of element-wise operations, and what stands alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import prod

from msgspec.structs import replace

from shapetrace.ir import Op
from shapetrace.language import Phrase
from shapetrace.ops.kinds import is_factory, names_of
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft, Ref, drawn_by, trimmed
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.caches import Append, rows_read
from shapetrace.outlining.recognise.columns import Columns, own_value, part_of
from shapetrace.outlining.recognise.filling import Fill
from shapetrace.outlining.recognise.functions import function_of, lone_function
from shapetrace.outlining.recognise.lookups import lookup_role
from shapetrace.outlining.recognise.recurrences import Recurrence
from shapetrace.outlining.recognise.residuals import residual_of
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.steps.grouping import Groups
from shapetrace.outlining.steps.stating import as_state

_MOST_OPERANDS = 5

_CACHED = {
    Part.KEY: Part.CACHED_KEY, Part.VALUE: Part.CACHED_VALUE, Part.LATENT_KEY_VALUE: Part.CACHED_LATENT,
    Part.KEY_VALUE: Part.CACHED_KEY_VALUE,
}  # fmt: skip


def append_steps(
    flow: Flow,
    axis_roles: AxisRoles,
    columns: Mapping[int, Sequence[Columns]],
    appends: Mapping[int, Append],
    fills: tuple[Fill, ...],
) -> tuple[Draft, ...]:
    """What is written together: rows kept from before and those of this pass; tensors that are filled in pieces."""
    kept = _Reader(flow, axis_roles, {})
    steps = tuple(kept.append(append) for append in appends.values())
    taken, reader = drawn_by(steps), _Reader(flow, axis_roles, columns)
    filled = (fill for fill in fills if not taken & set(fill.ops) and flow.is_data(fill.whole))
    return (*steps, *map(reader.filled, filled))


def lookup_steps(flow: Flow, axis_roles: AxisRoles, biased_steps: tuple[Draft, ...]) -> tuple[Draft, ...]:
    """Rows of tables, one for each id."""
    taken = drawn_by(biased_steps)
    reader = _Reader(flow, axis_roles, {})
    lookups = [op for op in flow.trace.ops if op.id not in taken and _is_lookup(flow, op)]
    asked = {flow.table_of(op) for op in lookups if flow.is_data(op.outputs[0])}
    return tuple(reader.lookup(op) for op in lookups if flow.table_of(op) in asked)


def _is_lookup(flow: Flow, op: Op) -> bool:
    """Whether ids choose rows of a table: ``embedding``, or a parameter that is indexed."""
    if flow.kinds[op.id] != "index" or len(op.inputs) != 2:
        return flow.kinds[op.id] == "lookup"
    table, ids = (flow.facts.tensor(value) for value in op.inputs)
    by_rows = len(table.shape) == 2 and flow.facts.tensor(op.outputs[0]).shape == (*ids.shape, table.shape[1])
    return by_rows and table.role == "weight" and ids.dtype.startswith("int")


def residual_steps(
    flow: Flow,
    axis_roles: AxisRoles,
    biased_steps: tuple[Draft, ...],
    lookup_steps: tuple[Draft, ...],
    recurrences: Mapping[int, Recurrence],
) -> tuple[Draft, ...]:
    """Data plus what was computed from it; what changes a state is none."""
    taken = drawn_by(biased_steps, lookup_steps) | {recurrence.update for recurrence in recurrences.values()}
    reader = _Reader(flow, axis_roles, {})
    streams: dict[int, int] = {}
    found = []
    for op in flow.trace.ops:
        if flow.kinds[op.id] != "pointwise" or op.id in taken or flow.edges[op.id]:
            continue
        pair = residual_of(flow, op, streams)
        if pair is not None:
            streams[flow.root(op.outputs[0])] = pair[0]
            found.append(reader.residual(op, *pair))
    return tuple(found)


def element_steps(
    flow: Flow,
    axis_roles: AxisRoles,
    columns: Mapping[int, Sequence[Columns]],
    early_steps: tuple[Draft, ...],
    recurrences: Mapping[int, Recurrence],
) -> tuple[Draft, ...]:
    """Runs of element-wise operations that are one step each; what changes a state, or asks it, ends one."""
    taken = drawn_by(early_steps)
    reader = _Reader(flow, axis_roles, columns)
    ends: dict[int, list[Recurrence]] = defaultdict(list)
    for each in recurrences.values():
        ends[each.reading].append(each)
        ends[each.update].append(each)
    return tuple(as_state(flow, reader.group(members), ends) for members in Groups(flow, taken, ends).all())


def lone_steps(
    flow: Flow,
    axis_roles: AxisRoles,
    columns: Mapping[int, Sequence[Columns]],
    drawn: tuple[Draft, ...],
    elided: Mapping[int, str],
) -> tuple[Draft, ...]:
    """What no other step draws and nothing elides, one step an operation."""
    taken = drawn_by(drawn)
    reader = _Reader(flow, axis_roles, columns)
    return tuple(reader.alone(op) for op in flow.trace.ops if op.id not in taken and op.id not in elided)


class _Reader:
    """Reads operations as drafts."""

    def __init__(self, flow: Flow, axis_roles: AxisRoles, columns: Mapping[int, Sequence[Columns]]) -> None:
        self._flow = flow
        self._axis_roles = axis_roles
        self._columns = columns

    def ref(self, value: int, part: Part = Part.OTHER) -> Ref:
        """A value as it is read; heads as an axis of their own are a stack; pairs (RoPE) are as wide as both halves."""
        flow, root = self._flow, self._root(value)
        origin, shape = flow.facts.tensor(root).role, flow.facts.tensor(value).shape
        part = part if part is not Part.OTHER else part_of(flow, self._columns, value)
        heads = [bool(self._axis_roles.heads_among([axis])) for axis in flow.facts.axes_of(value)]
        pairs = len(shape) == 5 and shape[4] == 2 and (heads[1:] == [True, False, False, False] or shape[1] == 1)
        if heads == [False, True, False, False] or pairs:
            stack = tuple(size for size in shape[:2] if size > 1)
            return Ref(root, (shape[2], prod(shape[3:])), origin, stack, part)
        if heads == [False, False, True, False]:  # positions before heads: one head's rows are apart
            stack = tuple(size for size in (shape[0], shape[2]) if size > 1)
            return Ref(root, (shape[1], shape[3]), origin, stack, part)
        return Ref(root, self._axis_roles.readable(value), origin, part=part)

    def _root(self, value: int) -> int:
        return own_value(self._flow, self._columns, value)

    def append(self, append: Append) -> Draft:
        """Kept rows with new ones behind them, or in their place."""
        op = self._flow.trace.ops[append.op]
        kept = Part.OTHER if append.is_first else _CACHED[append.part]
        operands = (*(self.ref(value, kept) for value in append.kept), self._new_rows(append))
        shared = (value for value in op.outputs if self._flow.facts.tensor(value).alias_of == op.inputs[0])
        result = self.ref(next(shared, op.outputs[-1]), append.part)
        if append.in_place:  # one tensor may keep those of several layers
            result = replace(result, shape=operands[0].shape, stack_axes=operands[0].stack_axes)
        role = Role.CACHE_WRITE if append.in_place else Role.CACHE_APPEND
        ops = (op.id, *(move for move in append.moves if not self._flow.edges[move]))
        some = None if append.in_place else rows_read(self._flow, op.outputs[-1])
        notes = () if some is None else (Phrase("{n} of {m} rows are read", {"n": some[0], "m": some[1]}),)
        return Draft(ops, "concat", operands, (result,), role, call=op.call, order=op.id, also=append.new[1:],
                     notes=notes)  # fmt: skip

    def _new_rows(self, append: Append) -> Ref:
        """Rows that are put to kept ones; of several values one below the other, as those of the first."""
        rows, first = append.new, self.ref(append.new[0], append.part)
        axes, kept = (self._flow.facts.axes_of(value) for value in (rows[0], append.kept[0]))
        if len(axes) == len(kept) - 1 == 3 and self._axis_roles.heads_among(axes[1:2]):  # the axis of rows was left out
            atoms, (outer, heads, width) = self._flow.facts.atoms, self._flow.facts.tensor(rows[0]).shape
            is_example = not {*atoms.leaves(axes[0])}.isdisjoint(atoms.flat(kept))
            stack = (outer, heads) if is_example else (heads,)
            shape = (1, width) if is_example else (outer, width)
            return replace(first, shape=shape, stack_axes=tuple(size for size in stack if size > 1))
        n = sum(self.ref(value).shape[-2] for value in rows[1:])
        return first if not n else replace(first, shape=(*first.shape[:-2], first.shape[-2] + n, first.shape[-1]))

    def filled(self, fill: Fill) -> Draft:
        """Pieces side by side."""
        op = self._flow.trace.ops[fill.ops[-1]]
        ops = tuple(each for each in fill.ops if each == op.id or not self._flow.edges[each])
        operands = tuple(self.ref(piece.value) for piece in fill.pieces)
        draft = Draft(ops, "concat", operands, (self.ref(fill.whole),), calls=("cat",), call=op.call, order=op.id)
        return _equal_pieces_as_stack(draft)

    def lookup(self, op: Op) -> Draft:
        """Rows of a table, one for each id."""
        flow = self._flow
        is_table_first = flow.is_floating(op.inputs[0])
        table, ids = op.inputs[:2] if is_table_first else (op.inputs[1], op.inputs[0])
        ids_ref = self.ref(ids, Part.IDS)
        table_ref = replace(self.ref(table, Part.TABLE), picks=flow.facts.tensor(ids).picks)
        operands = (replace(ids_ref, shape=trimmed(ids_ref.shape, 1)), table_ref)
        role = lookup_role(flow, self._axis_roles, op, ids)
        return Draft((op.id,), "lookup", operands, (self.ref(op.outputs[0]),), role, call=op.call, order=op.id)

    def residual(self, op: Op, older: int, newer: int) -> Draft:
        """Data plus what was computed from it."""
        shape = self._axis_roles.readable(op.outputs[0])
        operands = tuple(replace(self.ref(value), shape=shape) for value in (older, newer))
        return Draft((op.id,), "residual", operands, (self.ref(op.outputs[0]),), Role.RESIDUAL, call=op.call,
                     order=op.id)  # fmt: skip

    def group(self, members: Sequence[int]) -> Draft:
        """One step for a run of element-wise operations."""
        flow = self._flow
        ops = [flow.trace.ops[i] for i in members]
        inside = {value for op in ops for value in op.outputs}
        external = list(dict.fromkeys(self._root(v) for op in ops for v in op.inputs if flow.root(v) not in inside))
        data = [v for v in external if flow.is_data(v) or self._is_first_state(ops, v)] or external
        constants = [v for v in external if v not in data]
        function = function_of(flow, self._axis_roles, ops, data, constants)
        shown = data
        if function.kind == "concat":
            shown = [
                v for v in external if v in data or flow.facts.tensor(v).role == "weight" or self._is_piece(v, ops)
            ]
        elif function.kind in ("add", "multiply") and len(constants) < _MOST_OPERANDS:
            shown = [*data, *constants]
        draft = Draft(
            tuple(members), function.kind, self._read_whole(ops, shown),
            tuple(map(self.ref, self._results(ops))), function.role, function.name, function.calls,
            call=ops[-1].call, order=members[-1],
            notes=(Phrase("times learned numbers"),) if function.kind == "activation" and self._scales(ops) else (),
        )  # fmt: skip
        if function.kind == "concat":
            return _equal_pieces_as_stack(draft)
        spare = len(draft.operands) - _MOST_OPERANDS
        if spare <= 0:
            return draft
        notes = (Phrase("one more operand") if spare == 1 else Phrase("{n} more operands", {"n": spare}),)
        also = tuple(ref.value for ref in draft.operands[_MOST_OPERANDS:])
        return replace(draft, operands=draft.operands[:_MOST_OPERANDS], notes=notes, also=also)

    def _scales(self, ops: Sequence[Op]) -> bool:
        """Whether one of some operations multiplies with weights."""
        weigh = (op for op in ops if names_of(op.kernels) == ["mul"])
        return any(self._flow.is_weight(value) for op in weigh for value in op.inputs)

    def _is_first_state(self, ops: Sequence[Op], value: int) -> bool:
        """Whether a value stands where a loop has data in its next turn: made of zeros or noise, or of a product."""
        tensor = self._flow.facts.tensor
        shapes = (tensor(made).shape for op in ops for made in op.outputs)
        return bool(self._flow.facts.sources.get(value)) or (self._is_made(value) and tensor(value).shape in shapes)

    def _is_piece(self, value: int, ops: Sequence[Op]) -> bool:
        """Whether zeros or noise stand beside data in a result, and are not what data is written into."""
        shapes = [self._flow.facts.tensor(made).shape for op in ops for made in op.outputs]
        return self._is_made(value) and self._flow.facts.tensor(value).shape not in shapes

    def _is_made(self, value: int) -> bool:
        """Whether a value is zeros, ones or noise: several numbers that are made here."""
        producer, tensor = self._flow.facts.producer.get(value), self._flow.facts.tensor(value)
        made = producer is not None and is_factory(self._flow.trace.ops[producer])
        return made and prod(tensor.shape) > 1 and self._flow.is_floating(value)

    def _read_whole(self, ops: Sequence[Op], roots: Sequence[int]) -> tuple[Ref, ...]:
        """Each value in the last form that holds all that is read of it: the query, not the halves that are rotated."""
        forms: dict[int, list[int]] = defaultdict(list)
        for value in dict.fromkeys(v for op in ops for v in op.inputs):
            forms[self._root(value)].append(value)
        found = []
        for root in dict.fromkeys(roots):
            chains = [self._flow.forms(value) for value in forms[root]]
            found.append(next(value for value in chains[0] if all(value in chain for chain in chains)))
        return tuple(map(self.ref, found))

    def _results(self, ops: Sequence[Op]) -> list[int]:
        """What is read outside of the group; the last value if nothing is."""
        flow, members = self._flow, {op.id for op in ops}
        found = [
            value
            for op in ops
            for value in op.outputs
            if flow.root(value) == value and (value in flow.outputs or set(flow.readers[value]) - members)
        ]
        return found or [ops[-1].outputs[0]]

    def alone(self, op: Op) -> Draft:
        """Anything else, with its shapes: softmax outside attention, slices, routing, and what nobody knows."""
        flow = self._flow
        function = lone_function(flow, self._axis_roles, op)
        data = [value for value in op.inputs if flow.is_data(value)] or list(op.inputs)
        operands = tuple(map(self._lone_ref, list(dict.fromkeys(data))[:4]))
        results = tuple(map(self._lone_ref, list(dict.fromkeys(op.outputs))[:4]))
        notes = (Phrase("an operation that shapetrace does not know"),) * (function.kind == "unknown")
        return Draft((op.id,), function.kind, operands, results, function.role, function.name, function.calls,
                     call=op.call, order=op.id, notes=notes)  # fmt: skip

    def _lone_ref(self, value: int) -> Ref:
        ref = self.ref(value)
        return replace(ref, shape=trimmed(ref.shape, 1)) if len(ref.shape) > 2 else ref


def _equal_pieces_as_stack(draft: Draft) -> Draft:
    """Pieces of equal shape side by side are one stack."""
    count = len(draft.operands)
    if len({operand.shape for operand in draft.operands}) != 1 or count < 3:
        return draft
    first = draft.operands[0]
    result = replace(draft.result, pattern="slices", slices=count)
    operands = (Ref(first.value, first.shape, first.origin, (count,)),)
    also = tuple(ref.value for ref in draft.operands[1:])
    return replace(draft, operands=operands, results=(result, *draft.results[1:]), also=also)
