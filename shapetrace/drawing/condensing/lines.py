"""What stands below each other in an overview: equations, small functions on one line, sums on the rail, frames."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from shapetrace.drawing.content.rows import Row
from shapetrace.outlining.structure import Operand, Section, Step


@dataclass(frozen=True, slots=True)
class Equation:
    """A row that is drawn to scale.

    Attributes:
        row: Its steps.
        lead: The norm that makes what it reads, if nothing else but products reads that.
    """

    row: Row
    lead: Step | None = None


@dataclass(frozen=True, slots=True)
class Hung:
    """Small functions, one after the other.

    Attributes:
        steps: They.
    """

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Data added to what was there.

    Attributes:
        step: The sum.
        norm: The norm through which the sum goes on, if it does as a whole.
        goes_on: Whether it adds to the sum before it, or to what came into the frame.
        is_last: Whether what a repeated frame gives to the next one is made here.
    """

    step: Step
    norm: Step | None = None
    goes_on: bool = False
    is_last: bool = False

    @property
    def made(self) -> Operand:
        """What goes on."""
        return (self.norm or self.step).results[0]


@dataclass(frozen=True, slots=True)
class Like:
    """A section that is equal to one above, but for sizes perhaps.

    Attributes:
        section: It.
        above: The one that is drawn.
        leads: Norms before it.
        resized: Whether its matrices are of other sizes.
    """

    section: Section
    above: Section
    leads: tuple[Step, ...] = ()
    resized: bool = False


@dataclass(frozen=True, slots=True)
class Framed:
    """A section that is repeated.

    Attributes:
        section: It.
        lines: What is in it.
    """

    section: Section
    lines: tuple["Line", ...]


Line: TypeAlias = "Equation | Hung | Join | Like | Framed"


def every(lines: Iterable[Line]) -> Iterator[Line]:
    """All lines, those in frames too."""
    for line in lines:
        yield line
        if isinstance(line, Framed):
            yield from every(line.lines)
