"""Norms by what they compute and along which axes: a mean over positions is no LayerNorm."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isclose, prod

from shapetrace.ir import Kernel, Op, Trace
from shapetrace.ops import axis_layout, products
from shapetrace.ops.kinds import op_kind
from shapetrace.ops.registry import find
from shapetrace.ops.terms import Samples, Term, Terms

_AT = (310.0, -740.0, 1900.0, 127.0, -3400.0, 560.0, 88.0)
"""Elements along the axes of a norm: so large that no epsilon is seen."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """A tensor before a norm laid it out: its sizes, and which axis holds its features."""

    sizes: tuple[int, ...]
    features: int


def norm_of(ops: Sequence[Op], trace: Trace) -> str:
    """Name of the norm that a run of operations computes, scales, shifts and gates around it left out.

    What is divided by a deviation that nothing took of it (a scaler's) is no norm.

    Returns:
        ``LayerNorm`` or ``RMSNorm`` along the features, ``Instance norm`` along the positions of each example,
        ``BatchNorm`` along the examples, ``GroupNorm`` along positions and some of the features; ``L2 norm``; "".
    """
    for op in ops:
        for kernel in op.kernels:
            if name := find(kernel.name).norm:
                return "Instance norm" if name == "BatchNorm" and _folds_examples(op, kernel) else name
    terms = Terms(ops, trace)
    _take_statistics(terms, ops, trace)
    result = terms.result()
    if result is None or not any(each.reduces for each in result.below()):
        return ""
    for term in _unmodulated(result):
        for source in term.below():
            whole = source.data and source is not term and prod(source.shape) == prod(term.shape)
            if whole and (form := _form(term, source)):
                weights = [each.shape for each in result.below() if not each.data]
                return _along(
                    form, {*_reductions(term, source)}, _before(source, weights, trace.ops[: ops[-1].id], trace)
                )
    return ""


def _unmodulated(result: Term) -> Iterator[Term]:
    """A result, and what it was before it was scaled and shifted, by numbers, weights or other data.

    A sum with other data that has a number for each of its own is a sum of two streams, and no shift.
    """
    found = [result]
    for term in found:
        yield term
        whole = [each for each in term.sources if each.data and prod(each.shape) == prod(term.shape)]
        read = term.factors if not term.is_straight else term.sources if len(whole) < 2 else ()
        found += [each for each in read if each not in found]


def _folds_examples(op: Op, kernel: Kernel) -> bool:
    """Whether an operation lays out its operand for a kernel first: F.instance_norm counts examples as channels."""
    layouts = (each for each in op.kernels if find(each.name).axes is axis_layout.regroup)
    return any(each.outputs[:1] == kernel.inputs[:1] for each in layouts)


def _take_statistics(terms: Terms, ops: Sequence[Op], trace: Trace) -> None:
    """Look back at how statistics were made that the operations read: others may read them too."""
    inside = {value for op in ops for value in op.outputs}
    largest = max((prod(trace.tensors[value].shape) for value in inside), default=0)

    def is_small(value: int) -> bool:
        tensor = trace.tensors[value]
        return tensor.role == "data" and tensor.origin == "made" and prod(tensor.shape) < largest

    wanted = {value for op in ops for value in op.inputs if is_small(value)} - inside
    position = min((op.id for op in ops), default=0)
    while wanted and position:
        position -= 1
        op, kind = trace.ops[position], op_kind(trace.ops[position])
        if not wanted & {*op.outputs}:
            continue
        wanted -= {*op.outputs}
        if kind in ("pointwise", "reduce", "norm", "layout", "cast"):
            terms.add(op)
            wanted |= {v for v in op.inputs if is_small(v) or (kind == "reduce" and trace.tensors[v].origin == "made")}


def _form(term: Term, source: Term) -> str:
    """``centred``, ``square`` (divided by the root mean square), ``length`` (by the root of the sum); "" is no norm."""
    same = [each for each in term.below() if each.value == source.value and _is_viewed(each)] or [source]
    others = [each for each in term.below(*same) if each.entry is None and each not in same]
    if any(each.data for each in others):
        return ""

    def at(change: Callable[[float], float]) -> Samples:
        data, ones = tuple(map(change, _AT)), (1.0,) * len(_AT)
        return term.compute({**dict.fromkeys(same, data), **dict.fromkeys(others, ones)}) or ()

    found, scaled, shifted = at(lambda x: x), at(lambda x: 3 * x), at(lambda x: x + 5000)
    if not found or not all(found) or not _are_close(found, scaled):
        return ""
    centre = sum(_AT) / len(_AT) if _are_close(found, shifted) else 0
    if not _are_close([x - centre for x in _AT], [one * (_AT[0] - centre) / found[0] for one in found]):
        return ""
    n_samples, size = len(_AT), sum(one * one for one in found)
    n_elements = {prod(shape[axis] for axis in axes) for shape, axes in _reductions(term, source)}
    if any(isclose(size, n, rel_tol=1e-3) for n in (n_samples, *n_elements, *((n_samples - 1,) if centre else ()))):
        return "centred" if centre else "square"
    return "length" if isclose(size, 1, rel_tol=1e-3) and not centre else ""


def _are_close(one: Sequence[float], other: Sequence[float]) -> bool:
    return len(one) == len(other) and all(map(lambda a, b: isclose(a, b, rel_tol=1e-3, abs_tol=1e-6), one, other))


def _reductions(term: Term, source: Term) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Shape and axes of what is reduced between two terms."""
    for each in term.below(source):
        if each.reduces and each is not source:
            shape = each.operands[0].shape
            dims = (each.arguments or {}).get("dim")
            named = [dims] if isinstance(dims, int) else dims if isinstance(dims, list) and dims else range(len(shape))
            yield shape, tuple(sorted({int(dim) % max(len(shape), 1) for dim in named}))


def _along(form: str, found: set[tuple[tuple[int, ...], tuple[int, ...]]], before: _Shape) -> str:
    """Name of a norm of this form by the axes that it reduces."""
    if form == "length" or len(found) != 1:
        return "L2 norm" if form == "length" else ""
    ((shape, axes),) = found
    whole, part = _axes_before(shape, axes, before)
    if part is not None and whole:
        return "GroupNorm" if form == "centred" and part == before.features else ""
    if part == before.features or (before.features in whole and (0 not in whole or len(before.sizes) == 1)):
        return "LayerNorm" if form == "centred" else "RMSNorm"
    if form != "centred" or before.features in whole or part is not None:
        return ""
    return "BatchNorm" if 0 in whole else "Instance norm"


def _axes_before(shape: tuple[int, ...], axes: tuple[int, ...], before: _Shape) -> tuple[set[int], int | None]:
    """Axes that are reduced as the tensor was before it was laid out, and the one of which only a part is."""
    innermost = axes == tuple(range(len(shape) - len(axes), len(shape)))
    if shape == before.sizes or not innermost or 0 in shape:
        return {*axes}, None
    whole: set[int] = set()
    left = prod(shape[axis] for axis in axes)
    for axis in reversed(range(len(before.sizes))):
        if left < before.sizes[axis]:
            return whole, axis if left > 1 else None
        left //= before.sizes[axis]
        whole.add(axis)
    return whole, None


def _before(source: Term, weights: Sequence[tuple[int, ...]], ops: Sequence[Op], trace: Trace) -> _Shape:
    """A tensor before it was only seen in another shape.

    Its features lie along the axis along which weights differ that scale or shift the result, else the one that a
    convolution made, else the last.
    """
    viewed = _is_viewed(source)
    sizes = trace.tensors[source.value].shape if viewed else source.shape
    for shape in weights:
        wide = [axis for axis, size in enumerate(shape, len(sizes) - len(shape)) if size > 1]
        if len(wide) == 1 and wide[0] >= 0 and sizes[wide[0]] == max(shape):
            return _Shape(sizes, wide[0])
    return _Shape(sizes, 1 if viewed and _is_made_by_convolution(source.value, ops, trace) else len(sizes) - 1)


def _is_viewed(term: Term) -> bool:
    """Whether a term is a value as it was made, or in another shape."""
    return all(name == "view" for name, _, _ in term.layout)


def _is_made_by_convolution(value: int, ops: Sequence[Op], trace: Trace) -> bool:
    """Whether a value comes from a convolution, by operations that keep its shape."""
    shape, wanted = trace.tensors[value].shape, value
    for op in reversed(ops):
        if wanted not in op.outputs or wanted in op.inputs:
            continue
        if any(map(products.is_product, op.kernels)):
            return any(find(kernel.name).product is products.convolution for kernel in op.kernels)
        same = [each for each in op.inputs if trace.tensors[each].shape == shape]
        if not same:
            return False
        wanted = same[0]
    return False
