"""Hidden layers: where columns go once they were bent, and whether one product alone reads what they become."""

from dataclasses import dataclass
from heapq import heappop, heappush
from math import prod

from shapetrace.outlining.drafts import Draft, Graph, Ref
from shapetrace.outlining.flow import Flow

_MOST_STEPS = 24
_BETWEEN = frozenset(
    {
        "activation",
        "norm",
        "multiply",
        "pointwise",
        "convolution",
        "concat",
        "select",
        "route",
        "reduce",
        "residual",
        "add",
    }
)
"""Kinds of steps between the two products of an MLP."""
_BENDING = frozenset(
    "relu gelu silu sigmoid tanh exp expm1 softplus where pow elu maximum minimum abs sqrt log erf".split()
)
_ACROSS_ROWS = ("_fft", "cum", "logcum")
"""How kernels begin that mix rows: Fourier transforms, running sums."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where columns go.

    Attributes:
        closing: The product that closes an MLP, or those that each do it with a piece of one parameter.
        beside_heads: Whether columns are joined with those of heads, and one product closes both: parallel layers.
        goes_on: Whether another product reads them, bent, whatever else does, and whatever stands beside them there;
            what several steps read before it is bent, or what a model gives back, is no hidden layer but a result.
    """

    closing: tuple[Draft, ...] = ()
    beside_heads: bool = False
    goes_on: bool = False


class Hidden:
    """Follows columns from step to step.

    Args:
        flow: Values and operations.
        graph: Steps.
        outputs: Keys of the products that read heads.
        beside: Keys of the products that read what a projection reads beside them: adapters.
    """

    def __init__(self, flow: Flow, graph: Graph, outputs: set[int], beside: set[int]) -> None:
        self._flow = flow
        self._graph = graph
        self._outputs = outputs
        self._beside = beside

    def way(self, value: int, *, bent: bool = False) -> Way:
        """Where the columns of a value go; ``bent`` if an activation has taken them already."""
        walk = _Walk({value: bent, self._graph.becomes.get(value, value): bent})
        self._wait(walk, value)
        while walk.waiting and len(walk.seen) < _MOST_STEPS:
            key, after = heappop(walk.waiting)
            if key not in walk.seen:
                walk.seen.add(key)
                self._pass(walk, after)
        is_alone = walk.alone and not walk.waiting and _is_one(self._flow, walk.closing)
        return Way(tuple(walk.closing) if is_alone else (), walk.beside_heads, walk.goes_on and not walk.is_result)

    def _wait(self, walk: "_Walk", value: int) -> None:
        readers, given = self._graph.readers(value), value in self._flow.outputs
        walk.alone = walk.alone and not given
        walk.is_result |= not walk.reached[value] and (given or len(readers) > 1)
        for reader in readers:
            heappush(walk.waiting, (reader.key, reader))

    def _pass(self, walk: "_Walk", after: Draft) -> None:
        if after.kind == "product":
            self._meet(walk, after)
            return
        if not any(ref.shape for ref in after.results):
            return  # one number of a whole pass: a penalty, part of a loss
        foreign = {ref.value for ref in self.columns_of(after)} - walk.reached.keys()
        bent = any(walk.reached.get(ref.value, False) for ref in after.operands)
        if foreign or not self.is_between(after):
            walk.alone = False
            walk.beside_heads |= bent and after.kind == "concat" and self._is_beside_heads(after)
            if "cat" not in self.kernels(after):
                return
        for ref in after.results:
            walk.reached[ref.value] = bent or self.bends(after)
            self._wait(walk, ref.value)

    def _meet(self, walk: "_Walk", product: Draft) -> None:
        """A product at the end of a way: it closes if what it reads was bent."""
        if product.key in self._beside:
            return
        bent = walk.reached.get(product.data.value, False)
        walk.goes_on |= bent
        walk.alone = walk.alone and bent
        walk.closing.append(product)

    def columns_of(self, draft: Draft) -> list[Ref]:
        """The operands that hold real data, without those that are one number a row beside others."""
        data = [ref for ref in draft.operands if self.is_columns(ref)]
        return [ref for ref in data if ref.columns > 1] or data

    def is_columns(self, ref: Ref) -> bool:
        """Whether an operand holds real data, or what a product made of a constant, and no indices."""
        maker = self._graph.maker(ref.value)
        is_made = ref.origin == "data" or (maker is not None and maker.kind == "product")
        return is_made and (ref.value < 0 or self._flow.is_floating(ref.value))

    def bends(self, draft: Draft) -> bool:
        """Whether a step makes more of two products than one product could be: an activation, named or written out."""
        return draft.kind == "activation" or (draft.kind == "pointwise" and bool(self.kernels(draft) & _BENDING))

    def is_between(self, draft: Draft) -> bool:
        """Whether a step may stand between the two products of an MLP: row by row, or in a convolution of channels."""
        return draft.kind in _BETWEEN and not any(name.startswith(_ACROSS_ROWS) for name in self.kernels(draft))

    def kernels(self, draft: Draft) -> frozenset[str]:
        """Names of all kernels of a step."""
        return self._flow.kernels(draft.ops)

    def _is_beside_heads(self, draft: Draft) -> bool:
        readers = self._graph.readers(draft.result.value)
        return bool(readers) and all(reader.key in self._outputs for reader in readers)


class _Walk:
    """What was found so far: values with whether they were bent, steps that wait, products at the end."""

    def __init__(self, reached: dict[int, bool]) -> None:
        self.reached = reached
        self.waiting: list[tuple[int, Draft]] = []
        self.seen: set[int] = set()
        self.closing: list[Draft] = []
        self.alone = True
        self.beside_heads = False
        self.goes_on = False
        self.is_result = False


def _is_one(flow: Flow, products: list[Draft]) -> bool:
    """Whether products are one, or each of them multiplies with a piece of one parameter."""
    roots = {product.weight.value for product in products}
    if len(products) < 2 or len(roots) > 1 or min(roots) < 0:
        return len(products) == 1
    whole = prod(flow.facts.tensor(roots.pop()).shape)
    return all(product.weight.stack * prod(product.weight.shape) < whole for product in products)
