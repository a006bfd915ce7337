"""Learned rows for distances between positions, read beside values (Shaw et al., 2018, arXiv 1803.02155)."""

from shapetrace.ops.kinds import names_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention

_FEW = 3


def relative_values(flow: Flow, attentions: tuple[Attention, ...]) -> frozenset[int]:
    """The products of weights of attention with learned rows, summed over keys, that are added to a weighted sum."""
    found: set[int] = set()
    for attention in attentions:
        if attention.weighted is None or attention.weighing is None:
            continue
        summed = flow.facts.products[attention.weighted]
        read = summed.right if attention.weights_right else summed.left
        readers = () if read is None else flow.readers[flow.root(read)]
        for place in (place for op in readers for place in flow.facts.of_op.get(op, ()) if place != attention.weighted):
            product = flow.facts.products[place]
            same_keys = {*flow.facts.atoms.leaves(product.k)} == {*flow.facts.atoms.leaves(summed.k)}
            learned = not flow.is_data(product.right) and product.left is not None
            if same_keys and learned and flow.root(product.left or 0) == flow.root(read or 0):
                found.update({place} if _meet(flow, place, attention.weighted) else ())
    return frozenset(found)


def _meet(flow: Flow, one: int, other: int) -> bool:
    """Whether what two products made is added up."""
    values = [flow.facts.products[place].out for place in (one, other)]
    if None in values:
        return False
    readers = [{*flow.readers[flow.root(value)][:_FEW]} for value in values if value is not None]
    return any(names_of(flow.trace.ops[op].kernels) == ["add"] for op in set.intersection(*readers))
