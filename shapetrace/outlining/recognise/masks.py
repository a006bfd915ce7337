"""What masks hide: read from their values and from the operation that uses them, never from how they were made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shapetrace.ir import Op, Pattern, Tensor
from shapetrace.ops.atoms import Axes
from shapetrace.ops.kinds import has, names_of
from shapetrace.ops.masks import complement, meet, turned
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
_ROWS_BY_COLUMNS = -2, -1


class MaskUse(NamedTuple):
    """One mask as one operation uses it.

    Attributes:
        value: The mask.
        does: What a true value does.
        axes: Along which axes of the scores queries and keys are counted, from the end.
    """

    value: int
    does: Use
    axes: tuple[int, int] = _ROWS_BY_COLUMNS


@dataclass(frozen=True, slots=True)
class Places:
    """Where queries and keys are in scores.

    Attributes:
        queries: Atoms of the rows that ask.
        keys: Atoms of the rows that are looked at.
        weighed: The axes of the scores that are made weights, and along which of them, from the end.
    """

    queries: frozenset[int]
    keys: frozenset[int]
    weighed: tuple[Axes, int] | None = None

    def of(self, flow: Flow, scores: int) -> tuple[int, int]:
        """The axes along which queries and keys are counted; the last two where that cannot be told."""
        axes = flow.facts.axes_of(scores)
        leaves = {axis - len(axes): {*flow.facts.atoms.leaves(each)} for axis, each in enumerate(axes)}
        queries, keys = ([axis for axis, found in leaves.items() if found & rows] for rows in (self.queries, self.keys))
        if self.weighed is not None and self.weighed[0] == axes and self.weighed[1] in keys:
            keys = [self.weighed[1]]
        column = keys[-1] if keys else -1
        queries = [axis for axis in queries if axis != column]
        return (queries[-1], column) if len(queries) == 1 else _ROWS_BY_COLUMNS


def fused_mask(flow: Flow, op: Op, rows: int, columns: int) -> Mask:
    """The mask of a fused call: true values are seen; a tensor that no kernel reads stands for one."""
    read = {value for kernel in op.kernels for value in kernel.inputs}
    stands_for_one = any(value not in read for value in op.inputs[3:4])
    values = () if stands_for_one else op.inputs[3:4]
    uses = [MaskUse(v, "adds" if flow.is_floating(v) else "sees") for v in values]
    found = together(flow, uses)
    if not any(args.get("is_causal") for args in (op.attrs, *(kernel.args for kernel in op.kernels))):
        return Mask(hides=True) if stands_for_one else found
    causal = Pattern("causal", (rows, columns), below=columns - 1, above=0, causal=True)
    return Mask(causal if found.seen is None else meet(causal, found.seen), True, found.learned, found.biased)


def added_uses(flow: Flow, product: Product, queries_right: bool) -> list[MaskUse]:
    """The mask or bias that a product of queries and keys adds by itself, as ``baddbmm`` does."""
    kernels = flow.trace.ops[product.op].kernels
    if product.bias is None or any(kernel.args.get("beta") == 0 for kernel in kernels):
        return []
    axes = (-1, -2) if queries_right else _ROWS_BY_COLUMNS
    return [MaskUse(product.bias, "adds", axes)] if _is_mask(flow, product.bias) else []


def uses_of(flow: Flow, ops: Iterable[Op], places: Places | None = None) -> list[MaskUse]:
    """The masks that operations between scores and values use, and how; a mask is read as rows of queries by keys."""
    found: list[MaskUse] = []
    for op in ops:
        names = set(names_of(op.kernels))
        read = op.inputs[:1] if "where" in names and len(op.inputs) > 1 else op.inputs
        masks = [place for place, value in enumerate(read) if flow.kinds[op.id] != "cat" and _is_mask(flow, value)]
        masks += [place for place, value in enumerate(read) if names == {"add"} and _is_of_pairs(flow, value)]
        axes = places.of(flow, op.outputs[0]) if places is not None and masks else _ROWS_BY_COLUMNS
        found += [MaskUse(op.inputs[place], _use(flow, op, names, place), axes) for place in masks]
        if not masks and (has(op, "writes") or "fill" in names) and flow.is_data(op.inputs[0]):
            found.append(MaskUse(op.outputs[0], "hides"))  # numbers written over some scores: nobody knows which
    return found


def _use(flow: Flow, op: Op, names: set[str], place: int) -> Use:
    if "masked_fill" in names or has(op, "writes"):
        return "hides"
    if "where" in names and place == 0:  # where(condition, scores, -inf) shows what is true
        first = next(kernel.inputs[1] for kernel in op.kernels if base_name(kernel.name) == "where")
        return "sees" if _comes_from_product(flow, first) else "hides"
    if "mul" in names or not flow.is_floating(op.inputs[place]):
        return "sees"
    return "adds"


def together(flow: Flow, uses: Sequence[MaskUse]) -> Mask:
    """What several masks do together: a score is seen if all of them show it."""
    seen: Pattern | None = None
    hides = learned = biased = False
    unknown = False
    for value, use, axes in (part for each in uses for part in _summands(flow, each)):
        tensor = flow.facts.tensor(value)
        if tensor.role == "weight":
            learned = learned or use == "adds"
            hides = hides or _holds_mask(flow, value)
            unknown = unknown or _holds_mask(flow, value)
            continue
        shown = _shown(tensor, use, axes)
        if shown is None:
            is_made = use == "adds" and _comes_from_product(flow, value) and not _holds_mask(flow, value)
            biased = biased or is_made  # a number for each pair of rows, which a product made
            hides, unknown = hides or not is_made, unknown or not is_made
            continue
        biased = biased or (use == "adds" and shown.biased)
        if shown.kind != "all" or shown.differs:
            hides = True
            seen = shown if seen is None else _met(seen, shown)
            unknown = unknown or seen is None
    return Mask(None if unknown else seen, hides, learned, biased)


def _summands(flow: Flow, use: MaskUse) -> list[MaskUse]:
    """A learned bias to which a mask was added, as the two of them."""
    op = flow.op_of(use.value) if use.does == "adds" and flow.facts.tensor(use.value).role == "weight" else None
    if op is None or names_of(op.kernels) != ["add"] or len(op.inputs) != 2:
        return [use]
    roles = {flow.facts.tensor(part).role for part in op.inputs}
    each = [use._replace(value=value) for value in op.inputs]
    return [part for one in each for part in _summands(flow, one)] if len(roles) > 1 else [use]


def _met(one: Pattern, other: Pattern) -> Pattern | None:
    try:
        return meet(one, other)
    except ValueError:
        return None


def _shown(tensor: Tensor, use: Use, axes: tuple[int, int]) -> Pattern | None:
    """The scores that a mask shows; None if its values are unknown."""
    if tensor.pattern is not None:
        found = _read_along(tensor.pattern, tensor.shape, axes)
        return complement(found) if use == "hides" and found is not None else found
    if tensor.band is None or len(tensor.shape) < 2:  # traces of earlier versions know bands alone
        return None
    (below, above), size = tensor.band, (tensor.shape[-2], tensor.shape[-1])
    whole = above <= 0 and below >= size[1] - 1
    return Pattern("causal" if whole else "window", size, below=below, above=above, causal=above <= 0)


def _read_along(pattern: Pattern, shape: tuple[int, ...], axes: tuple[int, int]) -> Pattern | None:
    """A mask as rows of queries by columns of keys, which are along these axes; None if nobody read it so."""
    for each in (pattern, pattern.across):
        if each is not None and each.axes in (axes, axes[::-1]):
            return each if each.axes == axes else turned(each)
    is_same = -axes[0] > len(shape) or shape[axes[0]] == 1
    return pattern if is_same and axes[1] == -1 and shape[-2:-1] in ((), (1,)) else None


def _is_mask(flow: Flow, value: int) -> bool:
    """Whether an operand between scores and softmax is a mask or bias: a number for each key, not made of scores."""
    tensor = flow.facts.tensor(value)
    if tensor.pattern is not None:
        return True
    if (
        len(tensor.shape) < (1 if tensor.dtype == "bool" else 2)
        or max(tensor.shape[-2:]) == 1
        or _comes_from_product(flow, value)
    ):
        return False
    return tensor.role == "weight" or not flow.is_floating(value) or not flow.facts.sources.get(value)


def _is_of_pairs(flow: Flow, value: int) -> bool:
    """Whether a product with weights made a number for each pair of rows, and both are rows of what it read.

    Its columns count heads then; those of distances between rows became an axis of rows on the way.
    """
    sources, axes = flow.facts.sources.get(value, {}), flow.facts.axes_of(value)
    made = [flow.facts.products[place] for place in sources]
    if len(made) != 1 or len(axes) < 2 or not flow.is_weight(made[0].right) or not flow.is_data(value):
        return False
    rows = {*flow.facts.atoms.flat((*made[0].batch, made[0].m))} - {*flow.facts.atoms.leaves(made[0].n)}
    pair = [{*flow.facts.atoms.leaves(axis)} for axis in axes[-2:]]
    columns, heads = {*flow.facts.atoms.leaves(made[0].n)}, {*flow.facts.atoms.flat(axes[:-2])}
    return all(pair) and pair[0] | pair[1] <= rows and columns <= heads


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
