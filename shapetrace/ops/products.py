"""Kernels that multiply matrices, read as one canonical form: (batch) m,k × k,n → m,n."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

import msgspec

from shapetrace.ir import Kernel
from shapetrace.ops.atoms import Axes, Axis
from shapetrace.ops.registry import find

ProductForm = Literal["matmul", "convolution", "scores", "weighted_sum", "grouped"]

Shapes = Sequence[tuple[int, ...]]


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


Reader = Callable[[int, Kernel, Sequence[Axes], Shapes, Shapes], tuple[Product, ...]]
"""Reads a kernel as `products` does."""


def is_product(kernel: Kernel) -> bool:
    """Whether a kernel multiplies matrices."""
    return find(kernel.name).product is not None


def products(op: int, kernel: Kernel, axes: Sequence[Axes], shapes: Shapes, out_shapes: Shapes) -> tuple[Product, ...]:
    """Read one kernel as products.

    Args:
        op: Id of the operation that ran the kernel.
        kernel: The recorded kernel, or an attention call in its place.
        axes: Axes of the kernel's operands.
        shapes: Shapes of the operands.
        out_shapes: Shapes of the results.
    """
    reader = find(kernel.name).product
    return () if reader is None else reader(op, kernel, axes, shapes, out_shapes)


def matmul(op: int, kernel: Kernel, axes: Sequence[Axes], shapes: Shapes, _: Shapes) -> tuple[Product, ...]:
    """(m, k) x (k, n), matrices or vectors, or a batch of matrices."""
    (one, two), (left, right) = kernel.inputs[:2], axes[:2]
    batch = (left[0] or right[0],) if len(left) == 3 else ()
    m = left[-2] if len(left) > 1 else ()
    n = right[-1] if len(right) > 1 else ()
    flops = 2 * prod(shapes[0]) * prod(shapes[1][-1:] if len(right) > 1 else ()) * kernel.times
    out = kernel.outputs[0]
    return (Product(op, "matmul", one, two, out, None, batch, m, left[-1], n, flops, kernel.times),)


def matmul_and_add(
    op: int, kernel: Kernel, axes: Sequence[Axes], shapes: Shapes, out_shapes: Shapes
) -> tuple[Product, ...]:
    """As `matmul`, added to the first operand."""
    multiplied = msgspec.structs.replace(kernel, inputs=kernel.inputs[1:])
    (product,) = matmul(op, multiplied, axes[1:], shapes[1:], out_shapes)
    return (replace(product, bias=kernel.inputs[0]),)


def grouped(op: int, kernel: Kernel, axes: Sequence[Axes], shapes: Shapes, _: Shapes) -> tuple[Product, ...]:
    """Groups of rows, each with a matrix of its own."""
    (one, two), (left, right) = kernel.inputs[:2], axes[:2]
    experts = right[0] if len(right) == 3 else ()
    flops = 2 * prod(shapes[0]) * shapes[1][-1]
    return (Product(op, "grouped", one, two, kernel.outputs[0], None, (experts,), left[-2], left[-1],
                    right[-1], flops),)  # fmt: skip


def convolution(
    op: int, kernel: Kernel, axes: Sequence[Axes], shapes: Shapes, out_shapes: Shapes
) -> tuple[Product, ...]:
    """(B, C, …) with a weight (out, C / groups, …): one product a position."""
    (one, two), (data, weight) = kernel.inputs[:2], axes[:2]
    positions = shapes[0] if kernel.args.get("transposed", False) else out_shapes[0]
    flops = 2 * positions[0] * prod(positions[2:]) * prod(shapes[1])
    bias = kernel.inputs[2] if len(kernel.inputs) > 2 else None
    space = tuple(atom for axis in data[2:] for atom in axis)
    inner = tuple(atom for axis in weight[1:] for atom in axis)
    return (Product(op, "convolution", one, two, kernel.outputs[0], bias, (data[0],), space, inner,
                    weight[0], flops),)  # fmt: skip


def attention(op: int, kernel: Kernel, axes: Sequence[Axes], shapes: Shapes, _: Shapes) -> tuple[Product, ...]:
    """The two products of scaled dot-product attention: a causal mask saves nothing."""
    query, key, value = axes[:3]
    rows = prod(shapes[0][:-1])
    length, d_key, d_value = shapes[1][-2], shapes[0][-1], shapes[2][-1]
    q, k, v = kernel.inputs[:3]
    batch = query[:-2]
    scores = Product(op, "scores", q, k, None, None, batch, query[-2], query[-1], key[-2], 2 * rows * d_key * length)
    values = Product(op, "weighted_sum", None, v, kernel.outputs[0], None, batch, query[-2], key[-2], value[-1],
                     2 * rows * length * d_value)  # fmt: skip
    return scores, values


def over_one(op: int, equation: str, values: Sequence[int], axes: Sequence[Axes], shapes: Shapes) -> Product | None:
    """An ``einsum`` that sums over axes of length one alone, as over the values of a single key.

    torch runs it as a multiplication: ``bts,bsd->btd`` with s = 1 is (T, 1) x (1, d) all the same. It adds nothing up,
    and its FLOPs are counted as little as those of other multiplications.

    Args:
        op: Id of the operation.
        equation: ``bts,bsd->btd``.
        values: The two operands, then the result.
        axes: Axes of the operands.
        shapes: Shapes of the operands.

    Returns:
        The product; None if nothing is summed that both have, or axes have no letters (``...``).
    """
    given, arrow, kept = equation.replace(" ", "").partition("->")
    left, comma, right = given.partition(",")
    ranks = (len(left), len(right)) == tuple(map(len, axes))
    if not arrow or not comma or not ranks or not set(left) & set(right) - set(kept):
        return None
    one, two = dict(zip(left, axes[0], strict=True)), dict(zip(right, axes[1], strict=True))
    sizes = {**dict(zip(left, shapes[0], strict=True)), **dict(zip(right, shapes[1], strict=True))}
    if any(sizes[letter] > 1 for letter in {*left, *right} - set(kept)):
        return None
    batch = tuple(one[letter] for letter in kept if letter in one and letter in two)
    rows = tuple(atom for letter in kept if letter not in two for atom in one[letter])
    columns = tuple(atom for letter in kept if letter not in one for atom in two[letter])
    return Product(op, "matmul", values[0], values[1], values[2], None, batch, rows, (), columns, 0)
