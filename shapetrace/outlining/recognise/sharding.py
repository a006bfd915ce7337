"""What one rank has of every value: a part, a summand, or all; from how weights lie, and what ran.

An engine that keeps values as DTensors says it of each. Code that works on a rank's own tensors says nothing: there,
columns of a product lie as the columns of its weight do, a sum over rows that are cut is a summand, and a collective
ends both.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Literal

from shapetrace.ir import Kernel, Layout, Op
from shapetrace.ops.registry import find
from shapetrace.outlining.axis_ids import axis_groups
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.ranks import Ranks, Share
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
    """

    kind: Literal["shard", "partial"]
    ranks: int
    cut: int = -1


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
    found = {}
    for placement in layout.placements:
        if placement.kind == "partial":
            found[placement.axis] = Lying("partial", placement.ranks)
        elif placement.kind == "shard" and placement.ranks > 1:
            leaves = flow.facts.atoms.leaves(axes[placement.dim])
            found[placement.axis] = Lying("shard", placement.ranks, leaves[0] if leaves else -1)
    return found


def _after(flow: Flow, op: Op, known: Mapping[int, Lyings]) -> Lyings:
    """How what an operation makes lies, by how its operands do."""
    found: dict[str, Lying] = {}
    for value in op.inputs:
        for axis, lying in known.get(value, _WHOLE).items():
            if axis not in found or lying.kind == "partial":
                found[axis] = lying
    for position in flow.facts.of_op.get(op.id, ()):
        product = flow.facts.products[position]
        inner = flow.facts.atoms.leaves(product.k)
        if flow.facts.tensor(product.right).role == "weight" or flow.chosen_table(product.right) is not None:
            for axis, lying in known.get(product.right, _WHOLE).items():
                if lying.cut in inner:
                    found[axis] = Lying("partial", lying.ranks)
    if found and flow.kinds[op.id] == "collective":
        _talk(op.kernels[0], found)
    return found


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
    for draft in folded.drafts() if lyings else ():
        read = _forms(flow, draft)
        for (is_result, place), axes in axis_groups(flow, axis_roles, draft).items():
            ref = (draft.results if is_result else draft.operands)[place]
            value = _given(flow, draft) if is_result else read.get(ref.value, ref.value)
            if ref.value >= 0 and value is not None and value in lyings:
                found[draft.key, is_result, place] = tuple(
                    Share(axis, lying.ranks, lying.kind, _dim(lying, axes, ref.stack))
                    for axis, lying in lyings[value].items()
                )
    return found


def _forms(flow: Flow, draft: Draft) -> Mapping[int, int]:
    """Which form of a value the operations of a step read: before a collective, or after it."""
    found: dict[int, int] = {}
    for op in draft.ops:
        for value in flow.trace.ops[op].inputs:
            found.setdefault(flow.root(value), value)
    return found


def _given(flow: Flow, draft: Draft) -> int | None:
    """The form in which a step gives its first result."""
    made = [value for op in draft.ops for value in flow.trace.ops[op].outputs]
    if not made:
        return draft.results[0].value if draft.results else None
    return flow.talk.laid_out(made[-1]) if draft.kind == "collective" else made[-1]


def _dim(lying: Lying, axes: Sequence[tuple[int, ...]], stack: int) -> int | None:
    if lying.kind == "partial":
        return None
    for dim, atoms in enumerate(axes):
        if lying.cut in atoms:
            return dim
    return -1 if stack > 1 or lying.cut == -1 else None


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
    return Ranks(
        trace.world.rank, trace.world.size, trace.world.mesh,
        sum(whole.get(parameter.name, prod(parameter.shape)) for parameter in parameters),
        sum(transfer.sent for transfer in told), dict(Counter(transfer.talk for transfer in told)),
        tuple(kind for kind, is_whole in kinds.items() if is_whole),
    )  # fmt: skip


_WEIGHING = frozenset({"product", "lookup", "convolution"})
