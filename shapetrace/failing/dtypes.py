"""Types that do not fit: half against float, ids that are no integers, masks that are no booleans."""

import re

from shapetrace.failing.cases import Case, Finding, choices, unequal
from shapetrace.language import Text, say

_SAYS = re.compile(
    r"dtype|scalar type|same type|data type|to be bool|type .{1,60} should be the same|not implemented for '",
    re.IGNORECASE,
)
_INTEGERS = frozenset({"int64", "int32", "int16", "int8", "uint8", "bool"})
_IDS = frozenset({"embedding", "embedding_bag", "one_hot", "gather", "index_select", "scatter"})
_TABLES = frozenset({"embedding", "embedding_bag"})
_LABELS = frozenset({"cross_entropy_loss", "nll_loss", "nll_loss_nd"})
_MASKED = frozenset({"masked_fill", "masked_select", "where"})
_PLAIN = "{first} is {first_dtype}, {second} is {second_dtype}"


def dtypes(case: Case) -> Finding | None:
    """Operands of different types, if that is what the exception says."""
    if case.op in _TABLES and (found := _ids(case)) is not None:
        return found  # on meta another error comes first
    if not _SAYS.search(case.failure.message) or not case.tensors:
        return None
    for ops, rule in ((_IDS, _ids), (_LABELS, _labels), (_MASKED, _mask)):
        if case.op in ops and (found := rule(case)) is not None:
            return found
    types = [tensor.dtype for tensor in case.tensors]
    if len(set(types)) < 2 and "same" in case.failure.message:
        return None  # the types are not those of the operands
    if len(set(types)) < 2:
        return Finding(say("{op} does not work on {dtype}", op=case.op, dtype=types[0]), (), kind="dtype")
    floating = [i for i, dtype in enumerate(types) if dtype not in _INTEGERS]
    first = 0
    other = next(i for i, dtype in enumerate(types) if dtype != types[first])
    model = next((i for i in (first, other) if case.tensors[i].role == "weight"), None)
    target = model if model is not None else floating[0] if floating else other
    moved = other if target == first else first
    return Finding(
        say(_PLAIN, first=case.name(first), first_dtype=types[first], second=case.name(other),
            second_dtype=types[other]),
        choices(_cast(case, moved, types[target]), _model_in(types[moved], model is not None and moved in floating)),
        unequal(types[first], types[other]),
        kind="dtype",
    )  # fmt: skip


def _cast(case: Case, place: int, dtype: str) -> Text:
    return case.applied(place, f".to(torch.{dtype})")


def _model_in(dtype: str, wanted: bool) -> Text:
    return say("the model in {dtype}: model.to(torch.{dtype})", dtype=dtype) if wanted else ""


def _ids(case: Case) -> Finding | None:
    place = next((i for i, tensor in enumerate(case.tensors) if tensor.role != "weight"), 0)
    if case.op not in _TABLES:
        place = 0 if case.op == "one_hot" else 1
    if place >= len(case.tensors) or case.tensors[place].dtype in {"int64", "int32"}:
        return None
    dtype = case.tensors[place].dtype
    return Finding(
        say("{name} is {dtype}; indices are int64", name=case.named(place), dtype=dtype),
        (say("{call}, if it holds ids; are the arguments in the right order?", call=case.applied(place, ".long()")),),
        unequal(dtype, "int64"),
        kind="dtype",
    )


def _labels(case: Case) -> Finding | None:
    if len(case.tensors) < 2:
        return None
    dtype = case.tensors[1].dtype
    return Finding(
        say("{name} is {dtype}; numbers of classes are int64", name=case.named(1), dtype=dtype),
        (case.applied(1, ".long()"),),
        unequal(dtype, "int64"),
        kind="dtype",
    )


def _mask(case: Case) -> Finding | None:
    place = 0 if case.op == "where" else 1
    if len(case.tensors) <= place or case.tensors[place].dtype == "bool":
        return None
    dtype = case.tensors[place].dtype
    return Finding(
        say("{name} is {dtype}; a mask is bool", name=case.named(place), dtype=dtype),
        (say("{call}, which is True where the mask covers", call=case.applied(place, ".bool()")),),
        unequal(dtype, "bool"),
        kind="dtype",
    )
