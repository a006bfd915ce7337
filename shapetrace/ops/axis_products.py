"""Axis rules of kernels that multiply: inner axes are unified, outer ones handed on."""

from shapetrace.ops.atoms import Atoms, Axes, Axis
from shapetrace.ops.axis_rules import RULES, KernelView, Outcome, fresh, rule


@rule("mm", "_int_mm", "_scaled_mm")
def _mm(view: KernelView) -> Outcome:
    left, right = view.ins[0], view.ins[1]
    view.atoms.unify(left[1], right[0])
    return Outcome(((left[0], right[1]),))


@rule("addmm", "_addmm_activation")
def _addmm(view: KernelView) -> Outcome:
    bias, left, right = view.ins[:3]
    view.atoms.unify(left[1], right[0])
    result = (left[0], right[1])
    for axis, other in zip(reversed(result), reversed(bias), strict=False):
        view.atoms.unify_broadcast(axis, other)
    return Outcome((result,))


@rule("bmm")
def _bmm(view: KernelView) -> Outcome:
    return Outcome((_batched(view.atoms, view.ins[0], view.ins[1]),))


@rule("baddbmm")
def _baddbmm(view: KernelView) -> Outcome:
    return Outcome((_batched(view.atoms, view.ins[1], view.ins[2]),))


@rule("addbmm")
def _addbmm(view: KernelView) -> Outcome:
    return Outcome((_batched(view.atoms, view.ins[1], view.ins[2])[1:],))  # summed over the batch


def _batched(atoms: Atoms, left: Axes, right: Axes) -> Axes:
    atoms.unify(left[2], right[1])
    atoms.unify(left[0], right[0])
    return (left[0] or right[0], left[1], right[2])


@rule("mv")
def _mv(view: KernelView) -> Outcome:
    left, right = view.ins[0], view.ins[1]
    view.atoms.unify(left[1], right[0])
    return Outcome(((left[0],),))


@rule("addmv")
def _addmv(view: KernelView) -> Outcome:
    left, right = view.ins[1], view.ins[2]
    view.atoms.unify(left[1], right[0])
    return Outcome(((left[0],),))


@rule("dot", "vdot")
def _dot(view: KernelView) -> Outcome:
    view.atoms.unify(view.ins[0][0], view.ins[1][0])
    return Outcome(((),))


@rule("_grouped_mm")
def _grouped_mm(view: KernelView) -> Outcome:
    left, right = view.ins[0], view.ins[1]
    view.atoms.unify(left[-1], right[-2])
    if len(left) == 3 and len(right) == 3:
        return Outcome((_batched(view.atoms, left, right),))
    if len(left) == 2 and len(right) == 3:
        return Outcome(((left[0], right[2]),))
    return fresh(view)


@rule("convolution", "_convolution", "mkldnn_convolution", "convolution_overrideable")
def _convolution(view: KernelView) -> Outcome:
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
        unify_groups(atoms, one, other)
    mask = view.ins[3] if len(view.ins) > 3 else ()
    for axis, score in zip(reversed(mask), (key[-2], query[-2], *reversed(query[:-2])), strict=False):
        if atoms.size(axis) == atoms.size(score):
            atoms.unify(score, axis)
    return Outcome(((*query[:-1], value[-1]),))


def unify_groups(atoms: Atoms, queries: Axis, keys: Axis) -> None:
    """Unify the outer part of the query heads with the key heads: 32 query heads are 8 groups of 4."""
    many, few = atoms.size(queries), atoms.size(keys)
    if few > 1 and many % few == 0:
        outer, _ = atoms.regroup((queries,), (few, many // few))
        if atoms.size(outer) == few:
            atoms.unify(outer, keys)


ATTENTION = (
    "scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention", "_scaled_dot_product_fused_attention_overrideable",
)  # fmt: skip
for _name in ATTENTION:
    RULES[_name] = attention
