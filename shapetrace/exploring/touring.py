"""What a page leads through: a model, two in step, passes of a generation, or ranks that share a model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shapetrace.drawing.wording import Words
from shapetrace.outlining import outline as read
from shapetrace.outlining.structure import Outline


@dataclass(frozen=True, slots=True)
class Explored:
    """One model, one of its passes, or what one rank does of it.

    Attributes:
        outline: Products of one head each.
        fused: Products as the code runs them; None where that is no choice.
        starts_fused: Whether those are what is seen first.
        name: What it is called; the name of its model if empty.
        bill: What the pass costs, as one of several: FLOPs, and bytes of weights and of the cache by what is done.
    """

    outline: Outline
    fused: Outline | None = None
    starts_fused: bool = False
    name: str = ""
    bill: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, outline: Outline) -> "Explored":
        """Both forms of the products, whichever one this outline has, if its trace is at hand."""
        if outline.trace is None:
            return cls(outline)
        fused = read(outline.trace, fused=True)
        is_fused = fused.root == outline.root
        single = read(outline.trace) if is_fused else outline
        return cls(single) if single.root == fused.root else cls(single, fused, is_fused)


@dataclass(frozen=True, slots=True)
class Tour:
    """What one page shows.

    Attributes:
        subjects: Models, or passes or ranks of one.
        in_step: Whether these are two that are shown side by side; else one of them at a time.
        is_cached: Whether passes keep rows for those behind them; else each computes all of the text again.
        told: Gives what is said of all passes together, in a language; None for nothing.
    """

    subjects: tuple[Explored, ...]
    in_step: bool = False
    is_cached: bool = True
    told: Callable[[Words], Sequence[str]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What its models are called; passes and ranks are of one."""
        return tuple(subject.outline.model.name for subject in self.subjects[: 2 if self.in_step else 1])

    @property
    def name(self) -> str:
        """What all of it is called."""
        return " ↔ ".join(self.names)

    @property
    def layout(self) -> str:
        """How a page shows it."""
        if self.in_step:
            return "pair"
        if len(self.subjects) == 1:
            return "one"
        return "ranks" if all(subject.outline.ranks for subject in self.subjects) else "passes"

    @property
    def starts_fused(self) -> bool:
        """Whether products as the code runs them are what is seen first."""
        return any(subject.starts_fused for subject in self.subjects)

    def forms(self) -> Mapping[str, list[Outline]]:
        """Outlines of all subjects, one list for each form of the products; one that has a single form has it twice."""
        found = {"head": [subject.outline for subject in self.subjects]}
        if any(subject.fused for subject in self.subjects):
            found["fused"] = [subject.fused or subject.outline for subject in self.subjects]
        return found
