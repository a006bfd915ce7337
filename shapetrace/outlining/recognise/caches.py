"""Key/value caches: data kept from earlier passes, to which this one appends its rows, or writes them in place."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from shapetrace.ir import Op
from shapetrace.ops.atoms import Axis
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention, all_operands_of, operands_of
from shapetrace.outlining.recognise.blending import Blend, blend, may_blend
from shapetrace.outlining.recognise.origins import IDLE, MOVING, is_own, kept_by
from shapetrace.outlining.recognise.regions import Region, region
from shapetrace.outlining.roles import Part
from shapetrace.outlining.selecting import are_apart, places_written

_MOST_OPERATIONS = 80
_JOINING = frozenset({"cat", "stack"})

Relatives: TypeAlias = Mapping[int, frozenset[int]]
"""For atoms that are pieces, or put together: the atoms of all axes that they were cut out of, or made of."""


@dataclass(frozen=True, slots=True)
class Append:
    """One operation that puts new rows to those kept.

    Attributes:
        op: The operation.
        kept: The rows from before; several where they were put aside one after another.
        new: The rows of this pass; several where they are put there one by one.
        part: What the rows are: keys, values, or a latent of both.
        in_place: True if they are written into a tensor of fixed size, or take the place of some of its rows.
        moves: Further operations that only move what is kept.
        is_first: True if this pass has made what they are written into, or written there before: nothing is read.
    """

    op: int
    kept: tuple[int, ...]
    new: tuple[int, ...]
    part: Part
    in_place: bool
    moves: tuple[int, ...] = ()
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    """A product that reads what may be kept.

    Attributes:
        value: What it reads.
        part: What that is.
        keys: Atoms of the rows that are read.
        among: The same, and those of the axes that they were cut out of, or put together from.
        queries: Atoms of the rows that read them.
        attention: The attention it is of; None for another product of data with data.
    """

    value: int
    part: Part
    keys: frozenset[int]
    among: frozenset[int]
    queries: frozenset[int]
    attention: Attention | None = None


def appends(flow: Flow, attentions: tuple[Attention, ...]) -> Mapping[int, Append]:
    """All appends to what attention reads as keys and values, by operation."""
    found: dict[int, Append] = {}
    if not any(_may_append(flow, op) for op in flow.trace.ops):
        return found
    relatives = _relatives(flow)
    for look in (*_of_attentions(flow, attentions, relatives), *_of_choices(flow, attentions, relatives)):
        read = flow.facts.places.get(look.value, frozenset())
        behind_it = [
            (op, expanded)
            for op, expanded in behind(flow, look.value)
            if not are_apart(read, places_written(flow.facts, op.kernels))
        ]
        way = [op for op, _ in behind_it]
        for place, (op, expanded) in enumerate(behind_it):
            known = found.get(op.id)
            if known is None and (look.attention is not None or not expanded):
                known = _append(flow, op, look, way[place + 1 :], found)
            if known is not None and look.attention is not None:
                shared = expanded or (op.id in found and known.part is not look.part)
                is_plain = not expanded and _are_apart(flow, look.attention)
                both = Part.KEY_VALUE if is_plain else Part.LATENT_KEY_VALUE
                known = replace(known, part=both if shared else look.part)
            if known is not None:
                found[op.id] = known
    return {op: replace(each, moves=(*each.moves, *_moves(flow, each, found))) for op, each in found.items()}


def _may_append(flow: Flow, op: Op) -> bool:
    """Whether an operation may be the first append of a pass, whatever reads it: most passes have none."""
    if not op.outputs or len(op.inputs) < 2:
        return False
    if _JOINING & set(names_of(op.kernels)):
        return len({kept_by(flow, value, ()).is_kept for value in op.inputs}) == 2
    written = region(flow, op)
    return _blend_in(flow, op, {}) is not None if written is None else _is_new(flow, written.source, {})


def appended(flow: Flow, appends: Mapping[int, Append]) -> frozenset[int]:
    """The values to which rows are put, or into which they are written, as this pass found them."""
    found = (flow.facts.outside(value) for append in appends.values() for value in append.kept)
    return frozenset(kept_by(flow, value, ()).value for value in found)


def rows_read(flow: Flow, value: int) -> tuple[int, int] | None:
    """How many of the rows that were put together are read by all, where some were left out again, and of how many."""
    facts, root, shape = flow.facts, flow.root(value), flow.facts.tensor(value).shape
    joined = [bool({*facts.atoms.leaves(axis)} & {*facts.atoms.joined}) for axis in facts.axes_of(value)]
    rows = joined.index(True) if sum(joined) == 1 else -1
    read = [v for reader in flow.readers[root] for v in flow.trace.ops[reader].inputs if flow.root(v) == root]
    cuts = {facts.tensor(form).shape for v in read for form in flow.forms(v)[-2:-1]} or {shape}
    cut = cuts.pop() if len(cuts) == 1 else shape
    others = [size for place, size in enumerate(cut) if place != rows]
    is_cut = (
        rows >= 0 and others == [size for place, size in enumerate(shape) if place != rows] and cut[rows] < shape[rows]
    )
    return (cut[rows], shape[rows]) if is_cut else None


def _relatives(flow: Flow) -> Relatives:
    atoms, found = flow.facts.atoms, defaultdict[int, frozenset[int]](frozenset)
    related = [(atom, (piece.whole,)) for atom, piece in atoms.pieces.items()] + list(atoms.joined.items())
    for atom, axes in related:
        for leaf in atoms.leaves((atom,)):
            found[leaf] |= {*atoms.flat(axes)}
    return found


def _of_attentions(flow: Flow, attentions: Iterable[Attention], relatives: Relatives) -> Iterator[_Look]:
    """What attention reads as keys and as values."""
    products = flow.facts.products
    for attention in attentions:
        scores = products[attention.scores]
        keys, queries = (scores.m, scores.n) if attention.query_right else (scores.n, scores.m)
        for part, value, _ in all_operands_of(flow, attention):
            if part is Part.QUERY:
                continue
            is_value = part is Part.VALUE and attention.weighted is not None
            rows = products[attention.weighted or 0].k if is_value else keys
            yield _look(flow, relatives, (value, part), (rows, queries), attention)


def _of_choices(flow: Flow, attentions: Iterable[Attention], relatives: Relatives) -> Iterator[_Look]:
    """What other products of data with data read row by row: keys that say which others are looked at."""
    taken = {place for each in attentions for place in (each.scores, each.weighted)}
    for place, product in enumerate(flow.facts.products):
        if place in taken or product.left is None or not (flow.is_data(product.left) and flow.is_data(product.right)):
            continue
        for value, rows, others in ((product.left, product.m, product.n), (product.right, product.n, product.m)):
            yield _look(flow, relatives, (value, Part.KEY), (rows, others))


def _look(
    flow: Flow, relatives: Relatives, read: tuple[int, Part], rows: tuple[Axis, Axis],
    attention: Attention | None = None,
) -> _Look:  # fmt: skip
    keys, queries = (frozenset(flow.facts.atoms.leaves(axis)) for axis in rows)
    among = keys.union(*(relatives.get(leaf, ()) for leaf in keys))
    return _Look(*read, keys, among, queries, attention)


def _are_apart(flow: Flow, attention: Attention) -> bool:
    """Whether no columns are both keys and values: they are kept beside each other, and are no latent."""
    made = {part: flow.facts.sources.get(value, {}) for part, value, _ in operands_of(flow, attention)}
    keys, values = made.get(Part.KEY, {}), made.get(Part.VALUE, {})
    return bool(keys) and bool(values) and all(keys[product] != values[product] for product in keys.keys() & values)


def _moves(flow: Flow, append: Append, appends: Mapping[int, Append]) -> tuple[int, ...]:
    """Operations that only move what is kept: rolled or cut before the append, written back after it."""
    before = [op.id for kept in append.kept for op in kept_by(flow, kept, appends).passed if not flow.edges[op.id]]
    result = flow.trace.ops[append.op].outputs[-1]
    values, back = [*map(flow.root, append.kept), flow.root(result)], []
    for value in values:
        for reader in flow.readers[value]:
            op = flow.trace.ops[reader]
            names = set(names_of(op.kernels))
            if reader not in appends and reader not in before and names & MOVING and names <= MOVING | IDLE:
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
        if producer is None or producer in seen or producer not in flow.by_row:
            continue
        op = flow.trace.ops[producer]
        multiplies = flow.kinds[producer] == "product"
        if multiplies and (expanded or not _projects(flow, op)):
            continue
        seen[producer] = expanded
        stack += [(v, expanded or multiplies) for v in op.inputs if v < current]
    for op_id in sorted(seen):
        yield flow.trace.ops[op_id], seen[op_id]


def _projects(flow: Flow, op: Op) -> bool:
    """Whether an operation multiplies rows with weights: a latent becomes keys and values."""
    products = [flow.facts.products[position] for position in flow.facts.of_op.get(op.id, ())]
    return all(flow.facts.tensor(product.right).role == "weight" for product in products)


def _append(flow: Flow, op: Op, look: _Look, way: Sequence[Op], earlier: Mapping[int, Append]) -> Append | None:
    """An operation as an append, if it grows or fills the axis along which keys are counted."""
    if not op.outputs or len(op.inputs) < 2:
        return None
    if _JOINING & set(names_of(op.kernels)):
        return _beside(flow, op, look, way, earlier)
    found = region(flow, op)
    return _blended(flow, op, look, way, earlier) if found is None else _written(flow, op, found, look, way, earlier)


def _beside(flow: Flow, op: Op, look: _Look, way: Sequence[Op], earlier: Mapping[int, Append]) -> Append | None:
    """New rows that are put beside kept ones."""
    kept = tuple(value for value in op.inputs if kept_by(flow, value, ()).is_kept)
    new = tuple(value for value in op.inputs if value not in kept)
    if not kept or not new or not _is_along_keys(flow, look, _joined(flow, op), way):
        return None
    are_new = all(_is_new(flow, value, earlier) for value in new)
    return Append(op.id, kept, new, look.part, in_place=False) if are_new else None


def _written(
    flow: Flow, op: Op, found: Region, look: _Look, way: Sequence[Op], earlier: Mapping[int, Append]
) -> Append | None:
    """New rows that are written among kept ones, or behind those that were put into a larger tensor."""
    rows = [each for each in found.among if _is_along_keys(flow, look, each.atoms, way)]
    is_filled = bool(found.rows) and found.rows == look.queries  # and read only so far
    if not (rows or is_filled) or not _is_new(flow, found.source, earlier):
        return None
    of_one = earlier if len(rows) == len(found.among) else {}  # else a tensor may have the rows of several layers
    is_first, before = is_own(flow, found.target, of_one), kept_by(flow, found.target, earlier)
    if not is_first and before.grown is not None:
        return Append(op.id, (before.grown,), (found.source,), look.part, in_place=False)
    kept = (rows or found.among)[-1].value
    is_kept = is_first or before.is_kept
    return Append(op.id, (kept,), (found.source,), look.part, True, is_first=is_first) if is_kept else None


def _blended(flow: Flow, op: Op, look: _Look, way: Sequence[Op], earlier: Mapping[int, Append]) -> Append | None:
    """New rows that stand where a mask picks them among kept ones."""
    found = _blend_in(flow, op, earlier)
    if found is None or not _is_new(flow, found.new, earlier) or not _is_along_keys(flow, look, found.along, way):
        return None
    is_first = is_own(flow, found.kept, earlier)
    return Append(op.id, (found.kept,), (found.new,), look.part, True, found.ops, is_first)


def _blend_in(flow: Flow, op: Op, earlier: Mapping[int, Append]) -> Blend | None:
    if not may_blend(flow, op, earlier):
        return None
    return blend(flow, op.outputs[-1], lambda value: is_own(flow, value, earlier) or kept_by(flow, value, ()).is_kept)


def _joined(flow: Flow, op: Op) -> frozenset[int]:
    """Atoms of the axis along which an operation puts tensors side by side."""
    before = {leaf for value in op.inputs for leaf in flow.facts.atoms.flat(flow.facts.axes_of(value))}
    return frozenset(flow.facts.atoms.flat(flow.facts.axes_of(op.outputs[-1]))) - before


def _is_along_keys(flow: Flow, look: _Look, rows: frozenset[int], way: Sequence[Op]) -> bool:
    """Whether an axis counts keys, or they are some of what it counts, cut out or taken by their places since.

    Queries are no such rows.
    """
    atoms, found = flow.facts.atoms, set(rows)
    for op in way:
        if flow.kinds[op.id] == "index" and op.inputs:
            before, after = ({*atoms.flat(flow.facts.axes_of(v))} for v in (op.inputs[0], op.outputs[0]))
            found |= after - before if found & (before - after) else set()
    return bool(found & look.among) and not look.keys & look.queries


def _is_new(flow: Flow, value: int, earlier: Mapping[int, Append]) -> bool:
    """Whether a projection of this pass made a value, or a table of embeddings: hidden states are kept too."""
    op = flow.op_of(value)
    is_made = bool(flow.facts.sources.get(value)) or (op is not None and flow.kinds[op.id] == "lookup")
    return is_made and (op is None or op.id not in earlier)
