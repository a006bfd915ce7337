"""Finds attention: Q Kᵀ → scale → mask → softmax → × V, written out or as one fused call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from shapetrace.ir import Op
from shapetrace.ops.kinds import OpKind, activation_name, names_of
from shapetrace.ops.products import Product
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.masks import differs_by_window, parts
from shapetrace.outlining.recognise.weighing import Weighing, maxima_between, weighings
from shapetrace.outlining.roles import Part

_BETWEEN: frozenset[OpKind] = frozenset({"pointwise", "cast", "layout", "dropout", "cat", "index"})
_CAUSAL_KERNELS = frozenset({"tril", "triu", "le", "ge"})
_TURNING = frozenset(
    "slice select alias view unsqueeze squeeze expand _to_copy detach eq ne logical_not bitwise_not rsub mul".split()
)
"""What makes a mask out of a buffer of ones and zeros."""


@dataclass(frozen=True, slots=True)
class Attention:
    """One attention: positions in ``Facts.products`` and operation ids.

    Attributes:
        scores: The product of queries and keys.
        weighted: The product of weights and values; None if nothing weighs with these scores.
        weighing: What turns the scores into weights; None inside a fused call.
        fused: True for one call such as scaled_dot_product_attention.
        query_right: True if the code multiplies K Qᵀ: operands are turned for reading.
        weights_right: True if the code multiplies Vᵀ Aᵀ.
        before: Operations that scale queries or keys before the product.
        between: Operations that scale and mask the scores.
        after: Element-wise operations between softmax and the product with the values.
        band: Columns that the mask lets a row see below and above the diagonal (`ir.Tensor.band`), where known.
        causal: True if the mask is a triangle, or a band that ends at the diagonal.
        masked: True if something masks the scores.
        biased: True if weights are added to the scores: positions relative to each other.
        scale: Factor of the scores where the call says it.
    """

    scores: int
    weighted: int | None = None
    weighing: Weighing | None = None
    fused: bool = False
    query_right: bool = False
    weights_right: bool = False
    before: tuple[int, ...] = ()
    between: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    band: tuple[int, int] | None = None
    causal: bool = False
    masked: bool = False
    biased: bool = False
    scale: float | None = None


def operands_of(flow: Flow, attention: Attention) -> list[tuple[Part, int, int]]:
    """Queries, keys and values: what it is, tensor id, and the position of the product that reads it."""
    scores = flow.facts.products[attention.scores]
    left, right = (Part.KEY, Part.QUERY) if attention.query_right else (Part.QUERY, Part.KEY)
    found = [(left, scores.left, attention.scores), (right, scores.right, attention.scores)]
    if attention.weighted is not None:
        weighted = flow.facts.products[attention.weighted]
        values = weighted.left if attention.weights_right else weighted.right
        found.append((Part.VALUE, values, attention.weighted))
    return [(part, value, product) for part, value, product in found if value is not None]


def attentions(flow: Flow) -> tuple[Attention, ...]:
    """All attentions of a trace, in the order of their scores."""
    found: dict[int, Attention] = {}
    products = flow.facts.products
    softmaxes = weighings(flow)
    for position, product in enumerate(products):
        if product.form == "scores":
            found[position] = _fused(flow, position, product)
        elif product.form == "matmul" and _is_weighted_sum(flow, product):
            attention = _explicit(flow, position, softmaxes)
            if attention is not None and attention.scores not in found:
                found[attention.scores] = attention
    return tuple(found[position] for position in sorted(found))


def _fused(flow: Flow, position: int, product: Product) -> Attention:
    op = flow.trace.ops[product.op]
    masks = list(op.inputs[3:4])
    band = _band(flow, masks)
    causal = bool(op.attrs.get("is_causal")) or _is_causal(flow, masks, band)
    scale = op.attrs.get("scale")
    masked, biased = parts(flow, masks)
    return Attention(
        position, position + 1, fused=True, band=band, causal=causal, masked=causal or masked, biased=biased,
        before=tuple(_scalings(flow, op.inputs[:2])), scale=scale if isinstance(scale, float) else None,
    )  # fmt: skip


def _is_weighted_sum(flow: Flow, product: Product) -> bool:
    if product.left is None or not (flow.is_data(product.left) or flow.is_data(product.right)):
        return False
    return all(flow.is_data(value) or _is_projected(flow, value) for value in (product.left, product.right))


def _is_projected(flow: Flow, value: int) -> bool:
    """Whether a value without data is the result of a product: queries of a decoder that are learned."""
    return bool(flow.facts.sources.get(value))


def _explicit(flow: Flow, position: int, softmaxes: Mapping[int, Weighing]) -> Attention | None:
    """Walk back from both operands of data × data to a softmax, and from there to a product of data with data."""
    product = flow.facts.products[position]
    assert product.left is not None
    for value, right in ((product.left, False), (product.right, True)):
        for op, after in flow.behind(value, _BETWEEN, stops=softmaxes):
            weighing = softmaxes.get(op.id)
            if weighing is None:
                continue
            for source, between in flow.behind(weighing.source, _BETWEEN):
                scores = _data_products(flow, source)
                if scores:
                    found = _assembled(flow, (scores[-1], position), weighing, (between, after))
                    return replace(found, weights_right=right)
    return _activated(flow, position, product)


def _data_products(flow: Flow, op: Op) -> list[int]:
    return [p for p in flow.facts.of_op.get(op.id, ()) if _is_weighted_sum(flow, flow.facts.products[p])]


def _activated(flow: Flow, position: int, product: Product) -> Attention | None:
    """Attention without a softmax: an activation makes weights of scores, which meet the values along the keys."""
    assert product.left is not None
    for source, passed in flow.behind(product.left, _BETWEEN):
        names = [activation_name(names_of(flow.trace.ops[op].kernels)) for op in passed]
        scores = [p for p in _data_products(flow, source) if flow.facts.products[p].n == product.k]
        if not scores or not any(names):
            continue
        place = next(i for i, name in enumerate(names) if name)
        activation = flow.trace.ops[passed[place]]
        weighing = Weighing(activation.inputs[0], (activation.id,), names[place])
        return _assembled(flow, (scores[-1], position), weighing, (passed[place + 1 :], passed[:place]))
    return None


def _assembled(flow: Flow, ends: tuple[int, int], weighing: Weighing, passed: tuple[list[int], list[int]]) -> Attention:
    scores, weighted = ends
    between, after = passed
    between = [*between, *maxima_between(flow, between)]
    product = flow.facts.products[scores]
    assert product.left is not None
    ops = [flow.trace.ops[op] for op in (*between, *weighing.ops, *after)]
    masks = [value for op in ops if flow.kinds[op.id] != "cat" for value in op.inputs if _is_mask(flow, value)]
    band = _band(flow, masks)
    masked, biased = parts(flow, masks)
    return Attention(
        scores, weighted, weighing, query_right=_keys_are_rows(flow, product, weighing),
        before=tuple(_scalings(flow, (product.left, product.right))), between=tuple(between), after=tuple(after),
        band=band, causal=_is_causal(flow, masks, band), masked=masked, biased=biased,
        scale=_factor(flow, between),
    )  # fmt: skip


def _keys_are_rows(flow: Flow, product: Product, weighing: Weighing) -> bool:
    """Whether the softmax runs over the left operand's rows: the code multiplies keys with queries."""
    atoms = flow.facts.atoms
    axes = flow.facts.axes_of(weighing.source)
    dim = weighing.dim(flow)
    if not axes:
        return False
    keys, rows, columns = (atoms.leaves(axis) for axis in (axes[dim], product.m, product.n))
    if rows == columns:
        return dim % len(axes) == len(axes) - 2 and product.n != axes[dim]
    return keys == rows


def _is_mask(flow: Flow, value: int) -> bool:
    """Whether an operand between scores and softmax is a mask or bias: a number for each key, not made of scores."""
    tensor = flow.facts.tensor(value)
    made = flow.facts.producer.get(flow.root(value))
    comes_from_scores = made is not None and flow.kinds[made] == "product"
    if len(tensor.shape) < 2 or max(tensor.shape[-2:]) == 1 or comes_from_scores:
        return False
    return tensor.role == "weight" or not flow.is_floating(value) or not flow.facts.sources.get(value)


def _band(flow: Flow, masks: Sequence[int]) -> tuple[int, int] | None:
    """The narrowest band of the masks: a triangle and a window that both hide are a window."""
    bands = [band for mask in masks if (band := flow.facts.tensor(mask).band) is not None]
    return (min(below for below, _ in bands), min(above for _, above in bands)) if bands else None


def _is_causal(flow: Flow, masks: Sequence[int], band: tuple[int, int] | None) -> bool:
    """Whether no row sees what is above the diagonal: by the mask's values, else by how it was made."""
    if band is not None:
        return band[1] <= 0
    return any(_is_triangle(flow, mask) for mask in masks if not differs_by_window(flow, mask))


def _is_triangle(flow: Flow, value: int) -> bool:
    kernels = {name for op in flow.ancestors(value) for name in names_of(flow.trace.ops[op].kernels)}
    return bool(kernels & _CAUSAL_KERNELS) or _is_square_buffer(flow, value)


def _is_square_buffer(flow: Flow, value: int) -> bool:
    """Whether a mask is nothing but a square buffer, cut to size and compared with a number."""
    tensor = flow.facts.tensor(value)
    if tensor.origin == "buffer":
        known = tensor.dtype.startswith(("bool", "uint8", "float"))
        one = len(tensor.shape) >= 2 and prod(tensor.shape[:-2]) == 1  # each window's own is no triangle
        return known and one and tensor.shape[-1] == tensor.shape[-2]
    producer = flow.facts.producer.get(value)
    if producer is None:
        return False
    op = flow.trace.ops[producer]
    return len(op.inputs) == 1 and set(names_of(op.kernels)) <= _TURNING and _is_square_buffer(flow, op.inputs[0])


def _scalings(flow: Flow, values: tuple[int, ...]) -> list[int]:
    """Operations that multiply a query or key by a number on its way to the product."""
    found: list[int] = []
    for value in values:
        op = flow.op_of(value)
        while op is not None and _is_scaling(flow, op):
            found.append(op.id)
            op = flow.op_of(op.inputs[0])
    return found


def _is_scaling(flow: Flow, op: Op) -> bool:
    data = [value for value in op.inputs if flow.is_data(value) or _is_projected(flow, value)]
    others = [value for value in op.inputs if value not in data]
    numbers = all(flow.facts.tensor(value).shape in ((), (1,)) and not _is_weight(flow, value) for value in others)
    one_reader = len(flow.readers[flow.root(op.outputs[0])]) == 1 if op.outputs else False
    return (
        len(data) == 1 and numbers and one_reader and set(names_of(op.kernels)) <= {"mul", "div"} and bool(op.kernels)
    )


def _is_weight(flow: Flow, value: int) -> bool:
    return flow.facts.tensor(value).role == "weight"


def _factor(flow: Flow, between: list[int]) -> float | None:
    for op in (flow.trace.ops[i] for i in between):
        names = names_of(op.kernels)
        numbers = [arg for kernel in op.kernels for arg in kernel.args.values() if isinstance(arg, float)]
        if numbers and names in (["mul"], ["div"]):
            return numbers[0] if names == ["mul"] else 1 / numbers[0]
    return None
