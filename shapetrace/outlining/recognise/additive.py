"""Attention whose scores are one number a row: v · tanh(W q + U k), and pooling by learned weights."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shapetrace.ir import Op
from shapetrace.ops.activations import activation_of
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention
from shapetrace.outlining.recognise.masks import Mask, together, uses_of
from shapetrace.outlining.recognise.mixing import BETWEEN, joins_data
from shapetrace.outlining.recognise.weighing import Weighing, weighings
from shapetrace.outlining.roles import Role

_MOST_STEPS = 12


@dataclass(frozen=True, slots=True)
class Additive:
    """One such attention: positions in ``Facts.products``, operations and values by their ids.

    Attributes:
        scores: The product that makes a number of each key, and one of each query if that is another.
        between: Operations that add, scale and mask the scores.
        weighing: What makes weights of them.
        mask: What hides scores.
        values: What is weighed.
        weights: The weights, as they meet the values.
        weighted: The product that adds up the values; None where it is written out.
        sum: The multiplication and the sum, where they are written out.
        roles: Roles of the products whose sum is bent and scored: queries, keys.
    """

    scores: tuple[int, ...]
    between: tuple[int, ...]
    weighing: Weighing
    mask: Mask
    values: int
    weights: int
    weighted: int | None
    sum: tuple[int, ...]
    roles: Mapping[int, Role]


def additives(flow: Flow, attentions: tuple[Attention, ...]) -> tuple[Additive, ...]:
    """All attentions whose scores are a product with one column: keys are the rows that a softmax runs over."""
    known = {attention.weighing for attention in attentions}
    return tuple(
        found
        for weighing in weighings(flow).values()
        if weighing not in known and (found := _read(flow, weighing)) is not None
    )


def _read(flow: Flow, weighing: Weighing) -> Additive | None:
    axes = flow.facts.axes_of(weighing.source)
    keys = frozenset(flow.facts.atoms.leaves(axes[weighing.dim(flow)])) if axes else frozenset()
    scored = _scored(flow, weighing.source, keys) if keys else None
    summed = None if scored is None else _summed(flow, flow.trace.ops[weighing.ops[-1]].outputs[0], keys)
    if scored is None or summed is None:
        return None
    scores, between = scored
    mask = together(flow, uses_of(flow, [flow.trace.ops[op] for op in between]))
    return Additive(scores, between, weighing, mask, *summed, _asked(flow, scores, keys))


def _scored(flow: Flow, value: int, keys: Collection[int]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The product that scores come from, and the operations since: its rows are the keys, its columns none.

    Two products may be added up, of which one has a number for each query (graph attention). Several columns are
    several ways to look, if a product reads what an activation bent.
    """
    atoms = flow.facts.atoms
    found: dict[int, bool] = {}
    between: set[int] = set()
    for op, passed in flow.behind(value, BETWEEN):
        made = flow.facts.of_op.get(op.id, [])
        product = flow.facts.products[made[0]] if made else None
        if product is None or len(made) > 1 or product not in flow.projections:
            return None
        if atoms.size(product.n) > 1 and not _is_bent(flow, product.left):
            return None
        found[made[0]] = {*atoms.flat((*product.batch, product.m))}.issuperset(keys)
        between.update(passed)
    twice = sum({*atoms.leaves(axis)} == {*keys} for axis in flow.facts.axes_of(value)) > 1  # each row with every row
    if sorted(found.values()) not in ([True], [False, True], [True, True] if twice else [True]):
        return None
    return tuple(found), tuple(sorted(between))


def _is_bent(flow: Flow, value: int | None) -> bool:
    """Whether an activation made a value."""
    op = None if value is None else flow.op_of(value)
    return op is not None and bool(activation_of([op], flow.trace))


def _summed(flow: Flow, weights: int, keys: Collection[int]) -> tuple[int, int, int | None, tuple[int, ...]] | None:
    """Values, weights, and what adds up the values by the weights: a product over the keys, or a sum of products."""
    for op in (flow.trace.ops[reader] for reader in flow.readers[flow.root(weights)]):
        for position in flow.facts.of_op.get(op.id, ()):
            product = flow.facts.products[position]
            pair = [value for value in (product.left, product.right) if value is not None]
            if joins_data(flow, product) and {*flow.facts.atoms.leaves(product.k)} == {*keys}:
                mine = [value for value in pair if flow.root(value) == flow.root(weights)]
                others = [value for value in pair if value not in mine]
                if mine and others:
                    return others[0], mine[0], position, ()
        written = _written_out(flow, op, weights, keys)
        if written is not None:
            return written
    return None


def _written_out(
    flow: Flow, op: Op, weights: int, keys: Collection[int]
) -> tuple[int, int, int | None, tuple[int, ...]] | None:
    """``(weights * values).sum(keys)``."""
    if names_of(op.kernels) != ["mul"] or len(op.inputs) != 2:
        return None
    mine = next(value for value in op.inputs if flow.root(value) == flow.root(weights))
    values = next((value for value in op.inputs if value != mine), mine)
    readers = flow.readers[flow.root(op.outputs[0])]
    total = flow.trace.ops[readers[0]] if len(readers) == 1 else None
    if values == mine or total is None or names_of(total.kernels) != ["sum"] or not flow.is_data(values):
        return None
    before, after = (set(flow.facts.atoms.flat(flow.facts.axes_of(v))) for v in (op.outputs[0], total.outputs[0]))
    return (values, mine, None, (op.id, total.id)) if before - after == {*keys} else None


def _asked(flow: Flow, scores: tuple[int, ...], keys: Collection[int]) -> Mapping[int, Role]:
    """Queries and keys: the two products whose sum is bent, one of them without rows of keys."""
    left = flow.facts.products[scores[0]].left
    atoms, found = flow.facts.atoms, dict[int, Role]()
    if left is None or len(scores) > 1:
        return found
    for op, _ in flow.behind(left, frozenset({"pointwise", "cast", "layout", "dropout"}), most=_MOST_STEPS):
        for position in flow.facts.of_op.get(op.id, ()):
            product = flow.facts.products[position]
            has_keys = not {*atoms.flat((*product.batch, product.m))}.isdisjoint(keys)
            found[position] = Role.KEY if has_keys else Role.QUERY
    return found if sorted(found.values()) == [Role.KEY, Role.QUERY] else {}
