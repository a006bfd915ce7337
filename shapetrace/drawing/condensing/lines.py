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
class Closed:
    """A section in one line: one that is equal to one above but for sizes perhaps, or one for which there is no room.

    Attributes:
        section: It.
        above: The one that is drawn, or said, and looks alike; None if there is none.
        leads: Norms before it.
        resized: Whether its matrices are of other sizes than those above.
        times: How often each section in it is repeated, and its like above; only where that differs.
    """

    section: Section
    above: Section | None = None
    leads: tuple[Step, ...] = ()
    resized: bool = False
    times: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """Where one of several parts of a model starts, or where one ends.

    Attributes:
        section: What starts; None where what follows belongs to no part.
    """

    section: Section | None


@dataclass(frozen=True, slots=True)
class Framed:
    """A section that is repeated.

    Attributes:
        section: It.
        lines: What is in it.
    """

    section: Section
    lines: tuple["Line", ...]


Line: TypeAlias = "Equation | Hung | Join | Closed | Head | Framed"


def every(lines: Iterable[Line]) -> Iterator[Line]:
    """All lines, those in frames too."""
    for line in lines:
        yield line
        if isinstance(line, Framed):
            yield from every(line.lines)
