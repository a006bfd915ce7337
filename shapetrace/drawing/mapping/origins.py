"""What a step goes back to where no operand tells: through operations that only prepare values, which no step draws."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

from shapetrace.ir import Trace
from shapetrace.outlining.structure import Operand, Outline, Step


@dataclass(eq=False)
class Origins:
    """Answers about one outline; what it looks through is looked at when it is first asked.

    Attributes:
        outline: The outline, which knows its trace or gives no answers.
    """

    outline: Outline
    _known: dict[str, frozenset[str | int]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def _makers(self) -> dict[int, int]:
        """The operation that made a tensor, by the tensor's id."""
        trace = self.outline.trace
        return (
            {} if trace is None else {made: op.id for op in trace.ops for made in op.outputs if made not in op.inputs}
        )

    @cached_property
    def _steps(self) -> dict[int, str]:
        """The step that draws an operation, by the operation's id."""
        return {op: step.id for step in self.outline.steps() for op in step.ops}

    @cached_property
    def n_readers(self) -> Counter[str]:
        """How many steps read what a step made, by its id."""
        return Counter(
            made
            for step in self.outline.steps()
            for made in {*(operand.made_by for operand in step.operands), *step.also_reads}
        )

    def of(self, step: Step) -> frozenset[str | int]:
        """Ids of the steps, and of the inputs of the pass, that what a step reads was made of, with nothing between."""
        trace = self.outline.trace
        if step.id not in self._known:
            self._known[step.id] = frozenset() if trace is None else frozenset(self._walked(step, trace))
        return self._known[step.id]

    def as_given(self, operand: Operand, tensor: int) -> Operand:
        """An operand as the input that it was prepared of: as long as that was given, with its axes in that order."""
        trace = self.outline.trace
        if trace is None or tensor not in trace.inputs:
            return operand
        found = trace.tensors[tensor]
        shape = found.shape[-len(operand.shape) :] if operand.shape else found.shape
        if prod(shape) != prod(found.shape) or shape == operand.shape:  # a single example goes unsaid
            return replace(operand, value=tensor, source=found.name)
        return replace(operand, value=tensor, source=found.name, shape=shape, axes=())

    def _walked(self, step: Step, trace: Trace) -> Iterator[str | int]:
        inputs = frozenset(trace.inputs)
        waiting, seen = [tensor for op in step.ops for tensor in trace.ops[op].inputs], set[int]()
        while waiting:
            tensor = waiting.pop()
            if tensor in seen:
                continue
            seen.add(tensor)
            op = self._makers.get(tensor)
            if tensor in inputs:
                yield tensor
            elif op is None or op in step.ops:
                continue
            elif op in self._steps:
                yield self._steps[op]
            else:
                waiting += trace.ops[op].inputs
