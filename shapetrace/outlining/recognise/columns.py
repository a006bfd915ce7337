"""Tells a projection's columns apart: which are queries, keys and values, and how many heads they hold.

A head is a fact, not a pattern: an atom of a projection's columns that is a batch axis of a later
product of data with data.
"""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from shapetrace.ops.atoms import Axis
from shapetrace.ops.axis_rules import Cut
from shapetrace.ops.products import Product
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention, all_operands_of
from shapetrace.outlining.recognise.caches import Append
from shapetrace.outlining.recognise.carriers import carriers, way_of
from shapetrace.outlining.recognise.column_cuts import cut_out, heads_and_width, is_within, own_cuts
from shapetrace.outlining.recognise.recurrences import Recurrence
from shapetrace.outlining.recognise.states import State, featured
from shapetrace.outlining.roles import Part, Role

_Q, _K, _V = Part.QUERY, Part.KEY, Part.VALUE
_ROLES = {
    frozenset({_Q}): (Role.QUERY, _Q), frozenset({_K}): (Role.KEY, _K), frozenset({_V}): (Role.VALUE, _V),
    frozenset({_Q, _K}): (Role.QUERY_KEY, Part.QUERY_KEY), frozenset({_K, _V}): (Role.KEY_VALUE, Part.KEY_VALUE),
    frozenset({_Q, _K, _V}): (Role.QUERY_KEY_VALUE, Part.QUERY_KEY_VALUE),
}  # fmt: skip
ATTENTION_INPUTS = frozenset(role for role, _ in _ROLES.values())
"""Roles of the products that make queries, keys and values."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Some columns of one product.

    Attributes:
        parts: What they become: queries, keys, values, or several of them; none if no attention reads them.
        heads: Number of heads in them.
        width: Columns of one head.
        start: First column, to order the pieces.
        attention: Position of the first attention that reads them, in the list of attentions; -1 if none does.
        cuts: The cuts that lead to them from all columns.
        value: The tensor that they were cut out as, where no attention reads them and others of the product are read
            so; -1 for all others.
    """

    parts: frozenset[Part]
    heads: int
    width: int
    start: int = 0
    attention: int = -1
    cuts: frozenset[Cut] = frozenset()
    value: int = -1

    @property
    def count(self) -> int:
        """All columns."""
        return self.heads * self.width

    @property
    def role(self) -> Role:
        """What a product that makes these columns is for."""
        return _ROLES.get(self.parts, (Role.OTHER, Part.OTHER))[0]

    @property
    def part(self) -> Part:
        """What these columns are where they are read."""
        return _ROLES.get(self.parts, (Role.OTHER, Part.OTHER))[1]


@dataclass(frozen=True, slots=True)
class _Claim:
    part: Part
    cuts: frozenset[Cut]
    batch: frozenset[int]
    attention: int


class _Read(NamedTuple):
    """An operand of attention: its part, its value, its product, and whether rows were put to kept ones on its way."""

    part: Part
    value: int
    product: int
    is_grown: bool = False


def columns(
    flow: Flow, attentions: tuple[Attention, ...], states: Mapping[int, State], appends: Mapping[int, Append],
    recurrences: Mapping[int, Recurrence],
) -> Mapping[int, tuple[Columns, ...]]:  # fmt: skip
    """For each product with weights: its columns by what becomes of them, in order of their place in memory."""
    claims: dict[int, list[_Claim]] = defaultdict(list)
    alone: dict[int, list[_Claim]] = defaultdict(list)  # one projection multiplied with itself
    facts = flow.facts
    for position, attention in enumerate(attentions):
        taken = attention.absorbed
        read = [*all_operands_of(flow, attention), *([taken.query] if taken else [])]
        without = taken.products if taken else frozenset[int]()
        ways = [way_of(flow, value) for _, value, _ in read]
        made = [
            (part, {p: facts.sources.get(value, {}).get(p) for p in carrying})
            for (part, value, _), (carrying, _) in zip(read, ways, strict=True)
        ]
        itself = dict(reversed(made)).get(Part.QUERY) == dict(reversed(made)).get(Part.KEY)
        for (part, value, product), (carrying, between) in zip(read, ways, strict=True):
            target = alone if itself and part is not Part.VALUE else claims
            grown = not between.isdisjoint(appends)
            _claim(flow, target, position, _Read(part, value, product, grown), carrying - without)
    for position, state in states.items():
        read_by = facts.products[position]
        for part, factor in ((state.left, read_by.left), (state.right, read_by.right)):
            if part is not Part.STATE and factor is not None:
                asked = featured(flow, factor)
                _claim(flow, claims, -1, _Read(part, asked, position), carriers(flow, asked))
        batch = frozenset(facts.atoms.flat(facts.products[position].batch))
        for part, source in state.kept:
            claims[source].append(_Claim(part, frozenset(), batch, -1))
    for recurrence in recurrences.values():
        for part, source, cuts in recurrence.made_by:
            claims[source].append(_Claim(part, cuts, recurrence.batch, -1))
    for source, found in alone.items():
        claims.setdefault(source, found)
    rest = _cut_values(flow, claims)
    return {product: _pieces(flow, product, found, rest.get(product, {})) for product, found in claims.items()}


def _cut_values(flow: Flow, products: Container[int]) -> dict[int, dict[frozenset[Cut], int]]:
    """For each product the tensors that are some of its columns and nothing else, by the cuts that lead to them."""
    found: dict[int, dict[frozenset[Cut], int]] = defaultdict(dict)
    for value, sources in flow.facts.sources.items():
        for product, cuts in sources.items():
            made = flow.facts.products[product]
            if len(sources) == 1 and cuts and product in products and made.out is not None:
                own = own_cuts(flow, flow.facts.atoms.leaves(made.n), cuts)
                if own == cuts and flow.root(value) == flow.root(made.out):
                    found[product].setdefault(own, value)
    return found


def own_value(flow: Flow, columns: Mapping[int, Sequence[Columns]], value: int) -> int:
    """The value behind all edges, or the piece of a product that has a step of its own: a gate beside queries."""
    root, sources = flow.root(value), flow.facts.sources.get(value, {})
    if len(sources) != 1:
        return root
    ((product, cuts),) = sources.items()
    out = flow.facts.products[product].out
    pieces = columns.get(product, ()) if out is not None and flow.root(out) == root else ()
    return next((piece.value for piece in pieces if piece.value >= 0 and piece.cuts <= cuts), root)


def _claim(flow: Flow, claims: dict[int, list[_Claim]], attention: int, read: _Read, carrying: frozenset[int]) -> None:
    """Note which columns of which products an operand of attention has."""
    part, value = read.part, read.value
    product = flow.facts.products[read.product]
    batch = frozenset(flow.facts.atoms.flat(product.batch))
    if part is Part.QUERY and flow.is_over_columns(product):  # heads that share keys stand among the rows
        rows = product.m if value == product.left else product.n
        batch |= frozenset(flow.facts.atoms.leaves(rows)) & flow.columns
    for source, cuts in flow.facts.sources.get(value, {}).items():
        if source in carrying and not _weighs_rows(flow, source, read):
            known = part if _is_all_of(flow, source, cuts, (part, product)) else Part.OTHER
            claims[source].append(_Claim(known, cuts, batch, attention))


def _is_all_of(flow: Flow, source: int, cuts: frozenset[Cut], read: tuple[Part, Product]) -> bool:
    """Whether an operand that was not seen to be cut has as many columns as the product that made it.

    Columns that became another axis on the way, unseen, are some columns of that product, but nobody knows which.
    """
    atoms, made = flow.facts.atoms, flow.facts.products[source]
    part, product = read
    whole = atoms.leaves(made.n)
    if any(is_within(flow, whole, cut) for cut in cuts) or product.form != "matmul":
        return True
    rows = {*atoms.flat((*made.batch, made.m))}
    width = product.n if part is Part.VALUE else product.k
    among = [leaf for leaf in atoms.leaves(product.m) if leaf in flow.columns]
    heads = tuple(leaf for leaf in (*atoms.flat(product.batch), *among) if leaf not in rows)
    return atoms.size(heads) * atoms.size(width) >= atoms.size(whole)


def _weighs_rows(flow: Flow, source: int, operand: _Read) -> bool:
    """Whether a product is on the way to an operand without making its rows.

    All its columns count heads, or it has just one; or its rows are none of those that are summed over: each of
    several products gives one row. A pass over one row has no axis that counts rows; where it is put to rows kept
    before, it is one of those.
    """
    atoms, made = flow.facts.atoms, flow.facts.products[source]
    part, read = operand.part, flow.facts.products[operand.product]
    batch = set(atoms.flat(read.batch))
    is_value = part is Part.VALUE
    width = read.n if is_value and read.form != "scores" else read.k
    if set(atoms.leaves(made.n)) <= batch and atoms.size(width) > 1:
        return True
    rows = set(atoms.flat((*made.batch, made.m)))
    keys = set(atoms.leaves(read.k if is_value else read.n))
    stacked = bool(keys) and all(_is_stacked(flow, leaf) for leaf in keys)
    is_one = (bool(rows) or not operand.is_grown) and rows <= batch - keys
    return part in (Part.VALUE, Part.KEY) and is_one and stacked


def _is_stacked(flow: Flow, leaf: int) -> bool:
    """Whether an axis counts values that were put side by side one by one, no rows of one of them, none kept before."""
    return not any(flow.facts.atoms.joined.get(leaf, (True,)))


def _pieces(
    flow: Flow, product: int, claims: Sequence[_Claim], rest: Mapping[frozenset[Cut], int]
) -> tuple[Columns, ...]:
    atoms = flow.facts.atoms
    whole = atoms.leaves(flow.facts.products[product].n)
    if any(claim.part is Part.OTHER for claim in claims):
        return (Columns(frozenset(), 1, atoms.size(whole)),)
    pieces: dict[frozenset[Cut], list[_Claim]] = defaultdict(list)
    for claim in claims:
        own = own_cuts(flow, whole, claim.cuts)
        pieces[own].append(claim)
    found = sorted((_columns(flow, whole, cuts, same) for cuts, same in pieces.items()), key=lambda c: c.start)
    if sum(piece.count for piece in found) == atoms.size(whole):
        return _joined(found)
    beside = _with_rest(flow, whole, found, rest)
    if beside:
        return beside
    first = claims[0]
    heads = atoms.size(tuple(leaf for leaf in whole if leaf in first.batch))
    mostly = 2 * sum(piece.count for piece in found) > atoms.size(whole) and len(pieces) == 1
    return (
        Columns(
            frozenset({first.part}) if mostly else frozenset(),
            heads,
            atoms.size(whole) // heads,
            attention=first.attention,
        ),
    )


def _with_rest(
    flow: Flow, whole: Axis, pieces: Sequence[Columns], rest: Mapping[frozenset[Cut], int]
) -> tuple[Columns, ...]:
    """Queries, keys and values with the columns beside them, from the first to the last; () if that cannot be told."""
    if len({piece.parts for piece in pieces}) < 2:
        return ()
    total, found, end = flow.facts.atoms.size(whole), list[Columns](), 0
    others = [Columns(frozenset(), 1, flow.facts.atoms.size(tuple(leaves)), start, cuts=cuts, value=value)
              for cuts, value in rest.items() for leaves, start in [cut_out(flow, whole, cuts)]]  # fmt: skip
    while end < total:
        begins = [piece.start for piece in pieces if piece.start >= end]
        most = min(begins, default=total) - end
        here = [piece for piece in pieces if piece.start == end] or sorted(
            (other for other in others if other.start == end and other.count <= most), key=lambda other: -other.count
        )
        if not here:
            return ()
        found.append(here[0])
        end += here[0].count
    return tuple(found) if end == total and {*pieces} <= {*found} else ()


def _joined(pieces: Sequence[Columns]) -> tuple[Columns, ...]:
    """Equal pieces next to each other (one head after the other, cut out in a loop) are heads of one piece.

    So are pieces of each head next to each other: columns that rotate and columns that do not.
    """
    joined: list[Columns] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last is not None and (last.parts, last.width) == (piece.parts, piece.width):
            joined[-1] = replace(last, heads=last.heads + piece.heads)
        elif last is not None and _is_beside(last, piece):
            joined[-1] = replace(last, width=last.width + piece.width, cuts=last.cuts & piece.cuts)
        else:
            joined.append(piece)
    return tuple(joined)


def _is_beside(one: Columns, other: Columns) -> bool:
    """Whether columns of each head stand behind others of the same head that are the same."""
    ends, begins = (one.parts, one.heads, one.start + one.width), (other.parts, other.heads, other.start)
    return ends == begins and one.heads > 1


def _columns(flow: Flow, whole: Axis, cuts: frozenset[Cut], claims: Sequence[_Claim]) -> Columns:
    leaves, start = cut_out(flow, whole, cuts)
    heads, width = heads_and_width(flow, leaves, claims[0].batch)
    return Columns(frozenset(claim.part for claim in claims), heads, width, start, claims[0].attention, cuts)


def part_of(flow: Flow, columns: Mapping[int, Sequence[Columns]], value: int) -> Part:
    """What a value is if it holds just one piece of a projection that gives several: keys of keys and values."""
    sources = flow.facts.sources.get(value, {})
    if len(sources) != 1:
        return Part.OTHER
    ((product, cuts),) = sources.items()
    pieces = columns.get(product, ())
    found = [piece.part for piece in pieces if piece.cuts and piece.cuts <= cuts]
    return found[0] if len(pieces) > 1 and len(found) == 1 else Part.OTHER
