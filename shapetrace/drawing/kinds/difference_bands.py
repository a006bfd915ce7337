"""What a figure of differences shows, from top to bottom: heads of sections, steps that differ, runs of equal ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from shapetrace.comparing.structure import Change, Comparison


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
    """

    change: Change


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


def _run(titles: list[str]) -> Iterator[Band]:
    if titles:
        yield Equal(tuple(titles))
        titles.clear()
