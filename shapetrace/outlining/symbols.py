"""What every operand is, by following values through the steps: the stream and its number, queries, hidden columns.

A symbol here is a fact, not a text: `words` writes it.
"""

from collections.abc import Iterator, Mapping
from math import prod

from shapetrace.outlining.drafts import Draft, Graph, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.adjacency import adjacencies
from shapetrace.outlining.recognise.attention import Attention, all_operands_of
from shapetrace.outlining.recognise.carriers import convolved
from shapetrace.outlining.recognise.columns import ATTENTION_INPUTS
from shapetrace.outlining.recognise.crossing import Crossing
from shapetrace.outlining.recognise.losses import OF_CLASSES
from shapetrace.outlining.recognise.projections import latent_of
from shapetrace.outlining.recognise.streams import begin_streams
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.sections import Node
from shapetrace.outlining.symbol_rules import (
    NOTHING,
    POSITIONS,
    RESULTS,
    STREAM,
    TABLE,
    Symbol,
    next_in_stream,
    symbol_made,
    together,
    with_positions,
)  # fmt: skip

Place = tuple[int, bool, int]
"""An operand: key of its step, whether it is a result, its position."""

_RECKONING = frozenset({"pointwise", "product", "contraction", "convolution", "norm", "multiply", "add"})
"""Kinds of steps that compute with numbers, whatever these number."""

_EMBEDDING = frozenset({Role.POSITION, Role.ADD_EMBEDDINGS})
"""What sums of a stream and rows that say something of its rows are for."""


def symbols(
    flow: Flow,
    graph: Graph,
    attentions: tuple[Attention, ...],
    crossing: Crossing,
    folded: Node,
    roles: Mapping[int, Role],
) -> Mapping[Place, Symbol]:
    """What each operand of the folded tree is, in the order of reading; folded layers as the first of them."""
    following = _Following(flow, graph, roles)
    following.begins = begin_streams(graph)
    following.of |= {value: Symbol(Part.MIXING) for value in adjacencies(flow)}
    following.of |= _of_attention(flow, attentions)
    following.of |= {value: Symbol(Part.CONTEXT) for value in crossing.contexts}
    following.of |= {v: Symbol(STREAM, "B") for v in crossing.contexts if flow.facts.tensor(v).origin == "input"}
    following.of |= {value: Symbol(STREAM, "A") for value in crossing.asking}
    fixed = set(crossing.contexts | crossing.asking)
    for draft, twins in _in_step(folded, []):
        following.read(draft)
        for twin in twins:
            for place, (mine, other) in enumerate(zip(draft.results, twin.results, strict=False)):
                if other.value not in fixed and mine.value != other.value:
                    following.of[other.value] = following.found[draft.key, True, place]
    return following.found


def _of_attention(flow: Flow, attentions: tuple[Attention, ...]) -> dict[int, Symbol]:
    """What attention reads; nothing where two read the same as different things."""
    found: dict[int, Symbol] = {}
    for attention in attentions:
        latents = attention.absorbed.read if attention.absorbed else ()
        for part, value, _ in all_operands_of(flow, attention):
            root, symbol = flow.root(value), Symbol(Part.LATENT_KEY_VALUE if value in latents else part)
            if prod(flow.facts.tensor(value).shape) < prod(flow.facts.tensor(root).shape):
                symbol = NOTHING  # what some columns are, all of them are not
            found[root] = symbol if found.get(root, symbol) == symbol else NOTHING
    read = [(part, value) for attention in attentions for part, value, _ in all_operands_of(flow, attention)]
    return found | {value: together([*map(Symbol, parts)]) for value, parts in convolved(flow, read).items()}


def _in_step(node: Node, others: list[Node]) -> Iterator[tuple[Draft, list[Draft]]]:
    """Each draft of the first members with its twins in the folded ones, in the order of reading."""
    siblings = [*others, *node.folded, *(twin for other in others for twin in other.folded)]
    for index, item in enumerate(node.items):
        twins = [other.items[index] for other in siblings if index < len(other.items)]
        if isinstance(item, Draft):
            yield item, [*(twin for twin in twins if isinstance(twin, Draft)), *item.twins]
        else:
            yield from _in_step(item, [twin for twin in twins if isinstance(twin, Node)])


class _Following:
    """Follows values from step to step.

    Attributes:
        of: Symbol by value.
        found: Symbol by operand.
        begins: Lookups that the stream begins with; None where no residual tells.
    """

    def __init__(self, flow: Flow, graph: Graph, roles: Mapping[int, Role]) -> None:
        self.of: dict[int, Symbol] = {}
        self.found: dict[Place, Symbol] = {}
        self.begins: frozenset[int] | None = None
        self._flow = flow
        self._graph = graph
        self._roles = roles
        self._tables: dict[int, Symbol] = {}

    def read(self, draft: Draft) -> None:
        """Find out what the operands and results of one step are."""
        operands = [self._operand(draft, ref) for ref in draft.operands]
        if draft.kind == "lookup":
            operands[1] = self._table(draft)
        if draft.kind == "concat" and draft.also and len(operands) == 1:
            operands = [together([*operands, *(self.of.get(value, NOTHING) for value in draft.also)])]
        if draft.kind == "residual":
            operands = [Symbol(STREAM) if symbol.part is Part.WEIGHT else symbol for symbol in operands]
        elif draft.kind == "add" and self._adds_to_stream(draft, operands):
            found = list(map(self._looked_up, draft.operands, operands))
            operands = with_positions(draft, found, told=self._role(draft) is not Role.ADD_EMBEDDINGS)
        if draft.kind == "select" and self._picks_columns(draft):
            columns = Symbol(Part.TARGETS) if operands[0].part in (Part.LOGITS, Part.SHARES) else NOTHING
            operands = [columns if symbol.part is Part.IDS else symbol for symbol in operands]
        for place, symbol in enumerate(operands):
            self.found[draft.key, False, place] = symbol
        for place, ref in enumerate(draft.results):
            symbol = self._result(draft, ref, operands, place)
            self.found[draft.key, True, place] = symbol
            if draft.share[0] == draft.share[1] or not self._is_shared(ref.value):
                self.of[ref.value] = symbol

    def _is_shared(self, value: int) -> bool:
        """Whether pieces of a product share one value; queries, keys and values do."""
        return value < 0 or self._flow.root(value) == value

    def _role(self, draft: Draft) -> Role:
        return self._roles.get(draft.key, Role.OTHER)

    def _latent(self, draft: Draft) -> Part | None:
        return latent_of(self._graph, self._roles, draft) if self._role(draft) is Role.LATENT_DOWN else None

    def _operand(self, draft: Draft, ref: Ref) -> Symbol:
        if ref.origin == "weight" and draft.kind in ("product", "convolution") and ref is draft.weight:
            return Symbol(Part.WEIGHT, role=self._role(draft), latent=self._latent(draft) or Part.OTHER)
        if ref.part is not Part.OTHER:
            return Symbol(ref.part)
        known = self.of.get(ref.value)
        if known is not None:
            return NOTHING if known.part is Part.IDS and self._reckons(draft) else known
        if ref.origin == "weight":
            return self._weight(draft, ref)
        if ref.value < 0 or self._flow.facts.tensor(ref.value).origin != "input":
            return NOTHING
        if self._flow.is_floating(ref.value):
            symbol = Symbol(STREAM)
        elif self._flow.facts.tensor(ref.value).dtype == "bool":
            symbol = Symbol(Part.MASK)
        elif self._reckons(draft):
            return NOTHING
        else:
            symbol = Symbol(Part.IDS)
        self.of[ref.value] = symbol
        return symbol

    def _reckons(self, draft: Draft) -> bool:
        """Whether a step computes with whole numbers: times, weights of examples, lengths."""
        made = [ref.value for ref in draft.results if ref.value >= 0]
        return draft.kind in _RECKONING and any(map(self._flow.is_floating, made))

    def _weight(self, draft: Draft, ref: Ref) -> Symbol:
        """What weights are that a product does not multiply data with."""
        if self._role(draft) in ATTENTION_INPUTS:
            return Symbol(STREAM)  # learned rows that ask: latents
        if draft.kind == "product" and ref is draft.data and self._flow.facts.tensor(ref.value).origin != "parameter":
            return NOTHING  # made of weights, and multiplied with one
        return Symbol(Part.WEIGHT if len(ref.shape) > 1 else Part.BIAS)

    def _table(self, draft: Draft) -> Symbol:
        value, counts = draft.operands[1].value, self._role(draft) is Role.LOOKUP_POSITIONS
        return self._numbered(value, Symbol(POSITIONS) if counts else None)

    def _looked_up(self, ref: Ref, symbol: Symbol) -> Symbol:
        """Rows of a table that has none for each position are no positions: types of tokens."""
        op = self._flow.op_of(ref.value) if ref.origin == "weight" else None
        if op is None or self._flow.kinds[op.id] != "lookup" or self._flow.is_table(ref.value):
            return symbol
        return self._numbered(self._flow.root(self._flow.table_of(op)))

    def _numbered(self, table: int, known: Symbol | None = None) -> Symbol:
        """A table, with its number behind the first that the stream begins with."""
        firsts = [d.operands[1].value for d in self._graph.drafts if self.begins and d.key in self.begins]
        others = [each for each, what in self._tables.items() if what.part is TABLE and each not in firsts[:1]]
        number = str(len(others) + (2 if firsts else 1)) if table not in firsts[:1] and (firsts or self._tables) else ""
        self.of[table] = symbol = self._tables.setdefault(table, known or Symbol(TABLE, number))
        return symbol

    def _result(self, draft: Draft, ref: Ref, operands: list[Symbol], place: int) -> Symbol:
        if ref.part is not Part.OTHER:
            return Symbol(ref.part)
        told = self._by_role(draft, ref, place)
        if told is not None:
            return told
        known = self.of.get(ref.value, NOTHING)
        if known.part is not Part.OTHER:
            return known
        if draft.kind == "lookup":
            begins = operands[1] == Symbol(TABLE) if self.begins is None else draft.key in self.begins
            return Symbol(STREAM) if begins else operands[1]
        if draft.kind == "residual":
            return next_in_stream(operands[0], 1)
        if draft.kind == "add":
            return self._sum(draft, operands)
        if Symbol(Part.IDS) in operands and ref.value >= 0 and self._flow.is_floating(ref.value):
            operands = [NOTHING if symbol.part is Part.IDS else symbol for symbol in operands]
        kept = self._blanked(draft, ref)
        if kept is not None:
            return operands[kept]
        return symbol_made(draft, operands or [NOTHING])

    def _picks_columns(self, draft: Draft) -> bool:
        """Whether a number of each row is picked, by its place: how likely the right word is, how good an action."""
        return "gather" in {name.partition(".")[0] for name in self._flow.kernels(draft.ops)}

    def _blanked(self, draft: Draft, made: Ref) -> int | None:
        """The operand in which a step writes one number where masks say so: another rank's ids, scores left out."""
        if draft.kind not in ("route", "pointwise") or len(draft.operands) < 2:
            return None
        kinds = [self._flow.facts.tensor(ref.value).dtype if ref.value >= 0 else "" for ref in draft.operands]
        written = {place for place, dtype in enumerate(kinds) if dtype != "bool"}
        if draft.kind == "route":  # or where whole numbers do
            written = {0} if not any(map(self._is_number, draft.operands[1:])) else set()
        place = written.pop() if len(written) == 1 else None
        return place if place is not None and draft.operands[place].shape == made.shape else None

    def _is_number(self, ref: Ref) -> bool:
        return ref.value < 0 or self._flow.is_floating(ref.value)

    def _by_role(self, draft: Draft, ref: Ref, place: int) -> Symbol | None:
        """What a result is, where what its step is for tells."""
        role = self._role(draft)
        if role is Role.LATENT_DOWN:
            return Symbol(self._latent(draft) or Part.PRODUCT)
        if role is Role.CHOOSE_EXPERTS and ref.value >= 0 and self._flow.is_floating(ref.value):
            return Symbol(Part.EXPERT_WEIGHTS)
        if role is Role.HEAD and not self._scores_classes(draft):
            return Symbol(Part.PRODUCT)
        if place == 0 and role in RESULTS:
            return Symbol(RESULTS[role], self._which_experts(draft, role))
        return None

    def _scores_classes(self, draft: Draft) -> bool:
        """Whether the results of a head are turned into shares, or compared with numbers of classes."""
        after = self._graph.onward(draft.result.value, ("select", "softmax", "pointwise"))
        return any(each.kind == "softmax" or each.function in OF_CLASSES for each in after)

    def _which_experts(self, draft: Draft, role: Role) -> str:
        """Whether a result is that of routed experts, or of the shared ones, where the two are added."""
        if RESULTS[role] is not Part.FEED_FORWARD:
            return ""
        for sum_ in self._graph.readers(draft.result.value):
            makers = [self._graph.maker(ref.value) for ref in sum_.operands] if sum_.kind == "add" else []
            routed = [maker is not None and self._role(maker) is Role.COMBINE_EXPERTS for maker in makers]
            if len(makers) == 2 and sum(routed) == 1:
                return "routed" if role is Role.COMBINE_EXPERTS else "shared"
        return ""

    def _adds_to_stream(self, draft: Draft, operands: list[Symbol]) -> bool:
        """Whether a sum makes the stream: positions or other embeddings are added, no bias of one row or column."""
        if self._adds_one_row(draft):
            return False
        parts = {symbol.part for symbol in operands}
        embedded = {STREAM, POSITIONS} if self.begins is not None else {STREAM, TABLE, POSITIONS}
        return bool(parts & embedded) or self._role(draft) in _EMBEDDING

    def _adds_one_row(self, draft: Draft) -> bool:
        """Whether one row or column is added that is no position, not even that of a single token."""
        one = any(ref.origin != "data" and min(ref.shape, default=1) == 1 for ref in draft.operands)
        return one and self._role(draft) is not Role.POSITION

    def _beside_adapter(self, draft: Draft) -> int | None:
        """The operand of a sum to which an adapter is added."""
        makers = [self._graph.maker(ref.value) for ref in draft.operands]
        adds = [maker is not None and self._role(maker) is Role.ADAPTER_UP for maker in makers]
        return adds.index(False) if sum(adds) == len(adds) - 1 > 0 else None

    def _sum(self, draft: Draft, operands: list[Symbol]) -> Symbol:
        """M + M is M, Y + Y is Y; what positions or other embeddings are added to is the stream.

        What an adapter is added to stays what it is.
        """
        if self._adds_one_row(draft):
            return operands[0]
        if self._adds_to_stream(draft, operands):
            return next_in_stream(operands[0], 0)
        base = self._beside_adapter(draft)
        if base is not None:
            return operands[base]
        parts = {symbol.part for symbol in operands}
        return Symbol(parts.pop()) if len(parts) == 1 else NOTHING
