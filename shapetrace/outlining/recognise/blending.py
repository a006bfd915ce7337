"""Caches that are blended: kept rows but for those that a mask picks, where the new ones stand instead.

``cache * (1 - onehot) + onehot * k``, ``where(rows == place, k, cache)``, ``cache + onehot * (k - cache)``.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, field

from shapetrace.ir import Op
from shapetrace.outlining.flow import Flow

_MOST_OPERATIONS = 12


@dataclass(frozen=True, slots=True)
class Blend:
    """Rows that stand where a mask picks them, among others.

    Attributes:
        kept: The others, as they were before; as many rows as the result has.
        new: What stands in the places that are picked.
        along: Atoms of the result's axes that the mask tells apart.
        ops: The operations that only weigh both sides with the mask.
    """

    kept: int
    new: int
    along: frozenset[int]
    ops: tuple[int, ...]


def may_blend(flow: Flow, op: Op, earlier: Container[int]) -> bool:
    """Whether an operation has something new on one side, and on another what no product or an earlier append made."""
    if op.outputs[-1] not in flow.multiplied:
        return False
    shape = flow.facts.tensor(op.outputs[-1]).shape
    whole = [value for value in op.inputs if flow.facts.tensor(value).shape == shape]
    return any(value not in flow.multiplied or _is_of(flow, value, earlier) for value in whole)


def _is_of(flow: Flow, value: int, earlier: Container[int]) -> bool:
    """Whether a value is what an earlier append made, or one operation further."""
    made = flow.op_of(value)
    behind = () if made is None else (flow.op_of(each) for each in made.inputs)
    return any(op is not None and op.id in earlier for op in (made, *behind))


@dataclass(slots=True)
class _Found:
    kept: set[int] = field(default_factory=set)
    new: list[int] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)
    ops: list[int] = field(default_factory=list)


def blend(flow: Flow, result: int, is_kept: Callable[[int], bool]) -> Blend | None:
    """How a value is put together from one kept value, one that products made, and masks; None if it is not.

    Args:
        flow: The pass.
        result: The value.
        is_kept: Whether nothing in this pass made a value.
    """
    producer = flow.facts.producer.get(result)
    if producer is None or flow.kinds[producer] != "pointwise":
        return None
    shape, found, stack, first = flow.facts.tensor(result).shape, _Found(), [result], True
    while stack:
        value = stack.pop()
        op = flow.op_of(value)
        is_one = not first and flow.facts.tensor(value).shape == shape and is_kept(value)
        if is_one:
            found.kept.add(flow.root(value))
        elif op is not None and len(found.ops) < _MOST_OPERATIONS and _weighs(flow, op.id, value, shape):
            found.ops.append(op.id)
            stack += [each for each in op.inputs if flow.is_floating(each) or not flow.facts.sources.get(each)]
        else:
            (found.new if flow.facts.sources.get(value) else found.masks).append(value)
        first = False
    return _read(flow, result, found)


def _weighs(flow: Flow, op: int, value: int, shape: tuple[int, ...]) -> bool:
    """Whether an operation gives as many rows as the result has, out of what stands beside a mask."""
    if flow.facts.tensor(value).shape != shape:
        return False
    if flow.kinds[op] == "product":
        factors = [flow.facts.products[place] for place in flow.facts.of_op.get(op, ())]
        return bool(factors) and not any(flow.is_weight(each.right) for each in factors)
    return flow.kinds[op] == "pointwise"


def _read(flow: Flow, result: int, found: _Found) -> Blend | None:
    new = list(dict.fromkeys(map(flow.root, found.new)))
    if len(found.kept) != 1 or len(new) != 1 or any(map(flow.is_weight, found.masks)):
        return None
    own = _leaves(flow, result)
    along = frozenset(leaf for mask in found.masks for leaf in _leaves(flow, mask)) & own
    if not along or flow.facts.tensor(found.new[0]).shape == flow.facts.tensor(result).shape:
        return None
    last = flow.facts.producer[result]
    return Blend(found.kept.pop(), found.new[0], along, tuple(op for op in found.ops
                 if op != last and flow.kinds[op] == "pointwise"))  # fmt: skip


def _leaves(flow: Flow, value: int) -> frozenset[int]:
    return frozenset(flow.facts.atoms.flat(flow.facts.axes_of(value)))
