"""Residuals: a stream, and what was computed from it and is added to it."""

from collections.abc import Mapping
from math import prod

from shapetrace.ir import Op
from shapetrace.ops.kinds import OpKind, is_factory, names_of
from shapetrace.outlining.flow import Flow

REAL_WORK: frozenset[OpKind] = frozenset(
    {"product", "lookup", "norm", "reduce", "softmax", "unknown", "algebra", "index"}
)
"""Kinds of operations that make more of a value than element by element."""
_WEIGHING: frozenset[OpKind] = frozenset({"product", "lookup", "norm", "softmax", "unknown", "algebra"})


def residual_of(flow: Flow, op: Op, streams: Mapping[int, int]) -> tuple[int, int] | None:
    """The stream and the branch of a residual: data, or learned rows, added to what was computed from them.

    Between the two lies real work (a product, a norm), so that ``x + 0.04·x³`` is none, nor ``x + sin²(x)`` behind
    another residual; nor is ``x + (y - x)``, nor what one product made as a matrix and its bias (``W x + b``), nor
    ``k + f(x + k)``, where k was a branch before: x is the stream.

    Args:
        flow: Values and operations.
        op: What may be one.
        streams: Results of the residuals before it, with the stream that each began as: in
            ``x + attention(x) + mlp(x)`` both branches leave the stream at x.
    """
    if names_of(op.kernels) != ["add"] and op.name not in ("add", "iadd", "add_"):
        return None
    data = [flow.root(value) for value in op.inputs if flow.is_data(value) and flow.is_floating(value)]
    shapes = {flow.facts.tensor(value).shape for value in op.inputs}
    if len(op.inputs) != 2 or len(shapes) != 1 or not data or (data[0] == data[-1] and len(data) == 2):
        return None
    if len(data) == 1:
        learned = next((root for root in map(flow.root, op.inputs) if root != data[0]), -1)
        is_learned = learned >= 0 and flow.facts.tensor(learned).role == "weight"
        begins = is_learned and _works_on(flow, learned, data[0]) and not _is_stream(flow, data[0], streams)
        return (learned, data[0]) if begins else None
    older, newer = sorted(data, key=lambda value: flow.facts.producer.get(value, -1))
    if _lacks(flow, newer, older) or _is_written_back(flow, op, older):
        return None
    if _works_on(flow, older, newer):
        is_none = _adds_other_part(flow, op, older, newer) or _was_branch(flow, older, newer, streams)
        return None if is_none else (older, newer)
    for stream, branch in ((older, newer), (newer, older)):
        if stream in streams and _works_on(flow, streams[stream], branch) and not _reads(flow, branch, stream):
            return stream, branch
    return None


def _is_stream(flow: Flow, value: int, streams: Mapping[int, int]) -> bool:
    """Whether a value is a stream by itself, or a sum that was normalised: learned rows added to it are positions."""
    op = flow.op_of(value)
    normed = flow.op_of(op.inputs[0]) if op is not None and flow.kinds[op.id] == "norm" else op
    is_sum = normed is not None and names_of(normed.kernels) == ["add"] and len(normed.inputs) == 2
    return value in streams or (normed is not op and is_sum)


def _reads(flow: Flow, value: int, other: int) -> bool:
    """Whether a value was computed from another one."""
    maker = flow.facts.producer.get(other, -1)
    return maker in flow.ancestors(value, since=maker - 1)


def _adds_other_part(flow: Flow, op: Op, older: int, newer: int) -> bool:
    """Whether a part of columns is added to what was computed without it, from other parts of the same ones.

    A matrix and its bias come out of one product where a network makes the weights of another one.
    """
    added = next(value for value in op.inputs if flow.root(value) == older)
    part = _part(flow, added)
    if part is None or not flow.facts.sources.get(older):
        return False
    between = flow.ancestors(newer, since=flow.facts.producer.get(older, -1))
    read = {v for i in between if not flow.edges[i] for v in flow.trace.ops[i].inputs if flow.root(v) == older}
    return not {part, None} & {_part(flow, value) for value in read}


def _part(flow: Flow, value: int) -> int | None:
    """What was cut out of a value's root first on the way to it; None for all of it."""
    forms = flow.forms(value)
    whole = prod(flow.facts.tensor(forms[-1]).shape)
    return next((form for form in reversed(forms) if prod(flow.facts.tensor(form).shape) < whole), None)


def _is_written_back(flow: Flow, op: Op, older: int) -> bool:
    """Whether a sum is written into what it was taken from: rows of a matrix, solved one after the other."""
    readers = [flow.trace.ops[reader] for reader in flow.readers[flow.root(op.outputs[0])]]
    taken_from, maker = {older}, flow.op_of(older)
    while maker is not None and flow.kinds[maker.id] == "layout" and maker.inputs:
        older = flow.root(maker.inputs[0])
        taken_from.add(older)
        maker = flow.op_of(older)
    return bool(readers) and all(
        "copy" in names_of(reader.kernels) and flow.root(reader.inputs[0]) in taken_from for reader in readers
    )


def _lacks(flow: Flow, newer: int, older: int) -> bool:
    """Whether a value is another one less an older one, so that ``x + (y - x)`` is y: gradients pass a lookup by.

    Or sums of it, as logarithms of sums are computed: ``m + log(sum(exp(y - m)))``.
    """
    op = flow.op_of(newer)
    if op is None or (names_of(op.kernels) == ["sub"] and flow.root(op.inputs[-1]) == older):
        return op is not None
    between = flow.ancestors(newer, since=flow.facts.producer.get(older, -1))
    readers = [flow.trace.ops[reader] for reader in flow.readers[older] if reader in between]
    lacks = all(names_of(reader.kernels) == ["sub"] and flow.root(reader.inputs[-1]) == older for reader in readers)
    return bool(readers) and lacks and not any(flow.kinds[made] in _WEIGHING for made in between)


def _was_branch(flow: Flow, older: int, newer: int, streams: Mapping[int, int]) -> bool:
    """Whether a newer value was computed from one only through the streams that it was added to."""
    between = flow.ancestors(newer, since=flow.facts.producer.get(older, -1))
    queue = [older]
    for value in queue:
        for reader in (flow.trace.ops[reader] for reader in flow.readers[value] if reader in between):
            made = flow.root(reader.outputs[0])
            if made not in streams and len(reader.inputs) == 1 and set(names_of(reader.kernels)) <= {"mul", "div"}:
                queue.append(made)
            elif streams.get(made, value) in queue:
                return False
    return True


def _works_on(flow: Flow, older: int, newer: int) -> bool:
    """Whether a value was computed from an older one by real work."""
    since = flow.facts.producer.get(older, -1)
    if since == flow.facts.producer.get(newer, -1):
        return False
    between = flow.ancestors(newer, since=since)
    readers = (flow.trace.ops[i] for i in between if not is_factory(flow.trace.ops[i]))  # not what has its shape alone
    reads_older = any(flow.root(value) == older for op in readers for value in op.inputs)
    works = any(flow.kinds[i] in REAL_WORK and flow.is_data(flow.trace.ops[i].outputs[0]) for i in between)
    return reads_older and works
