"""What kernels make of axes: exact, from their arguments for convolutions, poolings and scalings, else from a view."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from shapetrace.ir import Kernel, Plain, Tensor
from shapetrace.ops.registry import base_name
from shapetrace.sizing.formulas import Formula, Rounded, product

_VIEWS = frozenset({"view", "_unsafe_view", "reshape", "_reshape_alias"})
_SLIDING = ("conv", "pool", "unfold", "im2col")
_LARGEST_SCALE = 64
"""Denominator of a factor by which pictures are scaled, at most."""


def convolved(
    kernel: Kernel, tensors: Sequence[Tensor], formulas: Callable[[int], list[Formula | None]]
) -> Iterator[Formula]:
    """Formulas of the axes along which a kernel slides: ⌊(n + 2·p − d·(k−1) − 1)/s⌋ + 1; or that it scales.

    Args:
        kernel: What ran.
        tensors: All values of the pass.
        formulas: Those of a value's axes that are known.
    """
    name = kernel.name.split(".")[1] if "." in kernel.name else kernel.name
    if kernel.inputs and (name == "_fft_r2c" or name.startswith("upsample")):
        yield from _scaled(kernel, formulas(kernel.inputs[0]))
        return
    if not any(word in name for word in _SLIDING) or not kernel.inputs or not kernel.outputs:
        return
    data, made = kernel.inputs[0], kernel.outputs[0]
    if "conv" in name:
        widths: Plain = list(tensors[kernel.inputs[1]].shape[2:]) if len(kernel.inputs) > 1 else []
    else:
        widths = kernel.args.get("kernel_size")
    strides = kernel.args.get("stride") or (widths if "pool" in name else 1)
    rank = len(tensors[made].shape) - 2 if "conv" in name else len(widths) if isinstance(widths, list) else 1
    if rank < 1 or kernel.args.get("transposed") is True or len(tensors[data].shape) <= rank:
        return
    paddings, dilations = kernel.args.get("padding", 0), kernel.args.get("dilation", 1)
    for i, size in enumerate(formulas(data)[-rank:]):
        numbers = [_at(each, i) for each in (widths, strides, paddings, dilations)]
        if size is None or any(number is None for number in numbers):
            continue
        width, stride, padding, dilation = (number or 0 for number in numbers)
        length = size + (2 * padding - dilation * (width - 1) - 1)
        if stride:
            yield length + 1 if stride == 1 else _floored(length, stride)


def _scaled(kernel: Kernel, sizes: Sequence[Formula | None]) -> Iterator[Formula]:
    """⌊s·n⌋ of what is enlarged or shrunk by s, ⌊n/2⌋ + 1 of a real signal's frequencies."""
    dims = kernel.args.get("dim")
    if kernel.name.startswith("aten._fft_r2c"):
        size = sizes[dims[-1]] if isinstance(dims, list) and dims and isinstance(dims[-1], int) else None
        if size is not None and kernel.args.get("onesided") is True:
            yield Formula.of(Rounded(size * Fraction(1, 2), up=False)) + 1
        return
    scales = [kernel.args[name] for name in ("scales_d", "scales_h", "scales_w", "scales") if name in kernel.args]
    for size, scale in zip(sizes[len(sizes) - len(scales) :], scales, strict=True):
        if size is not None and isinstance(scale, int | float):
            scaled = size * Fraction(scale).limit_denominator(_LARGEST_SCALE)
            is_whole = all(coefficient.denominator == 1 for _, coefficient in scaled.terms)
            yield scaled if is_whole else Formula.of(Rounded(scaled, up=False))


def _floored(length: Formula, stride: int) -> Formula:
    """⌊length/stride⌋ + 1, without brackets where every coefficient is a multiple."""
    quotient = length * Fraction(1, stride) + 1
    if all(coefficient.denominator == 1 for _, coefficient in quotient.terms):
        return quotient
    return Formula.of(Rounded(quotient, up=False))


def _at(value: Plain, place: int) -> int | None:
    found = value[place if place < len(value) else 0] if isinstance(value, list) and value else value
    return found if isinstance(found, int) else None


def regrouped(
    kernel: Kernel, tensors: Sequence[Tensor], formulas: Callable[[int], list[Formula | None]]
) -> Iterator[Formula]:
    """Formulas of the axes of a view that are several of what it shows: (B, H, W, C) as (B·H·W, C)."""
    if base_name(kernel.name) not in _VIEWS or not kernel.inputs or not kernel.outputs:
        return
    before, after = (tensors[value].shape for value in (kernel.inputs[0], kernel.outputs[0]))
    if 0 in before:
        return
    start = 0
    for size in after:
        end, reached = start, 1
        while end < len(before) and reached < size:
            reached *= before[end]
            end += 1
        if reached != size:
            return
        sizes = formulas(kernel.inputs[0])[start:end] if end - start > 1 else []
        if sizes and all(each is not None for each in sizes):
            yield product(each for each in sizes if each is not None)
        start = end
