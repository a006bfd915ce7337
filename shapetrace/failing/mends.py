"""What would mend a failure: changes of one operand, of several or of an argument, each held against the rule first."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shapetrace.failing.case import Case, Operation, on
from shapetrace.failing.operands import METHODS, Operand, called_all
from shapetrace.failing.rules import ALIGNED, broken, rule_of
from shapetrace.failing.structure import written
from shapetrace.ir import Op
from shapetrace.language import Phrase, Text, say
from shapetrace.ops.atoms import Axes, Axis

Step = tuple[str, tuple[Any, ...]]
"""A method of a tensor with its arguments."""

_MOST = 2
_MUCH = 4
"""A change that costs so much more is not worth saying."""


@dataclass(frozen=True)
class Mend:
    """A change after which the whole operation runs.

    Attributes:
        text: What to change, in words.
        operation: The operation as it would be.
        cost: How much it changes: the least is said first.
        calls: Methods to call on operands, by position.
        remade: The recorded function that is called otherwise: its id, and the arguments that change.
    """

    text: Text
    operation: Operation
    cost: int = 1
    calls: Mapping[int, tuple[Step, ...]] = field(default_factory=dict)
    remade: tuple[int, Mapping[str, Any]] | None = None


def sound(case: Case, mends: Iterator[Mend]) -> list[Mend]:
    """Those after which the operation runs and means the same, what moves least first, each once."""
    found: dict[str, tuple[int, Mend]] = {}
    for mend in mends:
        moved = _moved(case, mend) if runs(mend.operation) and _keeps(case, mend.operation) else _FAR
        key = str(mend.text.values.get("call", mend.text) if isinstance(mend.text, Phrase) else mend.text)
        if moved < _FAR and (key not in found or (moved, mend.cost) < (found[key][0], found[key][1].cost)):
            found[key] = moved, mend
    ranked = sorted(found.values(), key=lambda pair: (pair[0], pair[1].cost))
    near = [mend for moved, mend in ranked if moved == ranked[0][0] and mend.cost < ranked[0][1].cost + _MUCH]
    made = [(mend.operation.shapes, *mend.calls) if _is_view(mend) else None for mend in near]
    return [mend for i, mend in enumerate(near) if made[i] is None or made[i] not in made[:i]][:_MOST]


def _is_view(mend: Mend) -> bool:
    """Whether only axes are moved or added: then the same result is the same mend."""
    return bool(mend.calls) and all(name in METHODS for steps in mend.calls.values() for name, _ in steps)


_FAR = 100
"""That the examples of a batch are no longer where they were."""


def runs(op: Operation) -> bool:
    """Whether nothing that the operation asks is broken."""
    return not broken(op)


def keeping(case: Case, mend: Mend) -> bool:
    """Whether the examples of a batch are where they were."""
    return _moved(case, mend) < _FAR


def _keeps(case: Case, op: Operation) -> bool:
    """Whether examples meet examples, none are summed up, and nothing grows by it."""
    for constraint in rule_of(op.name).asks(op):
        for one, other in constraint.pairs:
            if not case.identity.may_be_one(one, other):
                return False
            if constraint.summed and (case.identity.examples(one) or case.identity.examples(other)):
                return False
    if rule_of(op.name).alike == "positions" and len({len(shape) for shape in case.operation.shapes[:3]}) > 1:
        return False  # which axis the batch should be is not known of one example
    if _masks_more(op) or _crosses(case, op) or (op.in_place and op.shapes[0] != case.operation.shapes[0]):
        return False
    before = case.operation.shapes
    if max(map(len, op.shapes), default=0) > max(map(len, before), default=0):
        return False
    if rule_of(op.name).asks not in ALIGNED:
        return True
    n_axes = max(map(len, op.shapes))
    padded = [(1,) * (n_axes - len(shape)) + shape for shape in op.shapes]
    return tuple(map(max, zip(*padded, strict=True))) in before


def _crosses(case: Case, op: Operation) -> bool:
    """Whether a product of batches has the examples in its rows or columns as well: each would meet all others."""
    if op.name != "matmul" or len(op.shapes) != 2 or max(map(len, op.shapes)) < 3:
        return False
    left, right = (operand.axes for operand in op.operands)
    batches, were = ((*left[:-2], *right[:-2]), tuple(axis for o in case.operation.operands for axis in o.axes[:-2]))
    sides = (*left[-2:-1], *right[-1:])
    return _any_examples(case, sides) and (_any_examples(case, batches) or _any_examples(case, were))


def _any_examples(case: Case, axes: Axes) -> bool:
    return any(map(case.identity.examples, axes))


def _masks_more(op: Operation) -> bool:
    """Whether a mask has more rows or columns than the scores that it is laid on."""
    if op.name != "scaled_dot_product_attention" or len(op.shapes) < 4:
        return False
    scores = (*op.shapes[0][:-1], op.shapes[1][-2])
    return any(n not in (1, m) for n, m in zip(reversed(op.shapes[3]), reversed(scores), strict=False))


def _moved(case: Case, mend: Mend) -> int:
    """How far examples and positions are from where they were: pairs that changed places, axes that were merged."""
    far = int(mend.operation.attrs.get("batch_first") != case.operation.attrs.get("batch_first"))
    far += _oddly(case, mend.operation)
    for before, after in zip(case.operation.operands, mend.operation.operands, strict=False):
        if before.axes == after.axes or before.role == "weight":
            continue
        kept, now = order(case, before), order(case, after)
        if mend.remade is not None:
            far += _FAR if len(before.axes) == len(after.axes) and kept[0] and now[0] and kept[0] != now[0] else 0
            continue
        moved = sorted(before.axes) == sorted(after.axes) and before.axes[0] == () != after.axes[0]
        if (kept[0] != now[0] and rule_of(case.op).alike != "positions") or (moved and before.role == "data"):
            return _FAR
        if _leaves_features(case, mend.operation):
            return _FAR
        places = [now[1].index(each) if each in now[1] else -1 for each in kept[1]]
        far += sum(place < 0 for place in places)
        far += sum(one > other >= 0 for i, one in enumerate(places) for other in places[i + 1 :])
    return far


def _leaves_features(case: Case, op: Operation) -> bool:
    """Whether a weight that met columns of another weight now meets what are none: a side of an image."""
    before, now = (weighed(asked) for asked in (case.operation, op))
    return any(case.identity.features(one) and not case.identity.has_features(other)
               for one, other in zip(before, now, strict=False))  # fmt: skip


def weighed(op: Operation) -> list[Axis]:
    """Axes of data that are summed over with an axis of a weight."""
    summed = [constraint for constraint in rule_of(op.name).asks(op) if constraint.summed and len(constraint.of) > 1]
    weights = [i for i, operand in enumerate(op.operands) if operand.role == "weight"]
    return [constraint.pairs[0][0] for constraint in summed if constraint.of[1] in weights]


def _oddly(case: Case, op: Operation) -> int:
    """What few mean: positions that meet as examples do, sums over heads, features that are laid along positions."""
    if rule_of(op.name).asks in ALIGNED or op.name == "einsum":
        return _misaligned(case, op)
    if op.name not in ("matmul", "bmm", "scaled_dot_product_attention"):
        return 0
    identity, n_axes = case.identity, max(map(len, op.shapes))
    firsts = (o.axes[0] for o in op.operands[:2] if 0 < len(o.axes) < n_axes)
    odd = sum(map(identity.examples, firsts))  # in the product they come after an axis of the other
    for constraint in rule_of(op.name).asks(op):
        for pair in constraint.pairs:
            brought = [bool(identity.brought(axis)) for axis in pair]
            if constraint.summed:
                odd += brought[0] != brought[1] or any(map(identity.heads, pair))
            else:
                odd += all(brought) and not any(map(identity.examples, pair))
    return odd


def _misaligned(case: Case, op: Operation) -> int:
    """Features beside what are none, and axes that fitted each other before and are apart now."""
    features, sizes = case.identity.features, case.identity.atoms.size
    pairs = [pair for constraint in rule_of(op.name).asks(op) for pair in constraint.pairs]
    fitted = [pair for constraint in rule_of(op.name).asks(case.operation) for pair in constraint.pairs]
    orders = [[[axis for axis in o.axes if axis] for o in each.operands] for each in (case.operation, op)]
    apart = sum(sizes(one) == sizes(other) > 1 and (one, other) not in pairs for one, other in fitted)
    odd = 2 * sum(bool(one and other) and features(one) != features(other) for one, other in pairs)
    return odd + (apart if orders[0] == orders[1] else 0)


def order(case: Case, operand: Operand) -> tuple[list[int], list[frozenset[str]]]:
    """Where the examples are, also a single one, and the order of what the inputs brought."""
    brought = [case.identity.brought(axis) for axis in operand.axes]
    examples = [i for i, axis in enumerate(operand.axes) if case.identity.examples(axis)]
    return examples, [each for each in brought if each]


def written_calls(steps: tuple[Step, ...]) -> str:
    """Methods as they are written: ``.unsqueeze(1).bool()``."""
    return "".join(f".{name}({', '.join(map(str, args))})" for name, args in steps)


def changed(case: Case, op: Operation, i: int, steps: tuple[Step, ...], cost: int = 1) -> Iterator[Mend]:
    """The mend that calls methods on one operand."""
    operand = called_all(op.operands[i], steps)
    if operand is None:
        return
    text: Text = on(case.name(i), written_calls(steps))
    if operand.shape != op.shapes[i]:
        text = say("{call}: {shape}", call=text, shape=written(operand.shape))
    yield Mend(text, op.with_operands({i: operand}), cost, {i: steps})


def together(case: Case, op: Operation, steps: Mapping[int, tuple[Step, ...]], cost: int) -> Iterator[Mend]:
    """Methods on several operands at once."""
    texts: list[Text] = []
    operands: dict[int, Operand] = {}
    for i, each in steps.items():
        for mend in changed(case, op, i, each):
            operands[i] = mend.operation.operands[i]
            texts.append(on(case.name(i), written_calls(each)))
    if not texts or len(texts) < len(steps):
        return
    text = texts[0]
    for other in texts[1:]:
        text = text if str(other) == str(text) else say("{first} and {second}", first=text, second=other)
    yield Mend(text, op.with_operands(operands), cost, steps)


def steps_of(ops: Iterable[Op]) -> tuple[Step, ...]:
    """Recorded functions of one value as methods with their arguments."""
    return tuple((op.name, tuple(map(_frozen, positional(op)))) for op in ops)


def positional(op: Op) -> list[Any]:
    """Plain positional arguments of a recorded function, without the value itself."""
    given = op.attrs.get("args")
    return given[1:] if isinstance(given, list) else []


def _frozen(value: Any) -> Any:
    """An argument that can be a key: sizes given as one tuple."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
