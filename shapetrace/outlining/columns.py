"""Tells a projection's columns apart: which are queries, keys and values, and how many heads they hold.

A head is a fact, not a pattern: an atom of a projection's columns that is a batch axis of a later
product of data with data.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shapetrace.ops.atoms import Axis
from shapetrace.ops.axis_rules import Cut
from shapetrace.outlining.attention import Attention, operands_of
from shapetrace.outlining.flow import Flow

TITLES = {"Q": "Query", "K": "Key", "V": "Value"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Some columns of one product.

    Attributes:
        letters: What they become: "Q", "K", "V", "KV"; "" if no attention reads them.
        heads: Number of heads in them.
        width: Columns of one head.
        start: First column, to order the pieces.
        attention: Position of the first attention that reads them, in the list of attentions; -1 if none does.
        cuts: The cuts that lead to them from all columns.
    """

    letters: str
    heads: int
    width: int
    start: int = 0
    attention: int = -1
    cuts: frozenset[Cut] = frozenset()

    @property
    def count(self) -> int:
        """All columns."""
        return self.heads * self.width


@dataclass(frozen=True, slots=True)
class _Claim:
    letter: str
    cuts: frozenset[Cut]
    batch: frozenset[int]
    attention: int


def split_columns(flow: Flow, attentions: Sequence[Attention]) -> dict[int, list[Columns]]:
    """For each product with weights: its columns by what becomes of them, in order of their place in memory."""
    claims: dict[int, list[_Claim]] = defaultdict(list)
    facts = flow.facts
    for position, attention in enumerate(attentions):
        for letter, value, product in operands_of(flow, attention):
            batch = frozenset(facts.atoms.flat(facts.products[product].batch))
            for source, cuts in facts.sources.get(value, {}).items():
                claims[source].append(_Claim(letter, cuts, batch, position))
    return {product: _pieces(flow, product, found) for product, found in claims.items()}


def _pieces(flow: Flow, product: int, claims: Sequence[_Claim]) -> list[Columns]:
    atoms = flow.facts.atoms
    whole = atoms.leaves(flow.facts.products[product].n)
    pieces: dict[frozenset[Cut], list[_Claim]] = defaultdict(list)
    for claim in claims:
        own = frozenset(cut for cut in claim.cuts if _is_within(flow, whole, cut))
        pieces[own].append(claim)
    found = sorted((_columns(flow, whole, cuts, same) for cuts, same in pieces.items()), key=lambda c: c.start)
    if sum(piece.count for piece in found) == atoms.size(whole):
        return _joined(found)
    first = claims[0]
    heads = atoms.size(tuple(leaf for leaf in whole if leaf in first.batch))
    mostly = 2 * sum(piece.count for piece in found) >= atoms.size(whole) and len(pieces) == 1
    return [Columns(first.letter if mostly else "", heads, atoms.size(whole) // heads, attention=first.attention)]


def _joined(pieces: Sequence[Columns]) -> list[Columns]:
    """Equal pieces next to each other (one head after the other, cut out in a loop) are heads of one piece."""
    joined: list[Columns] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last is not None and (last.letters, last.width) == (piece.letters, piece.width):
            joined[-1] = replace(last, heads=last.heads + piece.heads)
        else:
            joined.append(piece)
    return joined


def _is_within(flow: Flow, whole: Axis, cut: Cut) -> bool:
    return set(flow.facts.atoms.leaves(cut.whole)) <= set(whole)


def _columns(flow: Flow, whole: Axis, cuts: frozenset[Cut], claims: Sequence[_Claim]) -> Columns:
    atoms = flow.facts.atoms
    leaves, start = list(whole), 0
    for cut in cuts:
        gone = atoms.leaves(cut.whole)
        place = leaves.index(gone[0]) if gone and gone[0] in leaves else 0
        start += cut.start * atoms.size(tuple(leaf for leaf in leaves[place:] if leaf not in gone))
        leaves[place : place + 1] = [*atoms.leaves(cut.part), leaves[place]]
        leaves = [leaf for leaf in leaves if leaf not in gone]
    heads = atoms.size(tuple(leaf for leaf in leaves if leaf in claims[0].batch))
    letters = "".join(sorted({claim.letter for claim in claims}, key="QKV".index))
    width = atoms.size(tuple(leaves)) // heads
    return Columns(letters, heads, width, start, claims[0].attention, cuts)


def letter_of(flow: Flow, value: int, columns: Mapping[int, Sequence[Columns]]) -> str:
    """What a value is if it holds just one piece of a projection that gives several: "K" of keys and values."""
    sources = flow.facts.sources.get(value, {})
    if len(sources) != 1:
        return ""
    ((product, cuts),) = sources.items()
    pieces = columns.get(product, ())
    found = [piece.letters for piece in pieces if piece.cuts and piece.cuts <= cuts]
    return found[0] if len(pieces) > 1 and len(found) == 1 else ""
