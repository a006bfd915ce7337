"""What a figure of differences shows, from top to bottom: heads of sections, steps that differ, runs of equal ones."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from shapetrace.comparing.structure import Change, Comparison
from shapetrace.outlining.structure import Step

_MOST_ALIKE = 2


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a section in which something differs.

    Attributes:
        changes: The section and those around it, from outside to inside.
        again: Whether it has been told before: what was inside it came between.
    """

    changes: tuple[Change, ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Differing:
    """A step that differs.

    Attributes:
        change: It, with what stands opposite.
        alike: Steps of the same operand that differ in the same way, drawn with it.
        again: Steps elsewhere that are the same and differ in the same way, told by their names.
    """

    change: Change
    alike: tuple[Change, ...] = ()
    again: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Equal:
    """Steps that are the same on both sides, one after the other.

    Attributes:
        titles: Their titles.
    """

    titles: tuple[str, ...]


Band: TypeAlias = Head | Differing | Equal


def bands_of(comparison: Comparison, *, strict: bool) -> list[Band]:
    """The bands of a comparison; a section in which nothing differs is told among the equal steps."""
    bands: list[Band] = []
    told: tuple[Change, ...] = ()
    seen: list[Change] = []
    equal: list[str] = []
    for heads, change in comparison.listed_inside(strict=strict):
        if not change.differs:
            if not change.section:
                equal.append(change.left.title if change.left else "")
            continue
        bands += _run(equal)
        if heads and heads != told:
            bands.append(Head(heads, any(head is heads[-1] for head in seen)))
            seen.append(heads[-1])
        told = heads
        if not change.section:
            bands.append(Differing(change))
    return [*bands, *_run(equal)]


def once(bands: list[Band]) -> list[Band]:
    """Draw the same change once: with the step before that has the same operand, or told there by its name."""
    drawn: dict[Hashable, int] = {}
    done: list[Band] = []
    for band in bands:
        signature = _signature(band.change) if isinstance(band, Differing) else None
        if not isinstance(band, Differing) or signature is None:
            done.append(band)
            continue
        place = drawn.get(signature)
        before = done[place] if place is not None else None
        if place is None or not isinstance(before, Differing):
            drawn[signature] = len(done)
            done.append(band)
        elif place == len(done) - 1 and len(before.alike) < _MOST_ALIKE and _shares(before.change, band.change):
            done[place] = replace(before, alike=(*before.alike, band.change))
        else:
            done[place] = replace(before, again=(*before.again, band.change))
    return _filled(done)


def _signature(change: Change) -> Hashable:
    """Equal for steps that are the same on both sides; None for one that has a side only."""
    left, right = change.steps
    if left is None or right is None or change.left is None or change.right is None:
        return None
    kinds = tuple((step.kind, step.function) for step in (left, right))
    shown = tuple((side.equation, side.stack, side.parameters) for side in (change.left, change.right))
    return kinds, shown


def _shares(change: Change, other: Change) -> bool:
    """Whether products of both multiply the same value, on both sides."""
    pairs = list(zip(change.steps, other.steps, strict=True))
    return all(
        a is not None and b is not None and a.kind == b.kind == "product" and _first(a) == _first(b) for a, b in pairs
    )


def _first(step: Step) -> tuple[int, str]:
    return step.operands[0].value, step.operands[0].made_by


def _filled(bands: list[Band]) -> list[Band]:
    """Without heads that nothing follows any more; equal steps that now stand together are one line."""
    done: list[Band] = []
    for place, band in enumerate(bands):
        following = bands[place + 1] if place + 1 < len(bands) else None
        if isinstance(band, Head) and (following is None or isinstance(following, Head)):
            if band.changes[-1].differs and not band.again:
                done.append(band)
        elif isinstance(band, Equal) and done and isinstance(done[-1], Equal):
            done[-1] = Equal((*done[-1].titles, *band.titles))
        else:
            done.append(band)
    return done


def _run(titles: list[str]) -> Iterator[Band]:
    if titles:
        yield Equal(tuple(titles))
        titles.clear()
