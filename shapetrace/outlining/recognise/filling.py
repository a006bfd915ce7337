"""Tensors that are made empty and filled piece by piece: the pieces stand side by side in them, as after a ``cat``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shapetrace.ir import Kernel, Op
from shapetrace.ops.kinds import is_factory
from shapetrace.ops.registry import base_name
from shapetrace.outlining.flow import Flow


@dataclass(frozen=True, slots=True)
class Piece:
    """One write into a part of a tensor.

    Attributes:
        ops: The operations: what cuts out the part, and what writes.
        value: What is written.
        axis: The axis along which it is a part.
        start: Where it begins.
        stop: Where it ends.
    """

    ops: tuple[int, ...]
    value: int
    axis: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Fill:
    """A tensor whose parts were all written, each once, before anything read it.

    Attributes:
        pieces: From the first part to the last.
        whole: The tensor when it is full.
    """

    pieces: tuple[Piece, ...]
    whole: int

    @property
    def ops(self) -> tuple[int, ...]:
        """All its operations."""
        return tuple(sorted({op for piece in self.pieces for op in piece.ops}))


def fills(flow: Flow) -> tuple[Fill, ...]:
    """All tensors that are filled in two pieces or more."""
    cuts = {kernel.outputs[0]: (op.id, kernel) for op in flow.trace.ops for kernel in op.kernels if _cuts(kernel)}
    begun: dict[int, tuple[Piece, ...]] = {}
    found = []
    for op, kernel in _writes(flow):
        whole = kernel.outputs[-1]
        before = flow.facts.tensor(whole).alias_of
        piece = None if before is None else _piece(flow, (op, kernel), before, cuts)
        if before is None or piece is None:
            continue
        earlier = begun.pop(before) if before in begun else () if _is_made_empty(flow, before) else None
        if earlier is None or any(other.axis != piece.axis for other in earlier):
            continue
        pieces = (*earlier, piece)
        if earlier and not _reads_alone(flow, before, pieces):
            continue
        if _covers(pieces, flow.facts.tensor(whole).shape[piece.axis]):
            found.append(Fill(tuple(sorted(pieces, key=lambda each: each.start)), whole))
        else:
            begun[whole] = pieces
    return tuple(found)


def _is_made_empty(flow: Flow, value: int) -> bool:
    maker = flow.facts.producer.get(value)
    return maker is not None and is_factory(flow.trace.ops[maker])


def _cuts(kernel: Kernel) -> bool:
    return base_name(kernel.name) == "slice" and kernel.args.get("step", 1) == 1


def _number(kernel: Kernel, name: str) -> int:
    found = kernel.args.get(name)
    return found if isinstance(found, int) else 0


def _writes(flow: Flow) -> Iterator[tuple[Op, Kernel]]:
    """What writes into a part of a tensor: the tensor is a second result, a new state of it."""
    for op in flow.trace.ops:
        for kernel in op.kernels:
            if base_name(kernel.name) == "copy_" and len(kernel.inputs) == len(kernel.outputs) == 2:
                yield op, kernel


def _piece(flow: Flow, write: tuple[Op, Kernel], before: int, cuts: Mapping[int, tuple[int, Kernel]]) -> Piece | None:
    """A write as a part of a tensor along one axis; None if it is no such part."""
    op, kernel = write
    part, ops = kernel.inputs[0], [op.id]
    shape, whole = flow.facts.tensor(part).shape, flow.facts.tensor(before).shape
    if len(shape) != len(whole):
        return None
    apart = [axis for axis in range(len(whole)) if shape[axis] != whole[axis]]
    if len(apart) != 1:
        return None
    start = 0
    while part != before and part in cuts:
        cutter, cut = cuts[part]
        ops.append(cutter)
        source = cut.inputs[0]
        if _number(cut, "dim") % len(whole) == apart[0]:
            first = _number(cut, "start")
            start += first + flow.facts.tensor(source).shape[apart[0]] if first < 0 else first
        part = source
    if part != before:
        return None
    return Piece(tuple(dict.fromkeys(ops)), kernel.inputs[1], apart[0], start, start + shape[apart[0]])


def _reads_alone(flow: Flow, before: int, pieces: Sequence[Piece]) -> bool:
    """Whether only the writes read a tensor that is not yet full."""
    own = {op for piece in pieces for op in piece.ops}
    return set(flow.readers[flow.root(before)]) <= own


def _covers(pieces: Sequence[Piece], size: int) -> bool:
    """Whether parts lie beside each other, and nothing is left."""
    ordered = sorted((piece.start, piece.stop) for piece in pieces)
    edges = [0, *(stop for _, stop in ordered)]
    return [start for start, _ in ordered] == edges[:-1] and edges[-1] == size
