"""What says how much of each row goes into each: the adjacency of a graph, given or normalised, times its rows."""

from collections.abc import Iterator, Set

from shapetrace.ops.products import Product
from shapetrace.outlining.flow import Flow


def adjacencies(flow: Flow) -> frozenset[int]:
    """Values that mix rows of others, made of an input without any weight, and what they were made of on the way.

    Of the two operands of a product the one is meant that has none of the features, where the sum goes over rows.
    """
    found, asked = set[int](), set[int]()
    features: frozenset[int] | None = None
    for product in flow.facts.products:
        if product.left is None or product.form != "matmul" or not _is_between_data(flow, product):
            continue
        features = _features(flow) if features is None else features
        for value in {*map(flow.root, _mixing(flow, product, features))} - asked:
            asked.add(value)
            found.update(_made_of_inputs(flow, value, features))
    return frozenset(found)


def _is_between_data(flow: Flow, product: Product) -> bool:
    return product.left is not None and flow.is_data(product.left) and flow.is_data(product.right)


def _features(flow: Flow) -> frozenset[int]:
    """Atoms of columns of products with weights, and of what these sum over."""
    data = (p for p in flow.projections if p.left is not None and flow.is_data(p.left))
    return flow.columns | {leaf for p in data for leaf in flow.facts.atoms.leaves(p.k)}


def _mixing(flow: Flow, product: Product, features: Set[int]) -> Iterator[int]:
    atoms, axes_of = flow.facts.atoms, flow.facts.axes_of
    if product.left is None or features & {*atoms.leaves(product.k)}:
        return
    has = {value: bool(features & {*atoms.flat(axes_of(value))}) for value in (product.left, product.right)}
    if any(has.values()):
        yield from (value for value, is_stream in has.items() if not is_stream)


def _made_of_inputs(flow: Flow, value: int, features: Set[int]) -> Iterator[int]:
    """A value and what it was made of, as far as that has its form; nothing where a weight had a part in it."""
    facts, met, waiting = flow.facts, set[int](), [value]
    while waiting:
        each = flow.root(waiting.pop())
        if flow.is_weight(each) or features & {*facts.atoms.flat(facts.axes_of(each))}:
            return
        if each not in met:
            met.add(each)
            op = flow.op_of(each)
            waiting += () if op is None else op.inputs
    form = facts.tensor(value).shape[-2:]
    yield from (v for v in met if flow.is_data(v) and facts.tensor(v).shape[-2:] == form)
