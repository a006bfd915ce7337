"""Cuts of a product's columns: which are its own, and which columns they leave."""

from collections.abc import Sequence

from shapetrace.ops.atoms import Axis
from shapetrace.ops.axis_rules import Cut
from shapetrace.outlining.flow import Flow


def own_cuts(flow: Flow, whole: Axis, cuts: frozenset[Cut]) -> frozenset[Cut]:
    """The cuts of some columns, and those of what other cuts left of them."""
    own, left = set[Cut](), [cut for cut in cuts if is_within(flow, whole, cut)]
    while left:
        own.update(left)
        parts = tuple(leaf for cut in own for leaf in flow.facts.atoms.leaves(cut.part))
        left = [cut for cut in cuts - own if is_within(flow, parts, cut)]
    return frozenset(own)


def is_within(flow: Flow, whole: Axis, cut: Cut) -> bool:
    """Whether a cut is one of these columns."""
    leaves = flow.facts.atoms.leaves(cut.whole)
    return bool(leaves) and set(leaves) <= set(whole)


def cut_out(flow: Flow, whole: Axis, cuts: frozenset[Cut]) -> tuple[list[int], int]:
    """The atoms that are left of all columns, and the first column."""
    atoms = flow.facts.atoms
    leaves, start = list(whole), 0
    for cut in _outer_first(flow, cuts):
        gone = atoms.leaves(cut.whole)
        place = leaves.index(gone[0]) if gone and gone[0] in leaves else 0
        start += cut.start * atoms.size(tuple(leaf for leaf in leaves[place:] if leaf not in gone))
        leaves[place : place + 1] = [*atoms.leaves(cut.part), leaves[place]]
        leaves = [leaf for leaf in leaves if leaf not in gone]
    return leaves, start


def heads_and_width(flow: Flow, leaves: Sequence[int], batch: frozenset[int]) -> tuple[int, int]:
    """How many heads some columns have, and the width of one."""
    atoms = flow.facts.atoms
    heads = atoms.size(tuple(leaf for leaf in leaves if leaf in batch))
    return heads, atoms.size(tuple(leaves)) // heads


def columns_of(
    flow: Flow, product: int, cuts: frozenset[Cut], batch: frozenset[int]
) -> tuple[frozenset[Cut], int, int]:
    """The columns of a product that some cuts leave: the cuts among them, their heads and the width of one."""
    whole = flow.facts.atoms.leaves(flow.facts.products[product].n)
    own = own_cuts(flow, whole, cuts)
    return own, *heads_and_width(flow, cut_out(flow, whole, own)[0], batch)


def _outer_first(flow: Flow, cuts: frozenset[Cut]) -> list[Cut]:
    """Cuts in an order in which each is of what those before it left."""
    atoms = flow.facts.atoms
    parts = {leaf: cut for cut in cuts for leaf in atoms.leaves(cut.part)}

    def depth(cut: Cut) -> int:
        outer = next((parts[leaf] for leaf in atoms.leaves(cut.whole) if leaf in parts), None)
        return 0 if outer is None or outer == cut else 1 + depth(outer)

    return sorted(cuts, key=depth)
