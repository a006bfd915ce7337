"""Which axes of all operands are the same: one number for each, by atoms and never by size."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TypeAlias

from shapetrace.ops.atoms import Atoms
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.lanes import UNKNOWN
from shapetrace.outlining.roles import Role
from shapetrace.outlining.sections import Node
from shapetrace.outlining.symbols import Place

Axes: TypeAlias = tuple[tuple[int, ...], ...]
"""The atoms of each axis of an operand."""

Groups: TypeAlias = dict[tuple[bool, int], Sequence[tuple[int, ...]]]
"""The same of all operands of a step, by whether it is a result and its place."""


def axis_atoms(flow: Flow, axis_roles: AxisRoles, folded: Node) -> Mapping[Place, Axes]:
    """The atoms of each axis of each operand; () for one that cannot be told, or is of size 1."""
    found: dict[Place, Axes] = {}
    inside: dict[int, Axes] = {}
    for draft in folded.drafts():
        groups = axis_groups(flow, axis_roles, draft, gathers=True)
        for (is_result, i), ref in _places(draft):
            each = tuple(groups[is_result, i])
            if ref.value < UNKNOWN:  # inside a fused call: scores have the rows of queries and of keys
                made = _scored(draft, groups, inside) if is_result else inside.get(ref.value)
                each = inside[ref.value] = made if made and len(made) == len(each) else each
            found[draft.key, is_result, i] = each
    return found


def axis_ids(folded: Node, axis_atoms: Mapping[Place, Axes]) -> Mapping[Place, tuple[int, ...]]:
    """A number for each axis of each operand; numbers count in the order of reading."""
    numbers: dict[tuple[int, ...], int] = {}
    return {
        (draft.key, *place): tuple(
            numbers.setdefault(axis, len(numbers)) if axis else UNKNOWN for axis in axis_atoms[draft.key, *place]
        )
        for draft in folded.drafts()
        for place, _ in _places(draft)
    }


def axis_parts(
    axis_atoms: Mapping[Place, Axes], axis_ids: Mapping[Place, tuple[int, ...]]
) -> Mapping[int, tuple[int, ...]]:
    """The numbers of the axes that an axis is made of, outermost first: rows and chosen experts in one."""
    numbers = {
        axis: number
        for place, ids in axis_ids.items()
        for axis, number in zip(axis_atoms[place], ids, strict=True)
        if axis
    }
    parts = {
        number: [numbers.get((atom,), UNKNOWN) for atom in axis] for axis, number in numbers.items() if len(axis) > 1
    }
    return {number: tuple(each) for number, each in parts.items() if UNKNOWN not in each}


def _places(draft: Draft) -> Iterator[tuple[tuple[bool, int], Ref]]:
    yield from (((False, i), ref) for i, ref in enumerate(draft.operands))
    yield from (((True, i), ref) for i, ref in enumerate(draft.results))


def _scored(draft: Draft, groups: Groups, inside: Mapping[int, Axes]) -> Axes | None:
    """The axes of scores, or of weights, that no tensor holds."""
    if draft.kind == "scores":
        return groups[False, 0][-2], groups[False, 1][-1]
    return inside.get(draft.operands[0].value) if draft.role is Role.ATTENTION_WEIGHTS else None


def axis_groups(flow: Flow, axis_roles: AxisRoles, draft: Draft, *, gathers: bool = False) -> Groups:
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
    if draft.kind == "collective" and len(draft.operands) == len(draft.results) == 1:
        axes[True, 0] = _kept(draft.operands[0], draft.results[0], axes[False, 0]) or axes[True, 0]
    return axes


def _kept(sent: Ref, got: Ref, axes: Sequence[tuple[int, ...]]) -> Sequence[tuple[int, ...]] | None:
    """The axes of what ranks put together: all but the one along which they have parts are those of what one sent."""
    grown = [sent_size != size for sent_size, size in zip(sent.shape, got.shape, strict=False)]
    if len(sent.shape) != len(got.shape) or sum(grown) != 1:
        return None
    return [() if is_grown else axis for axis, is_grown in zip(axes, grown, strict=True)]


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
        return _as_read(flow, draft, ref, shape) or (nothing if whole else _rows_alone(atoms, leaves, ref, nothing))
    return found[::-1] if ref.transposed else found


def _rows_alone(
    atoms: Atoms, leaves: Sequence[int], ref: Ref, nothing: Sequence[tuple[int, ...]]
) -> Sequence[tuple[int, ...]]:
    """The axes of a part of the columns of a value, where no atom is as long as the part: its rows are known."""
    if ref.transposed or len(ref.shape) != len(leaves) or not atoms.size((leaves[-1],)) > ref.shape[-1]:
        return nothing
    rows = [(leaf,) for leaf in leaves[:-1]]
    return [*rows, ()] if all(map(int.__eq__, map(atoms.size, rows), ref.shape)) else nothing


def _as_read(flow: Flow, draft: Draft, ref: Ref, shape: Sequence[int]) -> Sequence[tuple[int, ...]] | None:
    """The axes of a matrix that a step reads in another order than it was made: rows and columns changed places."""
    if ref.transposed or ref.stack > 1:
        return None
    for op in draft.ops:
        for value in flow.trace.ops[op].inputs:
            sizes = [size for size in flow.facts.tensor(value).shape if size > 1]
            if flow.root(value) == ref.value != value and sizes == [size for size in shape if size > 1]:
                leaves = list(flow.facts.atoms.flat(flow.facts.axes_of(value)))
                return _grouped(flow.facts.atoms, leaves, shape, whole=True)
    return None


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
