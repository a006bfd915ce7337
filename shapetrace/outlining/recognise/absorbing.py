"""Absorbed projections: what would make keys and values of a latent multiplies queries and weighted sums instead.

q · (c W_UK) is (q W_UKᵀ) · c, and A (c W_UV) is (A c) W_UV: the latent that all heads share stays as it is, and each
head has a matrix of its own before the scores and behind the weighted sum (DeepSeek-V2, arXiv 2405.04434, 2.1.2).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.carriers import carriers
from shapetrace.outlining.roles import Part


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What one attention over a latent has absorbed: positions in ``Facts.products``.

    Attributes:
        key: The product that takes queries to the latent.
        value: The product that takes weighted sums of the latent to values.
        query: The queries before that, as an operand of attention: what it is, tensor id, the product that reads it.
        read: Tensor ids of the latent as scores and weighted sum read it, the first beside columns that rotate.
        latents: The products that make the latent.
    """

    key: int
    value: int
    query: tuple[Part, int, int]
    read: frozenset[int]
    latents: frozenset[int]

    @property
    def products(self) -> frozenset[int]:
        """Products whose columns are no queries, keys or values, though attention reads them."""
        return self.latents | {self.key}


def absorbed(flow: Flow, ends: tuple[int, int | None], read: Mapping[Part, int]) -> Absorbed | None:
    """What attention to a latent that all heads share has absorbed; None if it has not, or attends to no latent.

    Args:
        flow: Values and operations.
        ends: Positions of the scores and of the weighted sum.
        read: The queries, keys and values that these read, by tensor id.
    """
    atoms, sources, scores = flow.facts.atoms, flow.facts.sources, flow.facts.products[ends[0]]
    heads = {*atoms.flat((*scores.batch, scores.m, scores.n))} & flow.columns
    if ends[1] is None or len(read) < 3 or not any(_data_of(flow, p, heads) for p in sources.get(read[Part.QUERY], {})):
        return None
    made = {part: carriers(flow, value) for part, value in read.items()}
    latents = made[Part.KEY] & made[Part.VALUE]
    heads -= _columns(flow, made[Part.KEY] | made[Part.VALUE])
    keys = {place: query for place in made[Part.QUERY] if (query := _data_of(flow, place, heads)) is not None}
    values = [place for place in _behind(flow, ends[1]) if _data_of(flow, place, heads) is not None]
    if not latents or len(keys) != 1 or len(values) != 1:
        return None
    ((key, query),) = keys.items()
    if not heads & _columns(flow, sources.get(query, {})):
        return None
    return Absorbed(key, values[0], (Part.QUERY, query, key), frozenset({read[Part.KEY], read[Part.VALUE]}), latents)


def _behind(flow: Flow, product: int) -> Iterator[int]:
    """The products whose data another one alone made."""
    for place in range(product + 1, len(flow.facts.products)):
        left = flow.facts.products[place].left
        if left is not None and flow.facts.sources.get(left, {}).keys() == {product}:
            yield place


def _columns(flow: Flow, products: Iterable[int]) -> set[int]:
    """Atoms of what some products repeat over, and of their columns."""
    made = (flow.facts.products[place] for place in products)
    return {leaf for each in made for leaf in flow.facts.atoms.flat((*each.batch, each.n))}


def _data_of(flow: Flow, place: int, heads: set[int]) -> int | None:
    """The data that a product reads, if each head has a matrix of its own there; else None."""
    product = flow.facts.products[place]
    if product.form != "matmul" or product.left is None or not heads & {*flow.facts.atoms.flat(product.batch)}:
        return None
    is_projection = flow.is_weight(product.right) and not flow.is_weight(product.left)
    return product.left if is_projection else None
