"""Masks that operations use, read by their values where these are known: on the CPU, and known values on meta."""

import ctypes
import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from shapetrace.capture.known_values import KnownValues, apart, value_of
from shapetrace.capture.plain import innermost
from shapetrace.capture.registry import Registry
from shapetrace.ir import Pattern, PatternKind
from shapetrace.ops.mask_kinds import pattern_of
from shapetrace.ops.mask_spans import MOST_CELLS
from shapetrace.ops.masks import spread, together

_SCALING = frozenset({"mul", "mul_", "imul", "rmul"})
_TAKING = frozenset({"sub", "sub_", "isub"})
_ADDING = frozenset({"add", "add_", "iadd", "radd", "rsub", "minimum", "fmin", *_TAKING})
"""Operations of which each operand of numbers may be a mask; truth values are one wherever they meet numbers."""

_PLACES = {"scaled_dot_product_attention": (3, "attn_mask"), "baddbmm": (0, "input"), "baddbmm_": (0, "input")}
"""Operations of which one operand may be: its position and name."""

_HIDES = -9e3
"""A float mask adds less than this to what it hides (-10,000 in bfloat16 is -9,984); distances (ALiBi) stay above."""

_HIDES_ALONE = -50.0
"""A mask of 0 and one other number hides below this: e⁻⁵⁰ of the weight is left."""

_MOST_ROWS = 1 << 14
"""Rows, of all examples and heads that differ, that are looked at one by one."""

_SAME_ALONG: Mapping[PatternKind, int] = {"columns": -2, "rows": -1}
"""Kinds of masks that are the same along one of the last two axes."""

_CELLS_AT_ONCE = 1 << 14
"""Too few for PyTorch to start threads, which takes longer than the work."""

_GATHER = 0x0102040810204080
"""Eight bytes of 0 and 1 as one number, times this, have their bits in the highest byte."""


def note_masks(
    registry: Registry, values: KnownValues | None, name: str, tensors: Sequence[torch.Tensor],
    args: Sequence[Any], kwargs: Mapping[str, Any],
) -> None:  # fmt: skip
    """Take down the patterns of the masks that an operation is about to use."""
    if len(tensors) < 2:
        return
    for wrapped in _candidates(tensors, name, args, kwargs):
        value, tensor = registry.read(wrapped), innermost(wrapped)
        if value in registry.examined:
            continue
        registry.examined.add(value)
        real = value_of(values, tensor)
        if real is None or not _may_mask(registry, value, tensors):
            continue
        turned = name in _TAKING and len(args) > 1 and wrapped is args[1]
        found = read(real if real.dim() > 1 else real[None], scales=name in _SCALING, turned=turned)
        if found is not None and (_hides(found) or _is_spread(registry, value, tensors)):
            registry.note_mask(value, found)


def _candidates(
    tensors: Sequence[torch.Tensor], name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Iterator[torch.Tensor]:
    """Operands that may be masks."""
    numbers = name in _ADDING or name in _SCALING
    truths = any(tensor.dtype is not torch.bool for tensor in tensors)
    place, key = _PLACES.get(name, (-1, ""))
    given = kwargs.get(key, args[place] if 0 <= place < len(args) else None) if key else None
    for tensor in tensors:
        may_be = (truths and tensor.dtype is torch.bool) or numbers or tensor is given
        if may_be and tensor.layout is torch.strided and not tensor.is_nested and _has_rows(tensor):
            yield tensor


def _has_rows(tensor: torch.Tensor) -> bool:
    """Whether rows and columns come last, also where vmap hides axes: all, in their order, or none of the two.

    Truth values along one axis are one row, which is the same for all.
    """
    wrapped = torch._C._functorch
    is_number, is_turned, in_order = tensor.dim() == 0, False, True
    while wrapped.is_functorch_wrapped_tensor(tensor):
        inner = wrapped.get_unwrapped(tensor)
        if wrapped.is_batchedtensor(tensor):
            hidden = wrapped.maybe_get_bdim(tensor)
            is_turned, in_order = is_turned or hidden > inner.dim() - 3, in_order and hidden == 0
        tensor = inner
    n_least = 1 if tensor.dtype is torch.bool and in_order else 2
    return tensor.dim() >= n_least and (in_order if is_number else not is_turned)


def _may_mask(registry: Registry, value: int, operands: Sequence[torch.Tensor]) -> bool:
    """Not what was computed from data and weights; and weights (a learned bias) only where they meet data."""
    role = registry.tensors[value].role
    if role == "weight":
        return any(registry.tensors[registry.read(other)].role == "data" for other in operands)
    return role != "data" or value not in registry.weighted


def _hides(pattern: Pattern) -> bool:
    return pattern.kind != "all" or not pattern.biased


def _is_spread(registry: Registry, value: int, operands: Sequence[torch.Tensor]) -> bool:
    """Whether a table of numbers is one for many: a bias, and not one of two streams."""
    given = registry.tensors[value]
    return given.role != "data" or math.prod(given.shape) < max(math.prod(other.shape) for other in operands)


def read(marks: torch.Tensor, *, scales: bool = False, turned: bool = False) -> Pattern | None:
    """What is on in a mask.

    Args:
        marks: (…, rows, columns) of truth values, of 0 and 1, or of floats: far below 0 where an added mask hides.
        scales: Whether it is multiplied with: numbers other than 0 and 1 are a mask where they fall off to 0.
        turned: Whether it is subtracted.

    Returns:
        None if it is no mask, or too large to look at.
    """
    with apart():
        held = marks[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in marks.stride())]
        n_rows, n_columns = marks.shape[-2:]
        if not 0 < held.numel() <= MOST_CELLS or n_rows * n_columns > MOST_CELLS or n_rows > _MOST_ROWS:
            return None
        chunks = held.reshape(-1, held.size(-1)).split(max(_CELLS_AT_ONCE // held.size(-1), 1))
        if turned and held.is_floating_point():
            chunks = tuple(-chunk for chunk in chunks)
        rule = _rule(chunks, scales)
        if rule is None:
            return None
        data, biased = _cells(chunks, rule)
        found = _pattern(data, held.shape, (n_rows, n_columns), biased=biased, factor=rule.factor)
        return replace(found, across=_across(held, found, scales=scales, turned=turned))


def _across(held: torch.Tensor, found: Pattern, *, scales: bool, turned: bool) -> Pattern | None:
    """What is on along the last two axes that a mask is not the same along, where these are not the last ones."""
    if found.differs and found.kind in _SAME_ALONG:
        held = held.narrow(_SAME_ALONG[found.kind], 0, 1)
    longer = [axis for axis in range(-held.dim(), 0) if held.size(axis) > 1]
    if len(longer) < 2 or longer[-2:] == [-2, -1]:
        return None
    rows, columns = longer[-2:]
    others = [axis for axis in range(-held.dim(), 0) if axis not in (rows, columns)]
    across = read(held.permute(*others, rows, columns), scales=scales, turned=turned)
    return None if across is None else replace(across, axes=(rows, columns), across=None)


@dataclass(frozen=True, slots=True)
class _Rule:
    """Which cells are on: those above a number, or all.

    Attributes:
        above: What is on is larger than this.
        most: The largest number there is; None for truth values.
        factor: Whether the mask is made to be multiplied with.
    """

    above: float = 0
    most: float | None = None
    factor: bool = False


def _rule(chunks: Sequence[torch.Tensor], scales: bool) -> _Rule | None:
    """What a mask means by its numbers; None if it is no mask."""
    kind = chunks[0].dtype
    if kind is torch.bool:
        return _Rule()
    if kind.is_complex or (kind.is_floating_point and kind.itemsize < 2):
        return None
    ends = [(low.item(), high.item()) for low, high in map(torch.aminmax, chunks)]
    least, most = min(low for low, _ in ends), max(high for _, high in ends)
    if any(low != low for low, _ in ends):  # noqa: PLR0124 - NaN
        return None
    if not kind.is_floating_point:
        return _Rule() if least >= 0 and most <= 1 else None
    if least <= _HIDES or (least <= _HIDES_ALONE and most == 0 and _has_only(chunks, least, most)):
        return _Rule(max(least, _HIDES), most)
    if least >= 0 and 0 < most <= 1 and _has_only(chunks, 0, 1):
        return _Rule(0, most, factor=True)
    if scales:
        falls_off = least == 0 < most <= 1 and all(bool((chunk != 0).any(-1).all()) for chunk in chunks)
        return _Rule(0, most, factor=True) if falls_off else None
    return _Rule(-math.inf, most)


def _has_only(chunks: Sequence[torch.Tensor], one: float, other: float) -> bool:
    return all(bool(((chunk == one) | (chunk == other)).all()) for chunk in chunks)


def _cells(chunks: Sequence[torch.Tensor], rule: _Rule) -> tuple[bytes, bool]:
    """Which cells are on, as bits, a row in whole bytes; and whether these have different values."""
    data, biased = [], False
    n_columns = chunks[0].size(-1)
    for chunk in chunks:
        on = chunk > rule.above if chunk.dtype is not torch.bool else chunk
        if rule.most is not None and not biased:
            biased = bool(torch.where(on, chunk, rule.most).min() != rule.most)
        padded = torch.zeros(chunk.size(0), -(-n_columns // 8) * 8, dtype=torch.bool)
        padded[:, :n_columns] = on
        packed = (padded.view(torch.int64) * _GATHER >> 56).to(torch.uint8)
        data.append(ctypes.string_at(packed.data_ptr(), packed.numel()))
    return b"".join(data), biased


def _pattern(data: bytes, held: Sequence[int], size: tuple[int, int], *, biased: bool, factor: bool) -> Pattern:
    """The pattern of all tables, each broadcast to a size."""
    n = len(data) // max(math.prod(held[:-2]), 1)
    each = [data[i : i + n] for i in range(0, len(data), n)]
    if len(set(each)) * held[-2] > _MOST_ROWS:
        return Pattern("other", size, differs=True, lead=tuple(held[:-2]))
    parts = [_table(table, (held[-2], held[-1]), size) for table in each]
    return together([replace(part, biased=biased, factor=factor) for part in parts], tuple(held[:-2]))


@functools.lru_cache(maxsize=64)
def _table(data: bytes, held: tuple[int, int], size: tuple[int, int]) -> Pattern:
    """The pattern of one table, broadcast to a size; the same cells are looked at once."""
    width = len(data) // held[0]
    rows = [int.from_bytes(data[i : i + width], "little") for i in range(0, len(data), width)]
    return pattern_of(spread(rows, held, size), size[1])
