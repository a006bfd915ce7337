"""Low-rank adapters: a narrow product and its way back, added to the projection beside them (LoRA: X W + X W_A W_B)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.roles import Role
from shapetrace.outlining.steps.collecting import Collected


@dataclass(frozen=True, slots=True)
class Adapters:
    """What was found.

    Attributes:
        roles: Roles of the two products of each adapter, by step.
        becomes: By the result of a projection: the value that it becomes once its adapters are added.
    """

    roles: Mapping[int, Role]
    becomes: Mapping[int, int]


def adapters(collected: Collected) -> Adapters:
    """The two products of each adapter, and what the projection beside them becomes."""
    graph = Graph(collected.drafts)
    roles: dict[int, Role] = {}
    becomes: dict[int, int] = {}
    for down in (draft for draft in graph.drafts if draft.kind == "product"):
        ups = graph.readers(down.result.value)
        if not _is_way_back(down, ups):
            continue
        sums = graph.readers(ups[0].result.value)
        if len(sums) != 1 or sums[0].kind != "add" or len(sums[0].operands) != 2:
            continue
        beside = [operand.value for operand in sums[0].operands if operand.value != ups[0].result.value]
        bases = [base for value in beside if (base := graph.maker(value)) is not None and base.kind == "product"]
        bases = [base for base in bases if base.operands[0].value == down.operands[0].value]
        if bases:
            roles[down.key] = Role.ADAPTER_DOWN
            roles |= {up.key: Role.ADAPTER_UP for up in ups}
            becomes |= {base.result.value: sums[0].result.value for base in bases}
    return Adapters(roles, becomes)


def _is_way_back(down: Draft, ups: Sequence[Draft]) -> bool:
    """Whether what reads a narrow product is one wider product and nothing else."""
    if not ups or len({up.order for up in ups}) > 1 or any(up.kind != "product" for up in ups):
        return False
    rank = down.result.columns
    wide = sum(up.result.columns * up.result.stack for up in ups)
    narrow = rank < min(down.operands[0].columns, wide)
    return narrow and all(up.operands[0].value == down.result.value for up in ups)
