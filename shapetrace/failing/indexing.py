"""Numbers that point outside of a table: embedding, gather, indexing, class labels."""

import re

from shapetrace.failing.cases import Case, Finding, choices
from shapetrace.ir import Tensor

RANGE = "index_range"
"""Attribute of a failed operation: smallest and largest of its integers, where the recorder could look."""

_TABLES = {"embedding": "rows", "embedding_bag": "rows", "cross_entropy_loss": "classes", "nll_loss": "classes"}


def index(case: Case) -> Finding | None:
    """An index that is smaller than 0 or not smaller than the size of what it points into."""
    if "IndexError" not in case.failure.type and "out of" not in case.failure.message:
        return None
    table = _table(case)
    if table is None:
        return None
    where, axis, n_rows = table
    low, high = _range(case)
    worst = low if low is not None and low < 0 and (high is None or high < n_rows) else high
    got = f"an index is {worst}" if worst is not None else "an index is larger"
    what = _TABLES.get(case.op, f"entries in axis {axis}")
    return Finding(
        f"{case.name(where)} has {n_rows} {what}: 0 to {n_rows - 1} are allowed; {got}",
        choices(
            f"at least {high + 1} {what}" if high is not None and high >= n_rows else "",
            f"indices from 0 to {n_rows - 1}"
            + (": special tokens and padding count too" if case.op in _TABLES else ""),
        ),
        "" if worst is None else f"{worst} ≥ {n_rows}" if worst >= n_rows else f"{worst} < 0",
        {where: (axis,)},
        kind="index",
    )


def _table(case: Case) -> tuple[int, int, int] | None:
    """What is pointed into: operand, axis, size."""
    if case.op in {"embedding", "embedding_bag"}:
        places = [i for i, tensor in enumerate(case.tensors) if not _is_index(tensor) and len(tensor.shape) == 2]
        return (places[0], 0, case.shapes[places[0]][0]) if places else None
    if case.op in {"cross_entropy_loss", "nll_loss"} and case.shapes and len(case.shapes[0]) > 0:
        axis = min(1, len(case.shapes[0]) - 1)
        return 0, axis, case.shapes[0][axis]
    found = re.search(r"for dimension (-?\d+) with size (\d+)", case.failure.message)
    if found is None or not case.shapes:
        return None
    size = int(found[2])
    places = [axis for axis, n in enumerate(case.shapes[0]) if n == size]
    if not places:
        return None
    axis = int(found[1])
    return 0, axis if axis in places else places[0], size


def _is_index(tensor: Tensor) -> bool:
    return tensor.dtype in {"int64", "int32"}


def _range(case: Case) -> tuple[int | None, int | None]:
    found = case.failure.attrs.get(RANGE)
    if isinstance(found, list) and len(found) == 2 and all(isinstance(value, int) for value in found):
        return found[0], found[1]
    said = re.search(r"(?:index|Target) (-?\d+) is out of", case.failure.message)
    return (int(said[1]), int(said[1])) if said else (None, None)


def labels(case: Case) -> Finding | None:
    """``cross_entropy(logits, target)``: as many labels as rows."""
    if len(case.shapes) < 2:
        return None
    logits, target = case.shapes[:2]
    if len(logits) < 2 or not target or logits[0] == target[0]:
        return index(case)
    return Finding(
        f"{case.name(0)} has {logits[0]} rows, {case.name(1)} has {target[0]} labels",
        choices(
            f"{case.name(0)} with classes in axis 1: (batch, classes, …)" if len(logits) > 2 else "",
            "as many labels as rows",
        ),
        f"{logits[0]} ≠ {target[0]}",
        {0: (0,), 1: (0,)},
        (0, 1),
    )
