"""Axis rules of kernels that multiply: inner axes are unified, outer ones handed on."""

from shapetrace.ops.atoms import Atoms, Axes, Axis
from shapetrace.ops.axis_rules import KernelView, Outcome, fresh

ATTENTION = (
    "scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention", "_scaled_dot_product_fused_attention_overrideable",
)  # fmt: skip
"""Kernels and calls that are a whole attention."""


def matmul(view: KernelView) -> Outcome:
    """(m, k) x (k, n), matrices or vectors, or a batch of matrices."""
    return Outcome((_multiplied(view.atoms, view.ins[0], view.ins[1]),))


def matmul_and_add(view: KernelView) -> Outcome:
    """As `matmul`, added to the first operand."""
    return Outcome((_added(view.atoms, view.ins[0], _multiplied(view.atoms, view.ins[1], view.ins[2])),))


def sum_of_matmuls(view: KernelView) -> Outcome:
    """As `matmul_and_add`, summed over the batch."""
    return Outcome((_added(view.atoms, view.ins[0], _multiplied(view.atoms, view.ins[1], view.ins[2])[1:]),))


def _multiplied(atoms: Atoms, left: Axes, right: Axes) -> Axes:
    batch: Axes = ()
    if len(left) == len(right) == 3:
        atoms.unify(left[0], right[0])
        batch, left, right = (left[0] or right[0],), left[1:], right[1:]
    atoms.unify(left[-1], right[0])
    return (*batch, *left[:-1], *right[1:])


def _added(atoms: Atoms, bias: Axes, result: Axes) -> Axes:
    for axis, other in zip(reversed(result), reversed(bias), strict=False):
        atoms.unify_broadcast(axis, other)
    return result


def grouped(view: KernelView) -> Outcome:
    """Groups of rows, each with a matrix of its own."""
    left, right = view.ins[0], view.ins[1]
    if len(left) == len(right) == 3:
        return matmul(view)
    view.atoms.unify(left[-1], right[-2])
    return Outcome(((left[0], right[2]),)) if len(left) < len(right) else fresh(view)


def convolution(view: KernelView) -> Outcome:
    """(B, C, …) with a weight (out, C / groups, …): positions keep their atoms where they keep their size."""
    data, weight = view.ins[0], view.ins[1]
    shape = view.out_shapes[0]
    channels = weight[0] if view.atoms.size(weight[0]) == shape[1] else view.atoms.fresh(shape[1])
    if view.atoms.size(data[1]) == view.atoms.size(weight[1]):
        view.atoms.unify(data[1], weight[1])
    space = tuple(
        axis if view.atoms.size(axis) == size else view.atoms.fresh(size)
        for axis, size in zip(data[2:], shape[2:], strict=False)
    )
    return Outcome(((data[0], channels, *space),))


def attention(view: KernelView) -> Outcome:
    """Scaled dot-product attention as one call: (..., T, d), (..., S, d), (..., S, e) give (..., T, e).

    Query heads may be a multiple of key heads (grouped queries): their atom is split.
    """
    query, key, value = view.ins[:3]
    atoms = view.atoms
    atoms.unify(query[-1], key[-1])
    atoms.unify(key[-2], value[-2])
    for one, other, third in zip(query[:-2], key[:-2], value[:-2], strict=False):
        atoms.unify(other, third)
        _unify_groups(atoms, one, other)
    mask = view.ins[3] if len(view.ins) > 3 else ()
    for axis, score in zip(reversed(mask), (key[-2], query[-2], *reversed(query[:-2])), strict=False):
        if atoms.size(axis) == atoms.size(score):
            atoms.unify(score, axis)
    return Outcome(((*query[:-1], value[-1]),))


def _unify_groups(atoms: Atoms, queries: Axis, keys: Axis) -> None:
    """Unify the outer part of the query heads with the key heads: 32 query heads are 8 groups of 4."""
    many, few = atoms.size(queries), atoms.size(keys)
    if few > 1 and many % few == 0:
        outer, _ = atoms.regroup((queries,), (few, many // few))
        if atoms.size(outer) == few:
            atoms.unify(outer, keys)
