"""Which axis of a pass is which: the examples of a batch, positions, and what is counted along a weight."""

from functools import cached_property

from shapetrace.ir import Kernel, Op, Trace
from shapetrace.ops.atoms import AtomOrigin, Atoms, Axes, Axis
from shapetrace.ops.axis_rules import KernelView, outcome

_RANK = {"input": 0, "parameter": 1, "buffer": 2}


class Identity:
    """Atoms of the axes of every value, and which of them the inputs brought.

    An axis of the inputs that is also an axis of a parameter is one of features. Of the others, the first axis is the
    examples, wherever inputs have as many of them; the rest are positions.
    """

    def __init__(self, trace: Trace) -> None:
        self.atoms = Atoms()
        self._trace = trace
        self._axes: dict[int, Axes] = {}
        for op in trace.ops:
            self._run(op)

    def of(self, value: int) -> Axes:
        """Axes of a value; one fresh atom an axis for one that no kernel made."""
        if value not in self._axes:
            tensor = self._trace.tensors[value]
            rank = _RANK.get(tensor.origin, 3)
            self._axes[value] = tuple(
                self.atoms.fresh(size, AtomOrigin(f"{value}/{i}", rank)) for i, size in enumerate(tensor.shape)
            )
        return self._axes[value]

    def _run(self, op: Op) -> None:
        if op.name.endswith("_like") and op.inputs:  # as large as its model, and meant to be used beside it
            self._axes.update((value, self.of(op.inputs[0])) for value in op.outputs)
            return
        kernels = op.kernels
        if op.name == "scaled_dot_product_attention" and op.outputs:
            kernels = (Kernel(op.name, op.inputs, op.outputs[:1]),)
        for kernel in kernels:
            shapes = tuple(self._trace.tensors[value].shape for value in kernel.outputs)
            view = KernelView(self.atoms, kernel, tuple(map(self.of, kernel.inputs)), shapes)
            self._axes.update(zip(kernel.outputs, outcome(view).axes, strict=True))

    @cached_property
    def _inputs(self) -> tuple[int, ...]:
        return tuple(t.id for t in self._trace.tensors if t.origin == "input" and t.alias_of is None)

    @cached_property
    def _features(self) -> frozenset[str]:
        weights = [t.id for t in self._trace.tensors if t.origin == "parameter" and t.alias_of is None]
        return frozenset(self._source(atom) for value in weights for atom in self.atoms.flat(self.of(value)))

    def sources(self, axis: Axis, origin: str) -> set[tuple[int, int]]:
        """Tensors and axes of an origin (``input``, ``parameter``) that an axis is made of."""
        atoms = (atom for atom in self.atoms.leaves(axis) if self.atoms.origin(atom).rank == _RANK[origin])
        return {(int(value), int(place)) for value, _, place in (self._source(atom).partition("/") for atom in atoms)}

    @cached_property
    def _examples(self) -> frozenset[str]:
        """The first axis of the inputs that have as many examples as the first of them."""
        shapes = {value: self._trace.tensors[value].shape for value in self._inputs}
        n = next((shape[0] for shape in shapes.values() if len(shape) > 1), None)
        first = {value: self.of(value)[0] for value, shape in shapes.items() if shape and shape[0] == n}
        return frozenset(self._source(atom) for axis in first.values() for atom in self.atoms.leaves(axis))

    def _source(self, atom: int) -> str:
        """``value/axis`` that an atom comes from, also where it is a part of it."""
        return self.atoms.origin(atom).name.partition(".")[0]

    def brought(self, axis: Axis) -> frozenset[str]:
        """Axes of the inputs that an axis runs along, features left out."""
        leaves = [atom for atom in self.atoms.leaves(axis) if self.atoms.origin(atom).rank == 0]
        return frozenset(map(self._source, leaves)) - self._features

    def examples(self, axis: Axis) -> bool:
        """Whether an axis runs along the examples of a batch, alone or merged or joined with others."""
        return bool(self.brought(axis) & self._examples) or any(map(self.examples, self._joined(axis)))

    def features(self, axis: Axis) -> bool:
        """Whether an axis is columns that a parameter made, and nothing else."""
        leaves = self.atoms.leaves(axis)
        return bool(leaves) and all(self.atoms.origin(atom).rank == _RANK["parameter"] for atom in leaves)

    def has_features(self, axis: Axis) -> bool:
        """Whether columns that a parameter made are in an axis."""
        return any(self.features((atom,)) for atom in self.atoms.leaves(axis))

    def is_of_one_kind(self, axis: Axis) -> bool:
        """Whether an axis is columns alone, or runs along one axis of the inputs alone."""
        kinds = {self.features((atom,)) or self.brought((atom,)) for atom in self.atoms.leaves(axis)}
        return len(kinds) <= 1

    def heads(self, axis: Axis) -> bool:
        """Whether an axis is the outer part of a width that was split: heads, whose inner part is their own width."""
        names = [self.atoms.origin(atom).name for atom in self.atoms.leaves(axis)]
        return bool(names) and all(name.endswith(".0") for name in names)

    def _joined(self, axis: Axis) -> Axes:
        return tuple(part for atom in self.atoms.leaves(axis) for part in self.atoms.joined.get(atom, ()))

    def may_be_one(self, one: Axis, other: Axis) -> bool:
        """Whether two axes that an operation takes as the same may be: examples are not positions or features."""
        if not one or not other:
            return True
        if self.examples(one) != self.examples(other):
            return not (self._known(one) and self._known(other))
        inputs = [{source.partition("/")[0]: source for source in self.brought(axis)} for axis in (one, other)]
        return all(inputs[0][value] == inputs[1][value] for value in inputs[0].keys() & inputs[1].keys())

    def _known(self, axis: Axis) -> bool:
        return any(self.atoms.origin(atom).rank < 2 for atom in self.atoms.leaves(axis)) or bool(self._joined(axis))
