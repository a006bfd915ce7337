"""Which item of one section belongs to which of another: equal ones first, then alike ones, by structure."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TypeVar

from shapetrace.comparing.unfolding import Item, Layers, Pair, torn
from shapetrace.outlining.structure import Operand, Section, Step

T = TypeVar("T")

_ALONE = 1.0
"""What an item costs that has no partner in `cheapest`."""

PRODUCTS = frozenset({"lookup", "product", "scores", "weighted_sum", "contraction", "convolution"})
"""Kinds of steps that multiply or look up: what two models that are the same have in common."""


def pairs(left: Sequence[Item], right: Sequence[Item]) -> Iterator[Pair]:
    """Put items side by side, in order.

    Equal signatures are matched first (longest runs, as in a diff of text); what lies between is matched by what
    it is (kind, role and the parts of its results, then what it does to sizes, then kind); the rest was removed or
    added. Folded layers of which one was changed, inserted or taken out are matched layer by layer.
    """
    if apart := torn(left, right, alone):
        layers = Layers(left, right, lambda item: item.kind in apart)
        keys = {id(item): tuple(key(item) for key in _KEYS) for item in (*layers.left, *layers.right)}
        yield from layers.together(cheapest(layers.left, layers.right, lambda a, b: _cost(keys[id(a)], keys[id(b)])))
        return
    opened = _opened(left, right)
    if opened is not None and _n_equal(*opened) > _n_equal(left, right):
        left, right = opened
    yield from _matched(left, right, _KEYS)


def _cost(left: tuple[Hashable, ...], right: tuple[Hashable, ...]) -> float:
    """What it costs to put two items side by side: the less, the stricter the key they share."""
    shared = next((place for place, pair in enumerate(zip(left, right, strict=True)) if pair[0] == pair[1]), None)
    return 2.0 if shared is None else 0.4 * shared


def _n_equal(left: Sequence[Item], right: Sequence[Item]) -> int:
    """How many steps are in items that are equal on both sides."""
    matcher = SequenceMatcher(None, list(map(signature, left)), list(map(signature, right)), autojunk=False)
    return sum(
        sum(1 for _ in item.steps()) if isinstance(item, Section) else 1
        for place, _, n in matcher.get_matching_blocks()
        for item in left[place : place + n]
    )


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
        kept = {_likeness(item) for item in there}
        sides.append([part for item in here
                      for part in (_parts(item) if loose and _likeness(item) not in kept else (item,))])  # fmt: skip
    changed = len(sides[0]) != len(left) or len(sides[1]) != len(right)
    return (sides[0], sides[1]) if changed else None


def _parts(item: Item) -> tuple[Item, ...]:
    return item.items if isinstance(item, Section) and item.repeat == 1 and len(item.items) > 1 else (item,)


def signature(item: Item) -> Hashable:
    """What an item computes, without names: shapes, and for a section what is in it."""
    if isinstance(item, Section):
        return (item.kind, item.repeat, tuple(signature(inner) for inner in item.items))
    return (item.kind, _function(item), tuple(map(_shape, item.operands)), tuple(map(_shape, item.results)))


def _function(step: Step) -> str:
    """What a step that multiplies nothing computes: ReLU and GELU are two."""
    return "" if step.kind in PRODUCTS else step.function


def alone(item: Item) -> Hashable:
    """The same without how often it runs: what one layer computes."""
    return signature(replace(item, repeat=1)) if isinstance(item, Section) else signature(item)


def _shape(operand: Operand) -> Hashable:
    return (operand.role, operand.shape, operand.stack, operand.transposed)


def _likeness(item: Item) -> Hashable:
    if isinstance(item, Section):
        return (True, item.kind, item.module.rpartition(".")[2])
    return (False, item.kind, item.role, _function(item), tuple(result.part for result in item.results))


def _kind(item: Item) -> Hashable:
    if isinstance(item, Section) or item.kind in PRODUCTS:
        return (isinstance(item, Section), item.kind)
    return (False, item.kind, item.role, _function(item))


def _direction(item: Item) -> Hashable:
    """Whether a product makes rows longer, shorter, or neither: what ``Expand`` and ``Up`` have in common."""
    if isinstance(item, Section) or not item.inner or not item.operands or not item.results:
        return _kind(item)
    size, made = item.operands[0].shape[item.inner[0]], item.results[0].shape[-1]
    return (_kind(item), (size > made) - (size < made))


def _sort(item: Item) -> Hashable:
    """Norms beside norms, activations beside activations."""
    return item.kind if not isinstance(item, Section) and item.kind in {"norm", "activation"} else _kind(item)


_KEYS: tuple[Callable[[Item], Hashable], ...] = (signature, _likeness, _direction, _kind, _sort)
"""How items are matched, the strictest first."""


def cheapest(left: Sequence[T], right: Sequence[T], cost: Callable[[T, T], float]) -> list[tuple[T | None, T | None]]:
    """Align two sequences.

    Args:
        left: The one before.
        right: The one after.
        cost: What it costs to put two items side by side: 0 if they are equal; 2 or more never is.

    Returns:
        Pairs in order; None where an item has no partner.
    """
    best = [[_ALONE * j for j in range(len(right) + 1)]]
    for i, a in enumerate(left, start=1):
        row = [_ALONE * i]
        for j, b in enumerate(right, start=1):
            row.append(min(best[i - 1][j - 1] + cost(a, b), best[i - 1][j] + _ALONE, row[j - 1] + _ALONE))
        best.append(row)
    found: list[tuple[T | None, T | None]] = []
    i, j = len(left), len(right)
    while i or j:
        if i and j and best[i][j] == best[i - 1][j - 1] + cost(left[i - 1], right[j - 1]):
            i, j = i - 1, j - 1
            found.append((left[i], right[j]))
        elif i and best[i][j] == best[i - 1][j] + _ALONE:
            i -= 1
            found.append((left[i], None))
        else:
            j -= 1
            found.append((None, right[j]))
    return found[::-1]
