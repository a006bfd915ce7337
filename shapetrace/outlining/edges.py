"""Operations that hand a value on and are no steps: views, casts, dropout, copies that fill all of their target."""

from collections.abc import Iterable, Sequence
from math import prod

from shapetrace.ir import Op
from shapetrace.ops.kinds import OpKind, is_factory, names_of
from shapetrace.outlining.analysis import Facts
from shapetrace.outlining.talk import Talk


class Edges:
    """Tells which operations are edges, and what each hands on."""

    def __init__(self, facts: Facts, kinds: Sequence[OpKind], talk: Talk) -> None:
        self._facts = facts
        self._kinds = kinds
        self._talk = talk

    def handed_on(self, op: Op, value: int) -> int:
        """The operand whose value an edge gives."""
        if "copy" in names_of(op.kernels):
            return op.inputs[-1]
        shape = self._facts.tensor(value).shape
        read = {v for kernel in op.kernels for v in kernel.inputs}  # not what lends its shape alone: x.expand_as(y)
        candidates = [v for v in op.inputs if v != value]
        candidates = [v for v in candidates if v in read] or candidates
        data = [v for v in candidates if self._facts.is_data(v)] or candidates
        full = [v for v in data if prod(self._facts.tensor(v).shape) > 0] or data
        same = [v for v in full if self._facts.tensor(v).shape == shape]
        return (same or full or [value])[0]

    def why(self, op: Op) -> str:
        """Why an operation is an edge: ``views``, ``casts``, ``dropouts``; "" for a step."""
        kind = self._kinds[op.id]
        outputs = [value for value in op.outputs if value not in op.inputs]
        if kind == "dropout":
            return "dropouts"
        if kind == "read" or not op.outputs:
            return "reads"
        if kind == "cast":
            return "casts"
        if not outputs:
            return "views"
        if kind == "collective":
            return "collectives" if op.inputs else ""
        if self._talk.rearranges(op) or (kind == "cat" and self._adds_nothing(op)):
            return "views"
        if kind != "layout" or is_factory(op) or self._cuts_windows(op):
            return ""
        return "" if self._takes_rows(op) else "views"

    def _cuts_windows(self, op: Op) -> bool:
        """Whether data is cut into windows that may overlap."""
        return (
            "unfold" in names_of(op.kernels)
            and self._facts.is_data(op.inputs[0])
            and self._facts.is_floating(op.inputs[0])
        )

    def _adds_nothing(self, op: Op) -> bool:
        """Whether a cat has one operand that is not empty, or a copy overwrites all of its target."""
        if "copy" in names_of(op.kernels):
            return max(
                len(self._facts.tensor(v).shape) and prod(self._facts.tensor(v).shape) for v in op.outputs
            ) == prod(self._facts.tensor(op.inputs[-1]).shape)
        if {"im2col", "col2im"} & set(names_of(op.kernels)):
            return False
        sizes = [prod(self._facts.tensor(value).shape) for value in op.inputs]
        return sum(size > 0 for size in sizes) == 1 and sum(sizes) == prod(self._facts.tensor(op.outputs[0]).shape)

    def _takes_rows(self, op: Op) -> bool:
        """Whether a slice takes some rows out of data: the last position, not a head out of a projection's columns."""
        if not op.inputs or not self._facts.is_data(op.inputs[0]) or not self._facts.is_floating(op.inputs[0]):
            return False
        value, result = op.inputs[0], op.outputs[0]
        tensor = self._facts.tensor
        if not 0 < prod(tensor(result).shape) < prod(tensor(value).shape):
            return False
        before, after = self._facts.sources.get(value, {}), self._facts.sources.get(result, {})
        if not after:
            return not self._cuts_columns(op)
        cuts = {cut for product, found in after.items() for cut in found - before.get(product, frozenset())}
        rows = {leaf for product in after for leaf in self._rows(product)}
        return bool(cuts) and all(set(self._facts.atoms.leaves(cut.whole)) & rows for cut in cuts)

    def _cuts_columns(self, op: Op) -> bool:
        """Whether only the last axis of a stream was cut: a chunk of features, an edge."""
        before, after = self._facts.tensor(op.inputs[0]).shape, self._facts.tensor(op.outputs[0]).shape
        return len(before) == len(after) and before[:-1] == after[:-1] and len(op.outputs) > 1

    def _rows(self, product: int) -> Iterable[int]:
        found = self._facts.products[product]
        return self._facts.atoms.flat((*found.batch, found.m))
