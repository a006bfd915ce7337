"""States that positions change and read, one after another or in blocks: delta rules, state-space mixers, RWKV.

A state S is changed by the outer product of keys and values, S ← decay · S + k ⊗ v, and asked by a query, S q.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from shapetrace.ir import Op
from shapetrace.ops.axis_rules import Cut
from shapetrace.ops.kinds import is_factory, names_of, work_of
from shapetrace.ops.products import Product
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.carriers import carriers, is_activated
from shapetrace.outlining.recognise.column_cuts import cut_out, own_cuts
from shapetrace.outlining.roles import Part

_CHANGING = frozenset({"mul", "add", "sub", "where", "copy", "index", "select", "index_select", "clone"})
_PICKING = frozenset({"select", "slice", "unbind", "view", "unsqueeze"})
_FEW = 24
_NONE = frozenset[int]()

Claim = tuple[Part, int, frozenset[Cut]]
"""What some columns of a product become: the part, the product's position, the cuts that lead to them."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """One reading of a state.

    Attributes:
        reading: The operation that reads.
        update: The operation that changed the state before.
        before: What the state was before that, back to its last change.
        state: The state that is read.
        made_by: Whose columns the query, the key and the value are.
        batch: Atoms over which states repeat: heads, examples.
    """

    reading: int
    update: int
    before: frozenset[int]
    state: int
    made_by: tuple[Claim, ...]
    batch: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Factor:
    """What was multiplied, and the axis of the state that it lies along: -2 or -1, 0 if along both or none."""

    value: int
    along: int


@dataclass(frozen=True, slots=True)
class _Change:
    """What a state became: the operation, what was added, as factors, what the state was before, and its decays."""

    op: int
    factors: tuple[_Factor, ...]
    before: frozenset[int]
    decays: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What may read a state: the operation, both factors, the atoms that are summed over, which axis of the state."""

    op: int
    state: int
    asked: int
    summed: frozenset[int]
    along: int


def recurrences(flow: Flow) -> Mapping[int, Recurrence]:
    """The readings of all states that are changed by keys and values, by the operation that reads."""
    changes = _changes(flow)
    following = {state: change for change in changes.values() for state in change.before}
    states = changes.keys() | following.keys()
    readings = [
        reading
        for op in (flow.trace.ops if changes else ())
        for reading in _readings(flow, op)
        if flow.root(reading.state) in states and _is_asked(flow, reading.asked)
    ]
    reading_ops = frozenset(reading.op for reading in readings)
    found: dict[int, Recurrence] = {}
    for reading in readings:
        before, after = (known.get(flow.root(reading.state)) for known in (changes, following))
        change = before or after
        if change is not None and (after is None or not _corrects(flow, reading.op, after)):
            recurrence = _recurrence(flow, change, reading, reading_ops)
            if recurrence is not None:
                found[reading.op] = recurrence
    return found


def _is_asked(flow: Flow, value: int) -> bool:
    """Whether a value may be a query: it was made of data by some product."""
    return flow.is_data(value) and bool(flow.facts.sources.get(value))


def _corrects(flow: Flow, op: int, change: _Change) -> bool:
    """Whether what an operation reads is part of what is added next: a delta rule takes it from the value."""
    return any(op in flow.ancestors(factor.value, since=op - 1) for factor in change.factors)


def _changes(flow: Flow) -> dict[int, _Change]:
    """Additions as changes of a state that is kept, by what it became: to it the product of two vectors is added."""
    found: dict[int, _Change] = {}
    for op in flow.trace.ops:
        names, values = work_of(op), op.inputs
        if names == ["add"] and len(values) == 2:
            pairs = [(kept, _factors(flow, new)) for kept, new in (values, values[::-1])]
        elif names == ["addcmul"] and len(values) == 3:
            pairs = [(values[0], (*_factors(flow, values[1]), *_factors(flow, values[2])))]
        elif names == ["cumsum"]:  # all turns at once
            factors = _factors(flow, values[0])
            found |= {flow.root(op.outputs[-1]): _Change(op.id, factors, _NONE, _NONE)} if len(factors) > 1 else {}
            continue
        else:
            continue
        for kept, factors in pairs:
            before = _before(flow, kept, found) if len(factors) > 1 else None
            if before is not None:
                found[flow.root(op.outputs[-1])] = _Change(op.id, factors, *before)
                break
    return found


def _factors(flow: Flow, value: int) -> tuple[_Factor, ...]:
    """What was multiplied, element by element or as columns with rows; a value by itself is its own factor."""
    found, queue = list[_Factor](), [_Factor(value, 0)]
    while queue and len(found) < _FEW:
        current = queue.pop(0)
        op = flow.op_of(current.value)
        if op is not None and work_of(op) == ["mul"]:
            seen = next(kernel.inputs for kernel in op.kernels if names_of([kernel]) == ["mul"])  # as einsum lays them
            seen = seen if len(seen) == len(op.inputs) else op.inputs
            queue += [_Factor(v, current.along or _along(flow, s)) for v, s in zip(op.inputs, seen, strict=True)]
            continue
        if op is not None and op.inputs and set(names_of(op.kernels)) <= _PICKING:
            queue.append(_Factor(op.inputs[0], current.along))
            continue
        outer = [] if op is None else [flow.facts.products[p] for p in flow.facts.of_op.get(op.id, ())]
        if len(outer) == 1 and outer[0].left is not None and _sums_over_rows(flow, outer[0]):
            queue += [_Factor(outer[0].left, current.along or -2), _Factor(outer[0].right, current.along or -1)]
            continue
        found.append(current)
    return tuple(found)


def _along(flow: Flow, value: int) -> int:
    """The one of the last two axes that a factor has; 0 if it has both or none."""
    shape = flow.facts.tensor(value).shape[-2:]
    if len(shape) < 2 or shape.count(1) != 1:
        return 0
    return -1 if shape[0] == 1 else -2


def _sums_over_rows(flow: Flow, product: Product) -> bool:
    """Whether a product of data with data is the sum of outer products, of one row or of several."""
    assert product.left is not None
    both = flow.is_data(product.left) and flow.is_data(product.right)
    return both and not flow.is_over_columns(product)


def _before(flow: Flow, value: int, changes: Container[int]) -> tuple[frozenset[int], frozenset[int]] | None:
    """What a state was, back to its last change, what an earlier pass kept, or zeros; None if it is no state.

    Returns:
        What it was, and what it was multiplied with.
    """
    size = flow.facts.atoms.size(flow.facts.atoms.flat(flow.facts.axes_of(value)))
    queue, decays = [flow.root(value)], set[int]()
    begins = False
    for current in queue:
        op, tensor = flow.op_of(current), flow.facts.tensor(current)
        if current in changes:
            begins = True
        elif op is None or is_factory(op):
            begins = begins or (tensor.role != "weight" and flow.is_floating(current) and prod(tensor.shape) >= size)
        elif len(queue) < _FEW and set(names_of(op.kernels)) <= _CHANGING:
            queue += [root for root in map(flow.root, op.inputs) if root not in queue]
        else:
            decays.add(current)
    return (frozenset(queue), frozenset(decays)) if begins else None


def _readings(flow: Flow, op: Op) -> Iterator[_Reading]:
    """What may be a state with its query: two factors whose product is summed over an axis."""
    atoms, axes_of = flow.facts.atoms, flow.facts.axes_of
    for product in (flow.facts.products[position] for position in flow.facts.of_op.get(op.id, ())):
        if product.form == "matmul" and product.left is not None:
            summed = frozenset(atoms.leaves(product.k))
            yield _Reading(op.id, product.left, product.right, summed, -1)
            yield _Reading(op.id, product.right, product.left, summed, -2)
    weighed = flow.op_of(op.inputs[0]) if names_of(op.kernels) == ["sum"] and op.inputs else None
    if weighed is not None and work_of(weighed) == ["mul"] and len(weighed.inputs) == 2:
        dim = op.kernels[-1].args.get("dim")
        axes = axes_of(op.inputs[0])
        if isinstance(dim, list) and len(dim) == 1 and -len(axes) <= dim[0] < len(axes):
            along = dim[0] % len(axes) - len(axes)
            for state, asked in (weighed.inputs, weighed.inputs[::-1]):
                yield _Reading(op.id, state, asked, frozenset(atoms.leaves(axes[along])), along)


def _recurrence(flow: Flow, change: _Change, reading: _Reading, readings: Container[int]) -> Recurrence | None:
    """A reading, if what is summed over are a key's columns and what is left are a value's.

    Where each number of a state decays in its own way (Mamba), no key is kept with its value.
    """
    summed = reading.summed

    def atoms(value: int) -> frozenset[int]:
        return frozenset(flow.facts.atoms.flat(flow.facts.axes_of(value)))

    left = atoms(reading.state) - summed - atoms(reading.asked)
    if left:
        keys = [f.value for f in change.factors if summed & atoms(f.value) and not left & atoms(f.value)]
        values = [f.value for f in change.factors if left & atoms(f.value) and not summed & atoms(f.value)]
    else:  # keys and values were cut out of one axis, and have one atom
        left = summed
        keys = [f.value for f in change.factors if f.along == reading.along]
        values = [f.value for f in change.factors if f.along == -3 - reading.along]
    each = any(summed & atoms(value) and left - summed & atoms(value) for value in _learned(flow, change.decays))
    if each or not (keys and values and summed and summed | left <= flow.columns):
        return None
    named = ((Part.QUERY, [reading.asked], summed), (Part.KEY, keys, summed), (Part.VALUE, values, left))
    made_by = tuple(claim for part, factors, axis in named for claim in _makers(flow, part, (factors, axis), readings))
    batch = atoms(reading.state) - summed - left
    return Recurrence(reading.op, change.op, change.before, reading.state, made_by, batch)


def _learned(flow: Flow, values: Iterable[int]) -> list[int]:
    """The weights that decays were made of, element by element."""
    queue = list(values)
    for value in queue:
        op = flow.op_of(value)
        if op is not None and len(queue) < _FEW and op.id not in flow.facts.of_op:
            queue += [operand for operand in op.inputs if operand not in queue]
    return [value for value in map(flow.root, queue) if flow.facts.tensor(value).origin == "parameter"]


def _uncorrected(flow: Flow, value: int, readings: Container[int]) -> int:
    """The value of which a delta rule takes what the state already has."""
    op = flow.op_of(value)
    if op is None or work_of(op) not in (["sub"], ["add"]):
        return value
    rest = [operand for operand in op.inputs if not _is_read(flow, operand, readings)]
    return rest[0] if len(rest) == 1 else value


def _is_read(flow: Flow, value: int, readings: Container[int]) -> bool:
    """Whether a value was read from a state, scaled perhaps."""
    op = flow.op_of(value)
    made = [op] if op is None or op.id in readings or work_of(op) != ["mul"] else map(flow.op_of, op.inputs)
    return any(maker is not None and maker.id in readings for maker in made)


def _makers(
    flow: Flow, part: Part, made: tuple[Sequence[int], frozenset[int]], readings: Container[int]
) -> Iterator[Claim]:
    """The products whose columns have an axis; of several factors the one that no activation made a scale.

    What a state was asked for makes no columns; rows that are mixed with each other keep theirs.
    """
    factors, axis = made
    projected = [value for value in factors if flow.facts.sources.get(value)]
    bare = [value for value in projected if not is_activated(flow, value)] if len(projected) > 1 else projected
    for value in (_uncorrected(flow, value, readings) for value in bare if len(bare) == 1):
        carrying = carriers(flow, value)
        for source, cuts in flow.facts.sources.get(value, {}).items():
            product = flow.facts.products[source]
            whole = flow.facts.atoms.leaves(product.n)
            leaves, _ = cut_out(flow, whole, own_cuts(flow, whole, cuts))
            if source not in carrying or not axis <= {*leaves}:
                continue
            if product.left is not None and _sums_over_rows(flow, product):
                yield from _makers(flow, part, ([product.right], axis), readings)
            else:
                yield part, source, cuts
