"""Types that do not fit: half against float, ids that are no integers."""

import re

from shapetrace.failing.cases import Case, Finding, choices

_SAYS = re.compile(
    r"dtype|scalar type|same type|data type|type .{1,60} should be the same|not implemented for '", re.IGNORECASE
)
_INTEGERS = frozenset({"int64", "int32", "int16", "int8", "uint8", "bool"})
_IDS = frozenset({"embedding", "embedding_bag", "one_hot", "gather", "index_select"})


def dtypes(case: Case) -> Finding | None:
    """Operands of different types, if that is what the exception says."""
    if not _SAYS.search(case.failure.message) or not case.tensors:
        return None
    if case.op in _IDS:
        return _ids(case)
    floating = [i for i, tensor in enumerate(case.tensors) if tensor.dtype not in _INTEGERS]
    types = [tensor.dtype for tensor in case.tensors]
    if len(set(types)) < 2:
        return Finding(f"{case.op} does not work on {types[0]}", (), kind="dtype")
    first = 0
    other = next(i for i, dtype in enumerate(types) if dtype != types[first])
    model = next((i for i in (first, other) if case.tensors[i].role == "weight"), None)
    target = model if model is not None else floating[0] if floating else other
    moved = other if target == first else first
    name = case.tensors[target].dtype
    return Finding(
        f"{case.name(first)} is {types[first]}, {case.name(other)} is {types[other]}",
        choices(
            f"{case.name(moved)}.to(torch.{name})",
            f"the model in {types[moved]}: model.to(torch.{types[moved]})"
            if model is not None and moved in floating
            else "",
        ),
        f"{types[first]} ≠ {types[other]}",
        kind="dtype",
    )


def _ids(case: Case) -> Finding | None:
    tables = {"embedding", "embedding_bag"}
    places = [i for i, tensor in enumerate(case.tensors) if tensor.dtype not in {"int64", "int32"}]
    places = [i for i in places if not (case.op in tables and case.tensors[i].role == "weight")]
    if not places:
        return None
    return Finding(
        f"{case.named(places[0])} is {case.tensors[places[0]].dtype}; indices are int64",
        (f"{case.name(places[0])}.long(), if it holds ids; are the arguments in the right order?",),
        f"{case.tensors[places[0]].dtype} ≠ int64",
        kind="dtype",
    )
