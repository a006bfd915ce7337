"""Which rows of a tensor an operation writes: through a view of it, or at indices along some of its axes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapetrace.ir import Kernel, Op
from shapetrace.ops.kinds import kernel_kind
from shapetrace.ops.registry import find
from shapetrace.ops.written import writes, written_axes
from shapetrace.outlining.flow import Flow

_LONGEST_WAY = 12
"""Views between a tensor and the part of it that is written, at most."""


@dataclass(frozen=True, slots=True)
class Among:
    """An axis along which a part is written.

    Attributes:
        value: The tensor that has this axis whole: all rows of a layer, where one tensor keeps those of all layers.
        atoms: Atoms of the axis.
    """

    value: int
    atoms: frozenset[int]


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a tensor that is written.

    Attributes:
        target: The tensor, as it was before.
        source: What is written.
        among: The axes along which it is a part; from the outside in.
        rows: Atoms that count what is written along them.
    """

    target: int
    source: int
    among: tuple[Among, ...]
    rows: frozenset[int]

    @property
    def atoms(self) -> frozenset[int]:
        """Atoms of all axes along which it is a part."""
        return frozenset().union(*(each.atoms for each in self.among))


def region(flow: Flow, op: Op) -> Region | None:
    """What an operation writes into a part of a tensor; None if it writes nothing, or all of it."""
    kernel = next((kernel for kernel in reversed(op.kernels) if writes(kernel) and op.outputs), None)
    if kernel is None:
        return None
    source = kernel.inputs[-1] if kernel.inputs[-1] in op.inputs else op.inputs[-1]
    if kernel_kind(kernel.name) == "cat":  # a copy: the part is a view
        target, among = _through_views(flow, op, kernel.inputs[0])
        part = kernel.inputs[0]
    else:
        target, part = kernel.inputs[0], kernel.inputs[-1]
        among = tuple(_at_indices(flow, kernel))
    if not among:
        return None
    before = {leaf for axis in flow.facts.axes_of(target) for leaf in flow.facts.atoms.leaves(axis)}
    rows = {*flow.facts.atoms.flat(flow.facts.axes_of(part))} - before
    return Region(target, source, among, frozenset(rows))


def _at_indices(flow: Flow, kernel: Kernel) -> Iterator[Among]:
    """The axes whose indices are given, if they are not all written."""
    target = kernel.inputs[0]
    axes = flow.facts.axes_of(target)
    if flow.facts.tensor(kernel.inputs[-1]).shape == flow.facts.tensor(target).shape:
        return
    for dim in written_axes(kernel, len(axes)):
        yield Among(target, frozenset(flow.facts.atoms.leaves(axes[dim])))


def _through_views(flow: Flow, op: Op, view: int) -> tuple[int, tuple[Among, ...]]:
    """The tensor that a view shows a part of, and the axes that were cut on the way to it."""
    found: list[Among] = []
    value = view
    for _ in range(_LONGEST_WAY):
        kernel = _maker(flow, op, value)
        if kernel is None:
            break
        before, after = kernel.inputs[0], _leaves(flow, value)
        for axis in flow.facts.axes_of(before):
            atoms = frozenset(flow.facts.atoms.leaves(axis))
            if atoms and not atoms.issubset(after):
                found.append(Among(before, atoms))
        value = before
    return value, tuple(reversed(found))


def _maker(flow: Flow, op: Op, value: int) -> Kernel | None:
    """The kernel that made a value as a view of another one."""
    producer = flow.facts.producer.get(value)
    kernels: Sequence[Kernel] = op.kernels if producer is None else flow.trace.ops[producer].kernels
    found = next((kernel for kernel in kernels if value in kernel.outputs), None)
    is_view = (
        found is not None
        and bool(found.inputs)
        and kernel_kind(found.name) == "layout"
        and not find(found.name).factory
    )
    return found if is_view else None


def _leaves(flow: Flow, value: int) -> set[int]:
    return {*flow.facts.atoms.flat(flow.facts.axes_of(value))}
