"""Which item of one section belongs to which of another: equal ones first, then alike ones, by structure."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from shapetrace.outlining.structure import Operand, Section, Step

Item: TypeAlias = Step | Section
Pair: TypeAlias = tuple[Item | None, Item | None]

PRODUCTS = frozenset({"lookup", "product", "scores", "weighted_sum", "contraction", "convolution"})
"""Kinds of steps that multiply or look up: what two models that are the same have in common."""


def pairs(left: Sequence[Item], right: Sequence[Item]) -> Iterator[Pair]:
    """Put items side by side, in order.

    Equal signatures are matched first (longest runs, as in a diff of text); what lies between is matched by what
    it is (kind and title, then kind); the rest was removed or added.
    """
    yield from _matched(left, right, (signature, _likeness, _kind))


def _matched(left: Sequence[Item], right: Sequence[Item], keys: Sequence[Callable[[Item], Hashable]]) -> Iterator[Pair]:
    if not keys and (opened := _opened(left, right)) is not None:
        yield from pairs(*opened)
        return
    if not keys or not left or not right:
        yield from ((item, None) for item in left)
        yield from ((None, item) for item in right)
        return
    key, *coarser = keys
    matcher = SequenceMatcher(None, [key(item) for item in left], [key(item) for item in right], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(left[a:b], right[c:d], strict=True)
        else:
            yield from _matched(left[a:b], right[c:d], coarser)


def _opened(left: Sequence[Item], right: Sequence[Item]) -> tuple[list[Item], list[Item]] | None:
    """A module around steps that the other side has without one says nothing: open it. None if there is none."""
    sides = []
    for here, there in ((left, right), (right, left)):
        loose = any(isinstance(item, Step) for item in there)
        sides.append([part for item in here for part in (_parts(item) if loose else (item,))])
    changed = len(sides[0]) != len(left) or len(sides[1]) != len(right)
    return (sides[0], sides[1]) if changed else None


def _parts(item: Item) -> tuple[Item, ...]:
    return item.items if isinstance(item, Section) and item.repeat == 1 and len(item.items) > 1 else (item,)


def signature(item: Item) -> Hashable:
    """What an item computes, without names: shapes, and for a section what is in it."""
    if isinstance(item, Section):
        return (item.kind, item.repeat, tuple(signature(inner) for inner in item.items))
    return (item.kind, item.repeat, tuple(map(_shape, item.operands)), tuple(map(_shape, item.results)))


def _shape(operand: Operand) -> Hashable:
    return (operand.role, operand.shape, operand.stack, operand.transposed)


def _likeness(item: Item) -> Hashable:
    return (isinstance(item, Section), item.kind, item.title)


def _kind(item: Item) -> Hashable:
    return (isinstance(item, Section), item.kind if isinstance(item, Section) or item.kind in PRODUCTS else item.title)
