"""Which axis of a matrix, as it is drawn, is the one that ranks have parts of."""

from collections.abc import Sequence
from dataclasses import dataclass

from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow

_BY_HEADS = frozenset({"scores", "weighted_sum", "softmax"})


@dataclass(frozen=True, slots=True)
class Spot:
    """A matrix of a step.

    Attributes:
        draft: The step.
        ref: The matrix.
        operand: Its place among the operands; None for a result.
        value: The form of the value that the step reads or makes.
    """

    draft: Draft
    ref: Ref
    operand: int | None
    value: int


def cut_axis(flow: Flow, cut: int, axes: Sequence[tuple[int, ...]], spot: Spot) -> int | None:
    """The axis that is cut; -1 for the stack (heads, experts), None if that cannot be told.

    Args:
        flow: Answers about the trace.
        cut: The outermost atom of what is cut; -1 for an axis of size 1.
        axes: The atoms of each axis of the matrix, () where they are unknown.
        spot: The matrix.
    """
    if cut == -1 or (spot.draft.kind in _BY_HEADS and _is_of_heads(flow, cut, spot)):
        return -1
    found = _within(cut, axes)
    found = _contracted(flow, cut, spot) if found is None else found
    found = _within(cut, _plain_axes(flow, spot)) if found is None else found
    return -1 if found is None and spot.ref.stack > 1 else found


def _within(cut: int, axes: Sequence[tuple[int, ...]]) -> int | None:
    return next((dim for dim, atoms in enumerate(axes) if cut in atoms), None)


def _contracted(flow: Flow, cut: int, spot: Spot) -> int | None:
    """Of a product with a weight: the axis that it sums over, columns of the data and rows of the weight."""
    if spot.draft.kind != "product" or spot.operand not in (0, 1) or len(spot.draft.operands) != 2:
        return None
    inner = (flow.facts.products[place].k for op in spot.draft.ops for place in flow.facts.of_op.get(op, ()))
    if not any(cut in flow.facts.atoms.leaves(axis) for axis in inner):
        return None
    return 0 if spot.ref.origin == "weight" else len(spot.ref.shape) - 1


def _plain_axes(flow: Flow, spot: Spot) -> Sequence[tuple[int, ...]]:
    """The atoms of a value that has the sizes of the matrix, but for leading axes of size 1."""
    facts, shape = flow.facts, spot.ref.shape
    axes = [tuple(facts.atoms.leaves(axis)) for axis in facts.axes_of(spot.value)]
    sizes = facts.tensor(spot.value).shape
    n_more = len(sizes) - len(shape)
    if spot.ref.transposed or n_more < 0 or sizes[n_more:] != shape or any(size != 1 for size in sizes[:n_more]):
        return ()
    return axes[n_more:]


def _is_of_heads(flow: Flow, cut: int, spot: Spot) -> bool:
    """Whether each rank has one head: its atoms are then all that a rank has of what is cut, and are summed over whole.

    What is summed over in attention is whole on every rank, and so is what comes out of a head.
    """
    products = [flow.facts.products[place] for op in spot.draft.ops for place in flow.facts.of_op.get(op, ())]
    leaves = flow.facts.atoms.leaves
    return any(cut in (*leaves(product.k), *leaves(product.n)) for product in products)
