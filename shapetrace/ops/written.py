"""Kernels that write into a part of a tensor: along which of its axes, and which of its other axes they keep."""

from collections.abc import Iterator, Sequence

from shapetrace.ir import Kernel
from shapetrace.ops.atoms import Axes, Axis
from shapetrace.ops.registry import base_name

AT_INDICES = frozenset(
    {"scatter", "index_copy", "index_put", "_index_put_impl", "slice_scatter", "select_scatter", "index_add"}
)
"""Kernels that write at indices along one axis or more; the last operand is what they write."""

_BY_ROW = frozenset({"index_copy", "index_add"})
"""Those of one axis with an index for each row that is written."""


def writes(kernel: Kernel) -> bool:
    """Whether a kernel puts values in the place of those that a tensor had."""
    name = _name(kernel)
    return len(kernel.inputs) > 1 and (name == "copy" or name in AT_INDICES - {"index_add"})


def writes_at_indices(kernel: Kernel) -> bool:
    """Whether a kernel writes, or adds, at indices along one axis or more."""
    return _name(kernel) in AT_INDICES


def written_axes(kernel: Kernel, rank: int) -> tuple[int, ...]:
    """Positions of the axes along which a kernel writes at indices; all of them if it does not say."""
    if _name(kernel) in ("index_put", "_index_put_impl"):
        marks = kernel.args.get("indices")
        places = range(len(kernel.inputs) - 2) if not isinstance(marks, list) else range(len(marks))
        found = [place for place in places if not isinstance(marks, list) or marks[place] is not None]
    else:
        dim = kernel.args.get("dim", 0)
        found = [dim % rank] if isinstance(dim, int) and rank else []
    return tuple(place for place in found if place < rank)


def kept_axes(kernel: Kernel, operands: Sequence[Axes]) -> Iterator[tuple[Axis, Axis]]:
    """Axes of a tensor and of what is written that are one: the heads of a cache are those of the new keys.

    Rows that are written each have their index.
    """
    target, source = operands[0], operands[-1]
    dims = written_axes(kernel, len(target))
    if not dims:
        return
    rest = [axis for place, axis in enumerate(target) if place not in dims]
    first, last = dims[0], dims[-1]
    is_together = last - first + 1 == len(dims)
    behind = rest[first:] if is_together else rest
    yield from zip(reversed(behind), reversed(source), strict=False)
    if is_together and len(source) >= len(rest):
        yield from zip(rest[:first], source, strict=False)
    if _name(kernel) in _BY_ROW and len(operands) > 2 and len(operands[1]) == 1 and len(source) > first:
        yield operands[1][0], source[first]


def _name(kernel: Kernel) -> str:
    return base_name(kernel.name).rstrip("_")
