"""From which products' columns a tensor was made, put together and cut."""

from collections.abc import Iterable, Mapping

from shapetrace.ops.atoms import Atoms
from shapetrace.ops.axis_rules import Cut

Sources = dict[int, frozenset[Cut]]
"""For each product whose columns a tensor holds: the cuts on the way, by position in ``Facts.products``."""

_MOST_SOURCES = 6
"""A tensor made from more products than this is a stream, not an operand of attention."""


def inside(atoms: Atoms, known: Mapping[int, Sources], sources: Sources, cut: Cut) -> Sources:
    """What a cut takes from: of tensors put side by side only those between its ends, with the cuts that made them."""
    leaves = atoms.leaves(cut.whole)
    atom = leaves[0] if len(leaves) == 1 else -1
    parts, values = atoms.joined.get(atom, ()), atoms.operands.get(atom, ())
    if not values or len(parts) != len(values):
        return sources
    taken, left, start = list[int](), set[int](), 0
    for value, part in zip(values, parts, strict=True):
        end = start + atoms.size(part)
        if start < cut.start + cut.length and cut.start < end:
            taken.append(value)
        else:
            left.update(known.get(value, {}))
        start = end
    kept = merged(known, taken)
    return {p: on | kept.get(p, frozenset()) for p, on in sources.items() if p in kept or p not in left}


def merged(known: Mapping[int, Sources], values: Iterable[int]) -> Sources:
    """What several values together were made from."""
    found: Sources = {}
    for value in values:
        found = union(found, known.get(value, {}))
    return found


def union(one: Sources, other: Sources) -> Sources:
    """What two were made from: the cuts that both went through."""
    if not one or not other or one is other:
        return one or other
    found = dict(one)
    for product, cuts in other.items():
        found[product] = found[product] & cuts if product in found else cuts
    return found if len(found) <= _MOST_SOURCES else {}
