"""The bill of a pass: FLOPs, and the bytes of weights and of kept rows that it moves."""

from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass
from math import prod

from shapetrace import ir
from shapetrace.ops.registry import base_name, find
from shapetrace.outlining.memory import ITEMSIZE
from shapetrace.outlining.structure import Step

_TAKING = frozenset({"embedding", "index", "index_select"})
"""Kernels that read those rows of a table that they take out."""

_LOOKING = frozenset({"scores", "weighted_sum"})


@dataclass(frozen=True, slots=True)
class Bill:
    """What one pass costs.

    Attributes:
        flops: In products.
        weights_read: Bytes of weights that are read; of a table the rows that are looked up, of experts at most one for
            each row.
        cache_read: Bytes of keys, values or latents that were kept before, and of states.
        cache_written: Bytes of those that this pass adds, and of states that it overwrites.
    """

    flops: int
    weights_read: int
    cache_read: int
    cache_written: int

    @property
    def moved(self) -> int:
        """Bytes of weights and of kept rows that are read or written."""
        return self.weights_read + self.cache_read + self.cache_written

    @property
    def flops_a_byte(self) -> float:
        """FLOPs for each byte that is moved."""
        return self.flops / self.moved if self.moved else 0.0


def weights_read(trace: ir.Trace) -> int:
    """Bytes of parameters that kernels read: all of one, or the part that a view or a lookup takes."""
    parameters = frozenset(tensor.id for tensor in trace.tensors if tensor.origin == "parameter")
    origin = _moved(trace, parameters)
    read: dict[int, int] = {}
    whole: set[int] = set()
    for kernel in (kernel for op in trace.ops for kernel in op.kernels if not _moves(kernel)):
        for value in kernel.inputs:
            source = origin.get(value, value)
            if source not in parameters:
                continue
            size = _taken(trace, kernel, value)
            read[source] = read.get(source, 0) + size
            if size >= prod(trace.tensors[source].shape):
                whole.add(source)
    full = {source: prod(trace.tensors[source].shape) for source in read}
    return sum(
        (full[source] if source in whole else min(size, full[source])) * ITEMSIZE.get(trace.tensors[source].dtype, 1)
        for source, size in read.items()
    )


def rows_looked_at(trace: ir.Trace, steps: Iterable[Step], kept: Container[int] = ()) -> int:
    """Bytes of keys and values that attention finds as they were kept: no row of this pass was put to them.

    That is what a decoder keeps of an encoder, alone or beside its own rows. Queries are this pass's own: an attention
    that is given everything keeps nothing.

    Args:
        trace: What ran.
        steps: Its steps.
        kept: Values that rows are put to: they are counted there.
    """
    found_here = _given_to(trace)
    origin = _moved(trace, found_here)
    beside = {kernel.outputs[0]: kernel.inputs for op in trace.ops for kernel in op.kernels
              if base_name(kernel.name) == "cat"}  # fmt: skip
    back = {value: kernel.inputs[0] for op in trace.ops for kernel in op.kernels if _moves(kernel) and kernel.inputs
            for value in kernel.outputs}  # fmt: skip
    found: dict[int, int] = {}
    for step in steps:
        if step.kind in _LOOKING and len(step.operands) > 1:
            one, other = (origin.get(operand.value, operand.value) for operand in step.operands[:2])
            made = other
            while made in back and made not in beside:
                made = back[made]
            sources = {origin.get(value, value) for value in (other, *beside.get(made, ()))}
            if one not in found_here:
                found.update(dict.fromkeys((v for v in sources & found_here if v not in kept), step.repeat))
    return sum(
        prod(trace.tensors[value].shape) * ITEMSIZE.get(trace.tensors[value].dtype, 1) * repeat
        for value, repeat in found.items()
    )


def states(
    trace: ir.Trace, kept: Iterable[int], read: Iterable[tuple[int, int]] = (), spent: Iterable[int] = ()
) -> int:
    """Bytes of given values that a pass overwrites, or gives anew: states, which are as large after it as before.

    Args:
        trace: What ran.
        kept: Values that rows are put to: buffers as large as these are no states, their rows are counted.
        read: States that queries read, what a given value was changed to, each with how many layers have one.
        spent: Values that an earlier pass of a loop left, to which no rows are put, and which later passes do not find.
    """
    given, buffers = _given_to(trace), {trace.tensors[_given(trace, value)].shape for value in kept}
    found: dict[int, int] = {}
    for kernel in (kernel for op in trace.ops for kernel in op.kernels if base_name(kernel.name) == "copy_"):
        for value in kernel.outputs:
            source = trace.tensors[_given(trace, value)]
            if source.id in given and source.shape not in buffers:
                written = found.get(source.id, 0) + prod(trace.tensors[value].shape)
                found[source.id] = min(written, prod(source.shape))
    for changed, n_layers in read:
        for value in _changed(trace, changed) - found.keys():
            found[value] = prod(trace.tensors[value].shape) * n_layers
    for value in spent:
        found.setdefault(value, prod(trace.tensors[value].shape) if "float" in trace.tensors[value].dtype else 0)
    return sum(n * ITEMSIZE.get(trace.tensors[value].dtype, 1) for value, n in found.items())


def put_aside(trace: ir.Trace, kept: Container[int] = ()) -> dict[int, int]:
    """Given rows to which new ones are joined, and these, where nothing in the pass reads what they are together.

    They wait: a later pass reads them, once there are enough.

    Args:
        trace: What ran.
        kept: Values that rows are put to, which are counted elsewhere.
    """
    given, readers = _given_to(trace), defaultdict[int, list[ir.Op]](list)
    for op in trace.ops:
        for value in op.inputs:
            readers[value].append(op)

    def waits(value: int) -> bool:
        """Whether a value is only cut and laid out, or has nothing in it."""
        rest = readers[value] if prod(trace.tensors[value].shape) else ()
        return all(all(map(_moves, op.kernels)) and all(map(waits, op.outputs)) for op in rest)

    found = {}
    for value in sorted(value for value in given if "float" in trace.tensors[value].dtype and value not in kept):
        joins = [op for op in readers[value] if {base_name(kernel.name) for kernel in op.kernels} == {"cat"}]
        new = [each for op in joins for each in op.inputs if each not in given]
        if len(joins) == len(readers[value]) == len(new) == 1 and all(map(waits, joins[0].outputs)):
            found[value] = new[0]
    return found


def _changed(trace: ir.Trace, value: int) -> set[int]:
    """The given values that one was made of, one change after another and as large all the way."""
    made = {value: op for op in trace.ops for value in op.outputs if value not in op.inputs}
    seen, stack = set[int](), [value] if value >= 0 else []
    while stack:
        value = stack.pop()
        if value not in seen:
            seen.add(value)
            inputs = made[value].inputs if value in made else ()
            stack += [each for each in inputs if trace.tensors[each].shape == trace.tensors[value].shape]
    return {value for value in seen - made.keys() if trace.tensors[value].origin in ("input", "made")}


def _given(trace: ir.Trace, value: int) -> int:
    """The value that one lies in: what it is a view of, or overwrites."""
    before = trace.tensors[value].alias_of if value >= 0 else None
    return value if before is None or before == value else _given(trace, before)


def _moves(kernel: ir.Kernel) -> bool:
    return find(kernel.name).kind in ("layout", "cast")


def _given_to(trace: ir.Trace) -> frozenset[int]:
    """The values that a pass is given, or finds as an earlier one left them."""
    return frozenset(tensor.id for tensor in trace.tensors if tensor.origin == "input").union(dict(trace.kept))


def _moved(trace: ir.Trace, origins: Container[int]) -> dict[int, int]:
    """Which of some values one is that was only moved: seen in another shape, copied, cast."""
    found: dict[int, int] = {}
    for op in trace.ops:
        for kernel in filter(_moves, op.kernels):
            for value in kernel.inputs:
                source = found.get(value, value)
                if source in origins:
                    found.update(dict.fromkeys(kernel.outputs, source))
    return found


def _taken(trace: ir.Trace, kernel: ir.Kernel, value: int) -> int:
    """Elements of a weight that one kernel reads: of a table the rows taken out, of experts at most one a row."""
    shape = trace.tensors[value].shape
    if base_name(kernel.name) in _TAKING and kernel.outputs and kernel.inputs[0] == value:
        return min(prod(trace.tensors[kernel.outputs[0]].shape), prod(shape))
    if base_name(kernel.name) == "_grouped_mm" and len(shape) == 3 and kernel.inputs[0] != value:
        n_rows = prod(trace.tensors[kernel.inputs[0]].shape[:-1])
        return prod(shape[1:]) * min(shape[0], n_rows)
    return prod(shape)
