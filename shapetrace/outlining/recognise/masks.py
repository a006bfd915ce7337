"""What masks hide: read from their values and from the operation that uses them, never from how they were made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from shapetrace.ir import Op, Pattern, Tensor
from shapetrace.ops.kinds import has, names_of
from shapetrace.ops.masks import complement, meet
from shapetrace.ops.products import Product
from shapetrace.ops.registry import base_name
from shapetrace.outlining.flow import Flow

_MOST_OPERATIONS = 64

Use = Literal["sees", "hides", "adds"]
"""What a true value does: shows a score, hides it, or is a number that is added."""


@dataclass(frozen=True, slots=True)
class Mask:
    """What all masks of one attention do together.

    Attributes:
        seen: Which scores are seen; None where nothing hides any, or it is not known which.
        hides: Whether some scores may be hidden.
        learned: Whether weights are added to the scores: positions relative to each other.
        biased: Whether fixed numbers are added to the scores that are seen: distances, as ALiBi has them.
    """

    seen: Pattern | None = None
    hides: bool = False
    learned: bool = False
    biased: bool = False


NO_MASK = Mask()


def fused_mask(flow: Flow, op: Op, rows: int, columns: int) -> Mask:
    """The mask of a fused call: true values are seen; a tensor that no kernel reads stands for one."""
    read = {value for kernel in op.kernels for value in kernel.inputs}
    stands_for_one = any(value not in read for value in op.inputs[3:4])
    values = () if stands_for_one else op.inputs[3:4]
    uses: list[tuple[int, Use]] = [(v, "adds" if flow.is_floating(v) else "sees") for v in values]
    found = together(flow, uses)
    if not any(args.get("is_causal") for args in (op.attrs, *(kernel.args for kernel in op.kernels))):
        return Mask(hides=True) if stands_for_one else found
    causal = Pattern("causal", (rows, columns), below=columns - 1, above=0, causal=True)
    return Mask(causal if found.seen is None else meet(causal, found.seen), True, found.learned, found.biased)


def added_uses(flow: Flow, product: Product) -> list[tuple[int, Use]]:
    """The mask or bias that a product of queries and keys adds by itself, as ``baddbmm`` does."""
    kernels = flow.trace.ops[product.op].kernels
    if product.bias is None or any(kernel.args.get("beta") == 0 for kernel in kernels):
        return []
    return [(product.bias, "adds")] if _is_mask(flow, product.bias) else []


def uses_of(flow: Flow, ops: Iterable[Op], scores: Product | None = None) -> list[tuple[int, Use]]:
    """The masks that operations between scores and values use, and how; a mask is read as rows of queries by keys."""
    found: list[tuple[int, Use]] = []
    for op in ops:
        names = set(names_of(op.kernels))
        read = op.inputs[:1] if "where" in names and len(op.inputs) > 1 else op.inputs
        masks = [place for place, value in enumerate(read) if flow.kinds[op.id] != "cat" and _is_mask(flow, value)]
        for place in masks:
            value, use = op.inputs[place], _use(flow, op, names, place)
            apart = scores is not None and _has_heads_between(flow, op, value, scores)
            matrix = _matrix(flow, value) if apart else value
            found.append((op.outputs[0], "hides") if matrix is None else (matrix, use))
        if not masks and (has(op, "writes") or "fill" in names) and flow.is_data(op.inputs[0]):
            found.append((op.outputs[0], "hides"))  # numbers written over some scores: nobody knows which
    return found


def _has_heads_between(flow: Flow, op: Op, mask: int, scores: Product) -> bool:
    """Whether scores are (queries, heads, keys), and the rows of a mask (queries, 1, keys) so lie before the heads."""
    shape, axes = flow.facts.tensor(mask).shape, flow.facts.axes_of(op.outputs[0])
    if len(shape) < 3 or len(axes) < 3 or shape[-2] != 1 or shape[-3] == 1:
        return False
    rows = {*flow.facts.atoms.flat((scores.m, scores.n))} - flow.columns
    return bool(rows & {*flow.facts.atoms.leaves(axes[-3])})


def _matrix(flow: Flow, mask: int) -> int | None:
    """A mask before an axis for heads was put between its rows and its columns."""
    shape = flow.facts.tensor(mask).shape
    forms = ((form, flow.facts.tensor(form)) for form in flow.forms(mask))
    return next((form for form, each in forms if each.shape[-2:] == (shape[-3], shape[-1]) and each.pattern), None)


def _use(flow: Flow, op: Op, names: set[str], place: int) -> Use:
    if "masked_fill" in names or has(op, "writes"):
        return "hides"
    if "where" in names and place == 0:  # where(condition, scores, -inf) shows what is true
        first = next(kernel.inputs[1] for kernel in op.kernels if base_name(kernel.name) == "where")
        return "sees" if _comes_from_product(flow, first) else "hides"
    if "mul" in names or not flow.is_floating(op.inputs[place]):
        return "sees"
    return "adds"


def together(flow: Flow, uses: Sequence[tuple[int, Use]]) -> Mask:
    """What several masks do together: a score is seen if all of them show it."""
    seen: Pattern | None = None
    hides = learned = biased = False
    unknown = False
    for value, use in (part for each in uses for part in _summands(flow, *each)):
        tensor = flow.facts.tensor(value)
        if tensor.role == "weight":
            learned = learned or use == "adds"
            hides = hides or _holds_mask(flow, value)
            unknown = unknown or _holds_mask(flow, value)
            continue
        shown = _shown(tensor, use)
        if shown is None:
            hides = unknown = True
            continue
        biased = biased or (use == "adds" and shown.biased)
        if shown.kind != "all" or shown.differs:
            hides = True
            seen = shown if seen is None else _met(seen, shown)
            unknown = unknown or seen is None
    return Mask(None if unknown else seen, hides, learned, biased)


def _summands(flow: Flow, value: int, use: Use) -> list[tuple[int, Use]]:
    """A learned bias to which a mask was added, as the two of them."""
    op = flow.op_of(value) if use == "adds" and flow.facts.tensor(value).role == "weight" else None
    if op is None or names_of(op.kernels) != ["add"] or len(op.inputs) != 2:
        return [(value, use)]
    roles = {flow.facts.tensor(part).role for part in op.inputs}
    return [part for each in op.inputs for part in _summands(flow, each, use)] if len(roles) > 1 else [(value, use)]


def _met(one: Pattern, other: Pattern) -> Pattern | None:
    try:
        return meet(one, other)
    except ValueError:
        return None


def _shown(tensor: Tensor, use: Use) -> Pattern | None:
    """The scores that a mask shows; None if its values are unknown."""
    if tensor.pattern is not None:
        return complement(tensor.pattern) if use == "hides" else tensor.pattern
    if tensor.band is None or len(tensor.shape) < 2:  # traces of earlier versions know bands alone
        return None
    (below, above), size = tensor.band, (tensor.shape[-2], tensor.shape[-1])
    whole = above <= 0 and below >= size[1] - 1
    return Pattern("causal" if whole else "window", size, below=below, above=above, causal=above <= 0)


def _is_mask(flow: Flow, value: int) -> bool:
    """Whether an operand between scores and softmax is a mask or bias: a number for each key, not made of scores."""
    tensor = flow.facts.tensor(value)
    if tensor.pattern is not None and len(tensor.shape) > 1:
        return True
    if len(tensor.shape) < 2 or max(tensor.shape[-2:]) == 1 or _comes_from_product(flow, value):
        return False
    return tensor.role == "weight" or not flow.is_floating(value) or not flow.facts.sources.get(value)


def _comes_from_product(flow: Flow, value: int) -> bool:
    made = flow.facts.producer.get(flow.root(value))
    return made is not None and (flow.kinds[made] == "product" or bool(flow.facts.sources.get(value)))


def _holds_mask(flow: Flow, value: int) -> bool:
    """Whether something was hidden in a learned bias before it was added: what it was looked up in is none."""
    queue = [value]
    for current in queue:
        maker = flow.op_of(current)
        if len(queue) > _MOST_OPERATIONS or maker is None:
            continue
        if flow.kinds[maker.id] in ("lookup", "index", "product", "softmax", "norm"):
            continue
        if has(maker, "hides"):
            return True
        for read in maker.inputs:
            shape = flow.facts.tensor(read).shape
            is_matrix = flow.is_floating(read) and len(shape) > 1 and max(shape[-2:]) > 1
            if is_matrix and flow.facts.tensor(read).role != "weight":
                return True
            if is_matrix and read not in queue:
                queue.append(read)
    return False
