"""What each section costs, all its layers together: parameters, FLOPs, bytes, with shares; every level adds up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.content.selecting import section_named
from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.formats import summary
from shapetrace.formats.grid import Cell, Column, Grid
from shapetrace.formats.numbers import percent
from shapetrace.formats.rows import headline, members
from shapetrace.formats.wrapping import shortened
from shapetrace.outlining.structure import Outline, Section, Step

_COLUMNS = (
    Column("section", "section"),
    Column("module", "module", spare=2),
    Column("parameters", "parameters", "right"),
    Column("parameters_share", "share", "right"),
    Column("flops", "FLOPs", "right", short=True),
    Column("flops_share", "share", "right"),
    Column("weight_bytes", "weights", "right", spare=1, short=True, unit="B"),
    Column("activation_bytes", "activations", "right", short=True, unit="B"),
)
_LONGEST_TITLE = 34


@dataclass(frozen=True, slots=True)
class Cost:
    """What steps cost in all layers that they stand for."""

    parameters: int = 0
    flops: int = 0
    weight_bytes: int = 0
    activation_bytes: int = 0

    @classmethod
    def of(cls, steps: Sequence[Step]) -> "Cost":
        """The sum over steps."""
        return cls(
            sum(step.parameters_in_all for step in steps),
            sum(step.flops_in_all for step in steps),
            sum(step.weight_bytes for step in steps),
            sum(step.activation_bytes for step in steps),
        )

    def without(self, other: "Cost") -> "Cost":
        """The difference."""
        return Cost(
            self.parameters - other.parameters,
            self.flops - other.flops,
            self.weight_bytes - other.weight_bytes,
            self.activation_bytes - other.activation_bytes,
        )


def costs(outline: Outline, words: Words = ENGLISH, *, section: str | None = None, depth: int | None = None) -> Grid:
    """A row a section, those in it below it; rows of one level add up to what is above them, the first to the total.

    Args:
        outline: What to count.
        words: The language.
        section: Path or kind of a section: what is in it, as shares of the whole model. None for the model.
        depth: Sections deeper than this are not told apart.

    Raises:
        UsageError: If there is no such section.
    """
    whole = totals(outline)
    part = outline.root if section is None else section_named(outline, section)
    seen = Cost.of(list(part.steps()))
    rows = list(_rows(part, whole, words, 0, depth))
    if section is None and (rest := whole.without(seen)) != Cost():
        rows.append(_row(words.say("in no step"), "", rest, whole))
    total = words.say("total") if section is None else headline(part, words)
    rows.append(_row(total, part.module, whole if section is None else seen, whole))
    columns = tuple(replace(column, title=words.say(column.title)) for column in _COLUMNS)
    uncounted = summary.uncounted(outline, words)
    return Grid(columns, tuple(rows), words.say(outline.model.name), (uncounted,) if uncounted else ())


def totals(outline: Outline) -> Cost:
    """What the whole pass costs."""
    t = outline.totals
    return Cost(t.parameters, t.flops, t.parameter_bytes, t.activation_bytes)


def _rows(section: Section, whole: Cost, words: Words, level: int, depth: int | None) -> Iterator[tuple[Cell, ...]]:
    loose = [item for item in section.items if isinstance(item, Step)]
    apart = [[step] for step in loose] if len(loose) == len(section.items) else [loose]
    for item in section.items:
        if isinstance(item, Section):
            name = "  " * level + headline(item, words)
            yield _row(name, members(item, section), Cost.of(list(item.steps())), whole)
            if any(isinstance(inner, Section) for inner in item.items) and (depth is None or level < depth):
                yield from _rows(item, whole, words, level + 1, depth)
    for steps in apart:
        if (cost := Cost.of(steps)) != Cost():
            titles = dict.fromkeys(words.say(step.title) for step in steps)
            name = words.enumerated(titles)
            yield _row("  " * level + shortened(name, _LONGEST_TITLE), "", cost, whole)


def _row(name: str, module: str, cost: Cost, whole: Cost) -> tuple[Cell, ...]:
    return (
        name,
        module,
        cost.parameters,
        percent(cost.parameters, whole.parameters),
        cost.flops or None,
        percent(cost.flops, whole.flops) if cost.flops else None,
        cost.weight_bytes,
        cost.activation_bytes,
    )
