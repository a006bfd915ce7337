"""States that each position changes and reads, element by element: a step of a delta rule, a state-space mixer, RWKV.

A state S is changed by the outer product of a key and a value, S ← decay · S + k ⊗ v, and asked by a query, S q.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from math import prod

from shapetrace.ir import Op
from shapetrace.ops.axis_rules import Cut
from shapetrace.ops.kinds import is_factory, kernel_kind, names_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.carriers import carriers, is_activated
from shapetrace.outlining.recognise.column_cuts import cut_out, own_cuts
from shapetrace.outlining.roles import Part

_CHANGING = frozenset({"mul", "add", "sub", "where", "copy", "index", "select", "index_select", "clone"})
_FEW = 24

Claim = tuple[Part, int, frozenset[Cut]]
"""What some columns of a product become: the part, the product's position, the cuts that lead to them."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """One reading of a state.

    Attributes:
        update: The operation that changed the state before.
        state: The state that is read.
        made_by: Whose columns the query, the key and the value are.
        batch: Atoms over which states repeat: heads, examples.
    """

    update: int
    state: int
    made_by: tuple[Claim, ...]
    batch: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Change:
    """What a state became: the operation, what was added, as factors, and the values that the state was before."""

    op: int
    factors: tuple[int, ...]
    before: frozenset[int]


def recurrences(flow: Flow) -> Mapping[int, Recurrence]:
    """The readings of all states that are changed element by element, by the operation that reads."""
    changes = _changes(flow)
    correcting = _correcting(flow, changes)
    found: dict[int, Recurrence] = {}
    for op in (op for op in flow.trace.ops if changes and op.id not in correcting):
        for state, asked, summed in _readings(flow, op):
            change = changes.get(flow.root(state))
            recurrence = None if change is None else _recurrence(flow, change, (state, asked), summed)
            if recurrence is not None:
                found[op.id] = recurrence
    return found


def _changes(flow: Flow) -> dict[int, _Change]:
    """Additions as changes of a state that is kept, by what it became: to it the product of two vectors is added."""
    found: dict[int, _Change] = {}
    for op in flow.trace.ops:
        names, values = names_of(op.kernels), op.inputs
        if names == ["add"] and len(values) == 2:
            pairs = [(kept, _factors(flow, new)) for kept, new in (values, values[::-1])]
        elif names == ["addcmul"] and len(values) == 3:
            pairs = [(values[0], (*_factors(flow, values[1]), *_factors(flow, values[2])))]
        else:
            continue
        for kept, factors in pairs:
            before = _before(flow, kept, found) if len(factors) > 1 else frozenset()
            if before:
                found[flow.root(op.outputs[-1])] = _Change(op.id, factors, before)
                break
    return found


def _correcting(flow: Flow, changes: Mapping[int, _Change]) -> set[int]:
    """Operations between two changes that the later one adds: what a delta rule reads to take it from the value."""
    return {
        op
        for change in changes.values()
        for state in change.before & changes.keys()
        for value in change.factors
        for op in flow.ancestors(value, since=changes[state].op)
    }


def _factors(flow: Flow, value: int) -> tuple[int, ...]:
    """What was multiplied, element by element or as a column with a row; a value by itself is its own factor."""
    found, queue = list[int](), [value]
    while queue and len(found) < _FEW:
        current = queue.pop(0)
        op = flow.op_of(current)
        if op is not None and _multiplies(op):
            queue += op.inputs
            continue
        outer = [] if op is None else [flow.facts.products[p] for p in flow.facts.of_op.get(op.id, ())]
        if len(outer) == 1 and outer[0].left is not None and flow.facts.atoms.size(outer[0].k) == 1:
            queue += [outer[0].left, outer[0].right]
            continue
        found.append(current)
    return tuple(found)


def _multiplies(op: Op) -> bool:
    """Whether an operation multiplies element by element, also behind views of its own, as ``einsum`` has them."""
    kernels = [kernel for kernel in op.kernels if kernel_kind(kernel.name) not in ("layout", "cast")]
    return names_of(kernels) == ["mul"]


def _before(flow: Flow, value: int, changes: Container[int]) -> frozenset[int]:
    """What a state was, back to its last change, what an earlier pass kept, or zeros; nothing if it is no state."""
    size = flow.facts.atoms.size(flow.facts.atoms.flat(flow.facts.axes_of(value)))
    queue = [flow.root(value)]
    begins = False
    for current in queue:
        op, tensor = flow.op_of(current), flow.facts.tensor(current)
        if current in changes:
            begins = True
        elif op is None or is_factory(op):
            begins = begins or (tensor.role != "weight" and flow.is_floating(current) and prod(tensor.shape) >= size)
        elif len(queue) < _FEW and set(names_of(op.kernels)) <= _CHANGING:
            queue += [root for root in map(flow.root, op.inputs) if root not in queue]
    return frozenset(queue) if begins else frozenset()


def _readings(flow: Flow, op: Op) -> Iterator[tuple[int, int, frozenset[int]]]:
    """What may be a state with its query: two factors whose product is summed over an axis, and that axis."""
    atoms, axes_of = flow.facts.atoms, flow.facts.axes_of
    for product in (flow.facts.products[position] for position in flow.facts.of_op.get(op.id, ())):
        if product.form == "matmul" and product.left is not None:
            summed = frozenset(atoms.leaves(product.k))
            yield product.left, product.right, summed
            yield product.right, product.left, summed
    weighed = flow.op_of(op.inputs[0]) if names_of(op.kernels) == ["sum"] and op.inputs else None
    if weighed is not None and _multiplies(weighed) and len(weighed.inputs) == 2:
        one, other = weighed.inputs
        summed = frozenset(atoms.flat(axes_of(op.inputs[0]))) - frozenset(atoms.flat(axes_of(op.outputs[0])))
        yield one, other, summed
        yield other, one, summed


def _recurrence(flow: Flow, change: _Change, read: tuple[int, int], summed: frozenset[int]) -> Recurrence | None:
    """A reading, if what is summed over are a key's columns and what is left are a value's."""
    state, asked = read

    def atoms(value: int) -> frozenset[int]:
        return frozenset(flow.facts.atoms.flat(flow.facts.axes_of(value)))

    left = atoms(state) - summed - atoms(asked)
    keys = [value for value in change.factors if summed & atoms(value) and not left & atoms(value)]
    values = [value for value in change.factors if left & atoms(value) and not summed & atoms(value)]
    if not (keys and values and summed <= flow.columns and left <= flow.columns):
        return None
    named = ((Part.QUERY, [asked], summed), (Part.KEY, keys, summed), (Part.VALUE, values, left))
    made_by = tuple(claim for part, factors, axis in named for claim in _makers(flow, part, factors, axis))
    return Recurrence(change.op, state, made_by, atoms(state) - summed - left)


def _makers(flow: Flow, part: Part, factors: list[int], axis: frozenset[int]) -> Iterator[Claim]:
    """The products whose columns have an axis; of several factors the one that no activation made a scale."""
    bare = [value for value in factors if not is_activated(flow, value)] if len(factors) > 1 else factors
    for value in bare if len(bare) == 1 else ():
        carrying = carriers(flow, value)
        for source, cuts in flow.facts.sources.get(value, {}).items():
            whole = flow.facts.atoms.leaves(flow.facts.products[source].n)
            leaves, _ = cut_out(flow, whole, own_cuts(flow, whole, cuts))
            if source in carrying and axis <= {*leaves}:
                yield part, source, cuts
