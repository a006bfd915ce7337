"""Linear attention: keys and values are multiplied first, Kᵀ V, and queries read that state."""

from collections.abc import Mapping
from dataclasses import dataclass

from shapetrace.ops.kinds import OpKind
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention, joins_data
from shapetrace.outlining.roles import Part, Role

_BETWEEN: frozenset[OpKind] = frozenset({"pointwise", "cast", "layout", "dropout", "cat", "index", "reduce"})


@dataclass(frozen=True, slots=True)
class State:
    """One product of a linear attention.

    Attributes:
        role: Whether it makes the state or reads it.
        left: What its left factor is.
        right: What its right factor is.
    """

    role: Role
    left: Part
    right: Part


def states(flow: Flow, attentions: tuple[Attention, ...]) -> Mapping[int, State]:
    """The products of all linear attentions, by position."""
    taken = {p for attention in attentions for p in (attention.scores, attention.weighted)}
    found: dict[int, State] = {}
    for position, product in enumerate(flow.facts.products):
        if product.form != "matmul" or position in taken or not joins_data(flow, product):
            continue
        assert product.left is not None
        for value, right in ((product.right, True), (product.left, False)):
            state = _state_behind(flow, value, position, taken | found.keys())
            if state is not None:
                key_left = _is_left_kept(flow, state, position)
                keys, values = (Part.KEY, Part.VALUE) if key_left else (Part.VALUE, Part.KEY)
                found[state] = State(Role.STATE, keys, values)
                asked = (Part.QUERY, Part.STATE) if right else (Part.STATE, Part.QUERY)
                found[position] = State(Role.READ_STATE, *asked)
                break
    return found


def _state_behind(flow: Flow, value: int, position: int, taken: set[int | None] | set[int]) -> int | None:
    """The product over rows that a factor was made of, if this product sums over the columns that it kept."""
    atoms, product = flow.facts.atoms, flow.facts.products[position]
    inner = set(atoms.leaves(product.k))
    if not inner or not inner <= flow.columns:
        return None
    for source, _ in flow.behind(value, _BETWEEN):
        for earlier in flow.facts.of_op.get(source.id, ()):
            state = flow.facts.products[earlier]
            if earlier in taken or state.form != "matmul" or not joins_data(flow, state):
                continue
            summed = set(atoms.leaves(state.k))
            kept = (set(atoms.leaves(state.m)), set(atoms.leaves(state.n)))
            if inner in kept and not summed & flow.columns:
                return earlier
    return None


def _is_left_kept(flow: Flow, state: int, position: int) -> bool:
    """Whether the columns that queries meet are those of the state's left factor."""
    atoms, products = flow.facts.atoms, flow.facts.products
    return set(atoms.leaves(products[position].k)) == set(atoms.leaves(products[state].m))
