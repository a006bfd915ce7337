"""What one rank has of every value: a part, a summand, or all; from how weights lie, and what ran.

An engine that keeps values as DTensors says it of each. Code that works on a rank's own tensors says nothing: there,
columns of a product lie as the columns of its weight do, a sum over rows that are cut is a summand, and a collective
ends both.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from types import MappingProxyType
from typing import Literal

from shapetrace.ir import Kernel, Layout, Op
from shapetrace.ops.registry import find
from shapetrace.outlining.axis_ids import axis_groups
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.ranks import Circle, Ranks, Share, Transfer
from shapetrace.outlining.recognise.cutting import Spot, cut_axis
from shapetrace.outlining.sections import Node
from shapetrace.outlining.steps.collectives import axes_of
from shapetrace.outlining.symbols import Place


@dataclass(frozen=True, slots=True)
class Lying:
    """How a value lies along one axis of the mesh.

    Attributes:
        kind: A part, or a summand.
        ranks: Ranks along that axis.
        cut: Of a part: the outermost atom of the axis that is cut; -1 if its size is 1, -2 if that is not known.
        part: Of a part: its size along the axis where that was told; 0 if nobody did.
        whole: The size of that axis on all ranks.
        pieces: How many runs of that axis are cut, each by itself.
    """

    kind: Literal["shard", "partial"]
    ranks: int
    cut: int = -1
    part: int = 0
    whole: int = 0
    pieces: int = 1

    def share(self, axis: str, dim: int | None, size: int, place: int) -> Share:
        """What a rank has of a matrix of which an axis of this size is cut."""
        if self.kind == "partial":
            return Share(axis, self.ranks, "partial", place=place)
        is_told = self.part > 0 and self.whole * size % self.part == 0
        whole = self.whole * size // self.part if is_told else size * self.ranks
        pieces = self.pieces if size == self.part else 1
        return Share(axis, self.ranks, "shard", dim, place, whole if dim is not None else 0, pieces)


Lyings = Mapping[str, Lying]
"""By the name of the mesh's axis."""

_UNKNOWN = -2
_WHOLE: Lyings = MappingProxyType({})


def lyings(flow: Flow) -> Mapping[int, Lyings]:
    """How each value lies on the ranks, by its id; one that is not in it is whole on each."""
    world = flow.trace.world
    if world is None:
        return {}
    found: dict[int, Lyings] = {}
    for layout in world.layouts:
        if layout.value >= 0:
            found[layout.value] = _told(flow, layout)
    told = frozenset(found)
    for op in flow.trace.ops:
        lying = _after(flow, op, found)
        for value in op.outputs:
            if value not in told and lying:
                found[value] = lying
    return {value: lying for value, lying in found.items() if lying}


def _told(flow: Flow, layout: Layout) -> Lyings:
    axes = flow.facts.axes_of(layout.value)
    gathered = flow.facts.tensor(layout.value).shape == layout.shape  # as the pass met it
    found = {}
    for placement in layout.placements:
        if placement.kind == "partial":
            found[placement.axis] = Lying("partial", placement.ranks)
        elif placement.kind == "shard" and placement.ranks > 1 and not gathered:
            leaves = flow.facts.atoms.leaves(axes[placement.dim])
            part, whole = flow.facts.tensor(layout.value).shape[placement.dim], layout.shape[placement.dim]
            cut = leaves[0] if leaves else -1
            found[placement.axis] = Lying("shard", placement.ranks, cut, part, whole, placement.pieces)
    return found


def _after(flow: Flow, op: Op, known: Mapping[int, Lyings]) -> Lyings:
    """How what an operation makes lies, by how its operands do."""
    found: dict[str, Lying] = {}
    for value in op.inputs:
        for axis, lying in known.get(value, _WHOLE).items():
            if axis not in found or lying.kind == "partial":
                found[axis] = _taken(flow, lying, value, op)
    _multiply(flow, op, known, found)
    if found and flow.kinds[op.id] == "lookup":
        for axis, lying in list(found.items()):
            if any(lying.cut in _rows(flow, value) for value in op.inputs if axis in known.get(value, _WHOLE)):
                found[axis] = Lying("partial", lying.ranks)  # rows that other ranks have are looked up there, 0 here
    if found and flow.kinds[op.id] == "collective":
        _talk(op.kernels[0], found)
    return found


def _taken(flow: Flow, lying: Lying, value: int, op: Op) -> Lying:
    """How what is taken out of a cut axis lies, as the gate of gate and up side by side: it is cut there too."""
    if lying.kind == "partial" or flow.kinds[op.id] != "layout" or not op.outputs:
        return lying
    before, after = flow.facts.tensor(value).shape, flow.facts.tensor(op.outputs[0]).shape
    changed = [dim for dim, sizes in enumerate(zip(before, after, strict=False)) if sizes[0] != sizes[1]]
    if len(before) != len(after) or len(changed) != 1 or after[changed[0]] > before[changed[0]]:
        return lying
    if lying.cut not in flow.facts.atoms.leaves(flow.facts.axes_of(value)[changed[0]]):
        return lying
    leaves, size = flow.facts.atoms.leaves(flow.facts.axes_of(op.outputs[0])[changed[0]]), after[changed[0]]
    return Lying("shard", lying.ranks, leaves[0] if leaves else -1, size, size * lying.ranks)


def _multiply(flow: Flow, op: Op, known: Mapping[int, Lyings], found: dict[str, Lying]) -> None:
    """A sum over what is cut is a summand; between data it is one over a whole head, of which each rank has one."""
    for position in flow.facts.of_op.get(op.id, ()):
        product = flow.facts.products[position]
        inner = flow.facts.atoms.leaves(product.k)
        by_weights = flow.facts.tensor(product.right).role == "weight" or flow.chosen_table(product.right) is not None
        for axis, lying in list((known.get(product.right, _WHOLE) if by_weights else found).items()):
            if lying.kind == "shard" and lying.cut in inner:
                heads = replace(lying, cut=-1, part=1, whole=lying.ranks)
                found[axis] = Lying("partial", lying.ranks) if by_weights else heads


def _rows(flow: Flow, value: int) -> Sequence[int]:
    """The atoms of a table's rows."""
    return flow.facts.atoms.leaves(next(iter(flow.facts.axes_of(value)), ()))


def _talk(kernel: Kernel, found: dict[str, Lying]) -> None:
    talk = find(kernel.name).talk
    for axis in set(axes_of(kernel)) & found.keys():
        before = found.pop(axis)
        if talk in ("reduce_scatter", "all_to_all"):
            found[axis] = Lying("shard", before.ranks, _UNKNOWN)


def shares(
    flow: Flow, axis_roles: AxisRoles, lyings: Mapping[int, Lyings], folded: Node
) -> Mapping[Place, tuple[Share, ...]]:
    """What a rank has of each operand of the folded tree; nothing for what it has all of."""
    found = {}
    places = dict(flow.trace.world.place) if flow.trace.world is not None else {}
    for draft in folded.drafts() if lyings else ():
        read = _forms(flow, draft)
        for (is_result, place), axes in axis_groups(flow, axis_roles, draft).items():
            ref = (draft.results if is_result else draft.operands)[place]
            value = _given(flow, draft) if is_result else read.get(ref.value, ref.value)
            if ref.value >= 0 and value is not None and value in lyings:
                spot = Spot(draft, ref, None if is_result else place, value)
                dims = {axis: _dim(flow, lying, axes, spot) for axis, lying in lyings[value].items()}
                found[draft.key, is_result, place] = tuple(
                    lying.share(axis, dims[axis], _size(ref, dims[axis]), places.get(axis, 0))
                    for axis, lying in lyings[value].items()
                )
    return found


def _dim(flow: Flow, lying: Lying, axes: Sequence[tuple[int, ...]], spot: Spot) -> int | None:
    return None if lying.kind == "partial" else cut_axis(flow, lying.cut, axes, spot)


def _size(ref: Ref, dim: int | None) -> int:
    """How long the axis of a matrix is that is cut, on this rank."""
    if dim is None:
        return 1
    return ref.stack if dim == -1 else ref.shape[dim]


def _forms(flow: Flow, draft: Draft) -> Mapping[int, int]:
    """Which form of a value the operations of a step read: before a collective, or after it; no piece of it."""
    found: dict[int, int] = {}
    for op in draft.ops:
        for value in flow.trace.ops[op].inputs:
            root = flow.root(value)
            if prod(flow.facts.tensor(value).shape) >= prod(flow.facts.tensor(root).shape):
                found.setdefault(root, value)
    return found


def _given(flow: Flow, draft: Draft) -> int | None:
    """The form in which a step gives its first result."""
    made = [value for op in draft.ops for value in flow.trace.ops[op].outputs]
    if not made:
        return draft.results[0].value if draft.results else None
    return flow.talk.laid_out(made[-1]) if draft.kind == "collective" else made[-1]


def ranks(flow: Flow, drafts: tuple[Draft, ...], lyings: Mapping[int, Lyings], folded: Node) -> Ranks | None:
    """What the pass is of one of all ranks: whole parameters, bytes sent, what no rank shares."""
    trace = flow.trace
    if trace.world is None:
        return None
    whole = {layout.name: prod(layout.shape) for layout in trace.world.layouts if layout.name}
    parameters = [parameter for parameter in trace.parameters if not parameter.buffer]
    told = [draft.transfer for draft in drafts if draft.transfer is not None]
    kinds: dict[str, bool] = {}
    for node in folded.sections():
        weighs = [ref.value for draft in node.own if draft.kind in _WEIGHING for ref in draft.operands
                  if ref.origin == "weight"]  # fmt: skip
        if weighs and node.kind not in ("other", "model", "block"):
            kinds[node.kind] = kinds.get(node.kind, True) and not any(lyings.get(value) for value in weighs)
    # where all of them are, nothing is cut that is used: stages, or parts that are gathered before
    return Ranks(
        trace.world.rank, trace.world.size, trace.world.mesh,
        trace.world.parameters or sum(whole.get(each.name, prod(each.shape)) for each in parameters),
        sum(transfer.sent for transfer in told), dict(Counter(transfer.talk for transfer in told)),
        tuple(kind for kind, is_whole in kinds.items() if is_whole and not all(kinds.values())),
        trace.world.place, tuple(_circles(told)),
    )  # fmt: skip


def _circles(told: Sequence[Transfer]) -> Iterator[Circle]:
    """Those who talk, in the order in which they do first."""
    by_members: dict[tuple[tuple[str, ...], str], list[Transfer]] = {}
    for transfer in told:
        by_members.setdefault((transfer.axes, transfer.members), []).append(transfer)
    for (axes, members), found in by_members.items():
        counts = dict(Counter(str(transfer.talk) for transfer in found))
        yield Circle(axes, found[0].ranks, members, counts, sum(transfer.sent for transfer in found))


_WEIGHING = frozenset({"product", "lookup", "convolution"})
