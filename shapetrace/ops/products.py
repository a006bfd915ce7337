"""Kernels that multiply matrices, read as one canonical form: (batch) m,k × k,n → m,n."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from shapetrace.ir import Kernel
from shapetrace.ops.atoms import Axes, Axis
from shapetrace.ops.axis_products import ATTENTION
from shapetrace.ops.axis_rules import base_name

ProductForm = Literal["matmul", "convolution", "scores", "weighted_sum", "grouped"]

PRODUCT_KERNELS = frozenset(
    {"mm", "addmm", "_addmm_activation", "bmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "vdot", "_grouped_mm",
     "_int_mm", "_scaled_mm", "convolution", "_convolution", "mkldnn_convolution", "convolution_overrideable",
     *ATTENTION}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """One matrix product, or a batch of them.

    Attributes:
        op: Id of the operation it ran in.
        form: What sort of product: the two of a fused attention call are ``scores`` and ``weighted_sum``.
        left: Tensor id of the operand that holds m.
        right: Tensor id of the operand that holds n; None for the weights of a fused attention.
        out: Tensor id of the result; None for the scores of a fused attention.
        bias: Tensor id of what is added in the same kernel, if any.
        batch: Axes over which equal products repeat.
        m: Rows of the left operand.
        k: The inner axis, as the left operand has it.
        n: Columns of the right operand.
        flops: 2·batch·m·k·n, for all times together.
        times: How often it was made, one after another: the steps of a recurrent layer.
    """

    op: int
    form: ProductForm
    left: int | None
    right: int
    out: int | None
    bias: int | None
    batch: Axes
    m: Axis
    k: Axis
    n: Axis
    flops: int
    times: int = 1


def is_product(kernel: Kernel) -> bool:
    """Whether a kernel multiplies matrices."""
    return base_name(kernel.name) in PRODUCT_KERNELS


def products(op: int, kernel: Kernel, axes: Sequence[Axes], shapes: Sequence[tuple[int, ...]],
             out_shapes: Sequence[tuple[int, ...]]) -> tuple[Product, ...]:  # fmt: skip
    """Read one kernel as products.

    Args:
        op: Id of the operation that ran the kernel.
        kernel: The recorded kernel, or an attention call in its place.
        axes: Axes of the kernel's operands.
        shapes: Shapes of the operands.
        out_shapes: Shapes of the results.
    """
    name = base_name(kernel.name)
    ids = kernel.inputs
    out = kernel.outputs[0]
    if name in ATTENTION:
        return _attention(op, kernel, axes, shapes)
    if "conv" in name:
        return (_convolution(op, kernel, axes, shapes, out_shapes),)
    first = 1 if name in ("addmm", "_addmm_activation", "baddbmm", "addbmm", "addmv") else 0
    bias = ids[0] if first else None
    left, right = axes[first], axes[first + 1]
    times = kernel.times
    flops = 2 * prod(shapes[first]) * prod(shapes[first + 1][-1:] if len(shapes[first + 1]) > 1 else ()) * times
    one, two = ids[first], ids[first + 1]
    if name == "_grouped_mm":
        experts = right[0] if len(right) == 3 else ()
        return (Product(op, "grouped", one, two, out, None, (experts,), left[-2], left[-1], right[-1], flops),)
    if len(left) == 3:
        return (Product(op, "matmul", one, two, out, bias, (left[0] or right[0],), left[1], left[2], right[2], flops),)
    m = left[0] if len(left) > 1 else ()
    n = right[1] if len(right) > 1 else ()
    return (Product(op, "matmul", one, two, out, bias, (), m, left[-1], n, flops, times),)


def _convolution(op: int, kernel: Kernel, axes: Sequence[Axes], shapes: Sequence[tuple[int, ...]],
                 out_shapes: Sequence[tuple[int, ...]]) -> Product:  # fmt: skip
    data, weight = axes[0], axes[1]
    transposed = bool(kernel.args.get("transposed", False))
    positions = shapes[0] if transposed else out_shapes[0]
    flops = 2 * positions[0] * prod(positions[2:]) * prod(shapes[1])
    bias = kernel.inputs[2] if len(kernel.inputs) > 2 else None
    space = tuple(atom for axis in data[2:] for atom in axis)
    inner = tuple(atom for axis in weight[1:] for atom in axis)
    return Product(op, "convolution", kernel.inputs[0], kernel.inputs[1], kernel.outputs[0], bias, (data[0],), space,
                   inner, weight[0], flops)  # fmt: skip


def _attention(op: int, kernel: Kernel, axes: Sequence[Axes], shapes: Sequence[tuple[int, ...]]) -> tuple[Product, ...]:
    query, key, value = axes[:3]
    rows = prod(shapes[0][:-1])
    length, d_key, d_value = shapes[1][-2], shapes[0][-1], shapes[2][-1]
    q, k, v = kernel.inputs[:3]
    batch = query[:-2]
    scores = Product(op, "scores", q, k, None, None, batch, query[-2], query[-1], key[-2], 2 * rows * d_key * length)
    values = Product(op, "weighted_sum", None, v, kernel.outputs[0], None, batch, query[-2], key[-2], value[-1],
                     2 * rows * length * d_value)  # fmt: skip
    return scores, values
