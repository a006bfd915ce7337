"""Numbers that point outside of a table: embedding, gather, indexing, class labels."""

import re
from typing import Any

from shapetrace.failing.cases import Case, Finding, choices, unequal, unequal_axes
from shapetrace.failing.structure import written
from shapetrace.ir import Tensor
from shapetrace.language import Phrase, say

RANGE = "index_range"
"""Attribute of a failed operation: smallest and largest of its integers, where the recorder could look."""

_OUTSIDE = re.compile(r"out of (?:range|bounds|DATA bounds)|smaller than num_classes|must be non-negative")
_TABLES = frozenset({"embedding", "embedding_bag"})
_LOSSES = frozenset({"cross_entropy_loss", "nll_loss", "nll_loss_nd"})
_ALLOWED = "{name} has {n} {what}: 0 to {last} are allowed; an index is {index}"
_LARGER = "{name} has {n} {what}: 0 to {last} are allowed; an index is larger or negative"


def index(case: Case) -> Finding | None:
    """An index that is smaller than 0 or not smaller than the size of what it points into."""
    if not _OUTSIDE.search(case.failure.message):
        return None
    table = _table(case)
    if table is None:
        return None
    where, axis, n = table
    what = _entries(case, axis)
    low, high = _range(case)
    worst = low if low is not None and low < 0 and (high is None or high < n) else high
    told: dict[str, Any] = {"name": case.name(where), "n": n, "what": what, "last": n - 1}
    return Finding(
        say(_LARGER, **told) if worst is None else say(_ALLOWED, **told, index=worst),
        choices(
            say("at least {n} {what}", n=high + 1, what=what) if high is not None and high >= n else "",
            _indices(case, n, low, high),
        ),
        "" if worst is None else f"{worst} ≥ {n}" if worst >= n else f"{worst} < 0",
        {where: (axis,)} if case.shapes[where] and case.shapes[where][axis] == n else {},
        kind="index",
    )


def _indices(case: Case, n: int, low: int | None, high: int | None) -> Phrase:
    """Which indices there may be; those that count from 0 to the length of the input are positions."""
    lengths = {
        shape[-1] for shape, tensor in zip(case.shapes, case.tensors, strict=True) if shape and _is_index(tensor)
    }
    if case.op not in _TABLES:
        return say("indices from 0 to {last}", last=n - 1)
    if low is not None and low >= 0 and high is not None and high + 1 in lengths:
        return say("an input of at most {n}, if these are positions", n=n)
    return say("indices from 0 to {last}: special tokens and padding count too", last=n - 1)


def _entries(case: Case, axis: int) -> Phrase:
    if case.op in _TABLES:
        return say("rows")
    return say("classes") if case.op in {*_LOSSES, "one_hot"} else say("entries in axis {axis}", axis=axis)


def _table(case: Case) -> tuple[int, int, int] | None:
    """What is pointed into: operand, axis, size."""
    if case.op in _TABLES:
        places = [i for i, tensor in enumerate(case.tensors) if not _is_index(tensor) and len(tensor.shape) == 2]
        return (places[0], 0, case.shapes[places[0]][0]) if places else None
    if case.op in _LOSSES and case.shapes and case.shapes[0]:
        axis = min(1, len(case.shapes[0]) - 1)
        return 0, axis, case.shapes[0][axis]
    if case.op == "one_hot" and case.shapes and isinstance(n_classes := case.arg("num_classes", 1), int):
        return 0, 0, n_classes
    found = re.search(r"for dimension (-?\d+) with size (\d+)", case.failure.message)
    if found is not None:
        return _axis_of(case, int(found[2]), int(found[1]))
    found = re.search(r"axis_dim=(\d+)", case.failure.message)
    dim = case.arg("dim", 1)
    return _axis_of(case, int(found[1]), dim if isinstance(dim, int) else 0) if found else None


def _axis_of(case: Case, size: int, axis: int) -> tuple[int, int, int] | None:
    """The axis of the first operand that has a size: the one that was named, if it has it."""
    places = [place for place, n in enumerate(case.shapes[0]) if n == size] if case.shapes else []
    if not places:
        return None
    return 0, axis if axis in places else places[0], size


def _is_index(tensor: Tensor) -> bool:
    return tensor.dtype in {"int64", "int32"}


def _range(case: Case) -> tuple[int | None, int | None]:
    found = case.failure.attrs.get(RANGE)
    if isinstance(found, list) and len(found) == 2 and all(isinstance(value, int) for value in found):
        return found[0], found[1]
    said = re.search(r"(?:[iI]ndex|Target) (-?\d+) is out of|id=(-?\d+)", case.failure.message)
    value = int(said[1] or said[2]) if said else None
    return value, value


def picked(case: Case) -> Finding | None:
    """``x.gather(1, index)``, ``x[mask]``: an index of as many axes, or a mask of the same sizes."""
    found = index(case) or _too_many(case)
    if found is not None or len(case.shapes) < 2:
        return found
    table, chosen = case.shapes[:2]
    if case.tensors[1].dtype == "bool" and case.op == "getitem":
        return _masked(case)
    if case.op not in {"gather", "scatter", "scatter_add", "take_along_dim"} or not table or not chosen:
        return None
    if len(table) != len(chosen):
        return Finding(
            say("{index} needs as many axes as {name}", index=case.named(1), name=case.named(0)),
            (case.applied(1, ".unsqueeze(-1)"),) if len(chosen) == len(table) - 1 else (),
            unequal_axes(len(chosen), len(table)),
        )
    return _larger(case)


def _larger(case: Case) -> Finding | None:
    """An index that is longer than what it points into, in another axis than the one it points along."""
    dim = case.arg("dim", 1)
    table, chosen = case.shapes[:2]
    for place, shape in enumerate(case.shapes):
        if place == 1 or len(shape) != len(chosen):
            continue
        for axis, (size, n) in enumerate(zip(chosen, shape, strict=True)):
            if size > n and (place > 1 or not isinstance(dim, int) or axis != dim % len(table)):
                return Finding(
                    say("axis {axis} of {index} is {size}; {name} has {n} there",
                        axis=axis, index=case.named(1), size=size, name=case.named(place), n=n),
                    (say("an index with at most {n} there", n=n),),
                    f"{size} > {n}",
                    {1: (axis,), place: (axis,)},
                )  # fmt: skip
    return None


def _masked(case: Case) -> Finding | None:
    table, mask = case.shapes[:2]
    axes = [axis for axis, (n, size) in enumerate(zip(table, mask, strict=False)) if n != size]
    if len(mask) > len(table) or not axes:
        return None
    axis = axes[0]
    return Finding(
        say("the mask {mask} has {size} in axis {axis}; {name} has {n} there",
            mask=written(mask), size=mask[axis], axis=axis, name=case.named(0), n=table[axis]),
        (say("a mask {shape}", shape=written(table[: len(mask)])),),
        unequal(table[axis], mask[axis]),
        {0: (axis,), 1: (axis,)},
    )  # fmt: skip


def _too_many(case: Case) -> Finding | None:
    """``x[0, 0, 0]`` of a matrix."""
    if "too many indices" not in case.failure.message or not case.shapes:
        return None
    return Finding(
        say("{name} has {n} axes; more were indexed", name=case.named(0), n=len(case.shapes[0])),
        (say("at most {n} indices", n=len(case.shapes[0])),),
        marks={0: tuple(range(len(case.shapes[0])))},
    )


def topk(case: Case) -> Finding | None:
    """``x.topk(9)`` of fewer."""
    k, dim = case.arg("k", 1), case.arg("dim", 2, -1)
    if not case.shapes or not case.shapes[0] or not isinstance(k, int) or not isinstance(dim, int):
        return None
    shape = case.shapes[0]
    axis = dim % len(shape)
    if k <= shape[axis]:
        return None
    return Finding(
        say("{k} of {n} cannot be chosen: axis {axis} of {name} is {n}", k=k, n=shape[axis], axis=axis,
            name=case.named(0)),
        (say("k of at most {n}", n=shape[axis]),),
        f"{k} > {shape[axis]}",
        {0: (axis,)},
    )  # fmt: skip
