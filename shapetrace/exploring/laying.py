"""A number for each section and step of an outline: what a page calls them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shapetrace.outlining.structure import Outline, Section, Step


@dataclass(frozen=True, slots=True)
class Laid:
    """An outline whose parts have numbers.

    Attributes:
        outline: With the parts as they are numbered.
        sections: By number, outer before inner; None where only what stands beside it has one.
        steps: By number, in order; None in the same way.
        items: What is in each section: ``("s", 3)`` is section 3, ``("t", 12)`` is step 12.
        originals: What a step of some of several folded layers is called in the whole of them, by its id.
    """

    outline: Outline
    sections: Sequence[Section | None]
    steps: Sequence[Step | None]
    items: Sequence[Sequence[tuple[str, int]]]
    originals: Mapping[str, str] = field(default_factory=dict)

    def numbers(self) -> Mapping[int, int]:
        """The number of each section and each step, by `id`."""
        parts = (*enumerate(self.sections), *enumerate(self.steps))
        return {id(part): number for number, part in parts if part is not None}


def laid(outline: Outline) -> Laid:
    """Number all parts of an outline in the order of reading."""
    sections, steps = list(outline.root.sections()), list(outline.steps())
    numbers = {id(section): ("s", n) for n, section in enumerate(sections)}
    numbers |= {id(step): ("t", n) for n, step in enumerate(steps)}
    return Laid(outline, sections, steps, [[numbers[id(item)] for item in section.items] for section in sections])
