"""Finds attention: Q Kᵀ → scale → mask → softmax → × V, written out or as one fused call."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from shapetrace.ir import Op
from shapetrace.ops.activations import activation_of
from shapetrace.ops.kinds import names_of
from shapetrace.ops.products import Product
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.absorbing import Absorbed, absorbed
from shapetrace.outlining.recognise.carriers import carriers
from shapetrace.outlining.recognise.masks import NO_MASK, Mask, Places, added_uses, fused_mask, together, uses_of
from shapetrace.outlining.recognise.mixing import BETWEEN, Mixing, is_projected, joins_data
from shapetrace.outlining.recognise.scaling import scaled, scaling_of
from shapetrace.outlining.recognise.weighing import Weighing, maxima_between, weighings
from shapetrace.outlining.roles import Part


class Attention(msgspec.Struct, frozen=True, gc=False):
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
        mask: What hides scores, and what is added to them.
        scale: What scores are multiplied with, on their way or before; None where no number is known.
        cap: What bounds them: cap · tanh(scores / cap).
        mixes: Positions of the products that mix heads before and after the softmax.
        others: Further products of queries and keys that are added to these scores: of the columns that rotate.
        relative: Products of the same queries, or keys, with learned rows that are added to these scores: positions
            relative to each other.
        absorbed: The products that would expand a latent, where it attends to that.
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
    mask: Mask = NO_MASK
    scale: float | None = None
    cap: float | None = None
    mixes: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    relative: tuple[int, ...] = ()
    absorbed: Absorbed | None = None


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


def all_operands_of(flow: Flow, attention: Attention) -> list[tuple[Part, int, int]]:
    """As `operands_of`, with the queries and keys of all products that are added to the scores."""
    others = (replace(attention, scores=other, weighted=None) for other in attention.others)
    return [read for each in (attention, *others) for read in operands_of(flow, each)]


def attentions(flow: Flow) -> tuple[Attention, ...]:
    """All attentions of a trace, in the order of their scores: with a softmax, an activation, or neither."""
    found: dict[int, Attention] = {}
    products = flow.facts.products
    softmaxes = weighings(flow)
    mixing = Mixing.of(flow)
    for position, product in enumerate(products):
        if product.form == "scores":
            found[position] = _fused(flow, position, product)
        elif product.form == "matmul" and joins_data(flow, product):
            for attention in _explicit(flow, position, softmaxes, mixing) or _bare(flow, position):
                found.setdefault(attention.scores, attention)
    weighted = {attention.weighted for attention in found.values()}
    return tuple(_with_absorbed(flow, found[position]) for position in sorted(found) if position not in weighted)


def _with_absorbed(flow: Flow, attention: Attention) -> Attention:
    """An attention with what it has absorbed; queries that no product over heads made have nothing to absorb."""
    scores = flow.facts.products[attention.scores]
    queries = scores.right if attention.query_right else scores.left
    made = flow.facts.sources.get(queries, {}) if queries is not None else ()
    if not any(flow.facts.products[product].batch for product in made):
        return attention
    read = {part: value for part, value, _ in operands_of(flow, attention)}
    return replace(attention, absorbed=absorbed(flow, (attention.scores, attention.weighted), read))


def _fused(flow: Flow, position: int, product: Product) -> Attention:
    op = flow.trace.ops[product.op]
    own = op.attrs.get("scale")
    before = _scalings(flow, op.inputs[:2])
    width = flow.facts.atoms.size(product.k)
    scale = scaled(flow, before, float(own) if isinstance(own, (int, float)) else width**-0.5)
    mask = fused_mask(flow, op, *map(flow.facts.atoms.size, (product.m, product.n)))
    return Attention(position, position + 1, fused=True, mask=mask, before=tuple(before), scale=scale)


def _explicit(flow: Flow, position: int, softmaxes: Mapping[int, Weighing], mixing: "Mixing") -> list[Attention]:
    """Walk back from both operands of data × data to a softmax, and from there to a product of data with data.

    Where weights of several attentions are added or taken off each other before they weigh, all but the first weigh
    nothing by themselves.
    """
    product = flow.facts.products[position]
    assert product.left is not None
    found: list[Attention] = []
    for value, values, right in ((product.left, product.right, False), (product.right, product.left, True)):
        for op, after, late in mixing.behind(value, softmaxes):
            weighing = softmaxes.get(op.id)
            if weighing is None:
                continue
            every = [*mixing.behind(weighing.source, ())]
            ways = [(made, way, mixed) for source, way, mixed in every if (made := _data_products(flow, source))]
            if ways:
                scores, between, early = ways[0]
                one = _assembled(flow, (scores[-1], position), weighing, (between, after))
                others = tuple(
                    made[-1] for made, way, _ in ways[1:]
                    if _are_alike(flow, made[-1], scores[-1]) and _are_added(flow, way, between)
                )  # fmt: skip
                added = (flow.facts.of_op.get(op.id, ())[-1:] for op, way, _ in every if _are_added(flow, way, between))
                relative = tuple(place for (place,) in filter(None, added) if _asks_again(flow, place, scores[-1]))
                found.append(
                    replace(one, weights_right=right, mixes=(*early, *late), others=others,
                            weighted=None if found or _is_inverse(flow, values) else position,
                            after=() if found else one.after,
                            relative=tuple(place for place in relative if place not in others))
                )  # fmt: skip
        if found:
            break
    return found


def _are_alike(flow: Flow, one: int, other: int) -> bool:
    """Whether two products over columns make scores of the same queries and keys."""
    atoms, products = flow.facts.atoms, [flow.facts.products[place] for place in (one, other)]
    axes = [(sorted(atoms.flat((*p.batch, p.m))), atoms.leaves(p.n)) for p in products]
    return axes[0] == axes[1] and flow.is_over_columns(products[0])


def _is_inverse(flow: Flow, value: int) -> bool:
    """Whether a value is a matrix solved or inverted, of weights perhaps, which holds no values."""
    op = flow.op_of(value)
    return op is not None and flow.kinds[op.id] == "algebra"


def _asks_again(flow: Flow, place: int, scores: int) -> bool:
    """Whether a product takes the queries of some scores, or their keys, row by row, to learned rows."""
    atoms, own, asked = flow.facts.atoms, flow.facts.products[place], flow.facts.products[scores]
    if place == scores or own.left is None or asked.left is None or flow.is_data(own.right):
        return False
    rows = sorted(atoms.flat((*own.batch, own.m)))
    return any(
        rows == sorted(atoms.flat((*asked.batch, axis))) and bool(carriers(flow, own.left) & carriers(flow, value))
        for value, axis in ((asked.left, asked.m), (asked.right, asked.n))
    )


def _data_products(flow: Flow, op: Op) -> list[int]:
    return [p for p in flow.facts.of_op.get(op.id, ()) if joins_data(flow, flow.facts.products[p])]


def _are_added(flow: Flow, way: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two ways, each from its end to its beginning, meet in a sum."""
    common = [op for op in way if op in other]
    return bool(common) and names_of(flow.trace.ops[common[-1]].kernels) == ["add"]


def _bare(flow: Flow, position: int) -> list[Attention]:
    """Attention without a softmax: scores meet the values along the keys, after an activation, a decay, or as they are.

    Scores are a product over columns, of rows with rows: what is summed over here, no projection has as its columns.
    """
    product = flow.facts.products[position]
    for value, right in ((product.left, False), (product.right, True)):
        assert value is not None
        for source, passed in flow.behind(value, BETWEEN):
            for scores in _data_products(flow, source):
                keys = _keys_axis(flow, scores, product)
                names = [activation_of([flow.trace.ops[op]], flow.trace) for op in passed] if keys is not None else []
                if keys is None or not _sums_over_keys(flow, scores, product, activated=any(names)):
                    continue
                weighing, between, after = None, passed, []
                if any(names):
                    place = next(i for i, name in enumerate(names) if name)
                    activation = flow.trace.ops[passed[place]]
                    weighing = Weighing(activation.inputs[0], (activation.id,), names[place])
                    between, after = passed[place + 1 :], passed[:place]
                found = _assembled(flow, (scores, position), weighing, (between, after))
                return [replace(found, weights_right=right, query_right=keys == "rows")]
    return []


def _keys_axis(flow: Flow, scores: int, product: Product) -> Literal["rows", "columns"] | None:
    """Along which axis of the scores a later product sums; None if along none."""
    atoms, earlier = flow.facts.atoms, flow.facts.products[scores]
    keys = atoms.leaves(product.k)
    if not keys:
        return None
    if keys == atoms.leaves(earlier.n):
        return "columns"
    return "rows" if keys == atoms.leaves(earlier.m) else None


def _sums_over_keys(flow: Flow, scores: int, product: Product, *, activated: bool) -> bool:
    """Whether a later product sums over what no projection has as its columns, and unactivated scores over columns."""
    atoms = flow.facts.atoms
    inner, keys = set(atoms.leaves(flow.facts.products[scores].k)), set(atoms.leaves(product.k))
    return not keys & flow.columns and (activated or bool(inner & flow.columns))


def _assembled(
    flow: Flow, ends: tuple[int, int], weighing: Weighing | None, passed: tuple[list[int], list[int]]
) -> Attention:
    scores, weighted = ends
    between, after = passed
    between = [*between, *maxima_between(flow, between)]
    product = flow.facts.products[scores]
    assert product.left is not None
    ops = [flow.trace.ops[op] for op in (*between, *(weighing.ops if weighing else ()), *after)]
    query_right = _keys_are_rows(flow, ends, weighing)
    uses = [*added_uses(flow, product, query_right), *uses_of(flow, ops, _places(flow, product, weighing, query_right))]
    before = _scalings(flow, (product.left, product.right))
    scaling = scaling_of(flow, before, product, between)
    return Attention(
        scores, weighted, weighing, query_right=query_right,
        before=tuple(before), between=tuple(between), after=tuple(after),
        mask=together(flow, uses), scale=scaling.factor, cap=scaling.cap,
    )  # fmt: skip


def _places(flow: Flow, product: Product, weighing: Weighing | None, query_right: bool) -> Places:
    """Where queries and keys are in scores, as products, views and a softmax tell."""
    rows, columns = ({*flow.facts.atoms.leaves(axis)} - flow.columns for axis in (product.m, product.n))
    queries, keys = (columns, rows) if query_right else (rows, columns)
    axes = flow.facts.axes_of(weighing.source) if weighing is not None else ()
    weighed = (axes, weighing.dim(flow) % len(axes) - len(axes)) if weighing is not None and axes else None
    return Places(frozenset(queries), frozenset(keys), weighed)


def _keys_are_rows(flow: Flow, ends: tuple[int, int], weighing: Weighing | None) -> bool:
    """Whether the code multiplies keys with queries: the values, or else the softmax, run over the scores' rows."""
    atoms, scores = flow.facts.atoms, flow.facts.products[ends[0]]
    rows, columns = atoms.leaves(scores.m), atoms.leaves(scores.n)
    summed = atoms.leaves(flow.facts.products[ends[1]].k)
    if rows != columns and summed in (rows, columns):
        return summed == rows
    axes = flow.facts.axes_of(weighing.source) if weighing is not None else ()
    if weighing is None or not axes:
        return False
    dim = weighing.dim(flow)
    if rows == columns:
        return dim % len(axes) == len(axes) - 2 and scores.n != axes[dim]
    return atoms.leaves(axes[dim]) == rows


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
    data = [value for value in op.inputs if flow.is_data(value) or is_projected(flow, value)]
    others = [value for value in op.inputs if value not in data]
    numbers = all(flow.facts.tensor(value).shape in ((), (1,)) and not flow.is_weight(value) for value in others)
    one_reader = len(flow.readers[flow.root(op.outputs[0])]) == 1 if op.outputs else False
    return (
        len(data) == 1 and numbers and one_reader and set(names_of(op.kernels)) <= {"mul", "div"} and bool(op.kernels)
    )
