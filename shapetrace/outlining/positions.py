"""Where each position of the input is in every value: by atoms, and by the recorded indices of what was cut or joined.

One mechanism for what follows a token: figures, and the page to walk through.
"""

from collections.abc import Iterator, Mapping, Sequence

from shapetrace.ir import Kernel, Op
from shapetrace.ops.kinds import kernel_kind
from shapetrace.ops.registry import base_name, find
from shapetrace.outlining.axis_ids import Axes
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.lanes import UNKNOWN, Lane, Positions
from shapetrace.outlining.recognise.caches import Append
from shapetrace.outlining.roles import Part
from shapetrace.outlining.sections import Node
from shapetrace.outlining.symbol_rules import Symbol
from shapetrace.outlining.symbols import Place

_WINDOWS = frozenset({"slice", "narrow", "select", "constant_pad_nd"})


def positions(
    flow: Flow,
    appends: Mapping[int, Append],
    folded: Node,
    symbols: Mapping[Place, Symbol],
    axis_atoms: Mapping[Place, Axes],
    axis_ids: Mapping[Place, tuple[int, ...]],
) -> Positions:
    """Where the positions of the ids, or of the rows of the first input, are in all values."""
    found = _counting(flow, folded, symbols, axis_atoms)
    if found is None:
        return Positions()
    value, atoms, size, labels = found
    tracker = _Tracker(flow, appends, value, atoms, size)
    tracker.run()
    for draft in folded.drafts():
        tracker.inside(draft)
    numbers = {
        group: number
        for place, groups in axis_atoms.items()
        for group, number in zip(groups, axis_ids.get(place, ()), strict=False)
        if group
    }
    lanes = {numbers[group]: lane for group, lane in tracker.lanes.items() if lane is not None and group in numbers}
    return Positions(
        numbers.get(atoms, UNKNOWN), size, tracker.n_before, labels, lanes, tracker.alone, frozenset(tracker.moved)
    )


def _counting(
    flow: Flow, folded: Node, symbols: Mapping[Place, Symbol], axis_atoms: Mapping[Place, Axes]
) -> tuple[int, tuple[int, ...], int, tuple[str, ...]] | None:
    """What counts positions: its value, the atoms and size of its axis, its words.

    Ids, else rows of an input, else rows of the first that a product reads.
    """
    rows: dict[int, tuple[int, tuple[int, ...], int, tuple[str, ...]]] = {}
    given = {value: place for place, value in enumerate(flow.trace.inputs)}
    words = flow.trace.model.tokens
    for draft in folded.drafts():
        for n, ref in enumerate(draft.operands):
            place = (draft.key, False, n)
            groups = axis_atoms.get(place, ())
            if not ref.shape or not groups:
                continue
            if symbols.get(place, _NO_SYMBOL).part == Part.IDS:
                return ref.value, groups[-1], ref.shape[-1], words if len(words) == ref.shape[-1] else ()
            has_rows = ref.value in given or draft.kind == "product"  # what slides has its channels where rows are
            if ref.origin == "data" and has_rows and len(ref.shape) > 1 and groups[-2]:
                rows.setdefault(given.get(ref.value, len(given)), _rows(flow, ref, groups))
    return rows[min(rows)] if rows else None


def _rows(flow: Flow, ref: Ref, groups: Axes) -> tuple[int, tuple[int, ...], int, tuple[str, ...]]:
    """The rows of a value as it was made, also where they are read in another order: (B, T, d) as (T, B, d)."""
    axes = flow.facts.axes.get(ref.value, ())
    own = tuple(flow.facts.atoms.flat((axes[-2],))) if len(axes) > 1 else ()
    place = groups.index(own) if own in groups else -2
    return ref.value, groups[place], ref.shape[place], ()


_NO_SYMBOL = Symbol(Part.OTHER)


class _Tracker:
    """Goes through the kernels of a pass once."""

    def __init__(
        self, flow: Flow, appends: Mapping[int, Append], value: int, atoms: tuple[int, ...], size: int
    ) -> None:
        self._flow, self._facts, self._appends, self._size = flow, flow.facts, appends, size
        self._root = atoms
        self.lanes: dict[tuple[int, ...], Lane | None] = {atoms: Lane(0, 0, size)} if atoms else {}
        self.alone: dict[int, int] = {} if atoms else {value: 0}
        self.moved: set[int] = set()
        self.n_before = 0

    def run(self) -> None:
        """Follow what every kernel does to positions."""
        for op in self._flow.trace.ops:
            for kernel in op.kernels:
                name = base_name(kernel.name)
                if name in _WINDOWS or name == "cat":
                    self._rearranged(op, kernel, name)
                elif self._is_reordered(kernel, name):
                    self.moved.update(kernel.outputs)
                self._carried(op, kernel)

    def inside(self, draft: Draft) -> None:
        """What exists inside a fused call alone is of the position that its queries are of."""
        first = draft.operands[0].value if draft.operands else UNKNOWN
        if draft.kind in ("scores", "softmax") and first in self.alone:
            self.alone.update((ref.value, self.alone[first]) for ref in draft.results if ref.value < UNKNOWN)

    def _axis(self, value: int, dim: int) -> tuple[int, ...]:
        axes = self._facts.axes_of(value)
        return self._facts.atoms.leaves(axes[dim % len(axes)]) if axes else ()

    def _lane(self, value: int, dim: int) -> Lane | None:
        """The positions along an axis of a value, if its rows are in their order."""
        axis = self._axis(value, dim)
        if value in self.moved:
            return None
        if axis:
            return self.lanes.get(axis)
        position = self.alone.get(value)
        return None if position is None else Lane(-position, position, position + 1)

    def _rearranged(self, op: Op, kernel: Kernel, name: str) -> None:
        if not kernel.inputs or not kernel.outputs:
            return
        if name == "cat":
            self._joined(op, kernel)
        elif name == "constant_pad_nd":
            self._padded(kernel)
        else:
            self._cut(kernel, name)

    def _cut(self, kernel: Kernel, name: str) -> None:
        """A part of an axis, or one index of it."""
        source, result = kernel.inputs[0], kernel.outputs[0]
        shape = self._facts.tensor(source).shape
        dim = _number(kernel, "dim") % max(len(shape), 1)
        lane = self._lane(source, dim) if shape else None
        if lane is None:
            return
        start = _number(kernel, "index" if name == "select" else "start")
        start = max(start + shape[dim], 0) if start < 0 else min(start, shape[dim])
        length = 1 if name == "select" else self._facts.tensor(result).shape[dim]
        if _number(kernel, "step", 1) != 1 and length > 1:
            return
        first = start - lane.shift
        if length == 1 and shape[dim] > 1:
            if lane.start <= first < lane.stop:
                self.alone[result] = first
        elif name != "select" and length != shape[dim]:
            part = Lane(-first, max(lane.start, first), min(lane.stop, first + length))
            self._set(self._axis(result, dim), part, result)

    def _padded(self, kernel: Kernel) -> None:
        """Rows before and behind; the last axis is named first."""
        source, result = kernel.inputs[0], kernel.outputs[0]
        pads = kernel.args.get("pad")
        rank = len(self._facts.tensor(source).shape)
        if not isinstance(pads, list | tuple) or source in self.moved:
            return
        for n in range(len(pads) // 2):
            before, behind = int(pads[2 * n]), int(pads[2 * n + 1])
            dim = rank - 1 - n
            lane = self._lane(source, dim) if before or behind else None
            if lane is None or (not self._axis(source, dim) and source not in self.alone):
                continue
            size = self._facts.tensor(result).shape[dim]
            low, high = max(lane.start, -lane.shift - before), min(lane.stop, size - lane.shift - before)
            self._set(self._axis(result, dim), Lane(lane.shift + before, low, high), result)

    def _joined(self, op: Op, kernel: Kernel) -> None:
        """Side by side along an axis; what a cache keeps are the positions just before those of the pass."""
        result = kernel.outputs[0]
        rank = len(self._facts.tensor(result).shape)
        dim = _number(kernel, "dim") % max(rank, 1)
        append = self._appends.get(op.id)
        offset, lanes = 0, list[Lane]()
        for value in kernel.inputs:
            shape = self._facts.tensor(value).shape
            if len(shape) != rank:
                continue
            lane = self._lane(value, dim)
            if lane is not None:
                lanes.append(Lane(lane.shift + offset, lane.start, lane.stop))
            offset += shape[dim]
        if len(lanes) != 1:
            return
        lane = lanes[0]
        if append is not None and not append.in_place and not append.moves and lane.start == 0:
            lane = Lane(lane.shift, -lane.shift, lane.stop)
            self.n_before = max(self.n_before, lane.shift)
            if len(append.kept) == 1:
                kept = self._axis(append.kept[0], dim)
                self._set(kept, Lane(lane.shift, -lane.shift, 0), append.kept[0])
        self._set(self._axis(result, dim), lane, result)

    def _set(self, axis: tuple[int, ...], lane: Lane, value: int) -> None:
        """Note what is along an axis; a value whose axis is another one's by its atoms, and not by its rows, moved."""
        if not axis:
            return
        known = self.lanes.setdefault(axis, lane)
        if known == lane:
            return
        self.moved.add(value)
        if axis != self._root:
            self.lanes[axis] = None

    def _is_reordered(self, kernel: Kernel, name: str) -> bool:
        """Whether rows are turned around or rolled: their axis keeps its atoms."""
        if name.removesuffix("_") not in {"flip", "roll"} or not kernel.inputs:
            return False
        given = kernel.args.get("dims")
        dims = given if isinstance(given, list | tuple) and given else range(len(self._facts.axes_of(kernel.inputs[0])))
        return any(self._lane(kernel.inputs[0], int(dim)) for dim in dims)

    def _carried(self, op: Op, kernel: Kernel) -> None:
        """What a kernel makes of one position's row is of that position; of rows that moved it is not sure."""
        reads = [value for value in self._read(op, kernel) if self._facts.tensor(value).role == "data"]
        whole = [value for value in reads if self._has_lane(value)]
        if whole and all(value in self.moved for value in whole):
            self.moved.update(value for value in kernel.outputs if self._has_lane(value))
        known = {self.alone[value] for value in reads if value in self.alone}
        if len(known) != 1 or (find(kernel.name).axes is None and whole and self._spreads(kernel, reads)):
            return
        for value in kernel.outputs:
            self.alone.setdefault(value, next(iter(known)))

    def _read(self, op: Op, kernel: Kernel) -> Sequence[int]:
        """Operands whose rows a kernel keeps: of a product those on the left."""
        if kernel_kind(kernel.name) != "product":
            return kernel.inputs
        lefts = [self._facts.products[n].left for n in self._facts.of_op.get(op.id, ())]
        return [value for value in (*lefts, *kernel.inputs[:1]) if value is not None]

    def _has_lane(self, value: int) -> bool:
        return any(self.lanes.get(axis) for axis in self._leaves(value))

    def _spreads(self, kernel: Kernel, reads: Sequence[int]) -> bool:
        """Whether one row meets many: the result has positions that the row has not."""
        own = {axis for value in reads if value in self.alone for axis in self._leaves(value)}
        given = {axis for value in kernel.outputs for axis in self._leaves(value) if self.lanes.get(axis)}
        return bool(given - own)

    def _leaves(self, value: int) -> Iterator[tuple[int, ...]]:
        yield from (self._facts.atoms.leaves(axis) for axis in self._facts.axes_of(value))


def _number(kernel: Kernel, name: str, default: int = 0) -> int:
    """A whole number among the plain arguments of a kernel."""
    value = kernel.args.get(name, default)
    return value if isinstance(value, int) else default
