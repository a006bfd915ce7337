"""Traces as JSON files: encoded from the facts of ``ir``, validated on the way in."""

import gzip
import numbers
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import chain, repeat
from math import prod
from pathlib import Path
from typing import Any

import msgspec

from shapetrace import ir
from shapetrace.errors import UsageError
from shapetrace.language import printable
from shapetrace.sizing.parsing import parse
from shapetrace.writing import write

FORMAT = "shapetrace-trace"
VERSION = 1

_GZIP = b"\x1f\x8b"
_LONGEST_ERROR = 200
_MOST_BYTES = 1 << 29
"""More than a trace of a million operations has; a small compressed file could hold more than there is memory."""


def _plainer(value: object) -> object:
    """What is nearly plain: a string of a class of its own (torch's version), a number of NumPy."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, numbers.Real):
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    raise NotImplementedError(f"a trace cannot hold a {type(value).__name__}")


_RARE = frozenset({"world", "kept", "numbers", "weighed"})
"""What most traces have not, and then do not mention."""

_ENCODER = msgspec.json.Encoder(enc_hook=_plainer)


class _Head(msgspec.Struct):
    """What says whether a file is ours, and which layout it has."""

    format: str = ""
    version: int = 0


def to_json(trace: ir.Trace) -> bytes:
    """Write a trace: one tensor, operation or call a line, so that a diff of two files can be read.

    The same trace gives the same bytes.
    """
    parts = [f'"format": "{FORMAT}"'.encode(), f'"version": {VERSION}'.encode()]
    parts += [b'"%s": %s' % (name.encode(), _lines(getattr(trace, name))) for name in _mentioned(trace)]
    return b"{\n" + b",\n".join(parts) + b"\n}\n"


def to_document(trace: ir.Trace, before: tuple[ir.Trace, dict[str, Any]] | None = None) -> dict[str, Any]:
    """What is read where `to_json` wrote a trace.

    Args:
        trace: It.
        before: Another trace with its document: items that are the same objects in both have one entry.
    """
    found: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    for name in _mentioned(trace):
        value = getattr(trace, name)
        found[name] = _entries(value, name, before) if _has_lines(value) else _decoded(value)
    return found


def _entries(items: tuple[Any, ...], name: str, before: tuple[ir.Trace, dict[str, Any]] | None) -> list[Any]:
    olds = zip(getattr(before[0], name), before[1].get(name, ()), strict=False) if before else ()
    padded = chain(olds, repeat((None, None)))
    return [entry if item is old else _decoded(item) for item, (old, entry) in zip(items, padded, strict=False)]


def _decoded(value: Any) -> Any:
    return msgspec.json.decode(_ENCODER.encode(value))


def _mentioned(trace: ir.Trace) -> list[str]:
    """Names of the fields that a file has."""
    return [field.name for field in fields(ir.Trace) if field.name not in _RARE or getattr(trace, field.name)]


def _has_lines(value: Any) -> bool:
    """Whether it is a tuple of facts, which have a line each."""
    return isinstance(value, tuple) and bool(value) and not isinstance(value[0], int)


def _lines(value: Any) -> bytes:
    """JSON of a value."""
    if _has_lines(value):
        return b"[\n" + b",\n".join(_ENCODER.encode(item) for item in value) + b"\n]"
    return _ENCODER.encode(value)


def from_json(data: bytes, name: str = "the trace") -> ir.Trace:
    """Read a trace and check that it holds together.

    Args:
        data: What ``to_json`` wrote.
        name: What to call it in errors.

    Raises:
        UsageError: If it is broken, something else, or from a newer shapetrace.
    """
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.format != FORMAT:
            raise UsageError(f"{name} is no shapetrace trace: write one with shapetrace run --save trace.json")
        if not 1 <= head.version <= VERSION:
            raise UsageError(
                f"{name} has trace format {head.version}, this shapetrace reads {VERSION}: "
                "upgrade shapetrace, or trace the model again"
            )
        trace = msgspec.json.decode(data, type=ir.Trace)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{name} is no readable trace: {one_line(error)}") from error
    for fault in faults(trace):
        raise UsageError(f"{name} contradicts itself: {fault}")
    return trace


def save(trace: ir.Trace, path: Path) -> None:
    """Write a trace to a file; a name that ends in ``.gz`` is compressed.

    Raises:
        UsageError: If it cannot be written there.
    """
    keep(to_json(trace), path)


def keep(data: bytes, path: Path) -> None:
    """Write a file; one whose name ends in ``.gz`` is compressed.

    Raises:
        UsageError: If it cannot be written there.
    """
    write(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def content(path: Path) -> bytes:
    """What a file holds, unpacked.

    Raises:
        UsageError: If it cannot be read, or holds more than there is in a trace.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else None
        if data is not None and data[:2] == _GZIP:
            data = _unpacked(data)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {path}: {reason}") from error
    if data is None:
        raise UsageError(f"{path} holds more than {_MOST_BYTES >> 20} MB: it is no trace")
    return data


def format_of(data: bytes) -> str:
    """What a file says that it is; "" if it says nothing that can be read."""
    try:
        return msgspec.json.decode(data, type=_Head).format
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _unpacked(data: bytes) -> bytes | None:
    """What a compressed file holds; None if that is more than a trace can be."""
    packed = zlib.decompressobj(zlib.MAX_WBITS | 16)
    unpacked = packed.decompress(data, _MOST_BYTES + 1)
    if len(unpacked) > _MOST_BYTES:
        return None
    if not packed.eof:
        raise EOFError("the compressed file ends before its end")
    return unpacked


def one_line(error: Exception) -> str:
    """What the decoder says, without what a hostile file may have put into it: its length, control characters."""
    return " ".join(printable(str(error)[:_LONGEST_ERROR], " ").split())


def faults(trace: ir.Trace) -> Iterator[str]:
    """What a well-typed file can still get wrong: ids that are no positions, references to nothing."""
    kinds: dict[str, Iterable[ir.Tensor | ir.Op | ir.Call]] = {
        "tensor": trace.tensors,
        "operation": trace.ops,
        "call": trace.calls,
    }
    for kind, items in kinds.items():
        yield from (f"{kind} {i} has id {item.id}" for i, item in enumerate(items) if item.id != i)
    n_tensors = len(trace.tensors)
    for where, ids in _references(trace):
        yield from (f"{where} names tensor {i}, of {n_tensors}" for i in ids if not 0 <= i < n_tensors)
    yield from (fault for tensor in trace.tensors for fault in _tensor_faults(tensor))
    for value, held in trace.numbers:
        if not 0 <= value < n_tensors or len(held) != prod(trace.tensors[value].shape):
            yield f"tensor {value} does not hold {len(held)} numbers"
    for each in trace.weighed:
        if not 0 <= each.result < n_tensors or not _is_weighed(each, trace.tensors[each.result].shape):
            yield f"tensor {each.result} is weighed by numbers that do not fit"
    yield from _call_faults(trace)
    yield from _size_faults(trace)


def _tensor_faults(tensor: ir.Tensor) -> Iterator[str]:
    if any(size < 0 for size in tensor.shape):
        yield f"tensor {tensor.id} has shape {list(tensor.shape)}"
    if tensor.alias_of is not None and tensor.alias_of >= tensor.id:
        yield f"tensor {tensor.id} replaces tensor {tensor.alias_of}, which comes later"
    if any(first < 0 or count < 1 for first, count in tensor.picks):
        yield f"tensor {tensor.id} picks rows that no table has"
    for pattern in () if tensor.pattern is None else (tensor.pattern, *tensor.pattern.parts):
        if pattern.size != (1, *tensor.shape)[-2:] or not all(map(_fits(pattern), pattern.spans or ())):
            yield f"tensor {tensor.id} of shape {list(tensor.shape)} has a pattern that does not fit"


def _is_weighed(weighed: ir.Weighed, shape: tuple[int, ...]) -> bool:
    """Whether a product of this shape can have weighed rows by these numbers."""
    axis = -1 if weighed.by == "right" else -2
    n_rows, widths = len(weighed.rows), {len(row) for row in weighed.rows}
    fits = len(shape) > 1 and shape[axis] == n_rows <= ir.MOST_WEIGHED
    return (
        fits
        and len(widths) == 1
        and max(widths) <= ir.MOST_WEIGHED
        and all(0 <= number <= 1 for row in weighed.rows for number in row)
    )


def _fits(pattern: ir.Pattern) -> Callable[[ir.Span], bool]:
    """Whether a span of a pattern lies in its rows, and is no more than they and their columns can hold."""
    n_rows, n_columns = pattern.size

    def fits(span: ir.Span) -> bool:
        row, height, start, stop, *steps, count, every = span
        inside = 0 <= row <= row + height <= n_rows and 0 <= count <= n_columns + n_rows and 0 <= every <= n_columns
        return inside and -n_rows <= start <= stop <= n_columns + n_rows and all(step in (0, 1) for step in steps)

    return fits


def _call_faults(trace: ir.Trace) -> Iterator[str]:
    n_calls = len(trace.calls)
    for op in trace.ops:
        if not 0 <= op.call < n_calls:
            yield f"operation {op.id} names call {op.call}, of {n_calls}"
        if any(kernel.times < 1 for kernel in op.kernels):
            yield f"operation {op.id} has a kernel that never ran"
    for call in trace.calls:
        if call.parent is not None and not 0 <= call.parent < call.id:
            yield f"call {call.id} has parent {call.parent}"
    if trace.failure is not None and not 0 <= trace.failure.call < max(n_calls, 1):
        yield f"the failure names call {trace.failure.call}, of {n_calls}"


def _size_faults(trace: ir.Trace) -> Iterator[str]:
    """What is wrong with the names of sizes."""
    sizes = trace.sizes
    if sizes is None:
        return
    shapes = [[len(t.shape) for t in trace.tensors], [len(p.shape) for p in trace.parameters]]
    for what, ranks, axes in zip(("tensors", "parameters"), shapes, (sizes.axes, sizes.parameters), strict=True):
        if [len(each) for each in axes] != ranks:
            yield f"sizes are named of other {what}"
        if any(not -1 <= place < len(sizes.formulas) for each in axes for place in each):
            yield f"a size of the {what} names no formula"
    for text in sizes.formulas:
        try:
            unknown = parse(text).symbols - sizes.symbols.keys()
        except (ValueError, RecursionError, ZeroDivisionError):
            yield f"{text[:40]!r} is no formula of sizes"
        else:
            yield from (f"{text[:40]!r} has a size {name!r} that has no value" for name in sorted(unknown))


def _references(trace: ir.Trace) -> Iterator[tuple[str, Iterable[int]]]:
    """Tensor ids wherever a trace names some, with where that is."""
    yield "the model", (*trace.inputs, *trace.outputs)
    yield "what was kept", (value for value, _ in trace.kept)
    yield "an alias", (tensor.alias_of for tensor in trace.tensors if tensor.alias_of is not None)
    for call in trace.calls:
        yield f"call {call.id}", (*call.inputs, *call.outputs)
    for op in trace.ops:
        yield f"operation {op.id}", (*op.inputs, *op.outputs)
        for kernel in op.kernels:
            yield f"a kernel of operation {op.id}", (*kernel.inputs, *kernel.outputs)
    if trace.failure is not None:
        yield "the failure", trace.failure.inputs
    for layout in () if trace.world is None else trace.world.layouts:
        yield "a layout", () if layout.value == -1 else (layout.value,)
