"""Sizes that windows leave: convolutions, poolings and interpolations, as called or called otherwise."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shapetrace.failing.mends import positional
from shapetrace.failing.operands import Made, Operand
from shapetrace.ir import Kernel, Op

_WINDOW = re.compile(r"aten\.(?:convolution|(?:max|avg)_pool[123]d|max_pool[123]d_with_indices)\.")


def window(op: Op) -> Kernel | None:
    """The kernel of a convolution or a pooling; None for another function."""
    found = [kernel for kernel in op.kernels if _WINDOW.match(kernel.name)]
    return found[0] if len(found) == 1 and not found[0].args.get("transposed") else None


def windowed(made: Made, args: Mapping[str, Any]) -> Operand | None:
    """A convolution or a pooling: floor or ceil of (n + 2 padding - reach) / stride, plus 1."""
    data, is_pool = made.operands[0], "kernel_size" in args
    kernel = args["kernel_size"] if is_pool else list(made.operands[1].shape[2:])
    n_space = len(made.op.inputs) and (len(made.operands[1].shape) - 2 if not is_pool else int(made.op.name[-2]))
    stride = args.get("stride") or kernel
    axes = list(data.axes)
    if len(axes) <= n_space:
        return None
    if not is_pool:
        if data.shape[-n_space - 1] != made.operands[1].shape[1] * int(args.get("groups", 1)):
            return None
        axes[-n_space - 1] = made.operands[1].axes[0]
    for place in range(n_space):
        back = place - n_space  # a pooling of a sequence runs as one of images
        numbers = [_each(v, back) for v in (kernel, stride, args.get("padding", 0), args.get("dilation", 1))]
        size = _left(data.shape[place - n_space], *numbers, ceil=bool(args.get("ceil_mode")))
        if size < 1:
            return None
        if size != data.shape[place - n_space]:
            axes[place - n_space] = data.atoms.fresh(size)
    return data.with_axes(axes)


def interpolated(made: Made, changes: Mapping[str, Any]) -> Operand | None:
    """Sides as given, or as many times as long."""
    data, given = made.operands[0], positional(made.op)
    size, factor = (changes.get(name, given[place] if len(given) > place else None)
                    for place, name in enumerate(("size", "scale_factor")))  # fmt: skip
    if "scale_factor" in changes:
        size = None
    operand, n_space = data, len(data.axes) - 2
    for back in range(-n_space, 0):
        n = _each(size, back) if size is not None else int(data.shape[back] * _part(factor, back))
        operand = operand if n == data.shape[back] else operand.resized(back, n)
    return operand


def other_windows(kernel: Kernel, made: Made) -> Iterator[tuple[int, dict[str, Any]]]:
    """Another stride, another padding; for a pooling also the last window that is not whole."""
    args = kernel.args
    size = args.get("kernel_size") or list(made.operands[1].shape[2:])
    stride, padding = args.get("stride") or size, args.get("padding") or 0
    n = len(size) if isinstance(size, list) else 1
    now = [_each(padding, place) for place in range(n)]
    if "kernel_size" in args and not args.get("ceil_mode"):
        yield 1, {"ceil_mode": True}
    for value in (1, 2, 4):
        if [value] * n != [_each(stride, place) for place in range(n)] and "kernel_size" not in args:
            yield 2, {"stride": [value] * n}
    reach = max((_each(size, place) - 1) * _each(args.get("dilation") or 1, place) for place in range(n)) + 1
    for value in range(reach // 2 + 1):
        if [value] * n != now:
            yield 2, {"padding": [value] * n}


def _part(value: Any, place: int) -> float:
    """A number for one of the sides."""
    return float(value[place] if isinstance(value, list) else value)


def _each(value: Any, place: int) -> int:
    if isinstance(value, list):
        return int(value[place] if -len(value) <= place < len(value) else value[-1])
    return int(value)


def _left(n: int, kernel: int, stride: int, padding: int, dilation: int, *, ceil: bool) -> int:
    rest = n + 2 * padding - dilation * (kernel - 1) - 1
    size = (-(-rest // stride) if ceil else rest // stride) + 1
    return size - 1 if ceil and (size - 1) * stride >= n + padding else size  # a window starts inside
