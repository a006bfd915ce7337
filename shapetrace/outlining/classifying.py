"""What sections hold: attention, an MLP, experts, a block of them; from roles and kinds, never from names."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shapetrace.outlining.recognise.columns import ATTENTION_INPUTS
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import SectionKind

if TYPE_CHECKING:
    from shapetrace.outlining.sections import Node

OPENING = frozenset({Role.GATE, Role.UP, Role.EXPAND, Role.GATE_UP})
CLOSING = frozenset({Role.DOWN, Role.SHRINK})
ENDS = frozenset({Role.UNEMBED, Role.HEAD})
_ATTENDING = frozenset({Role.STATE, Role.READ_STATE, Role.SCORES})
_CHOOSING = frozenset({Role.ROUTER, Role.CHOOSE_EXPERTS, Role.DISPATCH, Role.COMBINE_EXPERTS})


def kind_of(node: "Node", roles: Mapping[int, Role]) -> SectionKind:
    """What a section holds, from its own steps and from the kinds of the sections in it."""
    if node.kind in ("model", "unembedding") or node.is_group:
        return node.kind
    return held(node, roles)


def held(node: "Node", roles: Mapping[int, Role]) -> SectionKind:
    """What a section holds, whatever it was called before: also steps that were put together."""
    own = {roles.get(draft.key, Role.OTHER) for draft in node.own}
    kinds = {draft.kind for draft in node.own}
    inner = {child.kind for child in node.nodes}
    if _attends(node, own, roles):
        feeds = own & OPENING or ("residual" in kinds and inner & {"mlp", "experts"})
        return "block" if feeds else "attention"
    if own & _ATTENDING and "residual" in kinds:
        return "block"
    chooses = own & _CHOOSING or any(draft.chosen for draft in node.own)
    if inner & {"attention", "mlp", "experts", "block"}:
        only_copies = "residual" in kinds and not own & (_CHOOSING - {Role.DISPATCH})  # rows, for experts below
        is_block = only_copies or "attention" in inner or not (chooses or "experts" in inner)
        return "block" if is_block else "experts"
    if chooses:
        return "experts"
    stacked = any(operand.stack > 1 for d in node.own if d.kind == "product" for operand in d.operands)
    looks_up = "lookup" in kinds and (Role.LOOKUP in own) <= ("product" not in kinds)  # codes are found by products
    if looks_up and not stacked and not own & ENDS:
        return "embedding"
    if own & ENDS:
        return "other" if "lookup" in kinds else "unembedding"
    if own & (OPENING | CLOSING) and "contraction" not in kinds:
        return "block" if node.nodes and "residual" in kinds else "mlp"  # beside what nobody recognised
    return "other"


def _attends(node: "Node", own: set[Role], roles: Mapping[int, Role]) -> bool:
    """Whether rows look at rows: by a softmax; or without one, where queries, keys or values are made for it.

    A state-space model that is computed as a product of scores makes none of the three.
    """
    if not own & _ATTENDING:
        return False
    within = own if Role.ATTENTION_WEIGHTS in own else {roles.get(draft.key) for draft in node.drafts()}
    return Role.ATTENTION_WEIGHTS in own or not within.isdisjoint(ATTENTION_INPUTS)
