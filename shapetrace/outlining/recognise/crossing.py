"""Cross-attention: queries come from one stream, keys and values from another."""

from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention, operands_of
from shapetrace.outlining.recognise.columns import ATTENTION_INPUTS
from shapetrace.outlining.recognise.origins import kept_by
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.sections import Node, rebuilt

_MOST_VALUES = 400
_KEYS = frozenset({Role.KEY, Role.VALUE, Role.KEY_VALUE})


@dataclass(frozen=True, slots=True)
class Crossing:
    """Which attention crosses, and what it reads.

    Attributes:
        scores: Operations that multiply queries with keys of another stream.
        contexts: Values that such attentions alone read as keys and values: what encoders end in.
        asking: Inputs that they alone read as queries.
    """

    scores: frozenset[int]
    contexts: frozenset[int]
    asking: frozenset[int]


def crossing(
    flow: Flow,
    graph: Graph,
    attentions: tuple[Attention, ...],
    given_roles: Mapping[int, Role],
) -> Crossing:
    """Find cross-attention: rows of queries and keys are counted apart, and no stream gives both.

    Keys that were kept, to which this pass adds none, are of another stream too: a row of their own is what queries
    of their stream would see.
    """
    absorbed = [each.absorbed for each in attentions if each.absorbed is not None]
    latent = {flow.facts.products[product].op for each in absorbed for product in each.latents}
    making = {d.key for d in graph.drafts if d.kind == "product" and (d.role in ATTENTION_INPUTS or d.order in latent)}
    crossed = [attention for attention in attentions if _crosses(flow, graph, attention, making)]
    readers: dict[int, set[Role]] = defaultdict(set)
    for draft in graph.drafts:
        for operand in draft.operands:
            role = given_roles.get(draft.key, Role.OTHER) if draft.kind == "product" else Role.OTHER
            readers[operand.value].add(role)
    read = {
        part: {value for attention in crossed for value in _projected(flow, graph, attention, part, making)}
        for part in (Part.QUERY, Part.KEY)
    }
    return Crossing(
        frozenset(flow.facts.products[attention.scores].op for attention in crossed),
        frozenset(value for value in read[Part.KEY] if readers[value] <= _KEYS),
        frozenset(v for v in read[Part.QUERY] if readers[v] == {Role.QUERY} and _is_input(flow, v)),
    )


def _crosses(flow: Flow, graph: Graph, attention: Attention, making: Container[int]) -> bool:
    values = {part: value for part, value, _ in operands_of(flow, attention)}
    queries, keys = (_projected(flow, graph, attention, part, making) for part in (Part.QUERY, Part.KEY))
    if queries and not keys:
        return kept_by(
            flow, values[Part.KEY], {}
        ).is_kept  # made in an earlier pass, and this one adds no row of its own
    if not queries or not keys or not _rows_apart(flow, attention):
        return False
    return _streams(flow, graph, values[Part.QUERY]).isdisjoint(_streams(flow, graph, values[Part.KEY]))


def _projected(flow: Flow, graph: Graph, attention: Attention, part: Part, making: Container[int]) -> set[int]:
    """What the projections that make queries or keys, or a latent of these, read."""
    value = next((value for each, value, _ in operands_of(flow, attention) if each is part), None)
    sources = {} if value is None else flow.facts.sources.get(value, {})
    ops = {flow.facts.products[product].op for product in sources}
    return {draft.operands[0].value for draft in graph.drafts_of(ops) if draft.key in making}


def _rows_apart(flow: Flow, attention: Attention) -> bool:
    """Whether queries and keys are rows of different sequences: by atoms, not by size."""
    scores = flow.facts.products[attention.scores]
    rows = [{*flow.facts.atoms.leaves(axis)} for axis in (scores.m, scores.n)]
    queries, keys = reversed(rows) if attention.query_right else rows
    return bool(keys) and queries.isdisjoint(keys)


def _streams(flow: Flow, graph: Graph, value: int) -> set[int]:
    """The streams, inputs and tables that a value was made from: behind everything but what adds to a stream."""
    found: set[int] = set()
    seen: set[int] = set()
    stack = [flow.root(value)]
    while stack and len(seen) < _MOST_VALUES:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        maker = graph.maker(current)
        op = flow.op_of(current)
        if (maker is not None and maker.kind in ("residual", "lookup")) or op is None:
            if flow.is_data(current):
                found.add(current)
            continue
        stack += [flow.root(v) for v in op.inputs if flow.is_data(v) and flow.root(v) != current]
    return found


def _is_input(flow: Flow, value: int) -> bool:
    return flow.facts.tensor(value).origin == "input"


def sided_tree(tree: Node, crossing: Crossing) -> Node:
    """The blocks of an encoder and of a decoder, told: one attends across, the other makes what is attended to."""

    def change(node: Node) -> Node:
        scores = [draft for draft in node.own if draft.kind == "scores"]
        if len(scores) == 1 and not crossing.scores.isdisjoint(scores[0].ops):
            node = replace(node, crosses=True)
        makers = [i for i, item in enumerate(node.items) if _makes(item, crossing.contexts)]
        end = makers[-1] + 1 if makers else 0
        items: list[Draft | Node] = []
        for place, item in enumerate(node.items):
            if isinstance(item, Node) and item.kind == "block":
                if any(inner.crosses and inner.kind == "attention" for inner in item.nodes):
                    side: Literal["", "decoder"] = "" if _attends_to_itself(item, crossing.contexts) else "decoder"
                    item = replace(item, side=side)  # noqa: PLW2901
                elif place < end and not any(inner.kind == "block" for inner in item.nodes):
                    item = replace(item, side="encoder")  # noqa: PLW2901
            items.append(item)
        return replace(node, items=tuple(items))

    return rebuilt(tree, change)


def _attends_to_itself(block: Node, contexts: frozenset[int]) -> bool:
    """Whether a block makes what it attends to across: few rows ask all, and all ask the few."""
    drafts = list(block.drafts())
    made = {ref.value for draft in drafts for ref in draft.results} & contexts
    return any(ref.value in made for draft in drafts for ref in draft.operands)


def _makes(item: object, values: frozenset[int]) -> bool:
    drafts = item.own if isinstance(item, Node) else [item]
    return any(result.value in values for draft in drafts for result in draft.results)  # type: ignore[attr-defined]
