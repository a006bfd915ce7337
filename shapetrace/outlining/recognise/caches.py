"""Key/value caches: data kept from earlier passes, to which this one appends its rows, or writes them in place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from shapetrace.ir import Op
from shapetrace.ops.atoms import Axis
from shapetrace.ops.kinds import OpKind, is_factory, names_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention, operands_of
from shapetrace.outlining.roles import Part

_WRITING = frozenset(
    {"copy", "scatter", "index_copy", "index_put", "_index_put_impl_", "slice_scatter", "select_scatter"}
)
_MOVING = _WRITING | {"roll", "slice", "index", "index_select", "narrow", "clone", "where", "zero"}
_IDLE = frozenset({"view", "expand", "unsqueeze", "squeeze", "select", "alias", "arange", "detach", "_to_copy"})
_ROWWISE: frozenset[OpKind] = frozenset(
    {"pointwise", "cast", "layout", "dropout", "index", "norm", "cat", "product", "route"}
)
_MOST_OPERATIONS = 80


@dataclass(frozen=True, slots=True)
class Append:
    """One operation that puts new rows to those kept.

    Attributes:
        op: The operation.
        kept: The rows from before.
        new: The rows of this pass.
        part: What the rows are: keys, values, or a latent of both.
        in_place: True if they are written into a tensor of fixed size.
        moves: Further operations that only move what is kept.
        is_first: True if they are written into a tensor that this pass has made: nothing was kept before.
    """

    op: int
    kept: int
    new: int
    part: Part
    in_place: bool
    moves: tuple[int, ...] = ()
    is_first: bool = False


def appends(flow: Flow, attentions: tuple[Attention, ...]) -> Mapping[int, Append]:
    """All appends to what attention reads as keys and values, by operation."""
    found: dict[int, Append] = {}
    for attention in attentions:
        for part, value, _ in operands_of(flow, attention):
            if part is Part.QUERY:
                continue
            for op, expanded in behind(flow, value):
                known = found.get(op.id)
                if known is None:
                    known = _append(flow, op, (attention, part), found)
                if known is not None:
                    shared = expanded or (op.id in found and known.part is not part)
                    both = Part.KEY_VALUE if _are_apart(flow, attention) and not expanded else Part.LATENT_KEY_VALUE
                    found[op.id] = replace(known, part=both if shared else part)
    return {op: replace(append, moves=_moves(flow, append, found)) for op, append in found.items()}


def _are_apart(flow: Flow, attention: Attention) -> bool:
    """Whether no product makes both keys and values: they are kept beside each other, and are no latent."""
    made = {part: flow.facts.sources.get(value, {}).keys() for part, value, _ in operands_of(flow, attention)}
    keys, values = made.get(Part.KEY, ()), made.get(Part.VALUE, ())
    return bool(keys) and bool(values) and set(keys).isdisjoint(values)


def _moves(flow: Flow, append: Append, appends: Mapping[int, Append]) -> tuple[int, ...]:
    """Operations that only move what is kept: rolled or cut before the append, written back after it."""
    before = [op.id for op in kept_by(flow, append.kept, appends)[1] if not flow.edges[op.id]]
    result = flow.trace.ops[append.op].outputs[-1]
    values, back = [flow.root(append.kept), flow.root(result)], []
    for value in values:
        for reader in flow.readers[value]:
            op = flow.trace.ops[reader]
            names = set(names_of(op.kernels))
            if reader not in appends and reader not in before and names & _MOVING and names <= _MOVING | _IDLE:
                back.append(reader)
                values += [v for v in map(flow.root, op.outputs) if v not in values]
    return tuple(dict.fromkeys((*before, *back)))


def behind(flow: Flow, value: int) -> Iterator[tuple[Op, bool]]:
    """The operations that rows went through, oldest first, and whether a product with weights came after."""
    seen: dict[int, bool] = {}
    stack = [(value, False)]
    while stack and len(seen) < _MOST_OPERATIONS:
        current, expanded = stack.pop()
        producer = flow.facts.producer.get(current)
        if producer is None or producer in seen or not _keeps_rows(flow, flow.trace.ops[producer]):
            continue
        op = flow.trace.ops[producer]
        multiplies = flow.kinds[producer] == "product"
        if multiplies and (expanded or not _projects(flow, op)):
            continue
        seen[producer] = expanded
        stack += [(v, expanded or multiplies) for v in op.inputs if v < current]
    for op_id in sorted(seen):
        yield flow.trace.ops[op_id], seen[op_id]


def _keeps_rows(flow: Flow, op: Op) -> bool:
    """Whether an operation works row by row; one with a mean in it does if it is a norm, as its shapes say."""
    shapes = {flow.facts.tensor(value).shape for value in (*op.inputs[:1], *op.outputs[:1])}
    return flow.kinds[op.id] in _ROWWISE or (flow.kinds[op.id] == "reduce" and len(shapes) == 1)


def _projects(flow: Flow, op: Op) -> bool:
    """Whether an operation multiplies rows with weights: a latent becomes keys and values."""
    products = [flow.facts.products[position] for position in flow.facts.of_op.get(op.id, ())]
    return all(flow.facts.tensor(product.right).role == "weight" for product in products)


def _append(flow: Flow, op: Op, read: tuple[Attention, Part], earlier: Mapping[int, Append]) -> Append | None:
    """An operation as an append, if it grows or fills the axis along which keys are counted."""
    names = set(names_of(op.kernels))
    floating = [v for v in op.inputs if flow.is_floating(v)]
    if not op.outputs or len(floating) < 2 or not _is_along_keys(flow, op, *read):
        return None
    kept, new = floating[0], floating[-1]
    if not _is_new(flow, new, earlier):
        return None
    if "cat" in names and len(floating) == 2 and kept_by(flow, kept, earlier)[0]:
        return Append(op.id, kept, new, Part.KEY, in_place=False)
    if names & _WRITING and _fills_rows(flow, kept, new):
        made = flow.op_of(kept)
        is_first = made is not None and is_factory(made)
        if is_first or kept_by(flow, kept, earlier)[0]:
            return Append(op.id, kept, new, Part.KEY, in_place=True, is_first=is_first)
    return None


def _fills_rows(flow: Flow, kept: int, new: int) -> bool:
    """Whether new rows have the columns of those that they are written among: no columns beside others."""
    before, after = flow.facts.tensor(kept).shape, flow.facts.tensor(new).shape
    return len(before) == len(after) and sum(a != b for a, b in zip(before, after, strict=True)) == 1


def _is_along_keys(flow: Flow, op: Op, attention: Attention, part: Part) -> bool:
    """Whether rows are put together along the axis of the keys, and queries are no such rows."""
    atoms, scores = flow.facts.atoms, flow.facts.products[attention.scores]
    keys, queries = atoms.leaves(scores.n), atoms.leaves(scores.m)
    if attention.query_right:
        keys, queries = queries, keys
    if part is Part.VALUE and attention.weighted is not None:
        keys = atoms.leaves(flow.facts.products[attention.weighted].k)
    joined = {leaf for axis in flow.facts.axes_of(op.outputs[-1]) for leaf in atoms.leaves(axis)}
    writes = bool(set(names_of(op.kernels)) & _WRITING)
    for rows in (keys, *(_cut_from(flow, keys) if writes else ())):
        if rows and set(rows) <= joined and not set(rows) & set(queries):
            return True
    return bool(queries) and _rows_written(flow, op) == set(queries)  # a cache that is read only as far as it is filled


def _cut_from(flow: Flow, axis: Axis) -> list[Axis]:
    """What an axis is a part of: all rows of a cache of which some are read."""
    atoms = flow.facts.atoms
    return [atoms.leaves(piece.whole) for atom, piece in atoms.pieces.items() if atoms.leaves((atom,)) == axis]


def _rows_written(flow: Flow, op: Op) -> set[int]:
    """Along the one axis that a write fills in part, the atoms of what it writes."""
    floating = [v for v in op.inputs if flow.is_floating(v)]
    if not set(names_of(op.kernels)) & _WRITING or not _fills_rows(flow, floating[0], floating[-1]):
        return set()
    shapes = [flow.facts.tensor(value).shape for value in (floating[0], floating[-1])]
    parts = zip(flow.facts.axes_of(floating[-1]), *shapes, strict=True)
    return {leaf for axis, whole, part in parts if whole != part for leaf in flow.facts.atoms.leaves(axis)}


def kept_by(flow: Flow, value: int, earlier: Mapping[int, Append]) -> tuple[bool, list[Op]]:
    """Whether nothing in this pass made a value but an earlier append, and the operations that moved it since."""
    root = flow.root(value)
    passed: list[Op] = []
    for _ in range(8):
        tensor, op = flow.facts.tensor(root), flow.op_of(root)
        if op is None:
            return tensor.role != "weight", passed
        if op.id in earlier:
            return True, passed
        names = set(names_of(op.kernels))
        if not op.inputs or not (flow.kinds[op.id] in ("layout", "cast", "index") or names & _MOVING):
            break
        passed.append(op)
        root = flow.root(op.inputs[0])
    return False, []


def _is_new(flow: Flow, value: int, earlier: Mapping[int, Append]) -> bool:
    """Whether a projection of this pass made a value."""
    op = flow.op_of(value)
    return bool(flow.facts.sources.get(value)) and (op is None or op.id not in earlier)
