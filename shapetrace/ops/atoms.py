"""Axis atoms: which axis of which tensor is which.

Sizes are numbers; what is needed is identity: is this 64 the width of a head or a length? Every axis of
every tensor is a sequence of atoms, outermost first. A parameter, an input and a factory's result get one atom
an axis. Reshaping regroups atoms and splits them where it must; a split holds everywhere that atom occurs.
A product unifies its inner axes, element-wise operations the axes they align. Atoms of size 1 do not exist.
What cannot be matched gets a fresh atom: nothing breaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

Axis = tuple[int, ...]
"""Atoms of one axis, outermost first; () for an axis of size 1."""

Axes = tuple[Axis, ...]


@dataclass(frozen=True, slots=True)
class AtomOrigin:
    """Where an atom comes from.

    Attributes:
        name: ``h.0.attn.c_attn.weight[1]``, ``input_ids[1]``; "" for what was derived.
        rank: 0 for an input, 1 for a parameter, 2 for a factory or buffer, 3 for derived: lower is better.
    """

    name: str = ""
    rank: int = 3


DERIVED = AtomOrigin()


@dataclass(frozen=True, slots=True)
class Piece:
    """What a sliced atom is a part of."""

    whole: Axis
    start: int


class Atoms:
    """All atoms of one trace, with what is known to be equal and what was split.

    Attributes:
        unmatched: How often two axes that should be equal could not be matched.
        pieces: For an atom made by slicing: what it is a part of.
        joined: For an atom made by concatenation: the axes put side by side.
        operands: For the same: the tensors put side by side; () where two such atoms turned out to be one.
    """

    def __init__(self) -> None:
        self._size: list[int] = []
        self._origin: list[AtomOrigin] = []
        self._same_as: list[int] = []
        self._parts: list[Axis] = []
        self.unmatched = 0
        self.pieces: dict[int, Piece] = {}
        self.joined: dict[int, Axes] = {}
        self.operands: dict[int, tuple[int, ...]] = {}

    def fresh(self, size: int, origin: AtomOrigin = DERIVED) -> Axis:
        """An axis of one new atom; () for size 1."""
        if size == 1:
            return ()
        self._size.append(size)
        self._origin.append(origin)
        self._same_as.append(len(self._same_as))
        self._parts.append(())
        return (len(self._size) - 1,)

    def fresh_axes(self, shape: Sequence[int]) -> Axes:
        """One new atom an axis."""
        return tuple(self.fresh(size) for size in shape)

    def size(self, axis: Axis) -> int:
        """Number of elements along an axis."""
        return prod(self._size[atom] for atom in axis)

    def shape(self, axes: Axes) -> tuple[int, ...]:
        """Sizes of all axes."""
        return tuple(self.size(axis) for axis in axes)

    def origin(self, atom: int) -> AtomOrigin:
        """Where an atom comes from: the best origin of all that it was unified with."""
        return self._origin[self._find(atom)]

    def leaves(self, axis: Axis) -> Axis:
        """The axis in atoms as they are now: representatives, split ones replaced by their parts."""
        if len(axis) == 1:  # nearly always a leaf already
            atom = self._find(axis[0])
            parts = self._parts[atom]
            return (atom,) if not parts else self.leaves(parts)
        found: list[int] = []
        for atom in axis:
            found.extend(self.leaves((atom,)))
        return tuple(found)

    def flat(self, axes: Axes) -> Axis:
        """All atoms of a tensor in memory order."""
        return tuple(atom for axis in axes for atom in self.leaves(axis))

    def split(self, atom: int, outer: int, inner: int) -> tuple[int, int]:
        """Cut a leaf in two, wherever it occurs."""
        parts = self.fresh(outer) + self.fresh(inner)
        self._parts[atom] = parts
        origin = self._origin[atom]
        for index, part in enumerate(parts):
            self._origin[part] = AtomOrigin(f"{origin.name}.{index}" if origin.name else "", origin.rank)
        self._unstack(atom, *parts)
        return parts[0], parts[1]

    def _unstack(self, atom: int, outer: int, inner: int) -> None:
        """Axes of one size that were put side by side and are told apart again are as if they had been stacked."""
        axes = self.joined.get(atom, ())
        if len(axes) == self._size[outer] and all(self.size(axis) == self._size[inner] for axis in axes):
            self.joined[outer] = ((),) * len(axes)
            self.operands[outer] = self.operands.get(atom, ())
            for axis in axes:
                self.unify(axis, (inner,))

    def unify(self, left: Axis, right: Axis) -> bool:
        """Take two axes of equal size as the same, from the outside in; the coarser one is split.

        Returns:
            False if neither size divides the other somewhere: the rest stays apart.
        """
        a, b = list(self.leaves(left)), list(self.leaves(right))
        while a and b:
            first, second = self.leaves((a[0],)), self.leaves((b[0],))
            if len(first) > 1 or len(second) > 1 or first[0] != a[0] or second[0] != b[0]:
                a[:1], b[:1] = first, second
                continue
            x, y = first[0], second[0]
            size_x, size_y = self._size[x], self._size[y]
            if x == y or size_x == size_y:
                self._union(x, y)
                del a[0], b[0]
            elif size_x % size_y == 0:
                a[:1] = self.split(x, size_y, size_x // size_y)
            elif size_y % size_x == 0:
                b[:1] = self.split(y, size_x, size_y // size_x)
            else:
                self.unmatched += 1
                return False
        return not a and not b

    def unify_broadcast(self, left: Axis, right: Axis) -> Axis:
        """Unify two aligned axes of an element-wise operation; an axis of size 1 takes the other."""
        if not left or left == right:
            return right
        if right:
            self.unify(left, right)
        return left

    def regroup(self, axes: Axes, shape: Sequence[int]) -> Axes:
        """Read the same elements in memory order under another shape.

        (T, 2304) as (T, 3, 12, 64) splits the atom of 2304 into 3·12·64. Where a new axis cuts an atom at a place
        that does not divide it, the rest of the axes are fresh.
        """
        queue = list(reversed(self.flat(axes)))
        grouped: list[Axis] = []
        for position, size in enumerate(shape):
            axis = self._take(queue, size)
            if axis is None:
                self.unmatched += 1
                return (*grouped, *self.fresh_axes(shape[position:]))
            grouped.append(axis)
        return tuple(grouped)

    def _take(self, queue: list[int], size: int) -> Axis | None:
        """Take atoms of this total size from the end of the queue, splitting the last one if needed."""
        axis: list[int] = []
        while size > 1:
            if not queue:
                return None
            leaves = self.leaves((queue.pop(),))
            queue.extend(reversed(leaves[1:]))
            atom = leaves[0]
            have = self._size[atom]
            if have == 0:  # nothing in it, whatever its other axes
                return None
            if size % have == 0:
                axis.append(atom)
                size //= have
            elif have % size == 0:
                outer, inner = self.split(atom, size, have // size)
                axis.append(outer)
                queue.append(inner)
                size = 1
            else:
                return None
        return tuple(axis)

    def part(self, axis: Axis, start: int, length: int) -> Axis:
        """An axis that is a slice of another; of axes put side by side, one of them again."""
        if length == self.size(axis):
            return axis
        leaves, end = self.leaves(axis), 0
        for part in self.joined.get(leaves[0], ()) if len(leaves) == 1 else ():
            if (end, self.size(part)) == (start, length) and part:
                return part
            end += self.size(part)
        found = self.fresh(length)
        if found:
            self.pieces[found[0]] = Piece(self.leaves(axis), start)
        return found

    def join(self, axes: Axes) -> Axis:
        """Axes put side by side; the slices of one axis, put together again in order, are that axis."""
        axes = tuple(axis for axis in axes if self.size(axis) != 0)
        if len(axes) == 1:
            return axes[0]
        whole = self._whole(axes)
        if whole is not None:
            return whole
        found = self.fresh(sum(self.size(axis) for axis in axes))
        if found:
            self.joined[found[0]] = axes
        return found

    def _whole(self, axes: Axes) -> Axis | None:
        end, whole = 0, None
        for axis in axes:
            piece = self.pieces.get(axis[0]) if len(axis) == 1 else None
            if piece is None or piece.start != end or (whole is not None and piece.whole != whole):
                return None
            whole, end = piece.whole, end + self.size(axis)
        return whole if whole is not None and end == self.size(whole) else None

    def _find(self, atom: int) -> int:
        root = atom
        while self._same_as[root] != root:
            root = self._same_as[root]
        while self._same_as[atom] != root:
            self._same_as[atom], atom = root, self._same_as[atom]
        return root

    def _union(self, x: int, y: int) -> None:
        if x == y:
            return
        keep, drop = (x, y) if (self._origin[x].rank, x) <= (self._origin[y].rank, y) else (y, x)
        self._same_as[drop] = keep
        if drop in self.operands:
            self.operands[keep] = self.operands[drop] if keep not in self.operands else ()
        for facts in (self.pieces, self.joined):
            if drop in facts and keep not in facts:
                facts[keep] = facts[drop]  # type: ignore[assignment]
