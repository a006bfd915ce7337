"""What the axes over which products repeat count: independent examples, or heads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from shapetrace.ops.atoms import Atoms, Axis
from shapetrace.ops.products import Product
from shapetrace.outlining.drafts import trimmed
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention


@dataclass(frozen=True, slots=True)
class AxisRoles:
    """Atoms by what they count; an atom may be neither: a window, a channel, a chunk.

    Attributes:
        flow: Values and operations.
        examples: Atoms of the axis of an input that attention does not mix.
        heads: Atoms of a projection's columns, or of a parameter, over which products of data with data repeat.
    """

    flow: Flow
    examples: frozenset[int]
    heads: frozenset[int]

    @property
    def _atoms(self) -> Atoms:
        return self.flow.facts.atoms

    def has_examples(self, axes: Sequence[Axis]) -> bool:
        """Whether one of these axes counts independent examples."""
        return not self.examples.isdisjoint(self._atoms.flat(tuple(axes)))

    def split(self, axis: Axis) -> tuple[Axis, Axis]:
        """The atoms of rows of queries: positions, and heads that share keys with others and stand among the rows."""
        leaves = self._atoms.leaves(axis)
        heads = tuple(leaf for leaf in leaves if leaf in self.heads)
        return tuple(leaf for leaf in leaves if leaf not in self.heads), heads

    def heads_among(self, axes: Sequence[Axis]) -> tuple[int, ...]:
        """The atoms of these axes that count heads."""
        return tuple(leaf for leaf in self._atoms.flat(tuple(axes)) if leaf in self.heads)

    def stack(self, axes: Sequence[Axis]) -> tuple[int, ...]:
        """Batch axes as two numbers: everything that is no head (examples, windows, channels), then the heads."""
        leaves = self._atoms.flat(tuple(axes))
        heads = self._atoms.size(tuple(leaf for leaf in leaves if leaf in self.heads))
        rest = self._atoms.size(tuple(leaf for leaf in leaves if leaf not in self.heads))
        return tuple(size for size in (rest, heads) if size > 1)

    def apart(self, leaves: Sequence[int]) -> tuple[int, ...]:
        """Sizes of a flattened axis with the examples kept apart: (B·T) is (B, T) again."""
        sizes: list[int] = []
        before: bool | None = None
        for leaf in leaves:
            size, example = self._atoms.size((leaf,)), leaf in self.examples
            if example == before:
                sizes[-1] *= size
            else:
                sizes.append(size)
            before = example
        return tuple(sizes) or (1,)

    def readable(self, value: int) -> tuple[int, ...]:
        """A value's shape as people write it: a batch of 1 left out, flattened rows with the batch apart."""
        shape, axes = self.flow.facts.tensor(value).shape, self.flow.facts.axes_of(value)
        if len(shape) == 2:
            return (*self.apart(self._atoms.leaves(axes[0])), shape[1])
        rows = trimmed(shape)[:-1]
        if len(rows) > 1 and not self.has_examples(axes[:-1]):
            rows = tuple(size for size in rows if size > 1) or (1,)
        return (*rows, *shape[-1:])

    def rows(self, product: Product) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Rows of a product's data as the author had them, and the stack over which its weight has matrices of its own.

        (B·T, k) x (k, n) has rows (B, T); (h, T, k) x (h, k, n) has rows (T,) and a stack of h.
        """
        assert product.left is not None
        atoms, facts = self._atoms, self.flow.facts
        weight = set(atoms.flat(facts.axes_of(self.flow.root(product.right))))
        batch = atoms.flat(product.batch)
        own = tuple(leaf for leaf in batch if leaf in weight)
        rows = [leaf for leaf in batch if leaf not in weight] + list(atoms.leaves(product.m))
        shape = facts.tensor(product.left).shape
        as_written = (prod(shape[:-1]), shape[-1:]) == (atoms.size(tuple(rows)), (atoms.size(product.k),))
        if own or len(shape) < 3 or not as_written:
            return self.apart(rows), (atoms.size(own),) if own else ()
        kept = _without_idle_axes(shape[:-1])
        if any(leaf in self.examples for leaf in rows):
            return kept, ()
        return tuple(size for size in kept if size > 1) or (1,), ()  # (T, 1) of a batch of one is T


def axis_roles(flow: Flow, attentions: tuple[Attention, ...]) -> AxisRoles:
    """Tell examples and heads apart: heads come out of columns, examples out of an input's axis."""
    facts, products = flow.facts, flow.facts.products
    scores = [products[attention.scores] for attention in attentions]
    mixed = _leaves(facts.atoms, ((p.m, p.n) for p in scores))
    apart = _leaves(facts.atoms, (p.batch for p in scores))
    own = flow.columns | {leaf for p in flow.projections for leaf in _brought(flow, p)}
    rows = _leaves(facts.atoms, ((*p.batch, p.m) for p in flow.projections if flow.is_data(p.left or 0)))
    between = [p for p in products if p.left is not None and flow.is_data(p.left) and flow.is_data(p.right)]
    repeated = _leaves(facts.atoms, (p.batch for p in between if p.form != "convolution"))
    first, second = _inputs_axis(flow, 0), _inputs_axis(flow, 1)
    examples = (first if first & apart or not second & apart else second) - mixed - own
    over_columns = [(a, p) for a, p in zip(attentions, scores, strict=True) if flow.is_over_columns(p)]
    asked = _leaves(facts.atoms, ((p.n if a.query_right else p.m,) for a, p in over_columns))
    heads = (apart - (rows - own) - examples) | ((repeated | asked) & own)
    return AxisRoles(flow, frozenset(examples), frozenset(heads))


def _brought(flow: Flow, product: Product) -> set[int]:
    """Atoms of the axes over which a weight has matrices of its own, and that its data does not have without it."""
    facts, data = flow.facts, flow.root(product.left if product.left is not None else product.right)
    had = _leaves(facts.atoms, (facts.axes_of(data),)) if flow.is_data(data) else set()
    return _leaves(facts.atoms, (facts.axes_of(product.right)[:-2],)) - had


def _inputs_axis(flow: Flow, axis: int) -> set[int]:
    shapes = [flow.facts.axes_of(value) for value in flow.trace.inputs]
    return {leaf for axes in shapes if len(axes) > axis for leaf in flow.facts.atoms.leaves(axes[axis])}


def _leaves(atoms: Atoms, axes: Iterable[Sequence[Axis]]) -> set[int]:
    return {leaf for each in axes for leaf in atoms.flat(tuple(each))}


def _without_idle_axes(rows: tuple[int, ...]) -> tuple[int, ...]:
    """Rows without axes of size 1: all leading ones, and those between two others."""
    rows = trimmed(rows, 1)
    return tuple(size for size in rows if size > 1) if sum(size > 1 for size in rows) > 1 else rows
