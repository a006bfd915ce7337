"""By which numbers a product weighs rows, where these are few: those of attention can be seen one by one."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch

from shapetrace.capture.known_values import apart
from shapetrace.capture.plain import innermost, is_readable
from shapetrace.capture.registry import Registry
from shapetrace.ir import MOST_WEIGHED, Weighed

__tracebackhide__ = True

_PRODUCTS = frozenset({"aten.mm.default", "aten.bmm.default"})
_FUSED = "scaled_dot_product_attention"
_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")
_MOST_KEPT = 64
_PLACES = 3
_NEAR = 1e-4
"""How far what is computed again may be from what a fused call gave; a few units of its precision may be more."""


def note_weights(registry: Registry, kernel: str, factors: Sequence[Any], result: Any) -> None:
    """Keep an operand of a product of data and data whose numbers lie between 0 and 1, if arithmetic made it.

    Not if chance had a part in it: the next pass would have others.

    (B, m, k) x (B, k, n) -> (B, m, n): an operand holds what rows of the other one are weighed by, if it is small. Of
    a stack the first matrix.
    """
    if kernel not in _PRODUCTS or not any(map(_is_small, factors)) or not all(map(_is_plain, factors)):
        return
    read = [registry.read(factor) for factor in factors]
    if any(registry.tensors[value].role != "data" for value in read) or not registry.by_chance.isdisjoint(read):
        return
    for side, factor in zip(_SIDES, factors, strict=True):
        if _is_small(factor):
            with apart():
                matrix = _first(factor)
            _keep(registry, result, matrix.T if side == "right" else matrix, side)


def note_attention(registry: Registry, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
    """Compute the weights of a fused attention again; they are kept if the call gave what they give."""
    if name != _FUSED or not isinstance(result, torch.Tensor):
        return
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
    given: dict[str, Any] = {**dict(zip(names, args, strict=False)), **kwargs}
    query, key, mask = given["query"], given["key"], given.get("attn_mask")
    if min(query.dim(), key.dim()) < 2 or max(query.shape[-2], key.shape[-2]) > MOST_WEIGHED:
        return
    operands = [query, key, given["value"], result, *([] if mask is None else [mask])]
    if not all(map(_is_plain, operands)) or not registry.by_chance.isdisjoint(map(registry.read, operands)):
        return
    with apart():
        first = [_first(operand) for operand in operands]
        weights = _weights(first, given.get("scale"), causal=bool(given.get("is_causal")))
        made = weights @ first[2].double()
        near = max(_NEAR, 8 * torch.finfo(result.dtype).eps) * float(made.abs().max())
        is_it = bool(((made - first[3].double()).abs() <= near).all())
    if is_it:
        _keep(registry, result, weights, "inside")


def _weights(first: Sequence[torch.Tensor], scale: float | None, *, causal: bool) -> torch.Tensor:
    """(T, d), (S, d) and a mask, (T, S) or less -> (T, S). A row that sees nothing weighs nothing."""
    query, key, *_ = (each.double() for each in first[:3])
    scores = query @ key.T * (query.shape[-1] ** -0.5 if scale is None else scale)
    hidden = torch.ones_like(scores, dtype=torch.bool).triu(1) if causal else torch.zeros_like(scores).bool()
    for mask in first[4:]:
        hidden = hidden | ~mask if mask.dtype is torch.bool else hidden
        scores = scores if mask.dtype is torch.bool else scores + mask
    return scores.masked_fill(hidden, -torch.inf).softmax(-1).nan_to_num(0.0)


def _first(stack: torch.Tensor) -> torch.Tensor:
    """The first matrix of a stack: the first head of the first example."""
    return stack[(0,) * (stack.dim() - 2)]


def _is_plain(value: Any) -> bool:
    is_own = isinstance(value, torch.Tensor) and innermost(value) is value
    return is_own and value.layout is torch.strided and is_readable(value) and value.numel() > 0


def _is_small(value: Any) -> bool:
    is_matrix = isinstance(value, torch.Tensor) and value.dim() > 1
    return is_matrix and max(value.shape[-2:]) <= MOST_WEIGHED and value.is_floating_point()


def _keep(registry: Registry, result: Any, matrix: torch.Tensor, by: Literal["left", "right", "inside"]) -> None:
    """Keep numbers from 0 to 1, to a few places."""
    if len(registry.weighed) >= _MOST_KEPT:
        return
    with apart():
        rows = matrix.tolist()
    if all(0 <= number <= 1 + 10**-_PLACES for row in rows for number in row):
        value = registry.read(result)
        kept = tuple(tuple(min(round(number, _PLACES), 1.0) for number in row) for row in rows)
        registry.weighed[value, by] = Weighed(value, kept, by)
