"""Which products make the rows of a value, and which only scale them: ``k(x) * sigmoid(gate(x))`` has the rows of k."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from shapetrace.ir import Op
from shapetrace.ops.activations import activation_of
from shapetrace.ops.atoms import Axis
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.roles import Part

_MOST_OPERATIONS = 200


def carriers(flow: Flow, value: int) -> frozenset[int]:
    """Positions of the products that a value's rows come from.

    Where two values are multiplied and one of them was activated or had a number added, that one is a gate.
    """
    return way_of(flow, value)[0]


def convolved(flow: Flow, read: Iterable[tuple[Part, int]]) -> Mapping[int, frozenset[Part]]:
    """What convolutions made of which several parts of attention are cut, by value: Q, K and V side by side."""
    found = defaultdict[int, set[Part]](set)
    for part, value in read:
        made, between = way_of(flow, value)
        ops = {*between, *(flow.facts.products[place].op for place in made)}
        for each in (flow.facts.products[place] for op in ops for place in flow.facts.of_op.get(op, ())):
            if each.form == "convolution" and each.out is not None:
                found[flow.root(each.out)].add(part)
    return {value: frozenset(parts) for value, parts in found.items() if len(parts) > 1}


def way_of(flow: Flow, value: int) -> tuple[frozenset[int], frozenset[int]]:
    """The carriers of a value, and the operations on the way from them to it."""
    found: set[int] = set()
    seen, between = set[int](), set[int]()
    stack = [value]
    while stack and len(seen) < _MOST_OPERATIONS:
        current = stack.pop()
        producer = flow.facts.producer.get(current)
        if producer is None or producer in seen:
            continue
        seen.add(producer)
        made = flow.facts.of_op.get(producer, [])
        if made and not flow.facts.sources.get(current, {}).keys().isdisjoint(made):
            found.update(made)
            continue
        between.add(producer)
        stack += _rows(flow, flow.trace.ops[producer], current)
    return frozenset(found), frozenset(between)


def _rows(flow: Flow, op: Op, value: int) -> list[int]:
    """The operands of an operation that its result's rows come from."""
    inputs = [v for v in dict.fromkeys(op.inputs) if v != value and flow.facts.sources.get(v)]
    last = _last_axis(flow, value)
    inputs = [v for v in inputs if last and _last_axis(flow, v) == last] or inputs
    if len(inputs) == 2 and names_of(op.kernels) == ["div"]:
        return inputs[:1]
    if len(inputs) == 2 and names_of(op.kernels) == ["mul"]:
        gates = [v for v in inputs if is_activated(flow, v)]
        if len(gates) == 1:
            return [v for v in inputs if v not in gates]
    before = flow.facts.tensor(value).alias_of
    return [*inputs, before] if before is not None and before != value else inputs


def _last_axis(flow: Flow, value: int) -> Axis:
    """What the columns of a value are: operands that have others make none of its rows, a number a row, a matrix."""
    axes = flow.facts.axes_of(value)
    return flow.facts.atoms.leaves(axes[-1]) if axes else ()


def is_activated(flow: Flow, value: int) -> bool:
    """Whether an activation, a softmax or a number added stands between a value and the product behind it."""
    current = value
    for _ in range(12):
        producer = flow.facts.producer.get(current)
        if producer is None or flow.facts.of_op.get(producer):
            return False
        op = flow.trace.ops[producer]
        names = names_of(op.kernels)
        inputs = [v for v in op.inputs if v != current and flow.facts.sources.get(v)]
        plus_number = names == ["add"] and len(op.inputs) == 1
        if plus_number or "exp" in names or activation_of([op], flow.trace) or flow.kinds[producer] == "softmax":
            return True
        if len(inputs) != 1:
            return False
        current = inputs[0]
    return False
