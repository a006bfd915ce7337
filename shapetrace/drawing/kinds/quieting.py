"""What a column of a comparison does not draw: steps that keep a shape become words, low ranks join what reads them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.content.rows import Row
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Section, SectionKind, Step

QUIET = frozenset({"norm", "position", "activation", "pointwise", "multiply", "concat"})
"""Kinds of steps that are words where they keep what they read: the same part, of the same rows."""
_LONGEST_CHAIN = 3

Sources = Mapping[str, frozenset[str]]
"""For each step the steps that made what it reads."""


@dataclass(frozen=True, slots=True)
class Told:
    """A row of a column.

    Attributes:
        row: What is drawn.
        kind: Kind of its section.
        before: Steps that are said in words: what was done to its operands.
    """

    row: Row
    kind: SectionKind
    before: tuple[Step, ...] = ()


def sources_of(section: Section) -> Sources:
    """Who made what each step reads, hidden steps included."""
    return {step.id: frozenset(operand.made_by for operand in step.operands if operand.made_by)
            for step in section.steps()}  # fmt: skip


def drawn_makers(step: Step, drawn: Iterable[str], sources: Sources) -> frozenset[str]:
    """The nearest steps that are drawn among those that a step depends on."""
    wanted, found = frozenset(drawn), set[str]()
    seen, waiting = set[str](), list(sources.get(step.id, ()))
    while waiting:
        maker = waiting.pop()
        if maker in seen:
            continue
        seen.add(maker)
        if maker in wanted:
            found.add(maker)
        else:
            waiting += sources.get(maker, ())
    return frozenset(found)


def quieted(column: Sequence[tuple[Row, SectionKind]], sources: Sources) -> list[Told]:
    """Say quiet steps at the row that reads them, and join products of low rank with the one that reads them."""
    rows = [row for row, _ in column]
    quiet = {row.steps[0].id: row.steps[0] for row in rows if _is_quiet(row)}
    told = [Told(row, kind) for row, kind in column if row.steps[0].id not in quiet]
    told = _chained(told, sources)
    said: set[str] = set()
    done = []
    for each in told:
        before = [quiet[name] for name in behind(each.row.drawn(), quiet, sources) if name not in said]
        said.update(step.id for step in before)
        done.append(replace(each, before=tuple(before)))
    unsaid = [name for name in quiet if name not in said]
    return _restored(column, done, unsaid)


def _is_quiet(row: Row) -> bool:
    step = row.steps[0]
    if row.folded or len(tuple(row.drawn())) > 1 or step.kind not in QUIET:
        return False
    if len(step.results) != 1 or not step.operands:
        return False
    read, result = step.operands[0], step.results[0]
    others = [operand for operand in step.operands[1:] if operand.role == "data"]
    if step.kind == "concat":
        return bool(others) and read.part == result.part and read.shape[:-1] == result.shape[:-1]
    return not others and read.shape == result.shape


def behind(steps: Iterable[Step], quiet: Mapping[str, Step], sources: Sources) -> Iterator[str]:
    """Quiet steps that lead to what some steps read, in the order in which they ran."""
    found: set[str] = set()
    waiting = [maker for step in steps for maker in sources.get(step.id, ())]
    while waiting:
        maker = waiting.pop()
        if maker in quiet and maker not in found:
            found.add(maker)
            waiting += sources.get(maker, ())
    yield from (name for name in quiet if name in found)


def _restored(column: Sequence[tuple[Row, SectionKind]], told: list[Told], unsaid: Sequence[str]) -> list[Told]:
    """Quiet steps that nothing in the column reads keep their own rows."""
    kept = {each.row.steps[-1].id: each for each in told}
    done: list[Told] = []
    for row, kind in column:
        if row.steps[-1].id in kept:
            done.append(kept.pop(row.steps[-1].id))
        elif row.steps[0].id in unsaid:
            done.append(Told(row, kind))
    return done


def _chained(told: Sequence[Told], sources: Sources) -> list[Told]:
    """A product of low rank and the only one that reads it become one chain, where that one stands."""
    done: list[Told] = []
    drawn = [step.id for row in told for step in row.row.drawn()]
    for each in told:
        makers = drawn_makers(each.row.steps[0], drawn, sources)
        before = next((other for other in done if _leads(other, each, makers, told, sources)), None)
        if before is None:
            done.append(each)
        else:
            done.remove(before)
            done.append(replace(each, row=replace(each.row, steps=(*before.row.steps, *each.row.steps))))
    return done


def _leads(before: Told, each: Told, makers: frozenset[str], told: Sequence[Told], sources: Sources) -> bool:
    """Whether a row is of low rank, and only ``each`` reads it."""
    last, step = before.row.steps[-1], each.row.steps[0]
    if before.row.alike or each.row.alike or before.row.folded or each.row.folded or last.role != Role.LATENT_DOWN:
        return False
    if step.inner is None or step.operands[0].part != last.results[0].part or len(before.row.steps) >= _LONGEST_CHAIN:
        return False
    drawn = [other.id for row in told for other in row.row.drawn()]
    readers = [row for row in told for other in row.row.drawn() if last.id in drawn_makers(other, drawn, sources)]
    return makers == {last.id} and len(readers) == 1
