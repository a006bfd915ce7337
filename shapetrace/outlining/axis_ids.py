"""Which axes of all operands are the same: one number for each, by atoms and never by size."""

from collections.abc import Mapping, Sequence
from math import prod

from shapetrace.ops.atoms import Atoms
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.sections import Node
from shapetrace.outlining.symbols import Place

UNKNOWN = -1
"""An axis that is not proved to be one of the value's."""


def axis_ids(flow: Flow, axis_roles: AxisRoles, folded: Node) -> Mapping[Place, tuple[int, ...]]:
    """A number for each axis of each operand; numbers count in the order of reading."""
    numbers: dict[tuple[int, ...], int] = {}
    found: dict[Place, tuple[int, ...]] = {}
    for draft in folded.drafts():
        for (is_result, i), each in axis_groups(flow, axis_roles, draft, gathers=True).items():
            found[draft.key, is_result, i] = tuple(
                numbers.setdefault(axis, len(numbers)) if axis else UNKNOWN for axis in each
            )
    return found


def axis_groups(
    flow: Flow, axis_roles: AxisRoles, draft: Draft, *, gathers: bool = False
) -> dict[tuple[bool, int], Sequence[tuple[int, ...]]]:
    """The atoms of each axis of each operand of a step, by whether it is a result and its place; () where unknown.

    Args:
        flow: Values and operations.
        axis_roles: Which atoms count examples, and which heads.
        draft: The step.
        gathers: Whether heads that a value keeps before its rows are told to be in its columns, where it is drawn so.
    """
    places = [(False, i, ref) for i, ref in enumerate(draft.operands)]
    places += [(True, i, ref) for i, ref in enumerate(draft.results)]
    axes = {(is_result, i): _axes(flow, axis_roles, draft, ref, gathers) for is_result, i, ref in places}
    weights = [i for i, ref in enumerate(draft.operands) if ref.origin == "weight" and len(ref.shape) == 2]
    if draft.kind == "product" and len(draft.operands) == 2 and len(weights) == 1:
        inner, outer = axes[False, 1 - weights[0]], axes[True, 0]  # a weight's rows are columns of the data
        axes[False, weights[0]] = [*inner[-1:], *outer[-1:]]
    return axes


def _axes(flow: Flow, axis_roles: AxisRoles, draft: Draft, ref: Ref, gathers: bool) -> Sequence[tuple[int, ...]]:
    """The atoms of each axis of a matrix as it is drawn; () for one that cannot be told."""
    nothing = [()] * len(ref.shape)
    if ref.value < 0 or not ref.shape:
        return nothing
    atoms = flow.facts.atoms
    leaves = list(atoms.flat(flow.facts.axes_of(ref.value)))
    if ref.stack > 1:
        leaves = [leaf for leaf in leaves if leaf not in axis_roles.heads]
    while leaves and ref.stack > 1 and atoms.size(tuple(leaves)) > prod(ref.shape) and leaves[0] in axis_roles.examples:
        del leaves[0]
    shape = ref.shape[::-1] if ref.transposed else ref.shape
    whole = ref.stack == 1 and draft.share[0] == draft.share[1]
    found = _grouped(atoms, leaves, shape, whole=whole)
    if ref.stack == 1 and (found is None or (found[0] and axis_roles.heads.issuperset(found[0]))):  # no rows: heads
        gathered = _grouped(atoms, _gathered(leaves, axis_roles.heads), shape, whole=whole)
        found = gathered if gathers else found if gathered is None else None
    if found is None:
        return nothing
    return found[::-1] if ref.transposed else found


def _gathered(leaves: Sequence[int], heads: frozenset[int]) -> list[int]:
    """Heads that stand before the rows, side by side: (heads, rows, columns) -> (rows, heads, columns)."""
    others = [leaf for leaf in leaves if leaf not in heads]
    return [*others[:-1], *(leaf for leaf in leaves if leaf in heads), *others[-1:]]


def _grouped(atoms: Atoms, leaves: Sequence[int], shape: Sequence[int], *, whole: bool) -> list[tuple[int, ...]] | None:
    """Atoms by the sizes that they multiply to, rows from the front and columns from the back; None if they do not.

    Args:
        atoms: The algebra.
        leaves: Atoms of a value, outermost first.
        shape: Sizes.
        whole: Whether all atoms must be used: else a piece of the columns may lie between.
    """
    rest = list(leaves)
    groups: list[tuple[int, ...]] = []
    for place, size in enumerate(shape):
        group: tuple[int, ...] = ()
        is_last = place == len(shape) - 1 and place > 0
        while atoms.size(group) < size and rest:
            group = (rest.pop(), *group) if is_last else (*group, rest.pop(0))
        if atoms.size(group) != size:
            return None
        groups.append(group)
    return None if rest and whole else groups
