"""Linear attention: keys and values are multiplied first, Kᵀ V, and queries read that state."""

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass

from shapetrace.ops.activations import activation_of
from shapetrace.ops.kinds import OpKind
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention
from shapetrace.outlining.recognise.carriers import carriers
from shapetrace.outlining.recognise.mixing import joins_data
from shapetrace.outlining.recognise.recurrences import Recurrence
from shapetrace.outlining.roles import Part, Role

_BETWEEN: frozenset[OpKind] = frozenset({"pointwise", "cast", "layout", "dropout", "cat", "index", "reduce"})


@dataclass(frozen=True, slots=True)
class State:
    """One product of a linear attention.

    Attributes:
        role: Whether it makes the state or reads it.
        left: What its left factor is.
        right: What its right factor is.
        kept: Products whose columns a state holds that was made element by element, and what they are.
    """

    role: Role
    left: Part
    right: Part
    kept: tuple[tuple[Part, int], ...] = ()


def states(flow: Flow, attentions: tuple[Attention, ...], recurrences: Mapping[int, Recurrence]) -> Mapping[int, State]:
    """The products of all linear attentions, by position."""
    taken = {p for attention in attentions for p in (attention.scores, attention.weighted)}
    columns = flow.columns | _features(flow)
    found: dict[int, State] = {}
    for position, product in enumerate(flow.facts.products):
        changed = recurrences.get(product.op)
        if changed is not None and position not in taken:
            asked = (Part.QUERY, Part.STATE) if product.right == changed.state else (Part.STATE, Part.QUERY)
            found[position] = State(Role.READ_STATE, *asked)
            continue
        if product.form != "matmul" or position in taken or not joins_data(flow, product):
            continue
        assert product.left is not None
        for value, right in ((product.right, True), (product.left, False)):
            state = _state_behind(flow, value, position, (taken | found.keys(), columns))
            if state is not None:
                key_left = _is_left_kept(flow, state, position)
                keys, values = (Part.KEY, Part.VALUE) if key_left else (Part.VALUE, Part.KEY)
                found[state] = State(Role.STATE, keys, values)
                asked = (Part.QUERY, Part.STATE) if right else (Part.STATE, Part.QUERY)
                found[position] = State(Role.READ_STATE, *asked)
                break
            kept = _outer(flow, value, position, right=right)
            if kept:
                asked = (Part.QUERY, Part.STATE) if right else (Part.STATE, Part.QUERY)
                found[position] = State(Role.READ_STATE, *asked, kept)
                break
    return found


def _features(flow: Flow) -> frozenset[int]:
    """Atoms of the columns of products of data with numbers that nobody learned: random features."""
    atoms, products = flow.facts.atoms, flow.facts.products
    mapped = (p for p in products if p.left is not None and flow.is_data(p.left) and _is_given(flow, p.right))
    return frozenset(leaf for p in mapped for leaf in {*atoms.leaves(p.n)}.difference(atoms.flat((*p.batch, p.m))))


def _is_given(flow: Flow, value: int) -> bool:
    return not flow.is_data(value) and not flow.is_weight(value)


def featured(flow: Flow, value: int) -> int:
    """Queries or keys before such features were made of them; a value itself that has none."""
    made = carriers(flow, value)
    for place in made if len(made) == 1 else ():
        left = flow.facts.products[place].left
        if left is not None and _is_given(flow, flow.facts.products[place].right):
            return left
    return value


def _state_behind(
    flow: Flow, value: int, position: int, known: tuple[Collection[int | None], Container[int]]
) -> int | None:
    """The product over rows that a factor was made of, if this product sums over the columns that it kept.

    Args:
        flow: Values and operations.
        value: The factor.
        position: This product.
        known: Products that are something else, and atoms of columns.
    """
    atoms, product, (taken, columns) = flow.facts.atoms, flow.facts.products[position], known
    inner = set(atoms.leaves(product.k))
    if not inner or not all(leaf in columns for leaf in inner):
        return None
    for source, passed in flow.behind(value, _BETWEEN):
        if any(_bends(flow, op) for op in passed):
            continue
        for earlier in flow.facts.of_op.get(source.id, ()):
            state = flow.facts.products[earlier]
            if earlier in taken or state.form != "matmul" or not joins_data(flow, state):
                continue
            summed = set(atoms.leaves(state.k))
            kept = (set(atoms.leaves(state.m)), set(atoms.leaves(state.n)))
            if inner in kept and not summed & flow.columns:
                return earlier
    return None


def _bends(flow: Flow, op: int) -> bool:
    """Whether an operation is more than a sum or a scale: scores are activated, or weights come in; a state is not."""
    if activation_of([flow.trace.ops[op]], flow.trace):
        return True
    shapes = [flow.facts.tensor(value).shape for value in flow.trace.ops[op].outputs[:1]]
    inputs = (flow.facts.tensor(value) for value in flow.trace.ops[op].inputs)
    return any(tensor.role == "weight" and len(tensor.shape) > 1 and tensor.shape in shapes for tensor in inputs)


def _is_left_kept(flow: Flow, state: int, position: int) -> bool:
    """Whether the columns that queries meet are those of the state's left factor."""
    atoms, products = flow.facts.atoms, flow.facts.products
    return set(atoms.leaves(products[position].k)) == set(atoms.leaves(products[state].m))


def _outer(flow: Flow, value: int, position: int, *, right: bool) -> tuple[tuple[Part, int], ...]:
    """Keys and values whose columns a factor holds, multiplied element by element: running sums of k ⊗ v."""
    atoms, product = flow.facts.atoms, flow.facts.products[position]
    inner, outer = set(atoms.leaves(product.k)), set(atoms.leaves(product.n if right else product.m))
    parts: dict[Part, list[int]] = {Part.KEY: [], Part.VALUE: []}
    for source in flow.facts.sources.get(value, {}):
        if flow.facts.tensor(flow.facts.products[source].right).role != "weight":
            return ()
        columns = set(atoms.leaves(flow.facts.products[source].n))
        if inner and inner <= columns and not outer & columns:
            parts[Part.KEY].append(source)
        elif outer and outer <= columns and not inner & columns:
            parts[Part.VALUE].append(source)
    if not all(len(found) == 1 for found in parts.values()):
        return ()
    return tuple((part, found[0]) for part, found in parts.items())
