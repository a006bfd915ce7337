"""The raw operations of a trace, with the kernels that each ran, as a grid."""

from collections.abc import Iterable
from dataclasses import replace

from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.formats.grid import Cell, Column, Grid
from shapetrace.formats.numbers import exact
from shapetrace.ir import Op, Trace

_COLUMNS = (
    Column("id", "op", "right"),
    Column("name", "operation"),
    Column("path", "module", spare=1),
    Column("inputs", "inputs"),
    Column("outputs", "outputs"),
    Column("kernels", "kernels", spare=2),
    Column("line", "line", spare=3),
)


def operations(trace: Trace, paths: Iterable[str] = (), words: Words = ENGLISH) -> Grid:
    """All operations, in the order of execution, or those of some modules.

    Args:
        trace: What ran.
        paths: Module paths whose operations, and those of modules in them, are listed; all if empty.
        words: The language of the titles; names of operations are PyTorch's.
    """
    wanted = tuple(paths)
    chosen = [op for op in trace.ops if not wanted or any(_within(trace.calls[op.call].path, path) for path in wanted)]
    n_kernels = sum(len(op.kernels) for op in chosen)
    note = words.say("{n} operations, {kernels} kernels", n=exact(len(chosen)), kernels=exact(n_kernels))
    columns = tuple(replace(column, title=words.say(column.title)) for column in _COLUMNS)
    return Grid(columns, tuple(_row(trace, op) for op in chosen), title=trace.model.name, notes=(note,))


def _within(path: str, section: str) -> bool:
    return path == section or path.startswith(f"{section}.")


def _row(trace: Trace, op: Op) -> tuple[Cell, ...]:
    return (
        op.id,
        op.name,
        trace.calls[op.call].path,
        _shapes(trace, op.inputs),
        _shapes(trace, op.outputs),
        " ".join(kernel.name.removeprefix("aten.").removesuffix(".default") for kernel in op.kernels),
        op.line,
    )


def _shapes(trace: Trace, ids: Iterable[int]) -> str:
    """Shapes as people write them; a weight or buffer by its name too."""
    words = []
    for i in ids:
        tensor = trace.tensors[i]
        name = f"{tensor.name} " if tensor.origin in {"parameter", "buffer"} and tensor.name else ""
        words.append(f"{name}[{','.join(map(str, tensor.shape))}]")
    return " ".join(words)
