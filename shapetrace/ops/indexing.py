"""Indices that were written down as numbers."""

from shapetrace.ir import Kernel, Op
from shapetrace.ops.registry import base_name


def as_slice(op: Op, kernel: Kernel, shape: tuple[int, ...]) -> Kernel:
    """An index by numbers that follow each other, as ``x[..., [-2], :]``, as the slice that it is.

    Args:
        op: What the kernel ran in, with its arguments as they were written.
        kernel: Any kernel.
        shape: Sizes of its first operand.

    Returns:
        The slice; the same kernel if it is no such index.
    """
    marks, written = kernel.args.get("indices"), op.attrs.get("args")
    if base_name(kernel.name) != "index" or not isinstance(marks, list) or not isinstance(written, list):
        return kernel
    places = [axis for axis, mark in enumerate(marks) if mark is not None]
    parts = written[1] if len(written) == 2 and isinstance(written[1], list) else []
    listed = [part for part in parts if isinstance(part, list) and part and all(type(n) is int for n in part)]
    if len(places) != 1 or len(listed) != 1 or not shape[places[0]]:
        return kernel
    numbers = [number % shape[places[0]] for number in listed[0]]
    if numbers != [*range(numbers[0], numbers[0] + len(numbers))]:
        return kernel
    args = {"dim": places[0], "start": numbers[0], "end": numbers[0] + len(numbers)}
    return Kernel("aten.slice.Tensor", kernel.inputs[:1], kernel.outputs, args)
