"""Products of data with data, and products between them that mix heads with each other: talking heads."""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from shapetrace.ir import Op
from shapetrace.ops.atoms import Axis
from shapetrace.ops.kinds import OpKind
from shapetrace.ops.products import Product
from shapetrace.outlining.flow import Flow

BETWEEN: frozenset[OpKind] = frozenset({"pointwise", "cast", "layout", "dropout", "cat", "index"})
"""Operations that may stand between queries, scores, weights and values."""

_AROUND: frozenset[OpKind] = BETWEEN | {"norm"}
"""The same, and what normalises mixed heads."""


def joins_data(flow: Flow, product: Product) -> bool:
    """Whether both factors are data, or learned and projected: queries of a decoder."""
    if product.left is None:
        return False
    factors = (product.left, product.right)
    if any(flow.chosen_table(value) is not None for value in factors):
        return False
    return all(flow.is_data(value) or is_projected(flow, value) for value in factors)


def is_projected(flow: Flow, value: int) -> bool:
    """Whether a value without data is the result of a product: queries of a decoder that are learned."""
    return bool(flow.facts.sources.get(value))


def apart(flow: Flow) -> Mapping[int, frozenset[int]]:
    """Atoms over which projections repeat, each with weights of its own, by the product whose columns these read."""
    found = defaultdict[int, set[int]](set)
    for product in flow.projections:
        for source in flow.facts.sources.get(product.left, ()) if product.left is not None and product.batch else ():
            found[source].update(flow.facts.atoms.flat(product.batch))
    return {source: frozenset(atoms) for source, atoms in found.items()}


@dataclass(frozen=True, slots=True)
class Mixing:
    """Products between scores, softmax and values that mix heads with each other: talking heads.

    Attributes:
        flow: Values and operations.
        repeated: Atoms over which products of data with data repeat.
    """

    flow: Flow
    repeated: frozenset[int]

    @classmethod
    def of(cls, flow: Flow) -> "Mixing":
        """Find what products of data with data repeat over, and what mixing makes of that."""
        flat = flow.facts.atoms.flat
        joining, others = list[Product](), list[Product]()
        for product in flow.facts.products:
            (joining if joins_data(flow, product) else others).append(product)
        found = {leaf for product in joining if product.form == "matmul" for leaf in flat(product.batch)}
        for product in others:
            inner, made = _mixed_axes(flow, product)
            if inner and set(inner) <= found:
                found.update(made)
        return cls(flow, frozenset(found))

    def behind(self, value: int, stops: Container[int]) -> Iterator[tuple[Op, list[int], list[int]]]:
        """Walk back through small operations and mixed heads.

        Yields:
            Each operation at which the walk stops, the small ones on the way, the mixing products on the way.
        """
        for op, way in self.flow.behind(value, _AROUND, stops=stops):
            mixed = self._mixed(op)
            passed = [each for each in way if self.flow.kinds[each] != "norm"]  # which is a step of its own
            if mixed is None:
                yield op, passed, []
            else:
                for other, more, further in self.behind(mixed[1], stops):
                    yield other, [*passed, *more], [*further, mixed[0]]

    def _mixed(self, op: Op) -> tuple[int, int] | None:
        """The product of an operation that mixes heads, and its data."""
        facts = self.flow.facts
        for position in facts.of_op.get(op.id, ()):
            product = facts.products[position]
            if product.left is None or joins_data(self.flow, product):
                continue
            if facts.tensor(product.right).role == facts.tensor(product.left).role:
                continue
            right = facts.tensor(product.right).role == "weight"
            data = product.left if right else product.right
            inner, _ = _mixed_axes(self.flow, product)
            if inner and set(inner) <= self.repeated:
                return position, data
        return None


def _mixed_axes(flow: Flow, product: Product) -> tuple[Axis, Axis]:
    """What a product sums over, and what it makes of that: of a convolution, its channels."""
    flat = flow.facts.atoms.flat
    if product.form != "convolution" or product.left is None or product.out is None:
        weight_left = product.left is not None and flow.is_weight(product.left)
        return flat((product.k,)), flat((product.m if weight_left else product.n,))
    channels = 1 if len(flow.facts.axes_of(product.left)) == len(flow.facts.tensor(product.right).shape) else 0
    inner, made = (flow.facts.axes_of(value)[channels : channels + 1] for value in (product.left, product.out))
    return flat(inner), flat(made)
