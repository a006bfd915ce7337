"""Bytes: of the parameters that a step owns, and of the values that its operations make."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from shapetrace.ir import Op
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.flow import Flow

if TYPE_CHECKING:
    from shapetrace.outlining.accounts import Accounts

ITEMSIZE = {"float64": 8, "int64": 8, "complex64": 8, "complex128": 16, "float32": 4, "int32": 4, "bfloat16": 2,
             "float16": 2, "int16": 2}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of each draft, by its key.

    Attributes:
        weights: Of the parameters that are its own.
        activations: Of the data that its operations make; what one operation makes for several steps is divided.
    """

    weights: Mapping[int, int]
    activations: Mapping[int, int]


def memory(flow: Flow, accounts: "Accounts", drafts: tuple[Draft, ...]) -> Memory:
    """Bytes of each step's own parameters, and of the values that its operations make."""
    every = [each for draft in drafts for each in (draft, *draft.twins)]
    sizes, made = activation_sizes(flow), defaultdict[int, int](int)
    fused: dict[tuple[int, int], list[Draft]] = defaultdict(list)
    for draft in every:
        fused[draft.order, draft.share[1]].append(draft)
    for draft in every:
        among = fused[draft.order, draft.share[1]] if draft.share[1] > draft.share[0] else [draft]
        n_bytes = sum(sizes.pop(value, 0) for op in draft.ops for value in flow.trace.ops[op].outputs)
        for each, part in zip(among, _divided(n_bytes, [each.share[0] for each in among]), strict=True):
            made[each.key] += part
    return Memory({draft.key: accounts.owned_bytes(draft) for draft in every}, made)


def _divided(n: int, shares: list[int]) -> Iterable[int]:
    """A number in parts that add up to it."""
    whole, before, given = sum(shares), 0, 0
    for share in shares:
        before += share
        yield n * before // whole - given
        given = n * before // whole


def activation_sizes(flow: Flow) -> dict[int, int]:
    """Bytes of each value that the pass makes: data that is no view of other data."""
    made = {v for op in flow.trace.ops if not flow.edges[op.id] and not _chooses_weights(flow, op) for v in op.outputs}
    tensors = {value: flow.facts.tensor(value) for value in sorted(made)}
    return {
        value: prod(tensor.shape) * ITEMSIZE.get(tensor.dtype, 1)
        for value, tensor in tensors.items()
        if tensor.role == "data" and tensor.origin != "input" and tensor.alias_of is None
    }


def _chooses_weights(flow: Flow, op: Op) -> bool:
    """Whether an operation copies matrices out of a stack of weights: no activation."""
    kind = flow.kinds[op.id]
    return kind == "index" and bool(op.inputs) and flow.facts.tensor(op.inputs[0]).role == "weight"
