"""Folded layers taken apart, where one of them changed, and put together again where neighbours stay alike."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from shapetrace.outlining.structure import Section, Step

Item: TypeAlias = Step | Section
Pair: TypeAlias = tuple[Item | None, Item | None]


class Layers:
    """Items of both sides with some of their folded sections taken apart.

    Attributes:
        left: Items of the left, a section for each layer.
        right: The same of the right.
    """

    def __init__(self, left: Sequence[Item], right: Sequence[Item], chosen: Callable[[Item], bool]) -> None:
        self._origins: dict[int, tuple[Section, int]] = {}
        self.left = [unit for item in left for unit in self._units(item, chosen)]
        self.right = [unit for item in right for unit in self._units(item, chosen)]

    def _units(self, item: Item, chosen: Callable[[Item], bool]) -> Iterator[Item]:
        if not isinstance(item, Section) or not chosen(item):
            yield item
            return
        for place in range(item.repeat):
            unit = part(item, place, 1)
            self._origins[id(unit)] = item, place
            yield unit

    def together(self, pairs: Sequence[Pair]) -> Iterator[Pair]:
        """The same pairs; neighbours that were neighbours of one folded section on both sides are one again."""
        run: list[Pair] = []
        for pair in pairs:
            if run and not self._follows(run[-1], pair):
                yield self._folded(run)
                run = []
            run.append(pair)
        if run:
            yield self._folded(run)

    def _follows(self, before: Pair, after: Pair) -> bool:
        places = [(self._place(a), self._place(b)) for a, b in zip(before, after, strict=True)]
        if all(a is None and b is None for a, b in places):
            return False
        return all(_next(a, b) and (x is None) == (y is None)
                   for (a, b), x, y in zip(places, before, after, strict=True))  # fmt: skip

    def _place(self, item: Item | None) -> tuple[Section, int] | None:
        return self._origins.get(id(item)) if item is not None else None

    def _folded(self, run: Sequence[Pair]) -> Pair:
        first = run[0]
        return self._of(first[0], len(run)), self._of(first[1], len(run))

    def _of(self, item: Item | None, n: int) -> Item | None:
        place = self._place(item)
        return part(*place, n) if place else item


def _next(before: tuple[Section, int] | None, after: tuple[Section, int] | None) -> bool:
    if before is None or after is None:
        return before is after
    return before[0] is after[0] and after[1] == before[1] + 1


def part(section: Section, first: int, n: int) -> Section:
    """Some members of a folded section, as the section of these, with their own paths."""
    renamed = _renamed(section, section.path, section.members[first], section.repeat, n)
    return replace(renamed, repeat=n, members=section.members[first : first + n])


def _renamed(section: Section, old: str, new: str, before: int, n: int) -> Section:
    items = tuple(
        _renamed(item, old, new, before, n)
        if isinstance(item, Section)
        else replace(_repeated(item, max(item.repeat // before, 1) * n), id=moved(item.id, old, new),
                     section=moved(item.section, old, new), path=moved(item.path, old, new))
        for item in section.items
    )  # fmt: skip
    return replace(
        section, path=moved(section.path, old, new), items=items,
        members=tuple(moved(member, old, new) for member in section.members),
    )  # fmt: skip


def _repeated(step: Step, n: int) -> Step:
    """A step for another number of its layers; those that share weights in the whole share them in the part."""
    return replace(step, repeat=n, shared_parameters=max(step.parameters * n - step.parameters_in_all, 0))


def moved(path: str, old: str, new: str) -> str:
    """A path, or the id of a step, in another layer: ``h.0.attn/query`` is ``h.3.attn/query``; else as it is."""
    bare, marked = path.lstrip("<"), path.startswith("<")
    if bare == old or bare.startswith((f"{old}.", f"{old}/")):
        return ("<" if marked else "") + new + bare[len(old) :]
    return path


def torn(left: Sequence[Item], right: Sequence[Item], alone: Callable[[Item], Hashable]) -> set[str]:
    """Kinds of sections that are folded otherwise on the two sides, and have a layer in common.

    Args:
        left: Items of the left.
        right: Items of the right.
        alone: What one layer of a section computes.
    """
    sides = [[item for item in items if isinstance(item, Section)] for items in (left, right)]
    found: set[str] = set()
    for kind in {item.kind for side in sides for item in side}:
        mine = [[item for item in side if item.kind == kind] for side in sides]
        folded = any(item.repeat > 1 for side in mine for item in side)
        whole = all(len(item.members) == item.repeat for side in mine for item in side)
        common = {alone(item) for item in mine[0]} & {alone(item) for item in mine[1]}
        if folded and whole and common and len(mine[0]) != len(mine[1]):
            found.add(kind)
    return found
