"""What differs between two outlines: rows side by side, and the sums above them."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from shapetrace.errors import UsageError
from shapetrace.ir import Plain
from shapetrace.outlining.structure import Section, Step

Aspect = Literal["products", "steps", "names", "kernels"]
"""products: shapes of products and lookups, how often they run, parameters. steps: everything else that runs.
names: module paths, and what steps are for. kernels: what PyTorch executed."""

ASPECTS: tuple[Aspect, ...] = ("products", "steps", "names", "kernels")

IGNORABLE = tuple(aspect for aspect in ASPECTS if aspect != "products")
"""Products always count: they are what a trace is kept for."""

USUALLY = ("kernels",)
"""What is ignored if nothing is said: kernels change with the device and with versions of torch."""

Status = Literal["same", "changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a row.

    Attributes:
        title: ``Query``, ``Block``.
        path: Its path in the outline.
        equation: Shapes; empty for a section.
        stack: Number of equal matrices.
        repeat: Number of layers it stands for.
        parameters: Of one layer; of all together where the layers of the two sides share weights otherwise.
        flops: Of one layer; None if not counted.
        place: Module path; empty for a section that no module makes.
    """

    title: str
    path: str
    equation: str = ""
    stack: int = 1
    repeat: int = 1
    parameters: int = 0
    flops: int | None = None
    place: str = ""

    @property
    def times(self) -> str:
        """``×12`` of a section that stands for 12 layers; empty for one, and for a step, whose section says it."""
        return f" ×{self.repeat}" if not self.equation and self.repeat > 1 else ""


@dataclass(frozen=True, slots=True)
class Change:
    """A step or section of the left with its partner on the right.

    Attributes:
        status: Whether it has one, and is as that one.
        depth: How many sections it is in.
        section: True for the head of a section.
        left: What the left has; None if it was added.
        right: What the right has; None if it was removed.
        aspects: In what they differ.
        notes: The differences in words: ``repeat 12 → 24``.
        steps: The steps themselves; None for a section, and where there is none.
        inside: Whether it is in a section that was added or removed as a whole.
        sections: The sections themselves, or the parts of them that belong together; None for a step.
    """

    status: Status
    depth: int
    section: bool
    left: Side | None
    right: Side | None
    aspects: tuple[Aspect, ...] = ()
    notes: tuple[str, ...] = ()
    steps: tuple[Step | None, Step | None] = (None, None)
    inside: bool = False
    sections: tuple[Section | None, Section | None] = (None, None)

    @property
    def differs(self) -> bool:
        """Whether it is listed: names and kernels alone are told in one line."""
        return self.status in {"added", "removed"} or bool({"products", "steps"} & set(self.aspects))

    @property
    def follows(self) -> bool:
        """Whether it multiplies nothing, and differs because other things do.

        That is the same step for other shapes, or a part of a section that was added or removed.
        """
        if self.section or self.aspects[:1] != ("steps",):
            return False
        return self.inside or (self.status == "changed" and "kind" not in self.notes)


class Quantity(StrEnum):
    """What a total counts; the value is its name for people."""

    PARAMETERS = "parameters"
    FLOPS = "FLOPs in products"
    BUFFERS = "buffers"
    ACTIVATION_BYTES = "activation bytes"
    OPERATIONS = "operations"


@dataclass(frozen=True, slots=True)
class Total:
    """One number of both sides.

    Attributes:
        of: What it counts.
        left: On the left.
        right: On the right.
    """

    of: Quantity
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two outlines, aligned.

    Attributes:
        left: Name of the left model.
        right: Name of the right model.
        totals: Numbers of both.
        changes: All rows, equal ones too, in order.
        n_products: Products and lookups that are equal on both sides.
        settings: Settings of the models that both have and that differ: (name, left, right).
        running: Of each side, the axes that are as long as what its pass was given.
    """

    left: str
    right: str
    totals: tuple[Total, ...]
    changes: tuple[Change, ...]
    n_products: int
    settings: tuple[tuple[str, Plain, Plain], ...] = ()
    running: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())

    def differs(self, ignore: Collection[str] = ("kernels",)) -> bool:
        """Whether anything differs that is not ignored."""
        if self.parameters_differ and "products" not in ignore:
            return True
        return any(aspect not in ignore for change in self.changes for aspect in change.aspects)

    @property
    def parameters_differ(self) -> bool:
        """Whether one model has more parameters, all counted once, also those that the pass never read."""
        return any(total.left != total.right for total in self.totals if total.of is Quantity.PARAMETERS)

    @property
    def products_equal(self) -> bool:
        """Whether all products have equal shapes, run equally often and have equal parameters."""
        return not self.differs({"steps", "names", "kernels"})

    def listed(self, *, strict: bool) -> tuple[Change, ...]:
        """All rows, or all without the steps whose shapes follow from those of products that differ."""
        follows = not strict and not self.products_equal
        return tuple(change for change in self.changes if not (follows and change.follows))

    def listed_inside(self, *, strict: bool) -> Iterator[tuple[tuple[Change, ...], Change]]:
        """The same rows, each after the sections that it is in, the outermost first; a section is in itself."""
        heads: list[Change] = []
        for change in self.listed(strict=strict):
            del heads[change.depth :]
            if change.section:
                heads.append(change)
            yield tuple(heads), change

    def n_in(self, aspect: Aspect) -> int:
        """How many rows differ in an aspect."""
        return sum(aspect in change.aspects for change in self.changes)


def to_ignore(names: Iterable[str]) -> frozenset[str]:
    """Check names of aspects that are to be ignored; ``none`` is no aspect.

    Raises:
        UsageError: If one is unknown, or cannot be ignored.
    """
    given = frozenset(name.strip() for name in names) - {"", "none"}
    if unknown := sorted(given - set(IGNORABLE)):
        raise UsageError(f"cannot ignore {', '.join(unknown)}: choose some of {', '.join(IGNORABLE)}, or none")
    return given
