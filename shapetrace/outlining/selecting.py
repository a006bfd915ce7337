"""Parts of one tensor that are told apart by fixed places: keys and values of all layers, kept in one.

What is read at one place of an axis is not what was written at another one.
"""

from typing import TYPE_CHECKING

from shapetrace.ir import Kernel
from shapetrace.ops.atoms import Axis
from shapetrace.ops.axis_rules import Cut, base_name
from shapetrace.ops.kinds import kernel_kind

if TYPE_CHECKING:
    from shapetrace.outlining.analysis import Facts

Places = frozenset[tuple[Axis, int]]
"""Of some axes, by their atoms, the one place that is read or written."""
Part = tuple[Places, dict[int, frozenset[Cut]]]
"""Where something was written, and the products that made it."""

_MOST_PARTS = 256
_ALL: Places = frozenset()


def are_apart(one: Places, other: Places) -> bool:
    """Whether two parts are at different places of some axis."""
    places = dict(one)
    return any(places.get(axis, place) != place for axis, place in other)


def places_written(facts: "Facts", kernels: tuple[Kernel, ...]) -> Places:
    """Where an operation writes."""
    copies = [kernel.inputs[0] for kernel in kernels if base_name(kernel.name) == "copy_"]
    return facts.places.get(copies[-1], _ALL) if copies else _ALL


def follow_places(facts: "Facts", kernel: Kernel) -> None:
    """Note the places that a kernel reads or writes, and of a part which products made what is there."""
    if base_name(kernel.name) == "copy_":
        _write(facts, kernel)
    elif kernel.inputs and kernel_kind(kernel.name) in ("layout", "cast"):
        _view(facts, kernel)


def _view(facts: "Facts", kernel: Kernel) -> None:
    value = kernel.inputs[0]
    places, parts = facts.places.get(value, _ALL), facts.parts.get(value, ())
    dim, place, axes = kernel.args.get("dim"), kernel.args.get("index"), facts.axes_of(value)
    if base_name(kernel.name) == "select" and isinstance(dim, int) and isinstance(place, int):
        leaves = facts.atoms.leaves(axes[dim])
        places |= {(leaves, place % facts.atoms.size(axes[dim]))} if leaves else _ALL
    left = tuple(part for part in parts if not are_apart(part[0], places))
    for made in kernel.outputs if places or parts else ():
        facts.places[made], facts.parts[made] = places, left
        if len(left) < len(parts):
            facts.sources[made] = _sources(left)


def _write(facts: "Facts", kernel: Kernel) -> None:
    """What is written is in all that shares memory with its place."""
    places = facts.places.get(kernel.inputs[0], _ALL)
    new = _sources(tuple((places, facts.sources.get(value, {})) for value in kernel.inputs[1:]))
    for made in kernel.outputs[1:]:
        before = facts.tensor(made).alias_of
        if before is None:
            continue
        known = facts.parts.get(before) or ((_ALL, facts.sources.get(before, {})),)
        where = facts.places.get(before, _ALL)
        is_apart = are_apart(places, where)
        if (places or before in facts.parts) and len(known) < _MOST_PARTS:
            facts.places[made], facts.parts[made] = where, known if is_apart else (*known, (places, new))
        if is_apart:
            facts.sources[made], facts.untouched[made] = facts.sources.get(before, {}), before


def _sources(parts: tuple[Part, ...]) -> dict[int, frozenset[Cut]]:
    """The products behind several parts, each with the cuts that all have."""
    found: dict[int, frozenset[Cut]] = {}
    for _, sources in parts:
        found |= {product: found.get(product, cuts) & cuts for product, cuts in sources.items()}
    return found
