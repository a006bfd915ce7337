"""What a causal decoder can keep of each token: columns of projections that attention reads as keys and values."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from shapetrace.ir import Pattern
from shapetrace.ops.axis_rules import Cut
from shapetrace.ops.masks import rows
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.kept import Cache, CachedLayers
from shapetrace.outlining.recognise.attention import Attention, all_operands_of, operands_of
from shapetrace.outlining.recognise.caches import Append, behind
from shapetrace.outlining.recognise.carriers import carriers
from shapetrace.outlining.recognise.column_cuts import columns_of
from shapetrace.outlining.recognise.crossing import Crossing
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.sections import Node

_COMPRESSING = frozenset({Role.COMPRESS_KEY, Role.COMPRESS_VALUE})
_ORDER = (Part.LATENT_KEY_VALUE, Part.KEY, Part.VALUE)
_ADAPTING = frozenset({Role.ADAPTER_DOWN, Role.ADAPTER_UP})


@dataclass(frozen=True, slots=True)
class _Kept:
    """Some numbers that attention can read again later.

    Attributes:
        part: Keys, values, or a latent of both.
        source: The product whose columns they are; -1 - value for a value that no product made.
        cuts: Which of its columns.
        heads: Into how many heads they are cut.
        width: Columns of one head.
    """

    part: Part
    source: int
    cuts: frozenset[Cut]
    heads: int
    width: int

    def is_in(self, other: "_Kept") -> bool:
        """Whether another one, of the same product, holds the same numbers, or these and more."""
        return other.cuts <= self.cuts


def cache(keeper: "Keeper", attentions: tuple[Attention, ...], crossing: Crossing, folded: Node) -> Cache | None:
    """What all layers of a causal decoder keep of each token, if it can keep any."""
    flow = keeper.flow
    by_op = {flow.facts.products[each.scores].op: each for each in attentions}
    by_op = {op: each for op, each in by_op.items() if op not in crossing.scores}
    counts: Counter[CachedLayers] = Counter()
    taken: dict[int, list[_Kept]] = defaultdict(list)
    for layer in _layers(folded):
        found, beside = ([by_op[d.order] for d in drafts if d.order in by_op] for drafts in layer)
        counts.update(keeper.layer(found, beside, taken))
    groups = tuple(replace(group, n_layers=count) for group, count in counts.items())
    return Cache(groups, _itemsize(flow)) if groups else None


def _layers(node: Node, beside: Sequence[Draft] = ()) -> Iterator[tuple[list[Draft], Sequence[Draft]]]:
    """The scores of every layer, folded ones too, and those beside them in the section around.

    A layer is an innermost block, or an attention outside of blocks.
    """
    below = [each for child in node.nodes for each in child.sections(folded=True)]
    within = _scores(draft for each in (node, *below) for draft in each.own)
    if node.kind == "block" and all(each.kind != "block" for each in below):
        yield within, within
    else:
        yield _scores(node.own), beside or within
        for child in node.nodes:
            yield from _layers(child, within)
    for member in node.folded:
        yield from _layers(member, beside)


def _scores(drafts: Iterable[Draft]) -> list[Draft]:
    return [each for draft in drafts if draft.kind == "scores" for each in (draft, *draft.twins)]


@dataclass(frozen=True, slots=True)
class Keeper:
    """What single attentions can keep of each token."""

    flow: Flow
    graph: Graph
    appends: Mapping[int, Append]
    axis_roles: AxisRoles
    roles: Mapping[int, Role]

    def layer(
        self, found: Sequence[Attention], beside: Sequence[Attention], taken: dict[int, list[_Kept]]
    ) -> Iterator[CachedLayers]:
        """What the attentions of one layer keep that no other one keeps already; attention by attention where unlike.

        Where data chooses what one sees, a causal one beside it tells.
        """
        growing = [each for each in found if self._grows(each)]
        chosen = [each for each in found if each.mask.seen is None and self._is_chosen(each)]
        if not any(self._grows(each) for each in (beside if chosen else ())):
            chosen = []
        alike: dict[tuple[int | None, int], list[Attention]] = defaultdict(list)
        for each in dict.fromkeys((*growing, *chosen)):
            alike[_window(each.mask.seen), self._tokens_per_row(each)].append(each)
        for (window, tokens_per_row), members in sorted(alike.items(), key=_from_the_widest):
            kept = _apart([kept for each in members for kept in self._kept(each)], taken)
            parts: Counter[tuple[Part, int]] = Counter()
            for piece in sorted(kept, key=lambda piece: _ORDER.index(piece.part)):
                parts[piece.part, piece.width] += piece.heads
            latent = sum(heads * width for (part, width), heads in parts.items() if part is Part.LATENT_KEY_VALUE)
            heads = sum(map(self._query_heads, members))
            if parts:
                pairs = tuple((heads, width) for (_, width), heads in parts.items())
                yield CachedLayers(1, pairs, heads, latent, window, tokens_per_row)

    def _grows(self, attention: Attention) -> bool:
        """Whether keys and values of a token stay as they are for all later ones, which look back on them.

        Without a softmax or an activation what is kept is a state, not rows.
        """
        if attention.weighted is None or not (attention.fused or attention.weighing):
            return False
        seen = attention.mask.seen
        if seen is not None and (seen.causal or self._sees_past_blocks(attention, seen)):
            return True
        return any(self._appended(value) for part, value, _ in operands_of(self.flow, attention) if part in _ORDER)

    def _is_chosen(self, attention: Attention) -> bool:
        """Whether computed indices choose the keys or values, or a mask that nobody knows does."""
        if attention.mask.hides:
            return True
        flow = self.flow
        made = [op for part, v, _ in operands_of(flow, attention) if part in _ORDER for op, _ in behind(flow, v)]
        return any(
            flow.kinds[op.id] == "index" and any(flow.is_data(v) and not flow.is_floating(v) for v in op.inputs)
            for op in made
        )

    def _appended(self, value: int) -> list[bool]:
        """The appends behind keys or values: whether a product makes these from what is kept."""
        return [expanded for op, expanded in behind(self.flow, value) if op.id in self.appends]

    def _sees_past_blocks(self, attention: Attention, seen: Pattern) -> bool:
        """Whether keys are blocks of rows, and no row sees a block that ends after it."""
        per_row = self._tokens_per_row(attention)
        cells = rows(seen) if per_row > 1 else None
        return cells is not None and all(row.bit_length() * per_row <= i for i, row in enumerate(cells, 1))

    def _tokens_per_row(self, attention: Attention) -> int:
        made = [p for _, value, _ in operands_of(self.flow, attention) for p in self.flow.facts.sources.get(value, {})]
        if not any(self._roles_of(product) & _COMPRESSING for product in made):
            return 1
        scores, atoms = self.flow.facts.products[attention.scores], self.flow.facts.atoms
        queries, keys = (scores.n, scores.m) if attention.query_right else (scores.m, scores.n)
        return max(atoms.size(self.axis_roles.split(queries)[0]) // atoms.size(keys), 1)

    def _query_heads(self, attention: Attention) -> int:
        scores = self.flow.facts.products[attention.scores]
        among = self.axis_roles.split(scores.n if attention.query_right else scores.m)[1]
        return self.flow.facts.atoms.size((*self.axis_roles.heads_among(scores.batch), *among))

    def _roles_of(self, product: int) -> set[Role]:
        """What the steps that draw a product are for."""
        drafts = self.graph.drafts_of([self.flow.facts.products[product].op])
        return {self.roles.get(draft.key, Role.OTHER) for draft in drafts}

    def _kept(self, attention: Attention) -> Iterator[_Kept]:
        """What makes the keys and values of one attention: columns of products, or the latent that these read."""
        read = all_operands_of(self.flow, attention)
        made = {p for part, v, _ in read if part is Part.VALUE for p in self.flow.facts.sources.get(v, {})}
        absorbed = {product for product in made if Role.LATENT_DOWN in self._roles_of(product)}
        for part, value, reader in read:
            if part in _ORDER:
                appended = self._appended(value)
                plain = bool(appended) and not any(appended)
                for kept in self._columns(part, value, reader):
                    latents = [] if plain or kept.source < 0 else self._latents(kept.source)
                    is_latent = kept.source in absorbed and reader in (attention.scores, attention.weighted)
                    yield from latents or [replace(kept, part=Part.LATENT_KEY_VALUE) if is_latent else kept]

    def _columns(self, part: Part, value: int, reader: int) -> list[_Kept]:
        """The columns of products that keys or values are; these themselves where products do not account for them."""
        facts, read = self.flow.facts, self.flow.facts.products[reader]
        width = facts.atoms.size(read.k if part is Part.KEY else read.n)
        carrying, batch = carriers(self.flow, value), facts.atoms.flat(read.batch)
        found = [
            self._some(part, source, cuts, batch)
            for source, cuts in facts.sources.get(value, {}).items()
            if source in carrying and not self._roles_of(source) & _ADAPTING
        ]
        if sum(kept.width for kept in found) == width:
            return found
        root = self.flow.root(value)
        heads = self.axis_roles.heads_among(facts.axes_of(root))
        return [_Kept(part, -1 - root, frozenset(), facts.atoms.size(heads), width)]

    def _some(self, part: Part, source: int, cuts: frozenset[Cut], batch: Iterable[int]) -> _Kept:
        own, heads, width = columns_of(self.flow, source, cuts, frozenset(batch))
        return _Kept(part, source, own, heads, width)

    def _latents(self, product: int) -> list[_Kept]:
        """What a product of keys or values reads, if that is a latent of a product of its own."""
        left = self.flow.facts.products[product].left
        sources = {} if left is None else self.flow.facts.sources.get(left, {})
        return [
            self._some(Part.LATENT_KEY_VALUE, source, cuts, ())
            for source, cuts in sources.items()
            if Role.LATENT_DOWN in self._roles_of(source)
        ]


def _apart(found: Sequence[_Kept], taken: dict[int, list[_Kept]]) -> list[_Kept]:
    """What is in no other part; noted as taken."""
    apart = []
    for kept in sorted(found, key=lambda kept: len(kept.cuts)):  # the wider before those that are cut out of it
        if not any(map(kept.is_in, taken[kept.source])):
            taken[kept.source].append(kept)
            apart.append(kept)
    return apart


def _from_the_widest(group: tuple[tuple[int | None, int], list[Attention]]) -> tuple[bool, int]:
    """What reads all tokens, or more of them, keeps them for what reads fewer."""
    window = group[0][0]
    return window is not None, -(window or 0)


def _window(seen: Pattern | None) -> int | None:
    """Tokens that a row sees at most, itself included; None for all before it."""
    below = None if seen is None else seen.below
    if seen is None or below is None or below + (seen.step or 1) >= seen.size[1]:
        return None
    return below + 1


def _itemsize(flow: Flow) -> int:
    """Bytes of a number of most weights."""
    sizes: Counter[int] = Counter()
    for parameter in flow.trace.parameters:
        if not parameter.buffer and "float" in parameter.dtype:
            sizes[parameter.itemsize] += prod(parameter.shape)
    return max(sizes, key=lambda size: sizes[size], default=4)
